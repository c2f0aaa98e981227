"""Motion step by step, whatever the force.

                 overdamped                                           underdamped
euler            Euler-Maruyama, weak order 1                         Euler-Maruyama, weak order 1
second-order     Leimkuhler & Matthews 2013, equation 1.6: one force   BAOAB (Leimkuhler & Matthews 2013)
                 a step, and stationary averages of order 2

Heat is Sekimoto's (1998): ∇E ∘ dx where overdamped, with the mean of both ends; else what the momentum takes from
friction and noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ppl.hardware.analogue.dynamics import Overdamped, Underdamped
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.analogue.sim.scales import Field, gradient, spread
from ppl.hardware.analogue.sim.scheme import Scheme, State, kinetic

SCHEMES = ("euler", "second-order")


def stepwise(modes: Modes, name: str, time: float) -> Scheme:
    """A scheme by its name, one of `SCHEMES`."""
    motion = modes.motion
    if isinstance(motion, Overdamped):
        return Brownian(motion, gradient(modes), time, smooth=name == "second-order")
    return (Splitting if name == "second-order" else Explicit)(motion, gradient(modes), time)


@dataclass(frozen=True, eq=False)
class Brownian:
    """x' = x - h M ∇E(x) + √(2 M h) r, r = ξ_k; or (ξ_k + ξ_(k+1)) / 2 where it is smooth, ξ standard normals."""

    motion: Overdamped
    slope: Field
    time: float
    smooth: bool

    def begin(self, z: jax.Array, key: jax.Array) -> State:
        none = jnp.zeros(z.shape[0])
        return State(z, (self.slope(z), jax.random.normal(key, z.shape)), none, none)

    def step(self, state: State, key: jax.Array) -> State:
        slope, before = state.memory
        normals = jax.random.normal(key, state.z.shape)
        noise = 0.5 * (before + normals) if self.smooth else normals
        mobility = spread(self.time * self.motion.mobility, state.z)
        moved = jnp.sqrt(2 * mobility) * noise - mobility * slope
        z = state.z + moved
        after = self.slope(z)
        heat = 0.5 * jnp.sum((slope + after) * moved, axis=-1)
        return State(z, (after, normals), state.heat + heat, state.work)


@dataclass(frozen=True, eq=False)
class Explicit:
    """x' = x + h m⁻¹ p, p' = p - h (∇E(x) + γ m⁻¹ p) + √(2 γ h) ξ."""

    motion: Underdamped
    slope: Field
    time: float

    def begin(self, z: jax.Array, key: jax.Array) -> State:
        none = jnp.zeros(z.shape[0])
        return State(z, self.slope(z[:, : len(self.motion.mass)]), none, none)

    def step(self, state: State, key: jax.Array) -> State:
        x, p = jnp.split(state.z, 2, axis=-1)
        h, friction = self.time, self.motion.friction
        velocity = p / spread(self.motion.mass, p)
        moved = h * velocity
        slope = self.slope(x + moved)
        noise = np.sqrt(2 * friction * h) * jax.random.normal(key, p.shape)
        after = p - h * (state.memory + friction * velocity) + noise
        own = jnp.sum(0.5 * (state.memory + slope) * moved, axis=-1)
        heat = kinetic(self.motion, after) - kinetic(self.motion, p) + own
        return State(jnp.concatenate([x + moved, after], axis=-1), slope, state.heat + heat, state.work)


@dataclass(frozen=True, eq=False)
class Splitting:
    """Half a kick, half a way, friction and noise exactly, half a way, half a kick."""

    motion: Underdamped
    slope: Field
    time: float

    def begin(self, z: jax.Array, key: jax.Array) -> State:
        none = jnp.zeros(z.shape[0])
        return State(z, self.slope(z[:, : len(self.motion.mass)]), none, none)

    def step(self, state: State, key: jax.Array) -> State:
        x, p = jnp.split(state.z, 2, axis=-1)
        h, mass = self.time, spread(self.motion.mass, x)
        kept = jnp.exp(-self.motion.friction * h / mass)
        p = p - 0.5 * h * state.memory
        x = x + 0.5 * h * p / mass
        warmed = kept * p + jnp.sqrt((1 - kept**2) * mass) * jax.random.normal(key, p.shape)
        heat = kinetic(self.motion, warmed) - kinetic(self.motion, p)
        x = x + 0.5 * h * warmed / mass
        slope = self.slope(x)
        p = warmed - 0.5 * h * slope
        return State(jnp.concatenate([x, p], axis=-1), slope, state.heat + heat, state.work)
