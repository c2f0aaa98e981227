"""Cholesky factors of matrices that may have none, without NaN in values or gradients."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax


def safe_cholesky(matrix: Array) -> tuple[Array, Array]:
    """(..., n, n) -> the lower factor, or the identity, and (...) whether the matrix is positive definite."""
    lower, valid = _factor(matrix)
    return lower, valid > 0


@jax.custom_jvp
def _factor(matrix: Array) -> tuple[Array, Array]:
    """The factor or the identity, and 1 or 0."""
    lower = lax.linalg.cholesky(matrix, symmetrize_input=False)
    diagonal = jnp.diagonal(lower, axis1=-2, axis2=-1)
    valid = jnp.all(jnp.isfinite(lower), (-2, -1)) & jnp.all(diagonal > 0, -1)
    eye = jnp.broadcast_to(_lead(jnp.eye(matrix.shape[-1], dtype=matrix.dtype), matrix.ndim), matrix.shape)
    return jnp.where(valid[..., None, None], jnp.tril(lower), eye), valid.astype(matrix.dtype)


@_factor.defjvp
def _factor_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """dL = L Phi(L^-1 dS L'^-1), Phi taking the lower triangle and half the diagonal (Murray 2016, section 3.1)."""
    lower, valid = _factor(primals[0])
    inner = lax.linalg.triangular_solve(lower, tangents[0], left_side=True, lower=True)
    inner = lax.linalg.triangular_solve(lower, inner, left_side=False, lower=True, transpose_a=True)
    n = inner.shape[-1]
    half = jnp.tril(jnp.ones((n, n), inner.dtype), -1) + 0.5 * jnp.eye(n, dtype=inner.dtype)
    return (lower, valid), (lower @ (_lead(half, inner.ndim) * inner), jnp.zeros_like(valid))


def _lead(matrix: Array, rank: int) -> Array:
    """With leading dims of size 1 up to this rank."""
    return matrix.reshape((1,) * (rank - 2) + matrix.shape)
