"""Values of latents as a point of the unconstrained space; values that have none are refused by name."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import numpy as np
import numpy.typing as npt

from ppl.catalogue.membership import outside
from ppl.catalogue.supports import SUPPORTS, in_words
from ppl.compiler.density.compiled import CompiledDensity
from ppl.compiler.density.evaluation import Evaluation, Slot
from ppl.errors import Diagnostic, PplError

Vector = npt.NDArray[np.float64]


def unconstrained(density: CompiledDensity, values: Mapping[str, npt.ArrayLike]) -> Vector:
    """(n,): where the latents have these values, each of its declared shape.

    Raises:
        ValueError: a latent has no value, or one of the wrong shape.
        PplError: values outside the supports of their latents (E553), one error for each latent.
    """
    with jax.enable_x64(True):
        evaluation = density.evaluation()
        own = density.latent_values({name: _numbers(value) for name, value in values.items()}, evaluation)
        given = {name: np.asarray(value, np.float64) for name, value in own.items()}
        u = np.asarray(evaluation.unconstrain(density.plan.slots, given))
        found = [_outside(evaluation, slot, given[slot.latent.name], u) for slot in density.plan.slots]
    problems = [one for one in found if one is not None]
    if problems:
        raise PplError(problems, density.plan.program.graph.source)
    return u


def _numbers(value: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """A value as numbers, if it is any; the names of other quantities may have other values."""
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind in "fiub" else array


def _outside(evaluation: Evaluation, slot: Slot, value: Vector, u: Vector) -> Diagnostic | None:
    latent = slot.latent
    name = latent.name
    # A simplex that is given as a parameter may touch 0; a latent one has no place for it.
    kind = {"simplex": "open_simplex"}.get(latent.support.kind, latent.support.kind)
    bounds = [None if b is None else np.asarray(b) for b in evaluation.bounds(latent)]
    batch = value.shape[: value.ndim - SUPPORTS[kind].event_rank]
    limits = [None if b is None else np.broadcast_to(b, batch) for b in bounds]
    beyond = outside(kind, value, *limits)
    part = u[slot.start : slot.stop].reshape(slot.shape)
    nowhere = ~np.isfinite(part).all(axis=tuple(range(len(batch), part.ndim)))  # ends of an interval are at infinity
    wrong = np.argwhere(beyond | nowhere)
    if not len(wrong):
        return None
    at = tuple(int(i) for i in wrong[0])
    element = f"{name}[{', '.join(map(str, at))}]" if at else name
    shown = ", ".join(f"{x:.6g}" for x in value[at].ravel()[:4]) + (", ..." if value[at].size > 4 else "")
    support = in_words(kind, *(None if b is None else float(b[at]) for b in limits))
    edge = "" if beyond[at] else ", inside and not at its end"
    more = (f"and {len(wrong) - 1} more of {beyond.size}",) if len(wrong) > 1 else ()
    return Diagnostic(
        "E553",
        f"a value of `{name}` is outside its support",
        latent.span,
        f"`{element}` is {shown if value[at].ndim == 0 else f'[{shown}]'}, but it must be {support}{edge}",
        more,
    )
