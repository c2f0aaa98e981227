"""An orthonormal basis of the vectors that sum to zero: the columns of the Helmert matrix but the constant one."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array


def lead(vector: npt.NDArray[np.floating], rank: int) -> Array:
    """A vector with leading dims of size 1 up to this rank."""
    return jnp.asarray(vector.reshape((1,) * (rank - 1) + vector.shape))


def _scale(size: int, dtype: np.dtype) -> npt.NDArray[np.floating]:
    """1 / sqrt(k (k + 1)) for k = 1 .. size - 1: the k-th basis vector is k ones, then -k, times this."""
    k = np.arange(1, size)
    return (1.0 / np.sqrt(k * (k + 1.0))).astype(dtype)


def from_helmert(u: Array) -> Array:
    """(..., K - 1) -> (..., K): V u, with V the Helmert basis of the vectors that sum to zero, orthonormal. O(K)."""
    size = u.shape[-1] + 1
    steps = u * lead(_scale(size, u.dtype), u.ndim)
    none = jnp.zeros((*u.shape[:-1], 1), u.dtype)
    later = jnp.flip(jnp.cumsum(jnp.flip(steps, -1), -1), -1)
    position = lead(np.arange(1, size).astype(u.dtype), u.ndim)
    return jnp.concatenate([later, none], -1) - jnp.concatenate([none, position * steps], -1)


def to_helmert(z: Array) -> Array:
    """(..., K) -> (..., K - 1): V' z. O(K)."""
    position = lead(np.arange(1, z.shape[-1]).astype(z.dtype), z.ndim)
    contrast = jnp.cumsum(z, -1)[..., :-1] - position * z[..., 1:]
    return contrast * lead(_scale(z.shape[-1], z.dtype), z.ndim)
