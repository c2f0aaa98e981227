"""Motion under noise as circuits have it: band-limited.

In the place of dW / dt there are straight lines between normal numbers of variance 1 / T, a new one every T, as a
source `trnoise` of ngspice has them. The motion is then that of an ordinary differential equation, which Runge and
Kutta's method of order 4 follows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ppl.hardware.analogue.dynamics import Overdamped
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.analogue.sim.scales import Field, energy, gradient, spread
from ppl.hardware.analogue.sim.scheme import State, kinetic

# Of the fastest time, a step between two normals at most.
_STEP = 0.2


@dataclass(frozen=True, eq=False)
class Banded:
    """time: T; fastest: time of the motion."""

    modes: Modes
    time: float
    fastest: float

    def begin(self, z: jax.Array, key: jax.Array) -> State:
        none = jnp.zeros(z.shape[0])
        return State(z, self._level(key, z), none, none)

    def step(self, state: State, key: jax.Array) -> State:
        """heat: all that the energy gains, for nothing else drives the modes."""
        before, after = state.memory, self._level(key, state.z)
        count = max(1, math.ceil(self.time / (_STEP * self.fastest)))
        h = self.time / count
        slope = gradient(self.modes)

        def rate(z: jax.Array, at: jax.Array) -> jax.Array:
            return self._rate(slope, z, before + at * (after - before))

        def one(number: jax.Array, z: jax.Array) -> jax.Array:
            start, middle, end = ((number + part) / count for part in (0.0, 0.5, 1.0))
            k1 = rate(z, start)
            k2 = rate(z + 0.5 * h * k1, middle)
            k3 = rate(z + 0.5 * h * k2, middle)
            k4 = rate(z + h * k3, end)
            return z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

        z = jax.lax.fori_loop(0, count, one, state.z)
        heat = state.heat + self._energy(z) - self._energy(state.z)
        return State(z, after, heat, state.work)

    def _level(self, key: jax.Array, z: jax.Array) -> jax.Array:
        """(replicas, n): the force of the noise at a corner."""
        motion = self.modes.motion
        resistance = (
            1 / motion.mobility if isinstance(motion, Overdamped) else np.full(self.modes.size, motion.friction)
        )
        normals = jax.random.normal(key, (z.shape[0], self.modes.size))
        return normals * spread(np.sqrt(2 * resistance / self.time), normals)

    def _rate(self, slope: Field, z: jax.Array, noise: jax.Array) -> jax.Array:
        """dz / dt."""
        motion, x = self.modes.motion, z[:, : self.modes.size]
        if isinstance(motion, Overdamped):
            return spread(motion.mobility, x) * (noise - slope(x))
        velocity = z[:, self.modes.size :] / spread(motion.mass, x)
        return jnp.concatenate([velocity, noise - slope(x) - motion.friction * velocity], axis=-1)

    def _energy(self, z: jax.Array) -> jax.Array:
        size = self.modes.size
        return energy(self.modes)(z[:, :size]) + kinetic(self.modes.motion, z[:, size:])
