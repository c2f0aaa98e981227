"""Particles of a chain in compiled programs: drawn from the reference, and led from one temperature to the next.

Particle i of a chain has a key of its own, and makes its move number k with the random words of that key and k: no
draw depends on what others do, nor on how a run is cut into pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

Array = NDArray[Any]
Tree = Any
Result = TypeVar("Result")

# Rungs that one call of the program takes, at most.
CAPACITY = 32
# Particles that a CPU moves at once.
_TOGETHER = 16


class Rung(NamedTuple):
    """One step along the path: β, and by how much it grew since the rung before, whose weight is due here; then a move
    of `steps` steps of `step_size` in coordinates u / scale. scale: (n,); the others ()."""

    beta: Any
    gap: Any
    step_size: Any
    steps: Any
    scale: Any


class Travelled(NamedTuple):
    """place: of each particle; log_weight: (particles,), what it gathered on the way, the sum of gap · gain; acceptance:
    (CAPACITY,), the mean over the particles at each rung."""

    place: Place
    log_weight: Any
    acceptance: Any


def drawn(density: Density, normal: Gaussian | None, keys: Array, count: int) -> Place:
    """Independent draws of the reference, leaves (chains, count, ...). keys: (chains, 2) uint32."""
    chains = {"key": keys, "normal": normal, "number": np.tile(np.arange(count, dtype=np.uint32), (len(keys), 1))}

    def alone(chain: Tree) -> Place:
        return _drawn(density, chain)

    places: Place = over_chains(alone, jax.vmap(alone), chains, True)
    return places


def travel(
    density: Density,
    normal: Gaussian | None,
    keys: Array,
    place: Place,
    rungs: Rung,
    number: Array,
    *,
    going: Array | None = None,
    after: bool = False,
) -> Travelled:
    """All particles up a few rungs, leaves (chains, rungs, ...), at most CAPACITY of them.

    number: (chains,), of the first move; going: (chains,), which chains do so; after: whether weights are taken after
    the moves, as on the way down, where the rungs come in the opposite order.
    """
    count = rungs.beta.shape[1]
    moving = np.ones(len(keys), bool) if going is None else going

    def padded(leaf: Array) -> Array:
        return np.concatenate([leaf, np.repeat(leaf[:, -1:], CAPACITY - count, axis=1)], axis=1)

    chains = {
        "key": keys,
        "normal": normal,
        "place": place,
        "rungs": jax.tree.map(padded, rungs),
        "number": number.astype(np.uint32),
        # Chains that stay where they are have nothing to compute.
        "count": np.where(moving, count, 0).astype(np.int32),
        "after": np.full(len(keys), after),
    }

    def alone(chain: Tree) -> Travelled:
        return _travel(density, chain)

    way: Travelled = over_chains(alone, jax.vmap(alone), chains, True)
    return way._replace(acceptance=way.acceptance[:, :count])


@jax.jit
def _drawn(density: Density, chain: Mapping[str, Any]) -> Place:
    path = path_of(density, chain["normal"])

    def one(number: jax.Array) -> Place:
        key = jax.random.wrap_key_data(_key(chain["key"], number))
        return place_at(path, path.reference.draw(key))

    # One at a time: a prior may take many steps to draw from, and is drawn from once.
    places: Place = jax.lax.map(one, chain["number"])
    return places


@jax.jit
def _travel(density: Density, chain: Mapping[str, Any]) -> Travelled:
    path = path_of(density, chain["normal"])
    size, dtype = chain["place"].position.shape[1], chain["place"].position.dtype

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

    way = _over_particles(one, (jnp.arange(chain["place"].start.shape[0], dtype=jnp.uint32), chain["place"]))
    return way._replace(acceptance=jnp.mean(way.acceptance, axis=0))


def _key(key: jax.Array, number: jax.Array) -> jax.Array:
    """Of a particle: (2,) uint32."""
    return randomness.words(key, number, 2)


def _over_particles(function: Callable[[Tree], Result], particles: Tree) -> Result:
    """What a function makes of each; leaves have the particles along their first axis."""
    together = jax.vmap(function)
    if jax.default_backend() != "cpu":
        result: Result = together(particles)
        return result
    count = jax.tree.leaves(particles)[0].shape[0]
    batches = -(-count // _TOGETHER)

    def cut(leaf: jax.Array) -> jax.Array:
        filled = jnp.concatenate([leaf, jnp.repeat(leaf[-1:], batches * _TOGETHER - count, axis=0)])
        return filled.reshape(batches, _TOGETHER, *leaf.shape[1:])

    def joined(leaf: jax.Array) -> jax.Array:
        return leaf.reshape(batches * _TOGETHER, *leaf.shape[2:])[:count]

    mapped: Result = jax.tree.map(joined, jax.lax.map(together, jax.tree.map(cut, particles)))
    return mapped
