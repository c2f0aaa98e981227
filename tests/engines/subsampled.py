"""A log density that can be subsampled, independent of the compiler: a generalised linear model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np


@partial(jax.tree_util.register_dataclass, data_fields=["x", "y"], meta_fields=["family"])
@dataclass(frozen=True, eq=False)
class Regression:
    """beta ~ N(0, 1); y ~ N(x beta, 1), Bernoulli(sigmoid(x beta)) or Poisson(exp(x beta)). x: (observations, n)."""

    x: jax.Array
    y: jax.Array
    family: str

    @property
    def size(self) -> int:
        return int(self.x.shape[1])

    def log_density(self, u: jax.Array) -> jax.Array:
        return self.likelihood(u) - 0.5 * jnp.sum(u * u)

    def likelihood(self, u: jax.Array) -> jax.Array:
        eta = self.x @ u
        if self.family == "normal":
            return -0.5 * jnp.sum((self.y - eta) ** 2)
        return jnp.sum(self.y * eta - (jax.nn.softplus(eta) if self.family == "logistic" else jnp.exp(eta)))

    def shuffled(self, dim: str, count: int, seed: Sequence[int]) -> ShuffledRegression:
        assert dim == "obs"
        order = np.random.default_rng(seed).permutation(len(self.y))
        order = np.concatenate([order, order[: count - 1]])
        copy = Regression(jnp.asarray(self.x)[order], jnp.asarray(self.y)[order], self.family)
        return ShuffledRegression(self, copy, len(self.y), count)


@partial(jax.tree_util.register_dataclass, data_fields=["whole", "copy"], meta_fields=["elements", "count"])
@dataclass(frozen=True, eq=False)
class ShuffledRegression:
    whole: Regression
    copy: Regression
    elements: int
    count: int

    @property
    def size(self) -> int:
        return self.whole.size

    def log_density(self, u: jax.Array) -> jax.Array:
        return self.whole.log_density(u)

    def log_density_slice(self, u: jax.Array, start: jax.Array) -> jax.Array:
        cut = partial(jax.lax.dynamic_slice_in_dim, start_index=start, slice_size=self.count)
        some = Regression(cut(self.copy.x), cut(self.copy.y), self.whole.family)
        return some.likelihood(u) * (self.elements / self.count) - 0.5 * jnp.sum(u * u)


@partial(jax.tree_util.register_dataclass, data_fields=["x", "y"], meta_fields=["family"])
@dataclass(frozen=True, eq=False)
class Unscaled(Regression):
    """A fault: minibatches without N / m."""

    def shuffled(self, dim: str, count: int, seed: Sequence[int]) -> ShuffledRegression:
        return replace(super().shuffled(dim, count, seed), elements=count)


def simulated(family: str, observations: int, size: int, seed: int = 0) -> Regression:
    """Data of true coefficients that alternate between 0.5 and -0.5, with correlated columns."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(observations, size)) + 0.5 * rng.normal(size=(observations, 1))
    eta = x @ (0.5 * (-1.0) ** np.arange(size))
    y = {
        "normal": lambda: eta + rng.normal(size=observations),
        "logistic": lambda: rng.uniform(size=observations) < 1 / (1 + np.exp(-eta)),
        "poisson": lambda: rng.poisson(np.exp(eta)),
    }[family]()
    return Regression(x, y.astype(np.float64), family)
