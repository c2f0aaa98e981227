"""Trajectories of a random length whose end is accepted or refused; one chain.

A transition draws a momentum, takes N = max(1, round(length / ε)) steps of size ε, and accepts the end with probability
min(1, exp(-ΔE)) (Duane et al. 1987). With jitter j, the length is drawn uniformly from length·[1 − j, 1 + j] at every
transition, independently of the state, so that no period of the target can match it (Neal 2011, §5.4.2.2). What a step
is, and its ΔE, is the integrator's: it must be reversible, and ΔE take account of the volume it does not keep.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ppl.inference import randomness
from ppl.inference.hamiltonian.kernel import Options, Transition, select
from ppl.inference.hamiltonian.leapfrog import HalfStep, PhasePoint, Point


class Path(NamedTuple):
    """before: the position the step under way began at; account: (), what the integrator needs for ΔE; wanted: steps to
    take; uniform: decides on acceptance."""

    half: HalfStep
    before: jax.Array
    start: Point
    account: jax.Array
    step_size: jax.Array
    steps: jax.Array
    wanted: jax.Array
    uniform: jax.Array
    going: jax.Array


@dataclass(frozen=True)
class EndpointKernel:
    """Its options are `length`, `jitter`, `divergence_threshold` and `max_steps`."""

    @abstractmethod
    def depart(self, origin: PhasePoint, step_size: jax.Array) -> tuple[HalfStep, jax.Array]:
        """The first step up to where the density is wanted, and the account."""

    @abstractmethod
    def arrive(self, path: Path, here: Point, acceleration: jax.Array) -> tuple[PhasePoint, jax.Array, jax.Array]:
        """The end of the step under way, the account there, and ΔE since the start, ()."""

    @abstractmethod
    def go_on(self, end: PhasePoint, account: jax.Array, step_size: jax.Array) -> tuple[HalfStep, jax.Array]:
        """The next step up to where the density is wanted, and the account."""

    @abstractmethod
    def energy_at_start(self, path: Path) -> jax.Array:
        """() to which ΔE is added for the energy of an end."""

    def words(self, size: int) -> int:
        return 2

    def blank(self, size: int, dtype: Any) -> Path:
        vector, scalar, zero = jnp.zeros(size, dtype), jnp.zeros((), dtype), jnp.zeros((), jnp.int32)
        return Path(
            half=HalfStep(vector, vector, vector),
            before=vector,
            start=Point(vector, scalar, vector),
            account=scalar,
            step_size=scalar,
            steps=zero,
            wanted=zero,
            uniform=scalar,
            going=jnp.array(False),
        )

    def begin(
        self,
        before: Path,
        origin: PhasePoint,
        words: jax.Array,
        step_size: jax.Array,
        limit: jax.Array,
        options: Options,
    ) -> Path:
        uniforms = randomness.uniform(words, origin.position.dtype)
        half, account = self.depart(origin, step_size)
        return Path(
            half=half,
            before=origin.position,
            start=Point(origin.position, origin.log_density, origin.gradient),
            account=account,
            step_size=step_size,
            steps=jnp.zeros_like(before.steps),
            wanted=jnp.minimum(_steps(uniforms[0], step_size, options), limit),
            uniform=uniforms[1],
            going=jnp.array(True),
        )

    def visit(
        self, trajectory: Path, here: Point, acceleration: jax.Array, options: Options
    ) -> tuple[Path, Transition]:
        path, dtype = trajectory, here.position.dtype
        end, account, error = self.arrive(path, here, acceleration)
        error = jnp.where(jnp.isnan(error), jnp.array(jnp.inf, dtype), error)
        diverging = ~(error <= options["divergence_threshold"])
        accepted = ~diverging & (jnp.log(path.uniform) < -error)
        steps, energy = path.steps + 1, self.energy_at_start(path)
        taken = Transition(
            point=select(accepted, here, path.start),
            last=here,
            last_error=error,
            broken=path.before,
            energy=jnp.where(accepted, energy + error, energy),
            energy_error=jnp.where(accepted, error, jnp.zeros((), dtype)),
            diverging=diverging,
            depth=jnp.zeros((), jnp.int32),
            steps=steps,
            step_size=path.step_size,
            acceptance=jnp.where(diverging, jnp.zeros((), dtype), jnp.minimum(jnp.exp(-error), jnp.ones((), dtype))),
        )
        half, account = self.go_on(end, account, path.step_size)
        further = path._replace(
            half=half,
            before=here.position,
            account=account,
            steps=steps,
            going=~diverging & (steps < path.wanted),
        )
        return further, taken


def _steps(uniform: jax.Array, step_size: jax.Array, options: Options) -> jax.Array:
    """How many steps a trajectory of random length takes, at least one."""
    stretch = 1 + options["jitter"] * (2 * uniform - 1)
    wanted = jnp.clip(jnp.round(options["length"] * stretch / step_size), 1, options["max_steps"])
    return wanted.astype(jnp.int32)
