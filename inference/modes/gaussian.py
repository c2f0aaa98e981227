"""Gaussians whose covariance differs from a diagonal in a few directions, and mixtures of them."""

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


def sample(gaussian: Gaussian, z: jax.Array) -> jax.Array:
    """(n,) standard normals -> (n,): mean + D (z + Q (L - I) Q' z)."""
    within = z @ gaussian.directions
    u: jax.Array = gaussian.mean + gaussian.scale * (z + gaussian.directions @ (gaussian.core @ within - within))
    return u


def log_density(gaussian: Gaussian, u: jax.Array) -> jax.Array:
    """(n,) -> (), normalised."""
    w = (u - gaussian.mean) / gaussian.scale
    within = w @ gaussian.directions
    z = w + gaussian.directions @ (gaussian.inverse @ within - within)
    log_volume = jnp.sum(jnp.log(gaussian.scale)) + jnp.sum(jnp.log(jnp.diagonal(gaussian.core)))
    return -0.5 * jnp.sum(z * z) - log_volume - 0.5 * u.shape[0] * math.log(2 * math.pi)


def mixture_log_density(parts: Gaussian, u: jax.Array) -> jax.Array:
    """(n,) -> (), of a mixture with equal shares."""
    each = jax.vmap(log_density, in_axes=(0, None))(parts, u)
    return jax.nn.logsumexp(each) - math.log(each.shape[0])
