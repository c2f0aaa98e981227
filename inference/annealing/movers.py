"""How what walks at a temperature moves, whether in a continuous space or among states of discrete sites.

Both know a place by log q and log p - log q there, so that exchanging and weighing places is the same for both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from ppl.inference import randomness
from ppl.inference.annealing.moves import Place, move, place_at, words_for_move
from ppl.inference.annealing.path import Path
from ppl.inference.contract import DiscreteDensity
from ppl.inference.discrete.schedule import Schedule
from ppl.inference.discrete.sweep import flat_tables, sweep

Tree = Any


class Tuning(NamedTuple):
    """Of W walkers. betas: (W,), inverse temperatures; log_step: (W,), of the step size; scale: (W, n), the standard
    deviations, roughly; moves: (), how many were made since the temperatures changed. Sites need betas alone."""

    betas: Any
    log_step: Any
    scale: Any
    moves: Any


class Stride(NamedTuple):
    """number: (), of the first of the moves, which take one each; count: (), how many; steps: (), leapfrog steps of
    each."""

    number: Any
    count: Any
    steps: Any


class Mover(Protocol):
    """A hashable value: everything in it is static. `whole` is what it walks on, a pytree; places have W along the
    first axis of each leaf."""

    def ready(self, whole: Tree) -> Tree:
        """With what does not change while it walks."""
        ...

    def moved(
        self, whole: Tree, places: Place, tuning: Tuning, key: jax.Array, stride: Stride
    ) -> tuple[Place, jax.Array]:
        """Places after some moves of each, and the mean acceptance, (W,). key: (2,) uint32."""
        ...

    def fresh(self, whole: Tree, place: Place, key: jax.Array, number: jax.Array) -> Place:
        """Another place at β = 0, independent of this one if there is a way to draw one."""
        ...

    def continuous(self, place: Place) -> jax.Array:
        """(n,), where the place is."""
        ...

    def states(self, whole: Tree, place: Place) -> jax.Array:
        """(m,), of its sites."""
        ...


@dataclass(frozen=True)
class Hamiltonian:
    """Along a path, by leapfrog steps."""

    def ready(self, whole: Path) -> Path:
        return whole

    def moved(
        self, whole: Path, places: Place, tuning: Tuning, key: jax.Array, stride: Stride
    ) -> tuple[Place, jax.Array]:
        walkers, size = places.position.shape
        each = words_for_move(size)
        moving = jax.vmap(partial(move, whole), in_axes=(0, 0, 0, None, 0, 0))

        def once(k: jax.Array, carry: tuple[Place, jax.Array]) -> tuple[Place, jax.Array]:
            places, total = carry
            words = randomness.words(key, stride.number + k.astype(jnp.uint32), walkers * each).reshape(walkers, each)
            step_size = jnp.exp(tuning.log_step)
            places, acceptance = moving(tuning.betas, places, words, stride.steps, step_size, tuning.scale)
            return places, total + acceptance

        none = jnp.zeros_like(tuning.betas)
        moved, total = jax.lax.fori_loop(jnp.int32(0), stride.count, once, (places, none))
        return moved, total / stride.count.astype(none.dtype)

    def fresh(self, whole: Path, place: Place, key: jax.Array, number: jax.Array) -> Place:
        drawn = whole.reference.draw(jax.random.wrap_key_data(randomness.words(key, number, 2)))
        return place_at(whole, drawn.astype(place.position.dtype))

    def continuous(self, place: Place) -> jax.Array:
        position: jax.Array = place.position
        return position

    def states(self, whole: Path, place: Place) -> jax.Array:
        return jnp.zeros(0, jnp.int32)


class Sites(NamedTuple):
    """A density of states alone and how they are swept; flat: its tables, once they are known."""

    density: DiscreteDensity
    schedule: Schedule
    flat: Any = None


@dataclass(frozen=True)
class Sweeping:
    """By sweeps over all sites; q is uniform over all states, and -inf stays -inf at every β.

    At β = 0 a sweep draws every site by itself, from all its states alike: the states are then independent of those
    before, unless constraints forbid some.
    """

    update: str
    precision: str

    def ready(self, whole: Sites) -> Sites:
        return whole._replace(flat=flat_tables(whole.density, jnp.zeros(0, self.precision)))

    def moved(
        self, whole: Sites, places: Place, tuning: Tuning, key: jax.Array, stride: Stride
    ) -> tuple[Place, jax.Array]:
        walkers = tuning.betas.shape[0]
        possible = jnp.isfinite(whole.flat)
        flat = jax.vmap(lambda beta: jnp.where(possible, beta * jnp.where(possible, whole.flat, 0.0), whole.flat))(
            tuning.betas
        )
        sweeping = jax.vmap(partial(sweep, self.update, whole.schedule))

        def once(k: jax.Array, states: jax.Array) -> jax.Array:
            words = randomness.words(key, stride.number + k.astype(jnp.uint32), 2 * walkers).reshape(walkers, 2)
            return sweeping(flat, states, words)

        states = jax.lax.fori_loop(jnp.int32(0), stride.count, once, places.position)
        return jax.vmap(partial(self.place, whole))(states), jnp.ones_like(tuning.betas)

    def fresh(self, whole: Sites, place: Place, key: jax.Array, number: jax.Array) -> Place:
        flat = jnp.where(jnp.isfinite(whole.flat), 0.0, whole.flat)
        words = randomness.words(key, number, 2)
        return self.place(whole, sweep("gibbs", whole.schedule, flat, place.position, words))

    def continuous(self, place: Place) -> jax.Array:
        return jnp.zeros(0, self.precision)

    def states(self, whole: Sites, place: Place) -> jax.Array:
        at: jax.Array = place.position[whole.schedule.places]
        return at

    def place(self, whole: Sites, states: jax.Array) -> Place:
        """states: of every place of the schedule."""
        density = whole.density.given(states[whole.schedule.places])
        lp = density.log_density(jnp.zeros(0, self.precision)).astype(self.precision)
        start = jnp.full((), -log_states(whole.density), self.precision)
        return Place(states, start, lp - start)


def log_states(density: DiscreteDensity) -> float:
    """The log of how many joint states there are."""
    return math.fsum(np.log(density.cardinality))
