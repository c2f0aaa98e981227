"""Scores of noised data, s(x, α) = ∇ log p_α(x), where p_α is the law of α x(0) + √(1 - α²) ξ.

By α, not by time, a score knows nothing of the schedule of the array that it is used on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ppl.errors import Diagnostic, PplError

Floats = NDArray[np.float64]


class Score(Protocol):
    """A pytree, so that programs that were compiled for one serve all of its shape."""

    @property
    def size(self) -> int:
        """d, the number of modes."""
        ...

    def __call__(self, x: jax.Array, signal: jax.Array) -> jax.Array:
        """(n, d) places and the (n, 1) α of each -> (n, d)."""
        ...


@partial(jax.tree_util.register_dataclass, data_fields=["weights", "means", "variances", "bases"], meta_fields=[])
@dataclass(frozen=True)
class Mixture:
    """The exact score of a mixture of k Gaussians.

    weights: (k,); means: (k, d); variances: (k, d), along the columns of bases, (k, d, d), which noise leaves alone.
    """

    weights: jax.Array
    means: jax.Array
    variances: jax.Array
    bases: jax.Array

    @staticmethod
    def of(weights: ArrayLike, means: ArrayLike, covariances: ArrayLike) -> Mixture:
        """With a check of what they are; weights need not add to 1.

        Raises:
            PplError: shapes that do not agree, weights that are not positive, or a covariance that is not symmetric and
                positive definite (E608).
        """
        w, m, c = (np.asarray(one, np.float64) for one in (weights, means, covariances))
        if w.ndim != 1 or m.ndim != 2 or len(m) != len(w) or c.shape != (*m.shape, m.shape[1]):
            raise PplError([Diagnostic("E608", "a mixture takes (k,) weights, (k, d) means and (k, d, d) covariances")])
        if not (w > 0).all() or not np.allclose(c, c.mT) or not (np.linalg.eigvalsh(c) > 0).all():
            raise PplError([Diagnostic("E608", "a weight or a covariance of a mixture is not positive")])
        return Mixture(*(jnp.asarray(one) for one in (w / w.sum(), m, *np.linalg.eigh(c))))

    @staticmethod
    def moments(data: ArrayLike) -> Mixture:
        """One Gaussian with the mean and the covariance of (n, d) data, which may be constant in some directions."""
        rows = np.asarray(data)
        covariance = np.cov(rows.T, bias=True).reshape(1, rows.shape[1], rows.shape[1])
        variances, bases = np.linalg.eigh(covariance)
        parts = (np.ones(1), rows.mean(axis=0)[None], np.maximum(variances, 0), bases)
        return Mixture(*(jnp.asarray(one, rows.dtype) for one in parts))

    @staticmethod
    def ring(count: int, radius: float, sd: float) -> Mixture:
        """As many equal Gaussians on a circle in the plane."""
        angles = 2 * np.pi * np.arange(count) / count
        means = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return Mixture.of(np.ones(count), means, np.tile(sd**2 * np.eye(2), (count, 1, 1)))

    @property
    def size(self) -> int:
        return self.means.shape[1]

    def sample(self, draws: int, seed: int) -> Floats:
        """(draws, d), without noise."""
        rng = np.random.default_rng(seed)
        weights, means, variances, bases = (np.asarray(one, np.float64) for one in jax.tree.leaves(self))
        chosen = rng.choice(len(weights), draws, p=weights / weights.sum())
        along = np.sqrt(variances[chosen]) * rng.normal(size=(draws, self.size))
        found: Floats = means[chosen] + np.einsum("nij,nj->ni", bases[chosen], along)
        return found

    def log_density(self, x: jax.Array, signal: jax.Array) -> jax.Array:
        """(n, d) places and the (n, 1) α of each -> (n,): log p_α."""
        return jax.nn.logsumexp(self._parts(x, signal)[0], axis=1)

    def __call__(self, x: jax.Array, signal: jax.Array) -> jax.Array:
        logs, slopes = self._parts(x, signal)
        return jnp.einsum("nk,nki->ni", jax.nn.softmax(logs, axis=1), slopes)

    def _parts(self, x: jax.Array, signal: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(n, k) log densities with weights, and (n, k, d) slopes, of the components."""
        alpha = signal[:, None]
        variances = alpha**2 * self.variances[None] + 1 - alpha**2
        along = jnp.einsum("nki,kij->nkj", x[:, None] - alpha * self.means[None], self.bases)
        logs = -0.5 * jnp.sum(along**2 / variances + jnp.log(2 * jnp.pi * variances), axis=2)
        return logs + jnp.log(self.weights)[None], -jnp.einsum("nkj,kij->nki", along / variances, self.bases)
