"""The life of an engine that walks through the states of discrete sites alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ppl.inference import pacing
from ppl.inference.chains import over_chains
from ppl.inference.contract import Carry, Chunk, Density, DiscreteDensity, Findings
from ppl.inference.discrete.findings import standstill
from ppl.inference.discrete.schedule import Schedule
from ppl.inference.discrete.search import find_places
from ppl.inference.discrete.sites import compact, discrete, schedule_of
from ppl.inference.discrete.sweep import flat_tables, walk

Tree = Any


class Rows(NamedTuple):
    """states: (rows, m); lp: (rows,); flips: (rows,), sites that changed, over all sweeps."""

    states: Any
    lp: Any
    flips: Any


@dataclass(frozen=True)
class GibbsLife:
    """update: `gibbs` or `metropolis`; sweeps: for each iteration, whose last states are kept."""

    update: str
    sweeps: int
    warmup: int
    draws: int
    precision: str

    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        schedule = schedule_of(discrete(density), self.precision)
        key_data = np.asarray(jax.random.key_data(keys))
        places = np.zeros((key_data.shape[0], schedule.size), np.int32)
        return {
            "keys": key_data,
            "schedule": schedule,
            "states": places,
            "moves": np.zeros_like(places),
            "done": np.int64(0),
            "pace": np.float64(0.0),
        }

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        whole = discrete(density)
        done, schedule, states = int(carry["done"]), carry["schedule"], carry["states"]
        if done == 0:
            nowhere = np.zeros((len(states), 0), self.precision)
            states = find_places(whole, schedule, carry["keys"], nowhere).states
        end = self.warmup if done < self.warmup else self.warmup + self.draws
        sites = len(whole.cardinality)
        capacity = pacing.capacity(sites)
        count = min(end - done, capacity, limit or pacing.quick(float(carry["pace"]), done))

        began = time.perf_counter()
        chains = {"keys": carry["keys"], "states": states, "moves": carry["moves"]}
        numbers = (np.int32(done), np.int32(count), np.int32(self.warmup), np.int32(self.sweeps))
        alone = partial(_run_chain, self.update, capacity, self.precision, whole, schedule, numbers)
        (states, moves), rows = over_chains(alone, jax.vmap(alone), chains, self.precision == "float64")
        pace = (time.perf_counter() - began) / count

        following = {
            **carry,
            "states": states,
            "moves": moves,
            "done": np.int64(done + count),
            # The first chunk's pace is that of the compiler.
            "pace": np.float64(pace if done else 0.0),
        }
        return following, Chunk(
            warmup=done < self.warmup,
            positions=np.zeros((len(states), count, 0), self.precision),
            stats={"lp": rows.lp[:, :count], "flips": rows.flips[:, :count]},
            discrete=compact(rows.states[:, :count], whole),
        )

    def done(self, carry: Carry) -> bool:
        return int(carry["done"]) >= self.warmup + self.draws

    def progress(self, carry: Carry) -> tuple[int, int]:
        return int(carry["done"]), self.warmup + self.draws

    def findings(self, density: Density, carry: Carry) -> Findings:
        places = carry["schedule"].places
        sweeps = max(int(carry["done"]) - self.warmup, 0) * self.sweeps
        return standstill(carry["states"][:, places], carry["moves"][:, places], sweeps, discrete(density).cardinality)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _run_chain(
    update: str,
    capacity: int,
    precision: str,
    density: DiscreteDensity,
    schedule: Schedule,
    numbers: tuple[Any, ...],
    chain: Tree,
) -> tuple[tuple[jax.Array, jax.Array], Rows]:
    """Takes a chain `count` iterations further; rows beyond those are left over and mean nothing."""
    done, count, warmup, sweeps = numbers
    nowhere = jnp.zeros(0, precision)
    flat = flat_tables(density, nowhere)

    def iterate(i: jax.Array, carry: tuple[jax.Array, jax.Array, Rows]) -> tuple[jax.Array, jax.Array, Rows]:
        states, moves, rows = carry
        kept = (done + i >= warmup).astype(jnp.int32)

        walked = walk(update, schedule, flat, states, chain["keys"], done + i, sweeps)
        at = walked.states[schedule.places]
        flips = jnp.sum(walked.moves, dtype=jnp.int32)
        row = Rows(at, density.given(at).log_density(nowhere).astype(precision), flips)
        written: Rows = jax.tree.map(lambda own, one: jax.lax.dynamic_update_index_in_dim(own, one, i, 0), rows, row)
        return walked.states, moves + kept * walked.moves, written

    sites = len(schedule.places)
    none = Rows(jnp.zeros((capacity, sites), jnp.int32), jnp.zeros(capacity, precision), jnp.zeros(capacity, jnp.int32))
    states, moves, rows = jax.lax.fori_loop(jnp.int32(0), count, iterate, (chain["states"], chain["moves"], none))
    return (states, moves), rows
