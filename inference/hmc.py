"""Hamiltonian Monte Carlo with a trajectory of fixed length, plain or jittered; one chain.

Duane et al. 1987; Neal 2011, «MCMC using Hamiltonian dynamics», §3.2 and, for the jitter, §5.4.2.2. A transition draws
p ~ N(0, M), takes L = max(1, round(length / ε)) leapfrog steps of size ε, and accepts the end with probability
min(1, exp(H(start) − H(end))). With jitter j, the length is drawn uniformly from length·[1 − j, 1 + j] at every
transition, independently of the state, so that no period of the target can match it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ppl.inference import leapfrog as integrator
from ppl.inference import randomness
from ppl.inference.contract import Density
from ppl.inference.engines import HMC
from ppl.inference.kernel import Options, Transition
from ppl.inference.leapfrog import PhasePoint, Point
from ppl.inference.metric import Metric

__all__ = ["HMC", "HMCKernel"]


class _Path(NamedTuple):
    end: PhasePoint
    before: jax.Array
    steps: jax.Array
    error: jax.Array


@dataclass(frozen=True)
class HMCKernel:
    """One transition of HMC; its options are `length`, `jitter`, `divergence_threshold` and `max_steps`."""

    def words(self, size: int) -> int:
        return randomness.words_for_normals(size) + 2

    def transition(
        self,
        density: Density,
        metric: Metric,
        words: jax.Array,
        start: Point,
        step_size: jax.Array,
        limit: jax.Array,
        options: Options,
    ) -> Transition:
        dtype = start.position.dtype
        momentum = metric.momentum(randomness.normals(words, start.position.shape[0], dtype))
        uniforms = randomness.uniform(words[-2:], dtype)
        origin = integrator.with_momentum(metric, start, momentum)
        initial_energy = integrator.energy(origin)
        stretch = 1 + options["jitter"] * (2 * uniforms[0] - 1)
        wanted = jnp.round(options["length"] * stretch / step_size)
        steps = jnp.clip(wanted, 1, options["max_steps"]).astype(jnp.int32)
        steps = jnp.minimum(steps, limit)

        def advance(path: _Path) -> _Path:
            end = integrator.leapfrog(density, metric, step_size, path.end)
            error = integrator.energy(end) - initial_energy
            return _Path(
                end, path.end.position, path.steps + 1, jnp.where(jnp.isnan(error), jnp.array(jnp.inf, dtype), error)
            )

        def going(path: _Path) -> jax.Array:
            return (path.steps < steps) & (path.error <= options["divergence_threshold"])

        end, before, count, error = jax.lax.while_loop(
            going, advance, _Path(origin, start.position, jnp.zeros((), jnp.int32), jnp.zeros((), dtype))
        )
        diverging = ~(error <= options["divergence_threshold"])
        accepted = ~diverging & (jnp.log(uniforms[1]) < -error)
        here = Point(end.position, end.log_density, end.gradient)
        return Transition(
            point=jax.tree.map(lambda new, old: jnp.where(accepted, new, old), here, start),
            last=here,
            last_error=error,
            broken=before,
            energy=jnp.where(accepted, initial_energy + error, initial_energy),
            energy_error=jnp.where(accepted, error, jnp.zeros((), dtype)),
            diverging=diverging,
            depth=jnp.zeros((), jnp.int32),
            steps=count,
            acceptance=jnp.where(diverging, jnp.zeros((), dtype), jnp.minimum(jnp.exp(-error), jnp.ones((), dtype))),
        )
