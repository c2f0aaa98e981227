"""Gaussian vectors some of whose elements are missing, each vector with missing elements of its own.

Of x with mean m and covariance S let P keep the elements that are there, and S~ = P S P + (I - P): S with the rows and
columns of missing elements replaced by those of the identity. Then log det S~ is that of the block that is there, and
S~^-1 of a vector that is 0 at missing elements is that of the block, and 0 there. So one routine serves all patterns.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array, lax

from ppl.compiler.distributions.law import Law
from ppl.compiler.distributions.multivariate import mv_normal_log_prob
from ppl.compiler.distributions.real import HALF_LOG_2PI


def partly(value: Array, present: Array, parameters: Mapping[str, Array]) -> Law:
    """The law of `MvNormal` vectors of which only parts are there.

    value, present: (batch..., n), a number above 1/2 where an element is there; parameters: of `MvNormal`. The density
    is that of the part that is there; a draw has that part, and the rest from its conditional distribution given it.
    """
    there = present > 0.5
    mean = parameters["mean"]
    ((kind, matrix),) = ((name, p) for name, p in parameters.items() if name != "mean")

    def log_prob(target: Array) -> Array:
        covariance, valid = _covariance(kind, matrix)
        centred = jnp.where(there, target, mean)
        count = jnp.sum(jnp.where(there, 0.0, 1.0), -1)
        joint = mv_normal_log_prob(centred, mean, covariance=_with_identity(covariance, there))
        return jnp.where(valid, joint + count * HALF_LOG_2PI, -jnp.inf)

    def sample(key: Array, shape: tuple[int, ...]) -> Array:
        """A draw of the whole vector, corrected by what it misses of the part that is there (Matheron's rule;
        Hoffman and Ribak 1991): m + z + S P S~^-1 P (x - m - z) for z from N(0, S)."""
        covariance, _ = _covariance(kind, matrix)
        noise = jax.random.normal(key, shape, matrix.dtype)
        joint = mean + _product(_square_root(covariance), noise)
        missed = jnp.where(there, value - joint, 0.0)
        weights = _solved(_with_identity(covariance, there), missed)
        return jnp.where(there, value, joint + _product(covariance, weights))

    return Law(log_prob, sample)


# Matrices here are small and many. Loops over their rows, each step for all matrices, take no longer than a call of
# LAPACK for each of them; and several such calls at once, as of vectorised draws, wait for each other for ever.


def _product(matrix: Array, vector: Array) -> Array:
    return jnp.sum(matrix * vector[..., None, :], -1)


def _square_root(matrix: Array) -> Array:
    """The lower Cholesky factor, column by column."""
    n = matrix.shape[-1]
    rows = jnp.arange(n)

    def column(j: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        left, lower = state
        pivot = jnp.sqrt(left[..., j, j])
        own = jnp.where(rows.reshape((1,) * (left.ndim - 2) + (n,)) >= j, left[..., :, j] / pivot[..., None], 0.0)
        return left - own[..., :, None] * own[..., None, :], lower.at[..., :, j].set(own)

    lower: Array = lax.fori_loop(0, n, column, (matrix, jnp.zeros_like(matrix)))[1]
    return lower


def _solved(matrix: Array, vector: Array) -> Array:
    """S^-1 v for positive definite S, by Gauss-Jordan elimination, which needs no pivoting then."""
    n = matrix.shape[-1]
    shape = jnp.broadcast_shapes(matrix.shape[:-1], vector.shape)
    rows = jnp.concatenate([jnp.broadcast_to(matrix, (*shape, n)), jnp.broadcast_to(vector, shape)[..., None]], -1)

    def eliminate(j: Array, rows: Array) -> Array:
        own = rows[..., j, :] / rows[..., j, j][..., None]
        return (rows - rows[..., :, j][..., None] * own[..., None, :]).at[..., j, :].set(own)

    reduced: Array = lax.fori_loop(0, n, eliminate, rows)
    return reduced[..., -1]


def _with_identity(covariance: Array, there: Array) -> Array:
    both = there[..., :, None] & there[..., None, :]
    shape = jnp.broadcast_shapes(both.shape, covariance.shape)
    eye = jnp.broadcast_to(jnp.eye(shape[-1], dtype=covariance.dtype), shape)
    return jnp.where(jnp.broadcast_to(both, shape), jnp.broadcast_to(covariance, shape), eye)


def _covariance(kind: str, matrix: Array) -> tuple[Array, Array]:
    """(batch..., n, n), and whether it is given by a matrix of its kind; the identity, with no derivative, if not."""
    if kind == "covariance":  # the density says whether it is positive definite
        return matrix, jnp.ones(matrix.shape[:-2], bool)
    eye = jnp.broadcast_to(jnp.eye(matrix.shape[-1], dtype=matrix.dtype), matrix.shape)
    factor = matrix if kind == "cholesky" else lax.linalg.cholesky(lax.stop_gradient(matrix))
    valid = jnp.all(jnp.isfinite(factor), (-2, -1)) & jnp.all(jnp.diagonal(factor, axis1=-2, axis2=-1) > 0, -1)
    safe = jnp.where(valid[..., None, None], matrix, eye)
    if kind == "cholesky":
        lower = jnp.tril(safe)
        return lower @ jnp.swapaxes(lower, -1, -2), valid
    half = lax.linalg.triangular_solve(lax.linalg.cholesky(safe), eye, left_side=True, lower=True)
    return jnp.swapaxes(half, -1, -2) @ half, valid
