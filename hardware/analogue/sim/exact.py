"""Motion that is linear while forces are held: exact at any length of step.

A Gaussian array by itself, and any array whose other forces a regulator holds between its observations. What it
observed in period k drives the array from `latency` after that, so that with latency = j periods + l, 0 <= l < period,
the force of period k - j - 1 acts for l, and that of k - j for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from ppl.hardware.analogue.dynamics import Regulator
from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.analogue.sim.scales import Field, spread
from ppl.hardware.analogue.sim.scheme import State, kinetic
from ppl.hardware.analogue.sim.transitions import Transition, transition
from ppl.hardware.laws.evaluation import function


@dataclass(frozen=True)
class Piece:
    """A stretch of a period in which the force that was found `age` periods ago acts."""

    transition: Transition
    age: int


def passive(modes: Modes) -> Floats:
    """(n, n): what of the precision the array does by itself."""
    if modes.regulator is None or modes.regulator.driven == "force":
        return modes.precision
    return (
        np.diag(np.diag(modes.precision)) if modes.regulator.driven == "couplings" else np.zeros_like(modes.precision)
    )


def pieces(modes: Modes, time: float) -> tuple[Piece, ...]:
    """Of one period; of an array without a regulator, of a time."""
    stiffness = passive(modes)
    if modes.regulator is None:
        return (Piece(transition(modes.motion, stiffness, time), 0),)
    whole, rest = split_latency(modes.regulator)
    late = (Piece(transition(modes.motion, stiffness, rest), whole + 1),) if rest else ()
    return (*late, Piece(transition(modes.motion, stiffness, modes.regulator.period - rest), whole))


def split_latency(regulator: Regulator) -> tuple[int, float]:
    """Its whole periods, and what is left."""
    whole = int(np.floor(regulator.latency / regulator.period * (1 + 1e-12)))
    rest = regulator.latency - whole * regulator.period
    return whole, rest if rest > 1e-12 * regulator.period else 0.0


@dataclass(frozen=True, eq=False)
class Exact:
    """The array by itself does -P x + b. time: of a step; a regulator's period, where there is one."""

    modes: Modes
    time: float

    @cached_property
    def _pieces(self) -> list[tuple[jax.Array, jax.Array, jax.Array, int]]:
        found = [(one.transition, one.age) for one in pieces(self.modes, self.time)]
        return [(jnp.asarray(t.matrix), jnp.asarray(t.drive), jnp.asarray(t.factor), age) for t, age in found]

    @cached_property
    def _command(self) -> Field:
        """(replicas, n) -> (replicas, n): what drives the array besides its bias."""
        left = jnp.asarray(self.modes.precision - passive(self.modes))
        rest = None if self.modes.force is None else function(self.modes.force)
        return lambda x: -x @ left if rest is None else rest(x) - x @ left

    def _energy(self, z: jax.Array) -> jax.Array:
        size = self.modes.size
        x = z[:, :size]
        own = 0.5 * jnp.sum(x * (x @ jnp.asarray(passive(self.modes))), axis=-1) - x @ jnp.asarray(self.modes.bias)
        return own + kinetic(self.modes.motion, z[:, size:])

    def begin(self, z: jax.Array, key: jax.Array) -> State:
        held = [self._command(z[:, : self.modes.size])] * max(age for *_, age in self._pieces)
        none = jnp.zeros(z.shape[0])
        return State(z, tuple(held), none, none)

    def step(self, state: State, key: jax.Array) -> State:
        """heat: what the energy of the array gained less the work that was done on it, force times way."""
        size = self.modes.size
        z, heat, work = state.z, state.heat, state.work
        held = (self._command(z[:, :size]), *state.memory)
        for number, (matrix, drive, factor, age) in enumerate(self._pieces):
            normals = jax.random.normal(jax.random.fold_in(key, number), z.shape)
            after = z @ matrix.T + (held[age] + spread(self.modes.bias, held[age])) @ drive.T + normals @ factor
            done = jnp.sum(held[age] * (after[:, :size] - z[:, :size]), axis=-1)
            heat, work = heat + self._energy(after) - self._energy(z) - done, work + done
            z = after
        return State(z, held[: len(state.memory)], heat, work)
