"""What is said of searches for a mode: whether each found one, and whether they found the same."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ppl.inference.contract import Density, Remark, Remedy
from ppl.inference.modes.peaks import definite, squared_distance
from ppl.inference.modes.search import PeakSearch, Search, reached

# Two ends are one mode if they are closer than this, in standard deviations and in log density.
APART = 0.1
LOWER = 0.01

Values = dict[str, tuple[tuple[str, ...], Any]]


def search_values(search: Search) -> Values:
    """For the group `engine`."""
    values: Values = {
        "log_density": (("chain",), search["log_density"]),
        "gradient_norm": (("chain",), np.linalg.norm(search["gradient"], axis=1)),
        "iterations": (("chain",), search["iterations"]),
    }
    if search["curvatures"].shape[1]:
        rows = zip(search["curvatures"], search["axes"], search["gradient"], strict=True)
        distances = [squared_distance(*row) ** 0.5 if definite(row[0]) else np.nan for row in rows]
        values["distance"] = (("chain",), np.array(distances))
        values["curvature"] = (("chain", "axis"), search["curvatures"])
    return values


def search_remarks(density: Density, search: Search, engine: PeakSearch) -> list[Remark]:
    """None while the search goes on."""
    if not engine.done(search):
        return []
    found = reached(search)
    remarks = [] if found.all() else [_missed(search, found, engine)]
    if found.any():
        remarks.append(_agreement(density, search, found))
    if not search["curvatures"].shape[1]:
        title = f"With more than {engine.most} dimensions the curvature is not computed: a mode may be a saddle."
        remarks.append(Remark("curvature", "note", title))
    return remarks


def _missed(search: Search, found: Any, engine: PeakSearch) -> Remark:
    known = bool(search["curvatures"].shape[1])
    steep = np.linalg.norm(search["gradient"], axis=1)
    details = []
    for chain in np.flatnonzero(~found):
        at = f"chain {chain}: log density {search['log_density'][chain]:.6g}, gradient {steep[chain]:.2g}"
        if known and not definite(search["curvatures"][chain]):
            at += "; no peak: the Hessian is not negative definite"
        details.append(at)
    more = Remedy("give it longer: {}", {"iterations": 10 * engine.iterations})
    endless = Remedy(
        "a density may rise for ever, as that of a centred hierarchy does towards a scale of 0: draw instead, with {}",
        {"engine": "nuts"},
    )
    other = Remedy("or take a prior that keeps scales away from 0")
    used_up = bool((~search["ended"][~found]).any())
    return Remark(
        "no mode",
        "bad",
        f"{int((~found).sum())} of {len(found)} searches found no mode.",
        tuple(details),
        (more, endless, other) if used_up else (endless, other),
        {"searches": float((~found).sum())},
    )


def _agreement(density: Density, search: Search, found: Any) -> Remark:
    values, positions = search["log_density"], search["position"]
    best = int(np.argmax(np.where(found, values, -np.inf)))
    with jax.enable_x64(True):
        products = [_quadratic(density, positions[best], position - positions[best]) for position in positions]
    elsewhere = found & ((values[best] - values > LOWER) | (np.sqrt(np.maximum(products, 0.0)) > APART))
    count = int(found.sum())
    if not elsewhere.any():
        title = f"{count} searches found one mode." if count > 1 else "One search found a mode."
        return Remark("modes", "good", title)
    heights = ", ".join(f"{value:.6g}" for value in values)
    return Remark(
        "modes",
        "bad",
        f"{int(elsewhere.sum())} of {count} searches found other modes than the highest, chain {best}'s.",
        (f"log densities: {heights}", "averages over the chains mean nothing"),
        (Remedy("a mode says little of such a posterior: draw from it, with {}", {"engine": "nuts"}),),
        {"elsewhere": float(elsewhere.sum()), "best": float(best)},
    )


def _quadratic(density: Density, at: Any, step: Any) -> float:
    """step' (-H) step, a squared distance in standard deviations."""
    return float(_curved(density, at, step))


@jax.jit
def _curved(density: Density, at: jax.Array, step: jax.Array) -> jax.Array:
    along: jax.Array = jax.jvp(jax.grad(density.log_density), (at,), (step,))[1]
    return -(step @ along)
