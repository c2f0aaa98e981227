"""Particles of a chain in compiled programs: drawn from the reference, and led from one temperature to the next.

Particle i of a chain has a key of its own, and makes its move number k with the random words of that key and k: no
draw depends on what others do, nor on how a run is cut into pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference import randomness
from ppl.inference.annealing.moves import Place, move, place_at, words_for_move
from ppl.inference.annealing.normal import path_of
from ppl.inference.chains import over_chains
from ppl.inference.contract import Density
from ppl.inference.modes.gaussian import Gaussian
from ppl.inference.placing import here

Array = NDArray[Any]
Tree = Any
Result = TypeVar("Result")

# Rungs that one call of the program takes, at most.
CAPACITY = 32
# Where the numbers of the keys for draws begin.
_DRAWS = np.uint32(1 << 29)


class Rung(NamedTuple):
    """One step along the path: β, and by how much it grew since the rung before, whose weight is due here; then a move
    of `steps` steps of `step_size` in coordinates u / scale. scale: (n,); the others ()."""

    beta: Any
    gap: Any
    step_size: Any
    steps: Any
    scale: Any


class Travelled(NamedTuple):
    """place: of each particle; log_weight: (particles,), what it gathered on the way, the sum of gap · gain;
    acceptance: the mean over the particles at each rung."""

    place: Place
    log_weight: Any
    acceptance: Any


def drawn(density: Density, normal: Gaussian | None, keys: Array, count: int, room: int) -> Place:
    """Independent draws of the reference, leaves (chains, count, ...). keys: (chains, 2) uint32; room: for how many
    the program is made."""
    each = np.tile(np.arange(max(room, count), dtype=np.uint32), (len(keys), 1))
    chains = {"key": keys, "normal": normal, "number": each, "particles": np.full(len(keys), count, np.int32)}

    def alone(chain: Tree) -> Place:
        places: Place = _drawn(density, chain)
        return places

    places: Place = over_chains(alone, jax.vmap(alone), chains, True)
    return _first(places, count)


def travel(
    density: Density,
    normal: Gaussian | None,
    keys: Array,
    place: Place,
    rungs: Rung,
    number: Array,
    room: int,
    *,
    going: Array | None = None,
    after: bool = False,
) -> Travelled:
    """All particles up a few rungs, leaves (chains, rungs, ...), at most CAPACITY of them.

    number: (chains,), of the first move; room: for how many particles the program is made; going: (chains,), which
    chains do so; after: whether weights are taken after the moves, as on the way down, where the rungs come in the
    opposite order.
    """
    count, particles = rungs.beta.shape[1], place.start.shape[1]
    moving = np.ones(len(keys), bool) if going is None else going
    chains = {
        "key": keys,
        "normal": normal,
        "place": jax.tree.map(partial(_filled, room), place),
        "particles": np.full(len(keys), particles, np.int32),
        "rungs": jax.tree.map(partial(_filled, CAPACITY), rungs),
        "number": number.astype(np.uint32),
        # Chains that stay where they are have nothing to compute.
        "count": np.where(moving, count, 0).astype(np.int32),
        "after": np.full(len(keys), after),
    }

    def alone(chain: Tree) -> Travelled:
        way: Travelled = _travel(density, chain)
        return way

    way: Travelled = over_chains(alone, jax.vmap(alone), chains, True)
    return Travelled(
        _first(way.place, particles), way.log_weight[:, :particles], way.acceptance[:, :particles, :count].mean(axis=1)
    )


@jax.jit
def _drawn(density: Density, chain: Mapping[str, Any]) -> Place:
    path = path_of(density, chain["normal"])

    def one(number: jax.Array) -> Place:
        # Another than that of the moves, whose words a draw may take.
        key = jax.random.wrap_key_data(_key(chain["key"], _DRAWS + number))
        return place_at(path, path.reference.draw(key))

    places: Place = _over_particles(one, chain["number"], chain["particles"])
    return places


@jax.jit
def _travel(density: Density, chain: Mapping[str, Any]) -> Travelled:
    """acceptance: (particles, CAPACITY), of each."""
    path = path_of(density, chain["normal"])
    room, size = chain["place"].position.shape
    dtype = chain["place"].position.dtype

    def one(particle: tuple[jax.Array, Place]) -> Travelled:
        key = _key(chain["key"], particle[0])

        def climb(k: jax.Array, way: Travelled) -> Travelled:
            rung: Rung = jax.tree.map(lambda leaf: leaf[k], chain["rungs"])
            words = randomness.words(key, chain["number"] + k.astype(jnp.uint32), words_for_move(size))
            place, accepted = move(path, rung.beta, way.place, words, rung.steps, rung.step_size, rung.scale)
            gain = jnp.where(chain["after"], place.gain, way.place.gain)
            work = jnp.where(rung.gap > 0, rung.gap * gain, 0.0)
            return Travelled(place, way.log_weight + work, way.acceptance.at[k].set(accepted))

        none = Travelled(particle[1], jnp.zeros((), dtype), jnp.zeros(CAPACITY, dtype))
        way: Travelled = jax.lax.fori_loop(0, chain["count"], climb, none)
        return way

    numbered = (jnp.arange(room, dtype=jnp.uint32), chain["place"])
    return _over_particles(one, numbered, chain["particles"])


def _key(key: jax.Array, number: jax.Array) -> jax.Array:
    """Of a particle: (2,) uint32."""
    return randomness.words(key, number, 2)


def _over_particles(function: Callable[[Tree], Result], particles: Tree, count: jax.Array) -> Result:
    """What a function makes of the first `count`, of others anything; leaves have the particles along the first axis.

    One after the other on a CPU, which keeps a particle's whole way in one loop of machine code."""
    if not here().is_cpu:
        return jax.vmap(function)(particles)

    def one(i: jax.Array, results: Result) -> Result:
        result = function(jax.tree.map(lambda leaf: leaf[i], particles))
        written: Result = jax.tree.map(lambda own, new: own.at[i].set(new), results, result)
        return written

    shapes = jax.eval_shape(jax.vmap(function), particles)
    empty: Result = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    results: Result = jax.lax.fori_loop(0, count, one, empty)
    return results


def _filled(room: int, leaf: Array) -> Array:
    """(chains, k, ...) -> (chains, room, ...), the last repeated."""
    return np.concatenate([leaf, np.repeat(leaf[:, -1:], max(room - leaf.shape[1], 0), axis=1)], axis=1)


def _first(place: Place, count: int) -> Place:
    first: Place = jax.tree.map(lambda leaf: leaf[:, :count], place)
    return first
