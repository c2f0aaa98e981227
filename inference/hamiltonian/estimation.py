"""Estimates of the metric from a window of warmup: draws x, and gradients g of the log density at them.

`pooled` (the default) takes the draws of all chains together and uses both. For a Gaussian with covariance Σ the
gradients are −Σ⁻¹(x − μ), so that cov(g) = Σ⁻¹ cov(x) Σ⁻¹ for *any* set of draws, and the geometric mean of cov(x) and
cov(g)⁻¹, the symmetric positive A with A cov(g) A = cov(x), is Σ itself as soon as the draws span the space. A also
minimises the Fisher divergence of the target from a Gaussian of covariance A (the criterion of Seyboldt, Carlson &
Carpenter 2024, «Preconditioning Hamiltonian Monte Carlo by minimizing Fisher divergence»). Coordinates are first
scaled to equal spread of draws and gradients, which is the diagonal solution; both covariances are then shrunk towards
the identity.

Far from a Gaussian gradients mislead: in a funnel the rare steep places dominate cov(g), and a metric made for them
walks the rest slowly and passes the neck without a divergence to tell of it. So late estimates fall back on the
variances of the draws where `departure` says that the two covariances contradict each other.

`stan` takes each chain alone and its draws only: Stan's regularised variances or covariance, for reference.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppl.inference.hamiltonian.metric import Dense, Diagonal, Metric

Array = NDArray[np.floating[Any]]

# Up to this dimension a product with a full matrix costs less than most gradients.
DENSE_LIMIT = 64
MOST_DIRECTIONS = 64
# Above this dimension directions are sought among the leading ones of draws and gradients, not among all.
EXACT_LIMIT = 160
# Directions are kept until what is left has a ratio of largest to smallest variance below this; steps per draw go
# with its square root.
RATIO_LEFT = 4.0
# Departure above which gradients are not believed. Regressions, autoregressions, Gaussian processes and hierarchies
# written with offsets measure -0.2 to 0.2; centred eight schools 0.6 to 1, Neal's funnel 1.4 to 2.4.
MOST_DEPARTURE = 0.4
# Draws' worth of the identity mixed into each covariance.
SHRINKAGE = 5.0
# A chain that stands far out may have gradients whose squares overflow.
_SQUARABLE = 1e150


class Directions(NamedTuple):
    """The covariance S (I + U (Λ − I) Uᵀ) S: scale (n,), directions U as rows (r, n), eigenvalues (r,)."""

    scale: Array
    directions: Array
    eigenvalues: Array


def form_of(choice: str, size: int) -> str:
    """The form of the metric for a choice of `auto`, `diagonal`, `low-rank` or `dense`."""
    if choice != "auto":
        return choice
    return "dense" if size <= DENSE_LIMIT else "low-rank"


def most_directions(size: int) -> int:
    """Directions that a low-rank metric has room for."""
    return min(size, MOST_DIRECTIONS)


def estimate(adaptation: str, previous: Metric, positions: Array, gradients: Array, *, misled: bool = False) -> Metric:
    """The metric after a window, in the form of the previous one; that one again if there is no estimate.

    positions, gradients: (chains, draws, n); metrics have the chains along the first axis of each leaf. misled:
    see `misleads`; pooled estimates are then the variances of the draws.
    """
    if adaptation == "stan":
        estimates = [_stan(previous, np.asarray(chain, np.float64)) for chain in positions]
    else:
        x, g = _finite(positions, gradients)
        if len(x) < 3:
            return previous
        try:
            one = _variances(previous, x) if misled else _pooled(previous, x, g)
        except np.linalg.LinAlgError:  # scales so far apart that rounding makes a covariance indefinite
            one = _variances(previous, x)
        estimates = [one] * positions.shape[0]
    leaves: list[Any] = [
        np.stack([np.asarray(one[i], np.asarray(old).dtype) for one in estimates]) for i, old in enumerate(previous)
    ]
    if not all(np.isfinite(leaf).all() for leaf in leaves):
        return previous
    form: Any = type(previous)
    adapted: Metric = form(*leaves)
    return adapted


def misleads(positions: Array, gradients: Array) -> bool:
    """Whether gradients say nothing good of the metric, judged by draws (chains, draws, n) that have converged."""
    x, g = _finite(positions, gradients)
    return len(x) >= 3 and x.shape[1] <= EXACT_LIMIT and departure(x, g) > MOST_DEPARTURE


def _finite(positions: Array, gradients: Array) -> tuple[Array, Array]:
    """Draws of all chains, and gradients, where the squares of both are finite."""
    x, g = (values.reshape(-1, values.shape[2]).astype(np.float64) for values in (positions, gradients))
    finite = (np.abs(x) < _SQUARABLE).all(axis=1) & (np.abs(g) < _SQUARABLE).all(axis=1)
    return x[finite], g[finite]


def _pooled(previous: Metric, x: Array, g: Array) -> tuple[Any, ...]:
    if isinstance(previous, Diagonal):
        return (diagonal_scale(x, g),)
    if isinstance(previous, Dense):
        return _dense(geometric_mean(x, g))
    room = previous.directions.shape[1]
    found = leading_directions(x, g, room)
    rank = found.eigenvalues.shape[0]
    directions, eigenvalues = np.zeros((room, x.shape[1])), np.ones(room)
    directions[:rank], eigenvalues[:rank] = found.directions, found.eigenvalues
    return found.scale, directions, eigenvalues, rank


def _stan(previous: Metric, x: Array) -> tuple[Any, ...]:
    count, size = x.shape
    if isinstance(previous, Dense):
        weight = count / (count + 5.0)
        covariance = np.cov(x.T).reshape(size, size)
        return _dense(weight * covariance + (1 - weight) * 1e-3 * np.eye(size))
    return _variances(previous, x)


def _variances(previous: Metric, x: Array) -> tuple[Any, ...]:
    """Stan's regularised variances, in any form."""
    count = x.shape[0]
    weight = count / (count + 5.0)
    scale = np.sqrt(weight * x.var(axis=0, ddof=1) + (1 - weight) * 1e-3)
    if isinstance(previous, Diagonal):
        return (scale,)
    if isinstance(previous, Dense):
        return _dense(np.diag(scale**2))
    return scale, np.zeros_like(previous.directions[0]), np.ones_like(previous.eigenvalues[0]), 0


def _dense(inverse: Array) -> tuple[Array, Array]:
    """Leaves of a dense metric: M⁻¹, and R with R Rᵀ = M."""
    return inverse, np.asarray(np.linalg.inv(np.linalg.cholesky(inverse)).T)


def departure(x: Array, g: Array) -> float:
    """log det(cov(x) cov(g)) / 2n: how far the target is from a Gaussian, per dimension.

    With draws that have converged it is not negative but for noise, since cov(x) exceeds the inverse of E[g gᵀ] (the
    information inequality), and it is zero for a Gaussian only.
    """
    scale = diagonal_scale(x, g)
    logs = [np.linalg.slogdet(_shrunk(values))[1] for values in (x / scale, g * scale)]
    return float(sum(logs) / (2 * x.shape[1]))


def diagonal_scale(x: Array, g: Array) -> Array:
    """(n,), the s with var(x / s) = var(s g): the diagonal case of the geometric mean."""
    draws, slopes = x.var(axis=0), g.var(axis=0)
    usual = (draws > 0) & (slopes > 0)
    ratio = np.where(usual, draws, 1.0) / np.where(usual, slopes, 1.0)
    return np.asarray(ratio**0.25)


def geometric_mean(x: Array, g: Array) -> Array:
    """(n, n), the regularised geometric mean of cov(x) and cov(g)⁻¹."""
    scale = diagonal_scale(x, g)
    middle = _mean_of(_shrunk(x / scale), _shrunk(g * scale))
    inverse = scale[:, None] * middle * scale
    return np.asarray((inverse + inverse.T) / 2)


def leading_directions(x: Array, g: Array, room: int) -> Directions:
    """The geometric mean as a diagonal and the fewest directions that leave variances within RATIO_LEFT."""
    scale = diagonal_scale(x, g)
    x, g = x / scale, g * scale
    size = x.shape[1]
    basis = np.eye(size) if size <= EXACT_LIMIT else _leading_basis(x, g, room)
    eigenvalues, vectors = np.linalg.eigh(_mean_of(_shrunk(x @ basis), _shrunk(g @ basis)))
    logs = np.log(eigenvalues)
    low, high = 0, logs.size - 1
    # What lies outside the basis has variance one.
    outside = basis.shape[1] < size

    def left(low: int, high: int) -> float:
        least, most = (logs[low], logs[high]) if low <= high else (0.0, 0.0)
        return float(max(most, 0.0) - min(least, 0.0)) if outside else float(most - least)

    while low <= high and low + logs.size - 1 - high < room and left(low, high) > np.log(RATIO_LEFT):
        if logs[high] > -logs[low]:
            high -= 1
        else:
            low += 1
    kept = np.r_[0:low, high + 1 : logs.size]
    return Directions(scale, (basis @ vectors[:, kept]).T, eigenvalues[kept])


def _leading_basis(x: Array, g: Array, room: int) -> Array:
    """(n, m) orthonormal: the leading directions of x and of g, by subspace iteration (Halko et al. 2011, §4.5)."""
    probe = np.random.default_rng(0).normal(size=(x.shape[1], min(room, x.shape[0], x.shape[1] // 2)))
    found = []
    for values in (x - x.mean(axis=0), g - g.mean(axis=0)):
        subspace = probe
        for _ in range(3):
            subspace = np.linalg.qr(values.T @ (values @ subspace))[0]
        found.append(subspace)
    return np.asarray(np.linalg.qr(np.concatenate(found, axis=1))[0])


def _shrunk(values: Array) -> Array:
    """cov(values), shrunk towards the identity: (draws, n) -> (n, n)."""
    count, size = values.shape
    weight = count / (count + SHRINKAGE)
    return np.asarray(weight * np.cov(values.T).reshape(size, size) + (1 - weight) * np.eye(size))


def _mean_of(draws: Array, slopes: Array) -> Array:
    """The symmetric positive A with A slopes A = draws: slopes^-½ (slopes^½ draws slopes^½)^½ slopes^-½."""
    values, vectors = np.linalg.eigh(slopes)
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse_root = (vectors / np.sqrt(values)) @ vectors.T
    values, vectors = np.linalg.eigh(root @ draws @ root)
    return np.asarray(inverse_root @ ((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T) @ inverse_root)
