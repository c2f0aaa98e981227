"""One sweep over all sites, a colour at a time.

Sites of one colour are independent given all others, so that drawing them at once is drawing them one after the other:
the chromatic Gibbs sampler (Gonzalez, Low, Gretton & Guestrin 2011, «Parallel Gibbs sampling: from colored fields to
thin junction trees», §3.1). A site's new state is drawn from

    p(x_i = k | the others) ∝ exp(Σ_a θ_a(x_i = k, the others that a reads)),

the sum over the ground factors a that read it (Geman & Geman 1984, §XI). Metropolis et al. 1953 instead propose
one of the K - 1 other states, each alike, and take it with probability min(1, p(new) / p(old)). An eighth of the
sites propose nothing: sites that are free would else change at every sweep, and come back at every second. At
temperature zero (`quench`) a site takes its most probable state, and keeps its own if none is more probable.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ppl.inference import randomness
from ppl.inference.contract import DiscreteDensity
from ppl.inference.discrete.schedule import Group, Schedule

REST = 0.125
_ROUNDING = 1e-12

# Numbers of the words for sweeps, far from those of other transitions.
_FIRST = 1 << 30


class Walked(NamedTuple):
    """The state of every place, and how often it changed."""

    states: jax.Array
    moves: jax.Array


def flat_tables(density: DiscreteDensity, u: jax.Array) -> jax.Array:
    """All tables in one vector, with a zero at its end."""
    tables = density.tables(u)
    return jnp.concatenate([*(jnp.ravel(table).astype(u.dtype) for table in tables), jnp.zeros(1, u.dtype)])


def walk(
    update: str,
    schedule: Schedule,
    flat: jax.Array,
    states: jax.Array,
    key: jax.Array,
    iteration: jax.Array,
    count: jax.Array,
) -> Walked:
    """The sweeps of an iteration, `count` of them. key: (2,) uint32, of the chain."""

    def once(k: jax.Array, walked: Walked) -> Walked:
        number = iteration.astype(jnp.uint32) * count.astype(jnp.uint32) + k.astype(jnp.uint32)
        words = randomness.words(key, jnp.uint32(_FIRST) + number, 2)
        new = sweep(update, schedule, flat, walked.states, words)
        return Walked(new, walked.moves + (new != walked.states).astype(jnp.int32))

    result: Walked = jax.lax.fori_loop(jnp.int32(0), count, once, Walked(states, jnp.zeros_like(states)))
    return result


def sweep(update: str, schedule: Schedule, flat: jax.Array, states: jax.Array, key: jax.Array) -> jax.Array:
    """States of all places, each updated once by the rule `update`. key: (2,) uint32, of this sweep alone."""
    first = 0
    batch = 0
    for group in schedule.groups:
        states = _group_sweep(update, group, first, batch, flat, states, key)
        first += group.states.size
        batch += group.states.shape[0]
    return states


def _group_sweep(
    update: str, group: Group, first: int, number: int, flat: jax.Array, states: jax.Array, key: jax.Array
) -> jax.Array:
    batches, size = group.states.shape

    def one(t: jax.Array, states: jax.Array) -> jax.Array:
        own: Group = jax.tree.map(
            lambda array: jax.lax.dynamic_index_in_dim(array, t, keepdims=False), group._replace(values=())
        )
        begin = first + t * size
        old = jax.lax.dynamic_slice_in_dim(states, begin, size)
        base = own.offset + jnp.sum(own.strides * states[own.others], axis=0, dtype=jnp.int32)
        words = randomness.words(key, (number + t).astype(jnp.uint32), 2 * size if update == "metropolis" else size)
        uniforms = randomness.uniform(words, flat.dtype)

        def logits(candidates: jax.Array) -> jax.Array:
            """(C, B) or (C, 1) states -> (C, B)."""
            return jnp.sum(flat[base[None] + own.own[None] * candidates[:, None, :]], axis=1)

        if update == "metropolis":
            new = _metropolis(old, own.states, uniforms, logits)
        elif update == "quench":
            new = _quenched(old, group.values[:, None], own.states, logits)
        else:
            new = _gibbs(group.values[:, None], own.states, uniforms, logits)
        return jax.lax.dynamic_update_slice_in_dim(states, new, begin, 0)

    result: jax.Array = jax.lax.fori_loop(jnp.int32(0), jnp.int32(batches), one, states)
    return result


def _gibbs(values: jax.Array, count: jax.Array, uniforms: jax.Array, logits: Any) -> jax.Array:
    found = jnp.where(values < count[None, :], logits(values), -jnp.inf)
    below = jnp.cumsum(jnp.exp(found - jnp.max(found, axis=0, keepdims=True)), axis=0)
    # States that are impossible add nothing, and are not the first to pass what is drawn.
    return jnp.sum(below <= uniforms[None, :] * below[-1:], axis=0, dtype=jnp.int32)


def _quenched(old: jax.Array, values: jax.Array, count: jax.Array, logits: Any) -> jax.Array:
    found = jnp.where(values < count[None, :], logits(values), -jnp.inf)
    highest, own = jnp.max(found, axis=0), jnp.max(jnp.where(values == old[None, :], found, -jnp.inf), axis=0)
    # Sums that are equal but for rounding would take turns.
    higher = highest > own + _ROUNDING * jnp.maximum(jnp.abs(highest), 1.0)
    return jnp.where(higher, jnp.argmax(found, axis=0).astype(jnp.int32), old)


def _metropolis(old: jax.Array, count: jax.Array, uniforms: jax.Array, logits: Any) -> jax.Array:
    proposing, accepting = jnp.split(uniforms, 2)
    among = (proposing - REST) / (1 - REST) * (count - 1).astype(uniforms.dtype)
    other = jnp.clip(jnp.floor(among).astype(jnp.int32), 0, jnp.maximum(count - 2, 0))
    proposed = jnp.where(count > 1, other + (other >= old).astype(jnp.int32), old)
    # Without a barrier the compiler makes the proposal anew at each table that reads it.
    barrier: Any = jax.lax.optimization_barrier
    before, after = logits(barrier(jnp.stack([old, proposed])))
    taken = (proposing >= REST) & (accepting < jnp.exp(after - before))
    return jnp.where(taken, proposed, old)
