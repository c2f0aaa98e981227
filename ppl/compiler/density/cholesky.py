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


SMALL = 6
"""Up to this order factors are worked out entry by entry, over the whole batch: a call for each costs more."""


def cholesky_above_one(matrix: Array) -> Array:
    """(..., n, n) -> the lower factors of matrices I + B with B positive semidefinite, whose pivots are at least 1."""
    n = matrix.shape[-1]
    if n > SMALL or matrix.ndim == 2:
        return safe_cholesky(matrix)[0]
    rows: list[list[Array]] = []
    for i in range(n):
        row: list[Array] = []
        for j in range(i + 1):
            left = matrix[..., i, j]
            for k in range(j):
                left = left - row[k] * (rows[j][k] if j < i else row[k])
            row.append(jnp.sqrt(jnp.maximum(left, 1.0)) if i == j else left / rows[j][j])
        rows.append(row)
    nothing = jnp.zeros(matrix.shape[:-2], matrix.dtype)
    return jnp.stack([jnp.stack(row + [nothing] * (n - len(row)), -1) for row in rows], -2)


def solved(lower: Array, rows: Array, transpose: bool = False) -> Array:
    """L^-1 (or L'^-1) times each row; lower: (n, n), or (..., n, n), one for each."""
    n = lower.shape[-1]
    if lower.ndim == 2:
        flat = rows.reshape(-1, n).T
        found = lax.linalg.triangular_solve(lower, flat, left_side=True, lower=True, transpose_a=transpose)
        return found.T.reshape(rows.shape)
    if n > SMALL:
        batch = jnp.broadcast_shapes(lower.shape[:-2], rows.shape[:-1])
        each = jnp.broadcast_to(lower, (*batch, n, n))
        columns = jnp.broadcast_to(rows, (*batch, n))[..., None]
        return lax.linalg.triangular_solve(each, columns, left_side=True, lower=True, transpose_a=transpose)[..., 0]
    out: dict[int, Array] = {}
    for i in reversed(range(n)) if transpose else range(n):
        left = rows[..., i]
        for j, x in out.items():
            left = left - (lower[..., j, i] if transpose else lower[..., i, j]) * x
        out[i] = left / lower[..., i, i]
    return jnp.stack([out[i] for i in range(n)], -1)
