"""Replicas of one chain along a path, and one iteration of them: moves, then exchanges.

The replica at β = 0 draws anew from the reference in every iteration, those at the other temperatures move. What warmup
and the findings need is counted along, and begins anew whenever the temperatures change:

    log Z = Σ_k log E_k[exp(Δ_k V / 2)] - log E_{k+1}[exp(-Δ_k V / 2)],   Δ_k = β_{k+1} - β_k,   V = log p - log q,

stepping stones (Xie, Lewis, Fan, Kuo & Chen 2011) that use both ends of each stretch: bridge sampling with a geometric
bridge (Meng & Wong 1996, section 3). E_k is the mean over p_β at β_k.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ppl.inference import randomness
from ppl.inference.annealing.exchange import NOWHERE, Trips, acceptances, exchanged, travelled
from ppl.inference.annealing.movers import Mover, Stride, Tree, Tuning
from ppl.inference.annealing.moves import Place


class Tally(NamedTuple):
    """Of so many iterations (`count`). refused: (R - 1,), sums of 1 - α; gain: (R,), sums of V; up, down: (R - 1,),
    logs of sums of exp(±Δ V / 2); mean, squares: (R, n), the mean of positions and the sum of squares about it;
    acceptance: (R - 1,), sums over moves of those beyond β = 0."""

    count: Any
    refused: Any
    gain: Any
    up: Any
    down: Any
    mean: Any
    squares: Any
    acceptance: Any


class Replicas(NamedTuple):
    """places, trips, log_step and moves: of a chain's R replicas, in the order of their temperatures."""

    places: Place
    trips: Trips
    tally: Tally
    log_step: Any
    moves: Any


class Row(NamedTuple):
    """What is kept of an iteration: the replica at β = 1."""

    position: Any
    states: Any
    stats: Mapping[str, Any]


class Numbers(NamedTuple):
    """done, count: iterations so far, and to make; exploration: moves between exchanges; steps: of a move; target:
    the acceptance that step sizes aim at."""

    done: Any
    count: Any
    warmup: Any
    exploration: Any
    steps: Any
    target: Any


def no_tally(replicas: int, size: int, dtype: Any) -> Tally:
    pair, each, wide = (jnp.zeros(shape, dtype) for shape in ((replicas - 1,), (replicas,), (replicas, size)))
    nothing = jnp.full((replicas - 1,), -jnp.inf, dtype)
    return Tally(jnp.zeros((), dtype), pair, each, nothing, nothing, wide, wide, pair)


def begun(places: Place, log_step: jax.Array, size: int) -> Replicas:
    """Replicas that stand at these places. log_step: (R,)."""
    zero = jnp.zeros((), jnp.int32)
    trips = Trips(jnp.full(log_step.shape, NOWHERE, jnp.int32), zero, zero)
    moves = jnp.zeros((), log_step.dtype)
    return Replicas(places, trips, no_tally(log_step.shape[0], size, log_step.dtype), log_step, moves)


def iterate(
    mover: Mover, whole: Tree, state: Replicas, tuning: Tuning, key: jax.Array, done: jax.Array, numbers: Numbers
) -> tuple[Replicas, Row]:
    """One iteration, the one after `done`. tuning: whose log_step and moves are those of the state instead."""
    # Each iteration has as many counters as it has moves, and two more.
    first = done.astype(jnp.uint32) * (numbers.exploration.astype(jnp.uint32) + 2)
    replicas, moves = tuning.betas.shape[0], state.moves + 1

    reference = mover.fresh(whole, jax.tree.map(lambda leaf: leaf[0], state.places), key, first)
    others: Tuning = Tuning(tuning.betas[1:], state.log_step[1:], tuning.scale[1:], moves)
    stride = Stride(first + 2, numbers.exploration, numbers.steps)
    moved, acceptance = mover.moved(whole, jax.tree.map(lambda leaf: leaf[1:], state.places), others, key, stride)
    places: Place = jax.tree.map(lambda one, more: jnp.concatenate([one[None], more]), reference, moved)
    change = jnp.concatenate([jnp.zeros_like(acceptance[:1]), (acceptance - numbers.target) / moves**0.6])

    alpha = acceptances(tuning.betas, places.gain)
    uniforms = randomness.uniform(randomness.words(key, first + 1, replicas - 1), alpha.dtype)
    tally = _tallied(state.tally, tuning.betas, alpha, jax.vmap(mover.continuous)(places), places.gain, acceptance)
    order = exchanged(alpha, uniforms, done)
    places = jax.tree.map(lambda leaf: leaf[order], places)
    after = Replicas(
        places=places,
        trips=travelled(state.trips._replace(last=state.trips.last[order])),
        tally=tally,
        log_step=state.log_step + jnp.where(done < numbers.warmup, change, 0.0),
        moves=moves,
    )
    target: Place = jax.tree.map(lambda leaf: leaf[-1], places)
    stats = {
        "lp": target.start + target.gain,
        "acceptance_rate": acceptance[-1],
        "swap_acceptance": jnp.mean(alpha),
    }
    return after, Row(mover.continuous(target), mover.states(whole, target), stats)


def _tallied(
    tally: Tally, betas: jax.Array, alpha: jax.Array, positions: jax.Array, gains: jax.Array, acceptance: jax.Array
) -> Tally:
    count, half = tally.count + 1, (betas[1:] - betas[:-1]) / 2
    away = positions - tally.mean
    mean = tally.mean + away / count
    return Tally(
        count=count,
        refused=tally.refused + (1 - alpha),
        gain=tally.gain + gains,
        up=jnp.logaddexp(tally.up, half * gains[:-1]),
        down=jnp.logaddexp(tally.down, -half * gains[1:]),
        mean=mean,
        squares=tally.squares + away * (positions - mean),
        acceptance=tally.acceptance + acceptance,
    )


def run_replicas(
    mover: Mover, capacity: int, whole: Tree, tuning: Tuning, key: jax.Array, numbers: Numbers, state: Replicas
) -> tuple[Replicas, Row]:
    """Takes a chain `count` iterations further; rows beyond those are left over and mean nothing. Traceable."""
    whole = mover.ready(whole)
    once = partial(iterate, mover, whole, tuning=tuning, key=key, numbers=numbers)

    def body(i: jax.Array, carry: tuple[Replicas, Row]) -> tuple[Replicas, Row]:
        state, rows = carry
        state, row = once(state, done=numbers.done + i)
        written: Row = jax.tree.map(lambda own, one: jax.lax.dynamic_update_index_in_dim(own, one, i, 0), rows, row)
        return state, written

    shapes = jax.eval_shape(lambda state: once(state, done=numbers.done)[1], state)
    rows = jax.tree.map(lambda leaf: jnp.zeros((capacity, *leaf.shape), leaf.dtype), shapes)
    result: tuple[Replicas, Row] = jax.lax.fori_loop(jnp.int32(0), numbers.count, body, (state, rows))
    return result
