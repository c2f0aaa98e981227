"""Estimates of the metric from a window of warmup: draws, and gradients of the log density at them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.metric import Dense, Diagonal, LowRank, Metric

Array = NDArray[np.floating[Any]]

# Up to this dimension a product with a full matrix costs less than most gradients.
DENSE_LIMIT = 64
MOST_DIRECTIONS = 64


def form_of(choice: str, size: int) -> str:
    """The form of the metric for a choice of `auto`, `diagonal`, `low-rank` or `dense`."""
    if choice != "auto":
        return choice
    return "dense" if size <= DENSE_LIMIT else "low-rank"


def most_directions(size: int) -> int:
    """Directions that a low-rank metric has room for."""
    return min(size, MOST_DIRECTIONS)


def estimate(choice: str, previous: Metric, positions: Array, gradients: Array) -> Metric:
    """The metric after a window. positions, gradients: (chains, draws, n); previous: leaves (chains, ...)."""
    count, _, size = positions.shape
    x = positions.reshape(-1, size).astype(np.float64)
    g = gradients.reshape(-1, size).astype(np.float64)
    if isinstance(previous, Dense):
        inverse = shrunk(np.cov(x.T).reshape(size, size), x.shape[0])
        root = np.linalg.inv(np.linalg.cholesky(inverse)).T
        one: Metric = Dense(inverse, root)
    elif isinstance(previous, Diagonal):
        one = Diagonal(np.sqrt(shrunk(np.diag(np.var(x, axis=0, ddof=1)), x.shape[0]).diagonal()))
    else:
        variance = np.var(x, axis=0, ddof=1)
        one = LowRank(
            np.sqrt(variance), previous.directions[0], previous.eigenvalues[0], np.zeros_like(previous.rank[0])
        )
    return type(one)(*(np.repeat(np.asarray(leaf, positions.dtype)[None], count, axis=0) for leaf in one))


def shrunk(covariance: Array, count: int) -> Array:
    """Stan's shrinkage of an estimate from `count` draws: count/(count+5) Σ + 5/(count+5) 10⁻³ I."""
    weight = count / (count + 5.0)
    return weight * covariance + (1 - weight) * 1e-3 * np.eye(covariance.shape[0])
