"""What an engine draws from in place of the target, and mixtures of such."""

from __future__ import annotations

import math
from typing import Protocol

import jax


class Approximation(Protocol):
    """A distribution on the unconstrained space, made of standard normals. A pytree; in a mixture its leaves have a
    first axis, of the parts."""

    def sample(self, z: jax.Array) -> jax.Array:
        """(n,) standard normals -> (n,). Traceable."""
        ...

    def log_density(self, u: jax.Array) -> jax.Array:
        """(n,) -> (), normalised. Traceable."""
        ...


def mixture_log_density(parts: Approximation, u: jax.Array) -> jax.Array:
    """(n,) -> (), of a mixture with equal shares."""
    each = jax.vmap(lambda part: part.log_density(u))(parts)
    return jax.nn.logsumexp(each) - math.log(each.shape[0])
