"""Where a walk starts: a random position, and random states at which the density is finite.

Where hard constraints make most states impossible they are searched for: Gibbs sweeps in which every factor counts as 0
where it is finite and as a penalty where it is not, which grows from sweep to sweep (simulated annealing, Kirkpatrick,
Gelatt & Vecchi 1983, of the number of constraints that are broken). What comes out is random among what is possible.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ppl.inference import randomness, starting
from ppl.inference.chains import over_chains
from ppl.inference.contract import DiscreteDensity, InitialisationError
from ppl.inference.discrete.schedule import Schedule
from ppl.inference.discrete.sweep import flat_tables, sweep

TRIES = 20
SWEEPS = 200
# The penalty after a sweep, and the most that it grows to.
_PENALTY, _MOST = 0.5, 30.0
# Numbers of the words for starts, far from those of iterations.
_FIRST = 3 << 30


class Place(NamedTuple):
    """A position (n,), the state of every place, the log density there, whether it is finite, and how many were
    tried."""

    position: Any
    states: Any
    log_density: Any
    found: Any
    tries: Any


def find_place(density: DiscreteDensity, schedule: Schedule, key: jax.Array, position: jax.Array, given: Any) -> Place:
    """Traceable. key: (2,) uint32; position: (n,), which is used if `given` () holds."""
    size, dtype = position.shape[0], position.dtype

    def attempt(place: Place) -> Place:
        own = randomness.words(key, jnp.uint32(_FIRST) + place.tries.astype(jnp.uint32), 2)
        anywhere = starting.RADIUS * (
            2 * randomness.uniform(randomness.words(own, jnp.uint32(SWEEPS + 1), size), dtype) - 1
        )
        at = jnp.where(given, position, anywhere)
        flat = flat_tables(density, at)
        possible = jnp.isfinite(flat)

        def mend(search: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
            states, _, count = search
            penalty = jnp.minimum(_PENALTY * count.astype(dtype), jnp.asarray(_MOST, dtype))
            relaxed = jnp.where(possible, jnp.zeros((), dtype), -penalty)
            seeds = randomness.words(own, count.astype(jnp.uint32), 2)
            states = sweep("gibbs", schedule, relaxed, states, seeds)
            return states, density.given(states[schedule.places]).log_density(at).astype(dtype), count + 1

        def broken(search: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
            return ~jnp.isfinite(search[1]) & (search[2] < SWEEPS)

        # With no penalty the first sweep draws every state alike.
        nowhere = (jnp.zeros(place.states.shape, jnp.int32), jnp.asarray(-jnp.inf, dtype), jnp.zeros((), jnp.int32))
        states, log_density, _ = jax.lax.while_loop(broken, mend, nowhere)
        return Place(at, states, log_density, jnp.isfinite(log_density), place.tries + 1)

    none = Place(
        position,
        jnp.zeros(schedule.size, jnp.int32),
        jnp.zeros((), dtype),
        jnp.array(False),
        jnp.zeros((), jnp.int32),
    )
    place: Place = jax.lax.while_loop(lambda place: ~place.found & (place.tries < TRIES), attempt, none)
    return place


def find_places(density: DiscreteDensity, schedule: Schedule, keys: Any, positions: Any, given: bool = False) -> Place:
    """A place for every chain; leaves are NumPy arrays with the chains along their first axis.

    keys: (chains, 2) uint32; positions: (chains, n), whose precision is that of the run.

    Raises:
        InitialisationError: there is none for some chain.
    """
    alone = partial(_find_place, density, schedule)
    chains = {"keys": keys, "positions": positions, "given": np.full(len(keys), given)}
    places: Place = over_chains(alone, jax.vmap(alone), chains, positions.dtype == np.float64)
    _refuse_lost(places, schedule)
    return places


@jax.jit
def _find_place(density: DiscreteDensity, schedule: Schedule, chain: Any) -> Place:
    return find_place(density, schedule, chain["keys"], chain["positions"], chain["given"])


def _refuse_lost(places: Place, schedule: Schedule) -> None:
    """Raises InitialisationError for the first chain without a start; leaves have the chains along their first axis."""
    lost = np.flatnonzero(~np.asarray(places.found))
    if lost.size:
        chain = int(lost[0])
        position = np.asarray(places.position)[chain]
        raise InitialisationError(
            chain,
            position,
            float(places.log_density[chain]),
            np.zeros_like(position),
            int(places.tries[chain]),
            np.asarray(places.states)[chain][np.asarray(schedule.places)],
        )
