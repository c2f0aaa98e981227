"""The metric of the kinetic energy, in three forms of one meaning.

With S = diag(scale) and orthonormal columns U, the inverse metric is

    diagonal    M⁻¹ = S²                                   n numbers, O(n)
    low-rank    M⁻¹ = S (I + U (Λ − I) Uᵀ) S               n (1 + r), O(n r) with r directions in use
    dense       M⁻¹ = C Cᵀ, any symmetric positive         n², O(n²)

The form is fixed for a run and so is its compiled program; warmup changes only the numbers. A diagonal metric is a
valid value of every form, and the low-rank form pays only for the directions in use. Momenta are drawn as p ~ N(0, M).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Diagonal(NamedTuple):
    """scale: (n,), the square roots of the diagonal of M⁻¹."""

    scale: jax.Array

    def inverse_times(self, vector: jax.Array) -> jax.Array:
        """M⁻¹·vector, (n,) -> (n,)."""
        return self.scale * self.scale * vector

    def momentum(self, normal: jax.Array) -> jax.Array:
        """A draw of N(0, M) from one of N(0, I), (n,) -> (n,)."""
        return normal / self.scale


class Dense(NamedTuple):
    """inverse: (n, n), M⁻¹; root: (n, n) with root·rootᵀ = M."""

    inverse: jax.Array
    root: jax.Array

    def inverse_times(self, vector: jax.Array) -> jax.Array:
        # A product written as a sum is compiled into the loop around it; a dot may become a call to a library.
        return jnp.sum(self.inverse * vector[:, None], axis=0)

    def momentum(self, normal: jax.Array) -> jax.Array:
        # As a loop over columns, so that the normals are not worked out anew for every element of the product.
        def add(i: jax.Array, total: jax.Array) -> jax.Array:
            return total + self.root[:, i] * normal[i]

        product: jax.Array = jax.lax.fori_loop(0, normal.shape[0], add, jnp.zeros_like(normal))
        return product


class LowRank(NamedTuple):
    """scale: (n,); directions: (k, n), orthonormal rows, of which the first `rank` count; eigenvalues: (k,), λ."""

    scale: jax.Array
    directions: jax.Array
    eigenvalues: jax.Array
    rank: jax.Array

    def inverse_times(self, vector: jax.Array) -> jax.Array:
        return self.scale * self._stretched(self.scale * vector, self.eigenvalues)

    def momentum(self, normal: jax.Array) -> jax.Array:
        return self._stretched(normal, 1 / jnp.sqrt(self.eigenvalues)) / self.scale

    def _stretched(self, vector: jax.Array, factors: jax.Array) -> jax.Array:
        """(I + U (diag(factors) − I) Uᵀ)·vector, a direction at a time."""

        def along(i: jax.Array, result: jax.Array) -> jax.Array:
            direction = self.directions[i]
            return result + (factors[i] - 1) * jnp.sum(direction * vector) * direction

        result: jax.Array = jax.lax.fori_loop(0, self.rank, along, vector)
        return result


Metric = Diagonal | Dense | LowRank


def identity(form: str, size: int, rank: int, dtype: Any) -> Metric:
    """The unit metric as NumPy arrays. rank: the most directions of the low-rank form."""
    ones: Any = np.ones(size, dtype)
    if form == "diagonal":
        return Diagonal(ones)
    if form == "dense":
        unit: Any = np.eye(size, dtype=dtype)
        return Dense(unit, unit)
    directions: Any = np.zeros((rank, size), dtype)
    eigenvalues: Any = np.ones(rank, dtype)
    none: Any = np.int32(0)
    return LowRank(ones, directions, eigenvalues, none)
