"""The path between a reference and the target, along which everything here is annealed.

p_β ∝ q^(1 - β) p^β: geometric, from the reference q at β = 0, which is normalised and can be drawn from, to the target
p at β = 1. Where q is the prior, p_β is the prior with the likelihood raised to β, and log Z(1), the integral of
`log p`'s exponential, is the log evidence (Neal 2001, section 3; Gelman & Meng 1998, section 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from ppl.inference.contract import Density, Reference


@partial(jax.tree_util.register_dataclass, data_fields=["reference", "target"], meta_fields=[])
@dataclass(frozen=True)
class Path:
    """From the reference to the target. A pytree."""

    reference: Reference
    target: Density

    @property
    def size(self) -> int:
        return self.target.size

    def ends(self, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(n,) -> (), (): log q(u), and log p(u) - log q(u), which is -inf wherever p is 0 or not a number."""
        start, end = self.reference.log_density(u), self.target.log_density(u)
        gain = end - start
        return start, jnp.where(jnp.isnan(gain) | (gain == jnp.inf), -jnp.inf, gain)

    def at(self, beta: jax.Array) -> Tempered:
        """The density at β, (), up to its constant."""
        return Tempered(self, beta)


@partial(jax.tree_util.register_dataclass, data_fields=["path", "beta"], meta_fields=[])
@dataclass(frozen=True)
class Tempered:
    """p_β of a path. A pytree, whose β is a leaf."""

    path: Path
    beta: jax.Array

    @property
    def size(self) -> int:
        return self.path.size

    def log_density(self, u: jax.Array) -> jax.Array:
        """(n,) -> (): log q(u) + β (log p(u) - log q(u))."""
        start, gain = self.path.ends(u)
        return tempered(start, gain, self.beta)


def tempered(start: jax.Array, gain: jax.Array, beta: jax.Array) -> jax.Array:
    """log p_β from what `Path.ends` gives. At β = 0 the target does not count, even where it is 0."""
    return start + jnp.where(beta > 0, beta * jnp.where(beta > 0, gain, 0.0), 0.0)
