"""Log densities as small pytrees, independent of the compiler; some with a prior, and the evidence known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike


@partial(jax.tree_util.register_dataclass, data_fields=["mean", "precision"], meta_fields=[])
@dataclass(frozen=True)
class Gaussian:
    """N(mean, precision⁻¹)."""

    mean: jax.Array
    precision: jax.Array

    @property
    def size(self) -> int:
        return int(self.mean.shape[0])

    def log_density(self, u: jax.Array) -> jax.Array:
        centred = u - self.mean
        return -0.5 * jnp.sum(centred * jnp.sum(self.precision * centred[None, :], axis=1))


def gaussian(covariance: ArrayLike, mean: ArrayLike | None = None) -> Gaussian:
    covariance = np.asarray(covariance, np.float64)
    mean = np.zeros(covariance.shape[0]) if mean is None else np.asarray(mean, np.float64)
    return Gaussian(mean, np.linalg.inv(covariance))


@partial(jax.tree_util.register_dataclass, data_fields=[], meta_fields=["size"])
@dataclass(frozen=True)
class Funnel:
    """Neal's funnel: v ~ N(0, 3), x_i ~ N(0, exp(v/2))."""

    size: int = 10

    def log_density(self, u: jax.Array) -> jax.Array:
        v, x = u[0], u[1:]
        return -0.5 * (v / 3) ** 2 - 0.5 * jnp.sum(x * x) * jnp.exp(-v) - 0.5 * (self.size - 1) * v


@partial(jax.tree_util.register_dataclass, data_fields=["y", "sigma"], meta_fields=["centred"])
@dataclass(frozen=True)
class EightSchools:
    """mu ~ N(0, 5), tau ~ HalfCauchy(5), theta ~ N(mu, tau), y ~ N(theta, sigma); u = (mu, log tau, theta or z)."""

    y: jax.Array
    sigma: jax.Array
    centred: bool

    @property
    def size(self) -> int:
        return int(self.y.shape[0]) + 2

    def log_density(self, u: jax.Array) -> jax.Array:
        mu, log_tau, z = u[0], u[1], u[2:]
        tau = jnp.exp(log_tau)
        prior = -0.5 * (mu / 5) ** 2 - jnp.log1p((tau / 5) ** 2) + log_tau
        theta = z if self.centred else mu + tau * z
        middle = -0.5 * jnp.sum(((z - mu) / tau) ** 2) - z.shape[0] * log_tau if self.centred else -0.5 * jnp.sum(z * z)
        return prior + middle - 0.5 * jnp.sum(((self.y - theta) / self.sigma) ** 2)


def eight_schools(centred: bool) -> EightSchools:
    return EightSchools(
        np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]),
        np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]),
        centred,
    )


@partial(jax.tree_util.register_dataclass, data_fields=["x", "y"], meta_fields=[])
@dataclass(frozen=True)
class LogisticRegression:
    """beta ~ N(0, 1), y ~ Bernoulli(sigmoid(x beta)). x: (observations, features); y: 0 or 1, as floats."""

    x: jax.Array
    y: jax.Array

    @property
    def size(self) -> int:
        return int(self.x.shape[1])

    def log_density(self, u: jax.Array) -> jax.Array:
        eta = self.x @ u
        return jnp.sum(self.y * eta - jax.nn.softplus(eta)) - 0.5 * jnp.sum(u * u)


@partial(jax.tree_util.register_dataclass, data_fields=["scale"], meta_fields=[])
@dataclass(frozen=True)
class Broad:
    """N(0, scale²), each coordinate by itself: a reference."""

    scale: Any

    @property
    def size(self) -> int:
        return int(self.scale.shape[0])

    def log_density(self, u: jax.Array) -> jax.Array:
        return jnp.sum(-0.5 * (u / self.scale) ** 2 - jnp.log(self.scale)) - 0.5 * self.size * math.log(2 * math.pi)

    def draw(self, key: jax.Array) -> jax.Array:
        return self.scale * jax.random.normal(key, self.scale.shape, self.scale.dtype)


@partial(jax.tree_util.register_dataclass, data_fields=["x", "y"], meta_fields=[])
@dataclass(frozen=True)
class Conjugate:
    """u ~ N(0, 1), y ~ N(x u, 1), normalised, so that its integral is the evidence. x: (observations, n)."""

    x: Any
    y: Any

    @property
    def size(self) -> int:
        return int(self.x.shape[1])

    def log_density(self, u: jax.Array) -> jax.Array:
        apart = self.y - jnp.sum(self.x * u[None, :], axis=1)
        likelihood = -0.5 * jnp.sum(apart**2) - 0.5 * self.x.shape[0] * math.log(2 * math.pi)
        return likelihood + self.prior().log_density(u)

    def prior(self) -> Broad:
        return Broad(np.ones(self.size))

    def moments(self) -> tuple[Any, Any, float]:
        """The mean (n,) and covariance (n, n) of the posterior, and the log evidence: y ~ N(0, 1 + x x')."""
        x, y = np.asarray(self.x), np.asarray(self.y)
        covariance = np.linalg.inv(x.T @ x + np.eye(self.size))
        marginal = x @ x.T + np.eye(len(y))
        square = y @ np.linalg.solve(marginal, y)
        log_evidence = -0.5 * (square + np.linalg.slogdet(marginal)[1] + len(y) * math.log(2 * math.pi))
        return covariance @ x.T @ y, covariance, float(log_evidence)


def conjugate(size: int, observations: int = 20, seed: int = 0) -> Conjugate:
    """With coefficients and data drawn from the prior."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(observations, size))
    return Conjugate(x, x @ rng.normal(size=size) + rng.normal(size=observations))
