"""Transforms between each continuous support and the unconstrained space, with their log-Jacobians.

Shapes: x is (batch..., event...), u is (batch..., event of `unconstrained_shape`), the log-Jacobian log |det dx/du| is
(batch...), taken over the free coordinates of the event (all but the last of a simplex, the strictly lower triangle of
a correlation factor, coordinates in an orthonormal basis of the vectors that sum to zero, ...), which is what the
densities of the catalogue refer to. Bounds have the shape of the batch.

The unconstrained origin is the middle: 1 above a lower bound, half-way between two, the uniform simplex, equal steps,
no correlation. A simplex uses the isometric log-ratio transform (Egozcue et al. 2003): unlike stick-breaking it treats
all but the order of its coordinates alike, needs no sequential product, and makes a Dirichlet nearly spherical.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array, lax
from jax.typing import ArrayLike

from ppl.compiler.density.helmert import from_helmert, lead, to_helmert

Bound = Array | None


@dataclass(frozen=True)
class Transform:
    """event_rank as in the table of supports; the functions take (array, lower, upper); shape maps that of x to that
    of u."""

    event_rank: int
    forward: Callable[[Array, Bound, Bound], tuple[Array, Array]]
    inverse: Callable[[Array, Bound, Bound], Array]
    shape: Callable[[tuple[int, ...]], tuple[int, ...]]


def to_constrained(
    kind: str, u: Array, lower: ArrayLike | None = None, upper: ArrayLike | None = None
) -> tuple[Array, Array]:
    """u -> (x, log-Jacobian). A lower bound that is not below the upper one gives a log-Jacobian of -inf."""
    transform = TRANSFORMS[kind]
    return transform.forward(u, *_bounds(transform, u, lower, upper))


def to_unconstrained(kind: str, x: Array, lower: ArrayLike | None = None, upper: ArrayLike | None = None) -> Array:
    """x -> u, the inverse of `to_constrained`; infinite or NaN where x is not inside the support."""
    transform = TRANSFORMS[kind]
    return transform.inverse(x, *_bounds(transform, x, lower, upper))


def unconstrained_shape(kind: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of u for an x of this shape."""
    return TRANSFORMS[kind].shape(shape)


def _bounds(transform: Transform, like: Array, lower: ArrayLike | None, upper: ArrayLike | None) -> tuple[Bound, Bound]:
    batch = like.ndim - transform.event_rank

    def lead(bound: ArrayLike | None) -> Bound:
        if bound is None:
            return None
        array = jnp.asarray(bound).astype(like.dtype)
        if array.ndim == 0 and transform.event_rank == 0:
            return array
        return lax.expand_dims(array, range(batch - array.ndim)) if array.ndim < batch else array

    return lead(lower), lead(upper)


# --- numbers -----------------------------------------------------------------------------------------


def _log_sigmoid_slope(u: Array) -> Array:
    """log of the derivative of the logistic function."""
    distance = jnp.abs(u)
    return -distance - 2.0 * jnp.log1p(jnp.exp(-distance))


def _real(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    return u, jnp.zeros_like(u)


def _positive(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    return jnp.exp(u), u


def _width(lower: Array, upper: Array) -> tuple[Array, Array]:
    """upper - lower, or 1, and its logarithm, or -inf."""
    width = upper - lower
    some = (width > 0) & (width < jnp.inf)
    safe = jnp.where(some, width, 1.0)
    return safe, jnp.where(some, jnp.log(safe), -jnp.inf)


def _interval(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    if lower is None and upper is None:
        return _real(u, None, None)
    if upper is None:
        assert lower is not None
        return lower + jnp.exp(u), u
    if lower is None:
        return upper - jnp.exp(u), u
    width, log_width = _width(lower, upper)
    # measured from the nearer end, so that the distance to neither end is lost
    part = width * jax.nn.sigmoid(jnp.where(u > 0, -u, u))
    return jnp.where(u > 0, upper - part, lower + part), log_width + _log_sigmoid_slope(u)


def _from_interval(x: Array, lower: Bound, upper: Bound) -> Array:
    if lower is None and upper is None:
        return x
    if upper is None:
        assert lower is not None
        return jnp.log(x - lower)
    if lower is None:
        return jnp.log(upper - x)
    return jnp.log(x - lower) - jnp.log(upper - x)


def _unit(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    """Kept off 0 and 1, which rounding would reach, so that densities with poles or zeros there stay finite."""
    info = np.finfo(u.dtype)
    part = jax.nn.sigmoid(jnp.where(u > 0, -u, u))
    x = jnp.where(u > 0, 1.0 - part, part)
    return jnp.clip(x, info.tiny, 1.0 - info.epsneg), _log_sigmoid_slope(u)


def _from_unit(x: Array, lower: Bound, upper: Bound) -> Array:
    return jnp.log(x) - jnp.log1p(-x)


def _circle(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    """The circle cut open at pi: a mode near the cut shows as two, one at each end."""
    end = jnp.full((), math.pi, u.dtype)
    return _interval(u, -end, end)


def _from_circle(x: Array, lower: Bound, upper: Bound) -> Array:
    end = jnp.full((), math.pi, x.dtype)
    return _from_interval(x, -end, end)


# --- vectors -----------------------------------------------------------------------------------------


def _real_vector(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    return u, jnp.zeros(u.shape[:-1], u.dtype)


def _zero_sum(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    return from_helmert(u), jnp.zeros(u.shape[:-1], u.dtype)


def _from_zero_sum(x: Array, lower: Bound, upper: Bound) -> Array:
    return to_helmert(x)


def _zero_sum_matrix(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    """V u W' with a Helmert basis on each side."""
    rows = jnp.swapaxes(from_helmert(jnp.swapaxes(u, -1, -2)), -1, -2)
    return from_helmert(rows), jnp.zeros(u.shape[:-2], u.dtype)


def _from_zero_sum_matrix(x: Array, lower: Bound, upper: Bound) -> Array:
    rows = jnp.swapaxes(to_helmert(jnp.swapaxes(x, -1, -2)), -1, -2)
    return to_helmert(rows)


def _simplex(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    """x = softmax(V u) with V the Helmert basis; |J| = sqrt(K) prod x."""
    log_x = jax.nn.log_softmax(from_helmert(u), -1)
    return jnp.maximum(jnp.exp(log_x), np.finfo(u.dtype).tiny), jnp.sum(log_x, -1) + 0.5 * math.log(u.shape[-1] + 1)


def _from_simplex(x: Array, lower: Bound, upper: Bound) -> Array:
    return to_helmert(jnp.log(jnp.maximum(x, np.finfo(x.dtype).tiny)))


def _ordered(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    """Steps exp(u) from the lower end (or down from the upper); between two ends, K + 1 steps that are a simplex."""
    if lower is not None and upper is not None:
        width, log_width = _width(lower, upper)
        steps, log_jacobian = _simplex(u, None, None)
        x = lower[..., None] + width[..., None] * jnp.cumsum(steps[..., :-1], -1)
        return x, log_jacobian + u.shape[-1] * log_width
    if lower is not None:
        return lower[..., None] + jnp.cumsum(jnp.exp(u), -1), jnp.sum(u, -1)
    if upper is not None:
        return upper[..., None] - jnp.flip(jnp.cumsum(jnp.flip(jnp.exp(u), -1), -1), -1), jnp.sum(u, -1)
    steps = jnp.concatenate([u[..., :1], jnp.exp(u[..., 1:])], -1)
    return jnp.cumsum(steps, -1), jnp.sum(u[..., 1:], -1)


def _from_ordered(x: Array, lower: Bound, upper: Bound) -> Array:
    gaps = x[..., 1:] - x[..., :-1]
    if lower is not None and upper is not None:
        first, last = x[..., :1] - lower[..., None], upper[..., None] - x[..., -1:]
        return _from_simplex(jnp.concatenate([first, gaps, last], -1) / (upper - lower)[..., None], None, None)
    if lower is not None:
        return jnp.log(jnp.concatenate([x[..., :1] - lower[..., None], gaps], -1))
    if upper is not None:
        return jnp.log(jnp.concatenate([gaps, upper[..., None] - x[..., -1:]], -1))
    return jnp.concatenate([x[..., :1], jnp.log(gaps)], -1)


def _positive_ordered(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    return jnp.cumsum(jnp.exp(u), -1), jnp.sum(u, -1)


def _from_positive_ordered(x: Array, lower: Bound, upper: Bound) -> Array:
    return jnp.log(jnp.concatenate([x[..., :1], x[..., 1:] - x[..., :-1]], -1))


# --- matrices ----------------------------------------------------------------------------------------


def _order(length: int) -> int:
    """n with n (n + 1) / 2 = length."""
    return (math.isqrt(8 * length + 1) - 1) // 2


def _fold(flat: Array) -> Array:
    """(..., n (n + 1) / 2) -> (..., n, n), lower triangular, each entry once, by slices and a reshape alone.

    Read row by row, the square is the vector without its first n entries and then the vector backwards. Gradients
    are slices too: a gather would make the derivative a scatter.
    """
    n = _order(flat.shape[-1])
    square = jnp.concatenate([flat[..., n:], jnp.flip(flat, -1)], -1)
    return jnp.tril(square.reshape(*flat.shape[:-1], n, n))


def _fold_positions(n: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Row and column of each entry of the folded vector."""
    length = n * (n + 1) // 2
    flat = np.arange(length)
    square = np.concatenate([flat[n:], flat[::-1]]).reshape(n, n)
    rows, columns = np.tril_indices(n)
    order = np.argsort(square[rows, columns])
    return rows[order], columns[order]


def _log_sech2(u: Array) -> Array:
    """log(1 - tanh(u)^2)."""
    distance = jnp.abs(u)
    return 2.0 * (math.log(2.0) - distance - jnp.log1p(jnp.exp(-2.0 * distance)))


def _cholesky_corr(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    factor, log_jacobian, _ = _partial_correlations(u)
    return factor, log_jacobian


def _partial_correlations(u: Array) -> tuple[Array, Array, Array]:
    """The factor whose partial correlations are tanh(u), multiplied up along each row, its log-Jacobian and the
    logarithms of its diagonal: Lewandowski, Kurowicka and Joe (2009)."""
    if u.shape[-1] == 0:
        nothing = jnp.zeros((*u.shape[:-1], 1), u.dtype)
        return jnp.ones((*u.shape[:-1], 1, 1), u.dtype), nothing[..., 0], nothing
    inner = _fold(u)
    n = inner.shape[-1] + 1
    pad = [(0, 0)] * (u.ndim - 1) + [(1, 0), (0, 1)]
    angles = jnp.pad(inner, pad)
    log_rest = _log_sech2(angles)  # 0 where there is no entry
    so_far = jnp.cumsum(log_rest, -1)
    before = jnp.exp(0.5 * (so_far - log_rest))
    eye = _matrix(np.eye(n, dtype=u.dtype), u.ndim)
    rows, columns = np.indices((n, n))
    weight = np.where(rows > columns, 1.0 + 0.5 * (rows - 1 - columns), 0.0).astype(u.dtype)
    log_jacobian = jnp.sum(_matrix(weight, u.ndim) * log_rest, (-2, -1))
    return (jnp.tanh(angles) + eye) * before, log_jacobian, 0.5 * so_far[..., -1]


def _matrix(matrix: npt.NDArray[np.floating], rank: int) -> Array:
    """A constant matrix with leading dims for a batch of vectors of this rank."""
    return jnp.asarray(matrix.reshape((1,) * (rank - 1) + matrix.shape))


def _from_cholesky_corr(x: Array, lower: Bound, upper: Bound) -> Array:
    n = x.shape[-1]
    # what is left of the row's unit length after column j, which sums small terms instead of taking them from 1
    rest = jnp.flip(jnp.cumsum(jnp.flip(x * x, -1), -1), -1)
    after = jnp.sqrt(jnp.concatenate([rest[..., 1:], jnp.zeros_like(rest[..., :1])], -1))
    strict = np.tril(np.ones((n, n), bool), -1)
    mask = jnp.asarray(strict.reshape((1,) * (x.ndim - 2) + (n, n)))
    angles = jnp.arcsinh(jnp.where(mask, x / jnp.where(mask, after, 1.0), 0.0))
    rows, columns = _fold_positions(n - 1)
    return angles[..., rows + 1, columns]


def _corr(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    factor, log_jacobian, log_diagonal = _partial_correlations(u)
    n = factor.shape[-1]
    power = lead(np.arange(n - 1, -1, -1).astype(u.dtype), u.ndim)
    product = factor @ jnp.swapaxes(factor, -1, -2)
    eye = _matrix(np.eye(n, dtype=u.dtype), u.ndim)
    return jnp.where(eye == 1, 1.0, product), log_jacobian + jnp.sum(power * log_diagonal, -1)


def _from_corr(x: Array, lower: Bound, upper: Bound) -> Array:
    return _from_cholesky_corr(lax.linalg.cholesky(x), None, None)


def _cholesky_cov(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    folded = _fold(u)
    eye = _matrix(np.eye(folded.shape[-1], dtype=u.dtype), u.ndim)
    logs = jnp.diagonal(folded, axis1=-2, axis2=-1)
    return jnp.where(eye == 1, jnp.exp(folded * eye), folded), jnp.sum(logs, -1)


def _from_cholesky_cov(x: Array, lower: Bound, upper: Bound) -> Array:
    n = x.shape[-1]
    eye = _matrix(np.eye(n, dtype=x.dtype), x.ndim - 1)
    mixed = jnp.where(eye == 1, jnp.log(jnp.where(eye == 1, x, 1.0)), x)
    rows, columns = _fold_positions(n)
    return mixed[..., rows, columns]


def _positive_definite(u: Array, lower: Bound, upper: Bound) -> tuple[Array, Array]:
    factor, log_jacobian = _cholesky_cov(u, None, None)
    n = factor.shape[-1]
    logs = jnp.diagonal(_fold(u), axis1=-2, axis2=-1)
    power = lead(np.arange(n, 0, -1).astype(u.dtype), u.ndim)
    product = factor @ jnp.swapaxes(factor, -1, -2)
    return product, log_jacobian + jnp.sum(power * logs, -1) + n * math.log(2.0)


def _from_positive_definite(x: Array, lower: Bound, upper: Bound) -> Array:
    return _from_cholesky_cov(lax.linalg.cholesky(x), None, None)


# --- the table ---------------------------------------------------------------------------------------


def _same(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape


def _one_fewer(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-1], shape[-1] - 1)


def _one_fewer_each(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-2], shape[-2] - 1, shape[-1] - 1)


def _strict_triangle(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)


def _triangle(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-2], shape[-1] * (shape[-1] + 1) // 2)


def _itself(x: Array, lower: Bound, upper: Bound) -> Array:
    return x


def _log(x: Array, lower: Bound, upper: Bound) -> Array:
    return jnp.log(x)


TRANSFORMS: dict[str, Transform] = {
    "real": Transform(0, _real, _itself, _same),
    "positive": Transform(0, _positive, _log, _same),
    "nonnegative": Transform(0, _positive, _log, _same),
    "interval": Transform(0, _interval, _from_interval, _same),
    "unit_interval": Transform(0, _unit, _from_unit, _same),
    "open_unit_interval": Transform(0, _unit, _from_unit, _same),
    "circle": Transform(0, _circle, _from_circle, _same),
    "real_vector": Transform(1, _real_vector, _itself, _same),
    "simplex": Transform(1, _simplex, _from_simplex, _one_fewer),
    "open_simplex": Transform(1, _simplex, _from_simplex, _one_fewer),
    "zero_sum": Transform(1, _zero_sum, _from_zero_sum, _one_fewer),
    "zero_sum_matrix": Transform(2, _zero_sum_matrix, _from_zero_sum_matrix, _one_fewer_each),
    "ordered": Transform(1, _ordered, _from_ordered, _same),
    "positive_ordered": Transform(1, _positive_ordered, _from_positive_ordered, _same),
    "cholesky_corr": Transform(2, _cholesky_corr, _from_cholesky_corr, _strict_triangle),
    "corr": Transform(2, _corr, _from_corr, _strict_triangle),
    "cholesky_cov": Transform(2, _cholesky_cov, _from_cholesky_cov, _triangle),
    "positive_definite": Transform(2, _positive_definite, _from_positive_definite, _triangle),
}
