"""What data say of each site: through the observations that read it, and through sites below it that data inform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ppl.compiler.lowering.assemble import place
from ppl.compiler.lowering.named import REAL, Named, aligned, union
from ppl.compiler.passes.evidence import Evidence, columns_of, coordinates, observed_evidence, real_latents
from ppl.compiler.passes.fitting import estimate_noise, fit, parts, vector_parts
from ppl.compiler.passes.plausible import Point
from ppl.compiler.passes.sites import LOCATION, Ancestry, Part, Site
from ppl.graph import Expr, Read, Term

Array = npt.NDArray[np.float64]


def evidence_of(
    point: Point, ancestry: Ancestry, every: Mapping[str, Site]
) -> tuple[dict[str, tuple[Part, ...]], set[str]]:
    """Of each site what data say of it; and the names of those of which they say what is not known here."""
    log = {name for name, site in every.items() if site.log}
    names = [lt.name for lt in real_latents(point) if lt.support.kind != "positive" or lt.name in log]
    evidence, unknown = observed_evidence(point, ancestry, names)
    known: dict[str, tuple[Part, ...]] = {}
    while evidence:
        start = {name: coordinates(point, name).ravel() for name in names}
        fitted = fit(evidence, start, {name: _hold(point, every.get(name), start[name].size) for name in names})
        estimate_noise(evidence, fitted)
        fresh = []
        for name in every:
            if name in names and name not in known:
                gather = vector_parts if every[name].kind == "vector" else parts
                about = gather(name, evidence, fitted[name], point.values[name].shape)
                if about:
                    known[name] = about
                    fresh.append(name)
        evidence = []
        for name in fresh:
            if every[name].kind == "elements":
                evidence += _from_below(point, ancestry, every[name], known[name], names)
    return known, unknown - set(known)


def _hold(point: Point, site: Site | None, size: int) -> Array:
    """The precision with which a latent is held where it is: ten times weaker than its prior seems to be."""
    scale = np.full(size, 10.0)
    if site is not None and site.kind == "elements":
        scale = np.broadcast_to(of_elements(point, site, "scale"), point.values[site.name].shape).ravel()
    return np.asarray(0.1 / np.clip(scale, 1e-6, 1e6) ** 2)


def _from_below(
    point: Point, ancestry: Ancestry, site: Site, about: tuple[Part, ...], names: Sequence[str]
) -> list[Evidence]:
    """The elements of a site, at what data say of them, as observations of what their locations read."""
    p, h = together(about)
    spread = moment(p, h)[0] if scale_is_live(point, site) else of_elements(point, site, "scale") ** 2
    noise = (np.broadcast_to(spread, p.shape) + 1 / p).ravel()
    response = np.where(p.ravel() > 0, (h / p).ravel(), np.nan)
    found = []
    for term in site.terms:
        expr = term.distribution.parameter(LOCATION[term.distribution.name])
        movable = [name for name in names if expr is not None and name in ancestry.of([expr]) and name != site.name]
        if expr is None or not movable:
            continue
        numbered = np.arange(p.size, dtype=np.float64).reshape(p.shape)
        target = point.lowering({site.name: numbered}).value(term.target, REAL)
        at = target.array.ravel().astype(np.int64)

        def predictor(changed: Mapping[str, Array], expr: Expr = expr, target: Named = target) -> Array:
            value = point.lowering(changed).value(expr, REAL)
            axes = union((target, value))
            array = aligned(np, value, axes, target.rank) if value.array.ndim else value.array
            shape = aligned(np, target, axes, target.rank).shape
            return np.broadcast_to(array, shape).ravel()

        now = predictor({})
        if now.size != at.size:
            continue
        precision = np.where(np.isfinite(response[at]), 1 / noise[at], 0.0)
        evidence = Evidence(term, precision, response[at] - now)
        for name in movable:
            columns = columns_of(point, name, predictor, now)
            if columns is not None:
                evidence.columns[name] = columns
        if evidence.columns:
            found.append(evidence)
    return found


# --- numbers of a site -------------------------------------------------------------------------------


def together(about: tuple[Part, ...]) -> tuple[Array, Array]:
    """Precision and pull of each element, live scales about where they are."""
    weights = [1.0 if part.scale is None else part.noise**-2 for part in about]
    p = np.sum([part.precision * w for part, w in zip(about, weights, strict=True)], axis=0)
    h = np.sum([part.pull * w for part, w in zip(about, weights, strict=True)], axis=0)
    return p, h


def moment(p: Array, h: Array) -> tuple[Array, Array]:
    """The variance between elements that data suggest (their spread less their errors), and three standard errors."""
    seen = p > 0
    c, noise = h[seen] / p[seen], 1 / p[seen]
    n = c.size
    if n < 3:
        return np.asarray(np.max(noise)), np.asarray(np.inf)
    total = float(np.var(c, ddof=1))
    spread = max(total - float(np.mean(noise)), 0.05 * total)
    return np.asarray(spread), np.asarray(3 * total * np.sqrt(2 / (n - 1)))


def of_elements(point: Point, site: Site, name: str) -> Array:
    """A parameter of every element at the plausible values, of the latent's shape."""
    lowering = point.lowering()
    out = np.zeros(point.values[site.name].shape)
    for term in site.terms:
        expr = term.distribution.parameter(name)
        if expr is not None and isinstance(term.target, Read):
            out = place(lowering, out, site.latent.dims, term.target.subscripts, lowering.value(expr, REAL))
    return out


def scale_is_live(point: Point, site: Site) -> bool:
    """Whether latents enter the scale of its elements (of the steps, of a walk)."""
    expr = _last(site).distribution.parameter("scale")
    return expr is not None and point.program.kind(expr) == "live"


def _last(site: Site) -> Term:
    return site.terms[-1]
