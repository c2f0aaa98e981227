"""Sweeps over discrete sites between gradient moves: Gibbs sampling with two blocks.

An iteration draws z by sweeps of the chromatic Gibbs sampler given u, whose tables are made anew, then moves u given z
by a Hamiltonian transition. Both leave p(u, z) as it is, and so does one after the other (Tierney 1994, §2.4); NUTS and
HMC leave p(u | z) as it is for every z, with a metric and a step size that warmup found for all z together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ppl.inference.chains import over_chains
from ppl.inference.contract import Carry, Density, DiscreteDensity, Findings
from ppl.inference.discrete.findings import standstill
from ppl.inference.discrete.schedule import Schedule
from ppl.inference.discrete.search import find_places
from ppl.inference.discrete.sites import compact, discrete, schedule_of
from ppl.inference.discrete.sweep import flat_tables, walk
from ppl.inference.hamiltonian.kernel import Kernel, Options
from ppl.inference.hamiltonian.life import Beside, HamiltonianLife
from ppl.inference.hamiltonian.program import EVALUATE, FAILED, REFRESH, ChainState, Rows, run_chain


class Pair(NamedTuple):
    """A chain of u; the state of every place, and how often it changed after warmup."""

    chain: ChainState
    states: Any
    moves: Any


class PairRows(NamedTuple):
    """A row for each iteration: what the gradient move gave; the states of the sites, (m,), and how many changed."""

    moves: Rows
    states: Any
    flips: Any


class Numbers(NamedTuple):
    """iterations: to make; sweeps: for each."""

    iterations: Any
    warmup: Any
    sweeps: Any
    target: Any


@dataclass(frozen=True)
class MixedLife(HamiltonianLife):
    """The life of a Hamiltonian engine, with sweeps before every transition. update: of sites, `gibbs` or
    `metropolis`."""

    update: str = "gibbs"
    sweeps: int = 1

    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        schedule = schedule_of(discrete(density), self.precision)
        carry = super().start(density, keys, positions)
        places = np.zeros((len(carry["states"].key), schedule.size), np.int32)
        return {**carry, "schedule": schedule, "places": places, "moves": np.zeros_like(places)}

    def further(self, density: Density, carry: Carry, capacity: int, count: int) -> tuple[Carry, Rows, Beside]:
        sites, states, schedule = discrete(density), carry["states"], carry["schedule"]
        pairs = Pair(states, carry["places"], carry["moves"])
        dtype = states.point.position.dtype
        if states.iteration[0] == 0:
            given = bool(states.given[0])
            found = find_places(sites, schedule, states.key, states.point.position, given)
            point = states.point._replace(position=found.position)
            pairs = Pair(states._replace(point=point, given=np.ones_like(states.given)), found.states, carry["moves"])
        target = np.asarray(self.target, dtype)
        numbers = Numbers(np.int32(count), np.int32(self.warmup), np.int32(self.sweeps), target)
        options = {name: np.asarray(value, dtype) for name, value in self.options.items()}
        alone = partial(_run_pair, self.update, self.kernel, capacity, sites, schedule, numbers, options)
        pairs, rows = over_chains(alone, jax.vmap(alone), pairs, dtype == np.float64)
        rows = jax.tree.map(lambda row: row[:, :count], rows)
        beside = Beside({"flips": rows.flips}, compact(rows.states, sites))
        return {**carry, "states": pairs.chain, "places": pairs.states, "moves": pairs.moves}, rows.moves, beside

    def findings(self, density: Density, carry: Carry) -> Findings:
        at = carry["schedule"].places
        sweeps = max(int(carry["states"].iteration[0]) - self.warmup, 0) * self.sweeps
        return standstill(carry["places"][:, at], carry["moves"][:, at], sweeps, discrete(density).cardinality)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _run_pair(
    update: str,
    kernel: Kernel,
    capacity: int,
    density: DiscreteDensity,
    schedule: Schedule,
    numbers: Numbers,
    options: Options,
    pair: Pair,
) -> tuple[Pair, PairRows]:
    """Takes a pair up to `iterations` further; rows beyond those done are left over and mean nothing."""

    def once(pair: Pair) -> tuple[Pair, PairRows]:
        chain = pair.chain
        flat = flat_tables(density, chain.point.position)
        walked = walk(update, schedule, flat, pair.states, chain.key, chain.iteration, numbers.sweeps)
        kept = (chain.iteration >= numbers.warmup).astype(jnp.int32)
        # What is known of the density at u is of other states.
        phase = chain.phase + jnp.where(chain.phase == EVALUATE, 0, REFRESH).astype(chain.phase.dtype)
        at = walked.states[schedule.places]
        # One iteration, which the compiler must not know: see `in_one_kernel`.
        one = jnp.minimum(numbers.iterations, 1)
        chain, rows = run_chain(
            kernel, 1, density.given(at), chain._replace(phase=phase), one, numbers.warmup, numbers.target, options
        )
        row = PairRows(jax.tree.map(lambda all_rows: all_rows[0], rows), at, jnp.sum(walked.moves, dtype=jnp.int32))
        return Pair(chain, walked.states, pair.moves + kept * walked.moves), row

    def unfinished(carry: tuple[Pair, PairRows]) -> jax.Array:
        chain = carry[0].chain
        going: jax.Array = (chain.iteration < first + numbers.iterations) & (chain.phase != FAILED)
        return going

    def iterate(carry: tuple[Pair, PairRows]) -> tuple[Pair, PairRows]:
        index = carry[0].chain.iteration - first
        further, row = once(carry[0])
        rows: PairRows = jax.tree.map(
            lambda own, one: jax.lax.dynamic_update_index_in_dim(own, one, index, 0), carry[1], row
        )
        return further, rows

    first = pair.chain.iteration
    shapes = jax.eval_shape(once, pair)[1]
    none = jax.tree.map(lambda leaf: jnp.zeros((capacity, *leaf.shape), leaf.dtype), shapes)
    result: tuple[Pair, PairRows] = jax.lax.while_loop(unfinished, iterate, (pair, none))
    return result
