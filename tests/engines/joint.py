"""Joint laws of parameters and data that can be simulated in two ways, for Geweke's test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@partial(jax.tree_util.register_dataclass, data_fields=["y"], meta_fields=[])
@dataclass(frozen=True)
class Measured:
    """mu ~ N(0, 1), log sigma ~ N(0, 0.5), y_i ~ N(mu, sigma); u = (mu, log sigma)."""

    y: Any

    size = 2

    def log_density(self, u: jax.Array) -> jax.Array:
        prior = -0.5 * u[0] ** 2 - 2 * u[1] ** 2
        return prior - 0.5 * jnp.sum((self.y - u[0]) ** 2) * jnp.exp(-2 * u[1]) - self.y.shape[0] * u[1]


@dataclass(frozen=True)
class Measurement:
    """How `Measured` comes about. observations: how many."""

    observations: int = 3

    def prior(self, rng: np.random.Generator) -> tuple[Array, Array | None]:
        return rng.normal(size=2) * [1.0, 0.5], None

    def data(self, rng: np.random.Generator, u: Array, states: Array | None) -> Array:
        return u[0] + np.exp(u[1]) * rng.normal(size=self.observations)

    def density(self, y: Array) -> Measured:
        return Measured(y)

    def functions(self, u: Array, states: Array | None) -> Array:
        """(..., 2) -> (..., k): functions that the joint law gives the mean 0."""
        mu, scaled = u[..., 0], 2 * u[..., 1]
        return np.stack([mu, mu**2 - 1, scaled, scaled**2 - 1, mu * scaled, mu**2 * scaled], axis=-1)


COUPLING = 0.4


@partial(jax.tree_util.register_dataclass, data_fields=["y"], meta_fields=["size"])
@dataclass(frozen=True)
class Spins:
    """A row of spins s_i = ±1 with p(s) ∝ exp(0.4 Σ s_i s_i+1), and y_i ~ N(m s_i, 1); m ~ N(0, 1) is u if size is 1,
    and 1 if size is 0."""

    y: Any
    size: int

    @property
    def cardinality(self) -> NDArray[np.int64]:
        return np.full(self.y.shape[0], 2)

    @property
    def scopes(self) -> tuple[NDArray[np.int64], ...]:
        sites = np.arange(self.y.shape[0])
        return sites[:, None], np.stack([sites[:-1], sites[1:]], axis=1)

    def tables(self, u: jax.Array) -> tuple[jax.Array, ...]:
        """Up to what does not depend on the spins."""
        own = jnp.asarray(self.y)[:, None] * self._strength(u) * np.array([[-1.0, 1.0]])
        return own, COUPLING * jnp.array([[[1.0, -1.0], [-1.0, 1.0]]])

    def given(self, states: jax.Array) -> GivenSpins:
        return GivenSpins(self, states)

    def _strength(self, u: jax.Array) -> jax.Array:
        return u[0] if self.size else jnp.ones((), u.dtype)


@partial(jax.tree_util.register_dataclass, data_fields=["whole", "states"], meta_fields=[])
@dataclass(frozen=True)
class GivenSpins:
    whole: Spins
    states: jax.Array

    @property
    def size(self) -> int:
        return self.whole.size

    def log_density(self, u: jax.Array) -> jax.Array:
        s = (2 * self.states - 1).astype(u.dtype)
        strength = self.whole._strength(u)
        apart = self.whole.y - strength * s
        return COUPLING * jnp.sum(s[1:] * s[:-1]) - 0.5 * jnp.sum(apart**2) - 0.5 * jnp.sum(u * u)


@dataclass(frozen=True)
class Row:
    """How `Spins` come about. size: 1 if the strength of the field is unknown, or 0."""

    size: int
    sites: int = 4

    def prior(self, rng: np.random.Generator) -> tuple[Array, Array | None]:
        alike = rng.random(self.sites - 1) < 1 / (1 + np.exp(-2 * COUPLING))
        signs = np.cumprod(np.concatenate([rng.choice([-1, 1], 1), np.where(alike, 1, -1)]))
        return rng.normal(size=self.size), (signs + 1) // 2

    def data(self, rng: np.random.Generator, u: Array, states: Array | None) -> Array:
        assert states is not None
        return (u[0] if self.size else 1.0) * (2.0 * states - 1) + rng.normal(size=self.sites)

    def density(self, y: Array) -> Spins:
        return Spins(y, self.size)

    def functions(self, u: Array, states: Array | None) -> Array:
        assert states is not None
        s = 2.0 * states - 1
        pairs = s[..., 1:] * s[..., :-1] - np.tanh(COUPLING)
        return np.concatenate([s, pairs, u, u**2 - 1, u * s[..., :1]], axis=-1)
