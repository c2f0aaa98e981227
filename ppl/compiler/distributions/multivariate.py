"""Distributions over vectors and matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from ppl.compiler.distributions.law import Law, masked, positive
from ppl.compiler.distributions.real import HALF_LOG_2PI

# --- Dirichlet ---------------------------------------------------------------------------------------


def dirichlet_log_prob(value: Array, concentration: Array) -> Array:
    """(batch..., K) -> (batch...): prod x_k^(a_k - 1) Gamma(sum a) / prod Gamma(a_k) on the simplex, over all
    coordinates but one."""
    alpha, penalty = positive(concentration)
    tolerance = 10.0 * math.sqrt(float(np.finfo(value.dtype).eps))
    inside = jnp.all(value > 0, -1) & (jnp.abs(jnp.sum(value, -1) - 1.0) <= tolerance)
    log_x = jnp.log(jnp.where(value > 0, value, 1.0))
    alpha_all = jnp.broadcast_to(alpha, (*alpha.shape[:-1], value.shape[-1]))
    constant = lax.lgamma(jnp.sum(alpha_all, -1)) + jnp.sum(penalty - lax.lgamma(alpha_all), -1)
    return masked(inside, constant + jnp.sum((alpha - 1.0) * log_x, -1))


def dirichlet_sample(key: Array, shape: tuple[int, ...], concentration: Array) -> Array:
    log_draws = jax.random.loggamma(key, jnp.broadcast_to(concentration, shape), shape, concentration.dtype)
    return jnp.maximum(jax.nn.softmax(log_draws, -1), np.finfo(concentration.dtype).tiny)


# --- MvNormal ----------------------------------------------------------------------------------------
#
# One matrix and a block of deviations d (batch, n). `jax.linalg` has derivatives for Cholesky factors, but they are NaN
# as soon as the matrix is not positive definite, and cost more than the closed forms written here:
# with S = LL' and a = S^-1 d, the quadratic form d'a has derivatives 2a in d and -aa' in S, log det S has S^-1.


def _factor(matrix: Array) -> tuple[Array, Array]:
    """The Cholesky factor, or the identity, and whether the matrix is positive definite."""
    lower = lax.linalg.cholesky(matrix, symmetrize_input=False)
    valid = jnp.all(jnp.isfinite(lower)) & jnp.all(jnp.diagonal(lower) > 0)
    return jnp.where(valid, jnp.tril(lower), jnp.eye(matrix.shape[-1], dtype=matrix.dtype)), valid


def _solve_lower(lower: Array, rows: Array, transpose: bool = False) -> Array:
    """L^-1 (or L'^-1) applied to each row."""
    kind = lax.linalg.triangular_solve
    return kind(lower, rows.T, left_side=True, lower=True, transpose_a=transpose).T


def _half_log_det(lower: Array) -> Array:
    return jnp.sum(jnp.log(jnp.diagonal(lower)))


def _inverse(lower: Array) -> Array:
    """(LL')^-1."""
    half = _solve_lower(lower, jnp.eye(lower.shape[0], dtype=lower.dtype))  # rows of L'^-1
    return half @ half.T


@jax.custom_jvp
def _from_covariance(deviation: Array, covariance: Array) -> Array:
    """(batch, n), (n, n) -> (batch,). O(n^3 + batch n^2)."""
    lower, valid = _factor(covariance)
    whitened = _solve_lower(lower, deviation)
    return jnp.where(valid, -0.5 * jnp.sum(whitened * whitened, -1) - _half_log_det(lower), -jnp.inf)


@_from_covariance.defjvp
def _from_covariance_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (deviation, covariance), (deviation_dot, covariance_dot) = primals, tangents
    lower, valid = _factor(covariance)
    whitened = _solve_lower(lower, deviation)
    value = -0.5 * jnp.sum(whitened * whitened, -1) - _half_log_det(lower)
    solved = _solve_lower(lower, whitened, transpose=True)
    trace = jnp.sum(_inverse(lower) * covariance_dot)
    quadratic = jnp.sum((solved @ covariance_dot) * solved, -1)
    tangent = -jnp.sum(solved * deviation_dot, -1) + 0.5 * (quadratic - trace)
    return jnp.where(valid, value, -jnp.inf), jnp.where(valid, tangent, 0.0)


@jax.custom_jvp
def _from_precision(deviation: Array, precision: Array) -> Array:
    """(batch, n), (n, n) -> (batch,). O(n^3 + batch n^2); nothing is inverted but in the derivative."""
    lower, valid = _factor(precision)
    return jnp.where(valid, -0.5 * jnp.sum((deviation @ precision) * deviation, -1) + _half_log_det(lower), -jnp.inf)


@_from_precision.defjvp
def _from_precision_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (deviation, precision), (deviation_dot, precision_dot) = primals, tangents
    lower, valid = _factor(precision)
    product = deviation @ precision
    value = -0.5 * jnp.sum(product * deviation, -1) + _half_log_det(lower)
    trace = jnp.sum(_inverse(lower) * precision_dot)
    quadratic = jnp.sum((deviation @ precision_dot) * deviation, -1)
    tangent = -jnp.sum(product * deviation_dot, -1) + 0.5 * (trace - quadratic)
    return jnp.where(valid, value, -jnp.inf), jnp.where(valid, tangent, 0.0)


def _from_cholesky(deviation: Array, lower: Array) -> Array:
    """(batch, n), (n, n) -> (batch,). O(batch n^2); what lies above the diagonal is not read."""
    valid = jnp.all(jnp.isfinite(lower)) & jnp.all(jnp.diagonal(lower) > 0)
    safe = jnp.where(valid, jnp.tril(lower), jnp.eye(lower.shape[-1], dtype=lower.dtype))
    whitened = _solve_lower(safe, deviation)
    return jnp.where(valid, -0.5 * jnp.sum(whitened * whitened, -1) - _half_log_det(safe), -jnp.inf)


_GAUSSIANS: Mapping[str, Callable[[Array, Array], Array]] = {
    "covariance": _from_covariance,
    "precision": _from_precision,
    "cholesky": _from_cholesky,
}


def mv_normal_log_prob(value: Array, mean: Array, **matrix: Array) -> Array:
    """(batch..., n) -> (batch...): exp(-d' S^-1 d / 2) / sqrt((2 pi)^n det S), with d = value - mean and S given by one
    of `covariance`, `precision` or `cholesky`, (batch..., n, n)."""
    ((kind, scale),) = matrix.items()
    gaussian = _GAUSSIANS[kind]
    n = scale.shape[-1]
    deviation = jnp.broadcast_to(value - mean, jnp.broadcast_shapes(value.shape, mean.shape, (n,)))
    inside = jnp.all(jnp.isfinite(deviation), -1)
    deviation = jnp.where(inside[..., None], deviation, 0.0)
    if math.prod(scale.shape[:-2]) == 1:  # one factor serves the whole batch
        flat = gaussian(deviation.reshape(-1, n), scale.reshape(n, n)).reshape(deviation.shape[:-1])
        shape = jnp.broadcast_shapes(flat.shape, scale.shape[:-2])
        return masked(inside, flat - n * HALF_LOG_2PI).reshape(shape)
    batch = jnp.broadcast_shapes(deviation.shape[:-1], scale.shape[:-2])
    rows = jnp.broadcast_to(deviation, (*batch, n)).reshape(-1, 1, n)
    matrices = jnp.broadcast_to(scale, (*batch, n, n)).reshape(-1, n, n)
    flat = jax.vmap(gaussian)(rows, matrices).reshape(batch)
    return masked(jnp.broadcast_to(inside, batch), flat - n * HALF_LOG_2PI)


def mv_normal_sample(key: Array, shape: tuple[int, ...], mean: Array, **matrix: Array) -> Array:
    ((kind, scale),) = matrix.items()
    noise = jax.random.normal(key, shape, scale.dtype)[..., None]
    lower = jnp.tril(scale) if kind == "cholesky" else lax.linalg.cholesky(scale)
    lower = jnp.broadcast_to(lower, (*shape, shape[-1]))
    if kind == "precision":
        coloured = lax.linalg.triangular_solve(lower, noise, left_side=True, lower=True, transpose_a=True)
    else:
        coloured = lower @ noise
    return mean + coloured[..., 0]


# --- LKJCholesky -------------------------------------------------------------------------------------


def lkj_cholesky_log_prob(value: Array, concentration: Array) -> Array:
    """Lewandowski, Kurowicka and Joe (2009), as a density of the factor's strictly lower triangle.

    Row k holds k - 1 free entries of squared length 1 - x[k, k]^2, so its normaliser is an integral over a ball.
    """
    n = value.shape[-1]
    eta, penalty = positive(concentration)
    eta = eta[..., None]
    rows = jnp.arange(2, n + 1).astype(value.dtype).reshape((1,) * (eta.ndim - 1) + (n - 1,))  # k = 2 .. n
    power = n - rows + 2.0 * eta - 2.0
    beta = 0.5 * power + 1.0
    free = 0.5 * (rows - 1.0)
    log_z = jnp.sum(free * math.log(math.pi) + lax.lgamma(beta) - lax.lgamma(beta + free), -1)

    diagonal = jnp.diagonal(value, axis1=-2, axis2=-1)
    tolerance = 10.0 * math.sqrt(float(np.finfo(value.dtype).eps))
    unit = jnp.all(jnp.abs(jnp.sum(value * value, -1) - 1.0) <= tolerance, -1)
    inside = unit & jnp.all(diagonal > 0, -1) & jnp.all(value == jnp.tril(value), (-2, -1))
    log_diagonal = jnp.log(jnp.where(diagonal > 0, diagonal, 1.0))[..., 1:]
    return masked(inside, jnp.sum(power * log_diagonal, -1) - log_z + penalty)


def lkj_cholesky_sample(key: Array, shape: tuple[int, ...], concentration: Array) -> Array:
    """By canonical partial correlations, which are independent: the one in column j (from 0) is 2B - 1 with
    B ~ Beta(b, b), b = concentration + (n - 2 - j) / 2."""
    n = shape[-1]
    batch = shape[:-2]
    column = jnp.arange(n).astype(concentration.dtype).reshape((1,) * (len(shape) - 1) + (n,))
    b = jnp.broadcast_to(concentration[..., None, None] + 0.5 * (n - 2.0 - column), shape)
    key_a, key_b = jax.random.split(key)
    below = jnp.broadcast_to(jnp.tril(jnp.ones((n, n), bool), -1), shape)
    b = jnp.where(below, b, 1.0)
    log_ratio = jax.random.loggamma(key_a, b, shape, b.dtype) - jax.random.loggamma(key_b, b, shape, b.dtype)
    partial = jnp.where(below, jnp.tanh(0.5 * log_ratio), 0.0)
    rest = jnp.cumprod(jnp.sqrt(1.0 - partial * partial), -1)
    before = jnp.concatenate([jnp.ones((*batch, n, 1), b.dtype), rest[..., :-1]], -1)
    return jnp.where(below, partial * before, jnp.where(jnp.broadcast_to(jnp.eye(n, dtype=bool), shape), before, 0.0))


LAWS: Mapping[str, Law] = {
    "Dirichlet": Law(dirichlet_log_prob, dirichlet_sample),
    "MvNormal": Law(mv_normal_log_prob, mv_normal_sample),
    "LKJCholesky": Law(lkj_cholesky_log_prob, lkj_cholesky_sample),
}
