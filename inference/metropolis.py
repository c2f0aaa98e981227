"""Random-walk Metropolis with a Gaussian proposal that warmup fits to the target; one chain.

Metropolis et al. 1953; Haario, Saksman & Tamminen 2001 for the covariance; Roberts, Gelman & Gilks 1997 for its
scale, 2.38²/n, and the acceptance 0.234; Andrieu & Thoms 2008, algorithm 4, for the search of the scale.

A proposal is x + σ C z with z ~ N(0, I), where C C' is the covariance of the draws of all chains in the window before,
fixed once warmup is over. log σ goes up by (α - target) / k^0.6 at step k since the covariance last changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference import randomness
from ppl.inference.contract import Density
from ppl.inference.starting import Start
from ppl.inference.stepping import Drawn, Step, Tree, doubling

Array = NDArray[Any]


class Walk(NamedTuple):
    """log_scale: log σ; moves: steps since the covariance changed."""

    position: Any
    log_density: Any
    log_scale: Any
    moves: Any


@dataclass(frozen=True)
class MetropolisKernel:
    """tuning: C, (n, n), lower triangular. options: `target`, an acceptance."""

    def begin(self, density: Density, start: Start, tuning: jax.Array, options: Any) -> Walk:
        scale = jnp.log(2.38 / jnp.sqrt(jnp.asarray(max(density.size, 1), start.position.dtype)))
        return Walk(start.position, start.log_density, scale, jnp.zeros((), start.position.dtype))

    def step(self, density: Density, state: Walk, tuning: jax.Array, step: Step) -> tuple[Walk, Drawn]:
        size, dtype = state.position.shape[0], state.position.dtype
        for_normals = randomness.words_for_normals(size)
        words = randomness.words(step.key, step.number, for_normals + 1)
        # As a product of elements, which a compiler keeps in the loop around it.
        jump = jnp.sum(tuning * randomness.normals(words, size, dtype)[None, :], axis=1)
        proposed = state.position + jnp.exp(state.log_scale) * jump
        log_density = density.log_density(proposed)
        gain = log_density - state.log_density
        acceptance = jnp.where(jnp.isnan(gain), 0.0, jnp.exp(jnp.minimum(gain, 0.0))).astype(dtype)
        accepted = randomness.uniform(words[-1:], dtype)[0] < acceptance
        moves = state.moves + 1
        change = (acceptance - step.options["target"]) / moves**0.6
        walk = Walk(
            position=jnp.where(accepted, proposed, state.position),
            log_density=jnp.where(accepted, log_density, state.log_density),
            log_scale=jnp.where(step.warming, state.log_scale + change, state.log_scale),
            moves=moves,
        )
        stats = {"lp": walk.log_density, "acceptance_rate": acceptance, "scale": jnp.exp(walk.log_scale)}
        return walk, Drawn(walk.position, stats)


@dataclass(frozen=True)
class ProposalTuner:
    """The covariance of all chains' draws in windows that double, towards its diagonal where they are few."""

    def initial(self, chains: int, size: int, dtype: Any) -> Tree:
        return np.tile(np.eye(size, dtype=dtype), (chains, 1, 1))

    def marks(self, warmup: int) -> tuple[int, ...]:
        return doubling(warmup)

    def tune(self, tuning: Tree, states: Walk, positions: Array, done: int) -> tuple[Tree, Walk]:
        chains, draws, size = positions.shape
        x = positions[:, draws // 4 :].reshape(-1, size).astype(np.float64)
        # Where chains have yet to find each other, the spread within them would mislead less than that between them;
        # but a proposal that is too wide only costs acceptance, which the scale mends.
        covariance = np.atleast_2d(np.cov(x, rowvar=False))
        weight = len(x) / (len(x) + 5.0 * size)
        variances = np.maximum(np.diag(covariance), 1e-10)
        root = np.linalg.cholesky(weight * covariance + (1 - weight) * np.diag(variances) + 1e-10 * np.diag(variances))
        scale = np.full_like(states.log_scale, math.log(2.38 / math.sqrt(size)))
        return np.tile(root.astype(tuning.dtype), (chains, 1, 1)), states._replace(
            log_scale=scale, moves=np.zeros_like(states.moves)
        )
