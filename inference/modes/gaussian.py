"""Gaussians whose covariance differs from a diagonal in a few directions."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Gaussian(NamedTuple):
    """N(mean, D (I - Q Q' + Q L L' Q') D), D the diagonal of scales.

    mean, scale: (n,); directions Q: (n, r), orthonormal columns; core L: (r, r), lower triangular, diagonal positive;
    inverse: L⁻¹. In a mixture all have a first axis, of its parts.
    """

    mean: Any
    scale: Any
    directions: Any
    core: Any
    inverse: Any

    def sample(self, z: jax.Array) -> jax.Array:
        """(n,) standard normals -> (n,): mean + D (z + Q (L - I) Q' z)."""
        within = z @ self.directions
        u: jax.Array = self.mean + self.scale * (z + self.directions @ (self.core @ within - within))
        return u

    def log_density(self, u: jax.Array) -> jax.Array:
        """(n,) -> (), normalised."""
        w = (u - self.mean) / self.scale
        within = w @ self.directions
        z = w + self.directions @ (self.inverse @ within - within)
        log_volume = jnp.sum(jnp.log(self.scale)) + jnp.sum(jnp.log(jnp.diagonal(self.core)))
        return -0.5 * jnp.sum(z * z) - log_volume - 0.5 * u.shape[0] * math.log(2 * math.pi)
