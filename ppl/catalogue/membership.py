"""Which given values lie outside a support, in NumPy: for data, before anything is compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ppl.catalogue.supports import SUPPORTS

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.floating]

SUM_TOLERANCE = 1e-6


def outside(
    support: str,
    value: npt.ArrayLike,
    lower: npt.ArrayLike | None = None,
    upper: npt.ArrayLike | None = None,
) -> Mask:
    """Where values lie outside: one truth value an event, so of the shape of `value` less its event dims.

    lower, upper: the bounds of a bounded support, both included, that broadcast to that shape; for `count`, `int`
    and `categorical` the smallest and largest value, for `count_vector` the sum in `upper`. NaN is always outside, and
    an infinity too. Raises KeyError for a support that is not in the catalogue.
    """
    spec = SUPPORTS[support]
    x = np.asarray(value, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        bad = _outside(support, x)
        low, high = (None if b is None else np.asarray(b, dtype=np.float64) for b in (lower, upper))
        if support == "count_vector":
            return bad if high is None else bad | (np.sum(x, axis=-1) != high)
        if spec.bounded and spec.event_rank == 1:
            low, high = (None if b is None else b[..., None] for b in (low, high))
        if low is not None:
            bad = bad | _any_of_event(x < low, spec.event_rank)
        if high is not None:
            bad = bad | _any_of_event(x > high, spec.event_rank)
    return bad


def _any_of_event(mask: npt.NDArray[np.bool_], rank: int) -> Mask:
    return np.asarray(np.any(mask, axis=tuple(range(-rank, 0)))) if rank else mask


def _outside(support: str, x: Numbers) -> Mask:
    """The part that no bound decides."""
    spec = SUPPORTS[support]
    elements = ~np.isfinite(x)
    if spec.discrete:
        elements = elements | (np.floor(x) != x)
    if support == "spin":
        elements = elements | (np.abs(x) != 1.0)
    bad = _any_of_event(elements, spec.event_rank)
    if spec.event_rank < 2:
        bad = bad | _any_of_event(_out_of_range(support, x), spec.event_rank)
    if support in ("simplex", "open_simplex"):
        return np.asarray(bad | (np.abs(np.sum(x, axis=-1) - 1.0) > SUM_TOLERANCE))
    if support in ("ordered", "positive_ordered"):
        return np.asarray(bad | np.any(np.diff(x, axis=-1) <= 0, axis=-1))
    if support in ("zero_sum", "zero_sum_matrix"):
        return bad | _not_summing_to_zero(x, spec.event_rank)
    if spec.event_rank == 2:
        return bad | _not_of_matrix_kind(support, np.where(np.isfinite(x), x, 0.0))
    return bad


def _not_summing_to_zero(x: Numbers, rank: int) -> Mask:
    """Events with a sum along one of their dims that is not 0, next to the sum of absolute values there."""
    bad = np.zeros(x.shape[: x.ndim - rank], dtype=np.bool_)
    for axis in range(-rank, 0):
        sums, sizes = np.sum(x, axis=axis), np.sum(np.abs(x), axis=axis)
        bad = bad | _any_of_event(np.abs(sums) > SUM_TOLERANCE * sizes, rank - 1)
    return bad


def _out_of_range(support: str, x: Numbers) -> Mask:
    """Elements outside the fixed range. A given simplex may touch 0, although a latent one does not."""
    spec = SUPPORTS[support]
    strict = spec.strict and support != "simplex"
    mask = np.zeros(x.shape, dtype=np.bool_)
    if spec.lower is not None:
        mask |= (x <= spec.lower) if strict else (x < spec.lower)
    if spec.upper is not None:
        mask |= (x >= spec.upper) if strict else (x > spec.upper)
    return mask


def _not_of_matrix_kind(support: str, x: Numbers) -> Mask:
    """Which matrices are not Cholesky factors, correlation matrices or positive definite, as `support` has it."""
    n = x.shape[-1]
    if x.shape[-2] != n:
        return np.ones(x.shape[:-2], dtype=np.bool_)
    diagonal = np.diagonal(x, axis1=-2, axis2=-1)
    factor = support.startswith("cholesky")
    if factor:
        bad = np.any(np.triu(x, 1) != 0, axis=(-2, -1)) | np.any(diagonal <= 0, axis=-1)
    else:
        scale = np.max(np.abs(x), axis=(-2, -1), initial=0.0)
        skew = np.max(np.abs(x - np.swapaxes(x, -1, -2)), axis=(-2, -1), initial=0.0)
        symmetric = (x + np.swapaxes(x, -1, -2)) / 2
        bad = (skew > SUM_TOLERANCE * scale) | (np.linalg.eigvalsh(symmetric)[..., 0] <= 0)
    if support == "cholesky_corr":
        bad = bad | np.any(np.abs(np.sum(x * x, axis=-1) - 1.0) > SUM_TOLERANCE, axis=-1)
    if support == "corr":
        bad = bad | np.any(np.abs(diagonal - 1.0) > SUM_TOLERANCE, axis=-1)
    return np.asarray(bad)
