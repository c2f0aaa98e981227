"""What every scheme of motion does, and replicas that go on by one."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from ppl.errors import Diagnostic, PplError
from ppl.hardware.analogue.dynamics import Dynamics, Overdamped
from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.analogue.sim.scales import spread


class State(NamedTuple):
    """z: (replicas, d), x where overdamped, (x, p) where not; memory: what the scheme keeps; heat: (replicas,), taken
    from the bath so far (Sekimoto 1998); work: (replicas,), done by a regulator."""

    z: Any
    memory: Any
    heat: Any
    work: Any


class Scheme(Protocol):
    """One step of it takes `time` of the model's."""

    @property
    def time(self) -> float: ...

    def begin(self, z: jax.Array, key: jax.Array) -> State: ...

    def step(self, state: State, key: jax.Array) -> State: ...


class Replicas:
    """Copies of the modes of a netlist that go on by a scheme; float64. The same seed gives the same motion."""

    def __init__(self, modes: Modes, scheme: Scheme, starts: Floats, seed: int) -> None:
        """starts: (replicas, n)."""
        self.scheme, self.time = scheme, 0.0
        self._modes, self._number = modes, 0

        def on(state: State, key: jax.Array, first: jax.Array, steps: jax.Array) -> State:
            def one(number: jax.Array, state: State) -> State:
                return scheme.step(state, jax.random.fold_in(key, first + number.astype(jnp.uint32)))

            moved: State = jax.lax.fori_loop(0, steps, one, state)
            return moved

        self._on = jax.jit(on)
        with jax.enable_x64(True):
            self._key = jax.random.key(seed)
            begin, moving = jax.random.split(jax.random.fold_in(self._key, 0))
            z = with_momenta(modes.motion, jnp.asarray(starts), moving)
            self._state = scheme.begin(z, begin)

    def advance(self, steps: int) -> None:
        """Raises PplError: the motion has left all bounds (E733)."""
        with jax.enable_x64(True):
            self._state = self._on(self._state, self._key, jnp.uint32(1 + self._number), jnp.int32(steps))
        self._number += steps
        self.time += steps * self.scheme.time
        # An energy is out of bounds before the place is.
        if not all(np.isfinite(np.asarray(one)).all() for one in (self._state.z, self._state.heat)):
            title = f"the simulated motion of {self._modes.name} diverged within {self.time:.4g} of model time"
            hints = ("take a smaller `step`, or a shorter `period` of the regulator",)
            raise PplError([Diagnostic("E733", title, hints=hints)])

    def positions(self) -> Floats:
        """(replicas, n)."""
        return np.asarray(self._state.z)[:, : self._modes.size]

    def momenta(self) -> Floats:
        """(replicas, n); of overdamped modes (replicas, 0)."""
        return np.asarray(self._state.z)[:, self._modes.size :]

    @property
    def heat(self) -> Floats:
        """(replicas,), in kT: what all modes took from the bath so far."""
        return np.asarray(self._state.heat)

    @property
    def work(self) -> Floats:
        """(replicas,), in kT: what a regulator did on all modes so far."""
        return np.asarray(self._state.work)


def with_momenta(dynamics: Dynamics, x: jax.Array, key: jax.Array) -> jax.Array:
    """z of thermal momenta."""
    if isinstance(dynamics, Overdamped):
        return x
    return jnp.concatenate([x, jax.random.normal(key, x.shape) * spread(np.sqrt(dynamics.mass), x)], axis=-1)


def kinetic(dynamics: Dynamics, p: jax.Array) -> jax.Array:
    """(replicas, n) -> (replicas,): their energy; 0 of what has none."""
    if isinstance(dynamics, Overdamped):
        return jnp.zeros(p.shape[:-1])
    return 0.5 * jnp.sum(p**2 / spread(dynamics.mass, p), axis=-1)
