"""How much data outweigh the prior along each direction of a walk or of a vector.

The ratio of a direction is (precision of the data) / (precision of the prior). Scales that are latents, of the prior
and of the noise, are first estimated from the data, roughly: those of a walk from how differences grow with distance in
time, those of a vector by marginal likelihood over a grid.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ppl.compiler.lowering.named import REAL
from ppl.compiler.passes.hierarchy import of_elements, scale_is_live, together
from ppl.compiler.passes.plausible import Point
from ppl.compiler.passes.sites import Part, Site

Array = npt.NDArray[np.float64]

_DISTANCES = (1, 2, 3, 4, 6, 8)
_FACTORS_OF_PRIOR = np.logspace(-2, 2, 17)
_FACTORS_OF_NOISE = np.logspace(-4, 2, 25)


def ratios(point: Point, site: Site, about: tuple[Part, ...]) -> Array:
    """One for each direction."""
    p, h = together(about)
    p = np.diagonal(p, axis1=-2, axis2=-1) if p.ndim > h.ndim else p
    live_noise = any(part.scale is not None for part in about)
    if site.kind == "walk":
        return _of_walk(point, site, p, h, live_noise)
    return _of_vector(point, site, p, h, live_noise)


# --- walks -------------------------------------------------------------------------------------------


def _of_walk(point: Point, site: Site, p: Array, h: Array, live_noise: bool) -> Array:
    """The prior precisions of a walk with steps of variance s² are 2 - 2 cos(frequency), over s²."""
    length = p.shape[site.along]
    rows_p = np.moveaxis(p, site.along, -1).reshape(-1, length)
    rows_h = np.moveaxis(h, site.along, -1).reshape(-1, length)
    given = float(np.median(of_elements(point, site, "scale") ** 2))
    found = _growth(rows_p, rows_h)
    step, noise = (given, 1.0) if found is None else found
    step = step if scale_is_live(point, site) else given
    frequency = (np.arange(length) + 0.5) * np.pi / length
    weight = float(np.mean(rows_p)) / (noise if live_noise else 1.0)
    return np.asarray(weight * step / (2 - 2 * np.cos(frequency)))


def _growth(p: Array, h: Array) -> tuple[float, float] | None:
    """The variance of a step and the factor of the noise variance 1 / p, from squared differences of what data say of
    elements some distance apart: on average distance * step + factor * (noise of both)."""
    rows: list[tuple[float, float, float, float]] = []
    for k in _DISTANCES:
        squared, gap, noise = [], [], []
        for row_p, row_h in zip(p, h, strict=True):
            at = np.flatnonzero(row_p > 0)
            c, error = row_h[at] / row_p[at], 1 / row_p[at]
            squared.append((c[k:] - c[:-k]) ** 2)
            gap.append(at[k:] - at[:-k])
            noise.append(error[k:] + error[:-k])
        seen = np.concatenate(squared)
        if seen.size > 1:
            rows.append(
                (float(np.mean(seen)), float(np.mean(np.concatenate(gap))), float(np.mean(np.concatenate(noise))), 1.0)
            )
    if not rows:
        return None
    mean, gaps, errors, _ = np.array(rows).T
    weight = 1 / np.maximum(mean, 1e-300)
    design = np.stack([gaps * weight, errors * weight], axis=1)
    step, factor = np.linalg.lstsq(design, np.ones(len(rows)), rcond=None)[0]
    if step <= 0 or factor <= 0:  # one of the two explains everything
        only = [float(np.sum(column) / np.sum(column**2)) for column in design.T]
        left = [float(np.sum((1 - column * value) ** 2)) for column, value in zip(design.T, only, strict=True)]
        step, factor = (only[0], 1e-3 * only[1]) if left[0] < left[1] else (1e-3 * only[0], only[1])
    return float(step), float(factor)


# --- vectors -----------------------------------------------------------------------------------------


def _of_vector(point: Point, site: Site, p: Array, h: Array, live_noise: bool) -> Array:
    """Eigenvalues of L' P L, P the precisions of data."""
    (term,) = site.terms
    given = {n: e for n, e in term.distribution.parameters if n != "mean"}
    ((kind, expr),) = given.items()
    n = p.shape[-1]
    each = point.lowering().value(expr, REAL).array.reshape(-1, n, n)[0]
    covariance = each @ each.T if kind == "cholesky" else np.linalg.inv(each) if kind == "precision" else each
    lower = np.linalg.cholesky(covariance + 1e-9 * np.trace(covariance) / n * np.eye(n))
    rows_p, rows_h = p.reshape(-1, n), h.reshape(-1, n)
    live_prior = point.program.kind(expr) == "live"
    factor, noise = _likeliest(rows_p, rows_h, covariance, live_prior, live_noise)
    weight = np.mean(rows_p, axis=0) / noise
    return np.asarray(factor * np.clip(np.linalg.eigvalsh((lower.T * weight) @ lower), 0.0, None))


def _likeliest(p: Array, h: Array, covariance: Array, live_prior: bool, live_noise: bool) -> tuple[float, float]:
    """Factors of the prior covariance and of the noise variances 1 / p under which what data say is most likely."""
    rows = [(row_p > 0, row_p, row_h) for row_p, row_h in zip(p, h, strict=True) if np.any(row_p > 0)][:50]
    places = np.array([np.where(seen, row_h / np.where(seen, row_p, 1.0), np.nan) for seen, row_p, row_h in rows])
    middle = np.nanmean(places, axis=0) if len(rows) > 2 else np.full(p.shape[-1], float(np.nanmean(places)))
    prior = _FACTORS_OF_PRIOR if live_prior else np.ones(1)
    noise = _FACTORS_OF_NOISE if live_noise else np.ones(1)
    total = np.zeros((prior.size, noise.size))
    for (seen, row_p, _), place in zip(rows, places, strict=True):
        root = np.sqrt(row_p[seen])
        values, vectors = np.linalg.eigh(root[:, None] * covariance[np.ix_(seen, seen)] * root)
        z2 = (vectors.T @ (root * (place - middle)[seen])) ** 2
        variance = prior[:, None, None] * np.clip(values, 0.0, None) + noise[None, :, None]
        total -= 0.5 * np.sum(np.log(variance) + z2 / variance, axis=-1)
    best = np.unravel_index(int(np.argmax(total)), total.shape)
    return float(prior[best[0]]), float(noise[best[1]])
