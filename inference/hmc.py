"""Hamiltonian Monte Carlo with a trajectory of fixed length, plain or jittered; one chain.

Duane et al. 1987; Neal 2011, «MCMC using Hamiltonian dynamics», §3.2 and, for the jitter, §5.4.2.2. A transition draws
p ~ N(0, M), takes L = max(1, round(length / ε)) leapfrog steps of size ε, and accepts the end with probability
min(1, exp(H(start) − H(end))). With jitter j, the length is drawn uniformly from length·[1 − j, 1 + j] at every
transition, independently of the state, so that no period of the target can match it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from ppl.inference import leapfrog as integrator
from ppl.inference import randomness
from ppl.inference.contract import Carry, Chunk, Density, Positions
from ppl.inference.hamiltonian import Life
from ppl.inference.kernel import Options, Transition
from ppl.inference.leapfrog import PhasePoint, Point
from ppl.inference.metric import METRICS, Metric
from ppl.inference.settings import check_settings, setting


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


@dataclass(frozen=True)
class HMC:
    """Hamiltonian Monte Carlo. Its trajectories have a length in units of the metric, fixed or jittered."""

    warmup: int = setting(1000, "warmup iterations of each chain, which adapt the step size and metric", at_least=0)
    draws: int = setting(1000, "draws kept of each chain", at_least=1)
    length: float = setting(1.5, "length of a trajectory: its number of steps times their size", above=0)
    jitter: float = setting(0.5, "relative half-width of the random length; 0 is static HMC", at_least=0, at_most=1)
    target_acceptance: float = setting(0.8, "mean acceptance that the step size aims at", above=0, below=1)
    max_steps: int = setting(1024, "most leapfrog steps of a trajectory", at_least=1)
    step_size: float = setting(1.0, "step size from which the search starts; the step size if warmup is 0", above=0)
    metric: str = setting(
        "auto", "form of the metric; auto chooses by dimension and by what warmup sees", choices=METRICS
    )
    adaptation: str = setting(
        "pooled",
        "how warmup finds the metric: pooled over chains from draws and gradients, or as Stan does",
        choices=("pooled", "stan"),
    )
    divergence_threshold: float = setting(1000.0, "energy error at which a trajectory has diverged", above=0)
    precision: str = setting("float64", "precision of the arithmetic", choices=("float64", "float32"))

    name: ClassVar[str] = "hmc"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    promises: ClassVar[str] = "asymptotically exact"

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def _life(self) -> Life:
        return Life(
            kernel=HMCKernel(),
            warmup=self.warmup,
            draws=self.draws,
            target=self.target_acceptance,
            step_size=self.step_size,
            metric=self.metric,
            adaptation=self.adaptation,
            precision=self.precision,
            options={
                "length": self.length,
                "jitter": self.jitter,
                "divergence_threshold": self.divergence_threshold,
                "max_steps": self.max_steps,
            },
        )

    def start(self, density: Density, keys: jax.Array, positions: Positions = None) -> Carry:
        return self._life.start(density, keys, positions)

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        return self._life.advance(density, carry, limit)

    def done(self, carry: Carry) -> bool:
        return self._life.done(carry)

    def progress(self, carry: Carry) -> tuple[int, int]:
        return self._life.progress(carry)
