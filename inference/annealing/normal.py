"""Where a path begins: at the model's prior, or at a Gaussian fitted beforehand.

The Gaussian has the mean and the covariance of the Gaussians of a few paths of Pathfinder, those with a like ELBO
together, and is wider than these: annealing makes it narrower where that is right, but can find nothing outside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing.path import Path
from ppl.inference.contract import Conditioned, Density, Reference, Remark, Remedy
from ppl.inference.modes.gaussian import Gaussian
from ppl.inference.modes.pathfinder import PathfinderFitter

Array = NDArray[Any]

PATHS = 4
ITERATIONS = 1000
# By so much standard deviations are wider than those fitted.
WIDER = 2.0
# Paths whose ELBO is lower by so many nats than the best are of no account.
LOWER = 20.0
# Above, correlations are not kept: a product with them would cost more than most densities.
MOST_CORRELATED = 100
# Of the eigenvalues of a correlation matrix, those below are rounding.
_LEAST = 1e-8


@partial(jax.tree_util.register_dataclass, data_fields=["gaussian"], meta_fields=[])
@dataclass(frozen=True)
class Normal:
    """A Gaussian as a reference. A pytree."""

    gaussian: Gaussian

    @property
    def size(self) -> int:
        return int(self.gaussian.mean.shape[0])

    def log_density(self, u: jax.Array) -> jax.Array:
        return self.gaussian.log_density(u)

    def draw(self, key: jax.Array) -> jax.Array:
        mean = self.gaussian.mean
        return self.gaussian.sample(jax.random.normal(key, mean.shape, mean.dtype))


def prior_of(density: Density) -> Reference | None:
    """The density's prior, if it has one to draw from."""
    return density.prior() if isinstance(density, Conditioned) else None


def path_of(density: Density, normal: Gaussian | None) -> Path:
    """From the Gaussian, or without one from the prior, to the density. Traceable.

    Raises:
        TypeError: there is neither.
    """
    reference = prior_of(density) if normal is None else Normal(normal)
    if reference is None:
        raise TypeError("without a Gaussian, the density must have a prior to draw from")
    return Path(reference, density)


def blank(density: Density, chains: int, reference: str) -> Gaussian | None:
    """For a carry: none where the path begins at the prior, else Gaussians of the right shapes that mean nothing.

    reference: the setting, `prior` or `normal`.
    """
    if reference == "prior" and prior_of(density) is not None:
        return None
    size = density.size
    kept = size if size <= MOST_CORRELATED else 0
    one = Gaussian(np.zeros(size), np.ones(size), np.eye(size, kept), np.eye(kept), np.eye(kept))
    tiled: Gaussian = jax.tree.map(lambda leaf: np.tile(leaf, (chains, *(1,) * leaf.ndim)), one)
    return tiled


def fitted(density: Density, starts: Mapping[str, Array]) -> Gaussian:
    """A Gaussian for each chain, leaves (chains, ...). starts: see `starts_of`. On the host, in float64.

    Raises:
        InitialisationError: no start of a path was found.
    """
    fitter = PathfinderFitter(PATHS, ITERATIONS)
    state = fitter.start(starts)
    for _ in range(fitter.steps):
        state = fitter.step(density, state, starts)
    mixture, elbo = fitter.mixture(state), fitter.values(state)["elbo"][1]
    chains = range(len(elbo))
    each = [_matched(jax.tree.map(lambda leaf, at=at: leaf[at], mixture), elbo[at]) for at in chains]
    stacked: Gaussian = jax.tree.map(lambda *leaves: np.stack(leaves), *each)
    return stacked


def _matched(parts: Gaussian, elbo: Array) -> Gaussian:
    """One Gaussian with the moments of those of the best parts, leaves (parts, ...), and wider."""
    size = parts.mean.shape[1]
    best = np.flatnonzero(elbo >= np.max(elbo) - LOWER)
    means = parts.mean[best]
    mean, away = means.mean(axis=0), means - means.mean(axis=0)
    # D (I - Q Q' + Q L L' Q') D
    within = parts.directions[best]
    turned = within @ parts.core[best]
    if size > MOST_CORRELATED:
        diagonals = 1 + np.sum(turned**2 - within**2, axis=2)
        variances = np.mean(parts.scale[best] ** 2 * diagonals + away**2, axis=0)
        none = np.zeros((0, 0))
        return Gaussian(mean, WIDER * np.sqrt(variances), np.zeros((size, 0)), none, none)
    cores = np.eye(size) + turned @ turned.transpose(0, 2, 1) - within @ within.transpose(0, 2, 1)
    scales = parts.scale[best]
    covariance = np.mean(scales[:, :, None] * cores * scales[:, None, :], axis=0) + away.T @ away / len(best)
    scale = np.sqrt(np.diagonal(covariance))
    values, axes = np.linalg.eigh(covariance / np.outer(scale, scale))
    deviations = np.sqrt(np.maximum(values, _LEAST))
    return Gaussian(mean, WIDER * scale, axes, np.diag(deviations), np.diag(1 / deviations))


def reference_remarks(reference: str, normal: Gaussian | None, spread: Array) -> list[Remark]:
    """Of a Gaussian as the reference: a note where the prior was wanted and there is none; and whether it is wide
    enough. spread: (chains, n), standard deviations of the draws.

    Where the fit is right, it is WIDER times as wide as the target. Where the target is the wider, the path begins
    inside it: what lies outside is found late or never, and no weight tells of it.
    """
    if normal is None:
        return []
    remarks = [] if reference == "normal" else [_missing_prior()]
    wide = np.max(spread / normal.scale, axis=1)
    if np.median(wide) > 1:
        title = "The target is wider than the Gaussian that the path to it begins at."
        listed = ", ".join(f"{each:.2f}" for each in wide)
        details = (
            f"its largest standard deviation, in the Gaussian's, in each chain: {listed}; {1 / WIDER:g} is right",
            "tails and modes that lie outside are missing, and nothing else tells of it",
        )
        remedy = Remedy("give every quantity a prior to draw from (`~` in place of `var`), and begin at that")
        remarks.append(Remark("reach", "bad", title, details, (remedy,), {"wide": float(np.median(wide))}))
    return remarks


def _missing_prior() -> Remark:
    title = "There is no prior to draw from: the path begins at a Gaussian fitted beforehand."
    detail = "the integral of the density is what is estimated; modes that the Gaussian does not reach are missed"
    return Remark("reference", "note", title, (detail,))
