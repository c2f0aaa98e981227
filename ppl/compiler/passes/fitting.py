"""A rough fit of all latents that predict observations, and what the observations then say of each alone.

Weighted least squares, one latent after the other until nothing moves (Gauss-Seidel), held together by weak priors
where data do not determine them. What is left when the others are taken away says where data put an element (its
pull, h = sum of coefficient times precision times what is left) and how firmly (its precision p).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ppl.compiler.passes.evidence import Evidence
from ppl.compiler.passes.sites import Part

Array = npt.NDArray[np.float64]

_SWEEPS = 200
_MOST_WORK = 20_000_000
_CLOSE = 1e-4


def fit(
    evidence: Sequence[Evidence], start: Mapping[str, Array], hold: Mapping[str, Array | float]
) -> dict[str, Array]:
    """Values of the latents (flat) that fit; the residuals of the evidence follow. start: flat values; hold: the
    precisions with which each is held at its start."""
    values = {name: array.copy() for name, array in start.items()}
    names = [name for name in values if any(name in e.columns for e in evidence)]
    work = sum(e.residual.size * len(columns) for e in evidence for columns in e.columns.values())
    sweeps = int(np.clip(_MOST_WORK / max(work, 1), 1, _SWEEPS))
    weights = [e.weight for e in evidence]
    for e in evidence:
        e.residual = np.where(np.isfinite(e.residual), e.residual, 0.0)
    diagonals = {name: _diagonals(name, evidence, weights, values[name].size) for name in names}
    for _ in range(sweeps):
        largest = 0.0
        for name in names:
            largest = max(largest, _improve(name, evidence, weights, values, start, hold, diagonals[name]))
        if largest < _CLOSE:
            break
    return values


def _diagonals(name: str, evidence: Sequence[Evidence], weights: Sequence[Array], size: int) -> list[Array]:
    """Of each column, the precision of the elements it reads."""
    most = max(len(e.columns.get(name, ())) for e in evidence)
    out = [np.zeros(size) for _ in range(most)]
    for e, w in zip(evidence, weights, strict=True):
        for i, (index, slope) in enumerate(e.columns.get(name, ())):
            out[i] += np.bincount(index, slope * slope * w, size)
    return out


def _improve(
    name: str,
    evidence: Sequence[Evidence],
    weights: Sequence[Array],
    values: dict[str, Array],
    start: Mapping[str, Array],
    hold: Mapping[str, Array | float],
    diagonals: Sequence[Array],
) -> float:
    """Moves one latent to its best values given the others; the largest move in units of what is left uncertain."""
    largest = 0.0
    for i, diagonal in enumerate(diagonals):
        gradient = hold[name] * (start[name] - values[name])
        for e, w in zip(evidence, weights, strict=True):
            columns = e.columns.get(name, ())
            if i < len(columns):
                index, slope = columns[i]
                gradient = gradient + np.bincount(index, slope * w * e.residual, gradient.size)
        move = np.where(diagonal > 0, gradient / (diagonal + hold[name]), 0.0)
        values[name] = values[name] + move
        for e in evidence:
            columns = e.columns.get(name, ())
            if i < len(columns):
                index, slope = columns[i]
                e.residual = e.residual - slope * move[index]
        largest = max(largest, float(np.max(np.abs(move) * np.sqrt(diagonal + hold[name]), initial=0.0)))
    return largest


def estimate_noise(evidence: Sequence[Evidence], fitted: Mapping[str, Array]) -> None:
    """The live scale of each piece of evidence from its residuals, where more are left than were fitted."""
    for e in evidence:
        if e.scale is None:
            continue
        same = [other for other in evidence if other.scale is e.scale]
        squares = sum(float(np.sum(o.weight * o.residual**2)) for o in same)
        count = sum(int(np.sum(o.weight > 0)) for o in same)
        spent = sum(
            int(np.sum(sum(_diagonals(name, same, [o.weight for o in same], values.size)) > 0))
            for name, values in fitted.items()
            if any(name in o.columns for o in same)
        )
        if count - spent >= max(3, 0.02 * count) and squares > 0:
            e.noise = math.sqrt(squares / (count - spent))


def parts(name: str, evidence: Sequence[Evidence], fitted: Array, shape: tuple[int, ...]) -> tuple[Part, ...]:
    """What the evidence says of a latent, those with the same live scale together."""
    found: dict[int, Part] = {}
    for e in evidence:
        for index, slope in e.columns.get(name, ()):
            precision = _summed(index, slope * slope * e.precision, shape)
            left = e.residual + slope * fitted[index]
            pull = _summed(index, slope * e.precision * left, shape)
            _add(found, e, precision, pull)
    return tuple(part for part in found.values() if part.precision.any())


def vector_parts(name: str, evidence: Sequence[Evidence], fitted: Array, shape: tuple[int, ...]) -> tuple[Part, ...]:
    """What the evidence says of a latent whose last dim is one vector, with what it says of two elements together:
    precisions are (batch..., n, n) if any observation reads more than one element, else (batch..., n)."""
    n = shape[-1]
    found: dict[int, Part] = {}
    together = any(len(e.columns.get(name, ())) > 1 for e in evidence)
    for e in evidence:
        columns = e.columns.get(name, [])
        left = e.residual + sum((slope * fitted[index] for index, slope in columns), np.zeros(e.residual.size))
        pull, precision = np.zeros(shape), np.zeros((*shape, n) if together else shape)
        for index, slope in columns:
            pull += _summed(index, slope * e.precision * left, shape)
            if not together:
                precision += _summed(index, slope * slope * e.precision, shape)
                continue
            for other, second in columns:
                same = (index // n == other // n) | (slope * second == 0)
                if not np.all(same):  # an observation of several vectors
                    return ()
                precision += _summed(index * n + other % n, slope * second * e.precision, (*shape, n))
        _add(found, e, precision, pull)
    return tuple(part for part in found.values() if part.precision.any())


def _add(found: dict[int, Part], e: Evidence, precision: Array, pull: Array) -> None:
    """To what has the same live scale."""
    key = id(e.scale) if e.scale is not None else 0
    before = found.get(key)
    if before is not None:
        precision, pull = precision + before.precision, pull + before.pull
    found[key] = Part(precision, pull, e.scale, e.noise)


def _summed(index: npt.NDArray[np.int64], values: Array, shape: tuple[int, ...]) -> Array:
    """Values added up by the element they belong to."""
    return np.asarray(np.bincount(index, values, math.prod(shape)), np.float64).reshape(shape)
