"""Hamiltonian Monte Carlo with a trajectory of fixed length, plain or jittered; one chain.

Duane et al. 1987; Neal 2011, «MCMC using Hamiltonian dynamics», §3.2 and, for the jitter, §5.4.2.2. A transition draws
p ~ N(0, M), takes L = max(1, round(length / ε)) leapfrog steps of size ε, and accepts the end with probability
min(1, exp(H(start) − H(end))). With jitter j, the length is drawn uniformly from length·[1 − j, 1 + j] at every
transition, independently of the state, so that no period of the target can match it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ppl.inference import randomness
from ppl.inference.hamiltonian import leapfrog as integrator
from ppl.inference.hamiltonian.kernel import Options, Transition, select
from ppl.inference.hamiltonian.leapfrog import HalfStep, PhasePoint, Point


class _Path(NamedTuple):
    """before: the position the step under way began at; wanted: steps to take; uniform: decides on acceptance."""

    half: HalfStep
    before: jax.Array
    start: Point
    initial_energy: jax.Array
    step_size: jax.Array
    steps: jax.Array
    wanted: jax.Array
    uniform: jax.Array
    going: jax.Array


@dataclass(frozen=True)
class HMCKernel:
    """Its options are `length`, `jitter`, `divergence_threshold` and `max_steps`."""

    def words(self, size: int) -> int:
        return 2

    def blank(self, size: int, dtype: Any) -> _Path:
        vector, scalar, zero = jnp.zeros(size, dtype), jnp.zeros((), dtype), jnp.zeros((), jnp.int32)
        return _Path(
            half=HalfStep(vector, vector, vector),
            before=vector,
            start=Point(vector, scalar, vector),
            initial_energy=scalar,
            step_size=scalar,
            steps=zero,
            wanted=zero,
            uniform=scalar,
            going=jnp.array(False),
        )

    def begin(
        self,
        before: _Path,
        origin: PhasePoint,
        words: jax.Array,
        step_size: jax.Array,
        limit: jax.Array,
        options: Options,
    ) -> _Path:
        uniforms = randomness.uniform(words, origin.position.dtype)
        return _Path(
            half=integrator.drift(step_size, origin),
            before=origin.position,
            start=Point(origin.position, origin.log_density, origin.gradient),
            initial_energy=integrator.energy(origin),
            step_size=step_size,
            steps=jnp.zeros_like(before.steps),
            wanted=jnp.minimum(steps_of(uniforms[0], step_size, options), limit),
            uniform=uniforms[1],
            going=jnp.array(True),
        )

    def visit(
        self, trajectory: _Path, here: Point, acceleration: jax.Array, options: Options
    ) -> tuple[_Path, Transition]:
        path, dtype = trajectory, here.position.dtype
        end = integrator.kick(path.step_size, path.half.momentum, path.half.velocity, here, acceleration)
        error = integrator.energy(end) - path.initial_energy
        error = jnp.where(jnp.isnan(error), jnp.array(jnp.inf, dtype), error)
        diverging = ~(error <= options["divergence_threshold"])
        accepted = ~diverging & (jnp.log(path.uniform) < -error)
        steps = path.steps + 1
        taken = Transition(
            point=select(accepted, here, path.start),
            last=here,
            last_error=error,
            broken=path.before,
            energy=jnp.where(accepted, path.initial_energy + error, path.initial_energy),
            energy_error=jnp.where(accepted, error, jnp.zeros((), dtype)),
            diverging=diverging,
            depth=jnp.zeros((), jnp.int32),
            steps=steps,
            step_size=path.step_size,
            acceptance=jnp.where(diverging, jnp.zeros((), dtype), jnp.minimum(jnp.exp(-error), jnp.ones((), dtype))),
        )
        further = path._replace(
            half=integrator.drift(path.step_size, end),
            before=here.position,
            steps=steps,
            going=~diverging & (steps < path.wanted),
        )
        return further, taken


def steps_of(uniform: jax.Array, step_size: jax.Array, options: Options) -> jax.Array:
    """How many steps a trajectory of random length takes, at least one."""
    stretch = 1 + options["jitter"] * (2 * uniform - 1)
    wanted = jnp.clip(jnp.round(options["length"] * stretch / step_size), 1, options["max_steps"])
    return wanted.astype(jnp.int32)
