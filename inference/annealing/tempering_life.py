"""The life of `tempering`: replicas of every chain, warmup in rounds, sampling."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ppl.inference import pacing
from ppl.inference.annealing.exchange_findings import exchange_findings
from ppl.inference.annealing.movers import Hamiltonian, Mover, Sites, Sweeping, Tree, Tuning
from ppl.inference.annealing.moves import Place, place_at
from ppl.inference.annealing.normal import blank, fitted, path_of, reference_remarks
from ppl.inference.annealing.replica_tuning import FIRST_STEP, first_tuning, forgotten, retuned, rounds
from ppl.inference.annealing.replicas import Numbers, Replicas, Row, begun, run_replicas
from ppl.inference.chains import over_chains
from ppl.inference.contract import Carry, Chunk, Density, Findings
from ppl.inference.discrete.search import find_places
from ppl.inference.discrete.sites import compact, discrete, schedule_of
from ppl.inference.modes.starts import starts_of
from ppl.inference.starting import Start, find_start, refuse_failed

# Numbers of the words for draws that replicas begin at, far from those of iterations and of other starts.
_FIRST = (1 << 31) + (1 << 20)


@dataclass(frozen=True)
class TemperingLife:
    """replicas: of each chain; exploration: moves or sweeps between exchanges; leapfrog: steps of a move; target: its
    acceptance; reference: `prior` or `normal`. A density of size 0 has sites, which are swept."""

    replicas: int
    exploration: int
    leapfrog: int
    target: float
    reference: str
    warmup: int
    draws: int
    precision: str

    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        dtype = np.dtype(self.precision)
        starts = starts_of(density, keys, positions)
        chains, size = starts["positions"].shape
        tuning = first_tuning(chains, self.replicas, size, dtype)
        normal = blank(density, chains, self.reference) if size else None
        schedule = None if size else schedule_of(discrete(density), self.precision)
        shape, kind = ((size,), dtype) if schedule is None else ((schedule.size,), np.dtype(np.int32))
        place = np.zeros((self.replicas, *shape), kind)
        number = np.zeros(self.replicas, dtype)
        with jax.enable_x64(dtype == np.float64):
            state = jax.eval_shape(partial(begun, size=size), Place(place, number, number), number)
        return {
            "starts": starts,
            "normal": normal,
            "schedule": schedule,
            "states": jax.tree.map(lambda leaf: np.zeros((chains, *leaf.shape), leaf.dtype), state),
            "tuning": tuning,
            "done": np.int64(0),
            "pace": np.float64(0.0),
        }

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        done = int(carry["done"])
        if done == 0:
            carry = self._begun(density, carry)
        states, tuning = carry["states"], carry["tuning"]
        marks = rounds(self.warmup)
        ends = [mark for mark in (*marks, self.warmup, self.warmup + self.draws) if mark > done]
        sites = 0 if density.size else len(discrete(density).cardinality)
        capacity = pacing.capacity(density.size or sites)
        count = min(min(ends) - done, capacity, limit or pacing.quick(float(carry["pace"]), done))

        began = time.perf_counter()
        states, rows = self._run(density, carry, capacity, count)
        pace = (time.perf_counter() - began) / count
        if done + count in marks:
            tuning, states = retuned(tuning, states)
        if done + count == self.warmup:
            states = forgotten(states)
        following = {
            **carry,
            "states": states,
            "tuning": tuning,
            "done": np.int64(done + count),
            # The first chunk's pace is that of the compiler.
            "pace": np.float64(pace if done else 0.0),
        }
        rows = jax.tree.map(lambda row: row[:, :count], rows)
        return following, Chunk(
            warmup=done < self.warmup,
            positions=rows.position,
            stats=dict(rows.stats),
            discrete=compact(rows.states, discrete(density)) if sites else None,
        )

    def done(self, carry: Carry) -> bool:
        return int(carry["done"]) >= self.warmup + self.draws

    def progress(self, carry: Carry) -> tuple[int, int]:
        return int(carry["done"]), self.warmup + self.draws

    def findings(self, density: Density, carry: Carry) -> Findings:
        found = exchange_findings(density, carry["tuning"].betas[0], carry["states"], self.exploration)
        of_target = carry["tuning"].scale[:, -1]  # the spread of its draws in warmup, roughly
        return Findings(found.values, (*reference_remarks(self.reference, carry["normal"], of_target), *found.remarks))

    # --- programs ------------------------------------------------------------------------------------

    @property
    def _double(self) -> bool:
        return self.precision == "float64"

    def _begun(self, density: Density, carry: Carry) -> Carry:
        """The carry with replicas at their starts."""
        starts, schedule = carry["starts"], carry["schedule"]
        if density.size:
            normal = carry["normal"] if carry["normal"] is None else fitted(density, starts)
            alone = partial(_begin, self.replicas, self.precision, density)
            found, states = over_chains(alone, jax.vmap(alone), {**starts, "normal": normal}, self._double)
            refuse_failed(found)
            return {**carry, "normal": normal, "states": states}
        keys = starts["keys"]
        places = find_places(discrete(density), schedule, keys, np.zeros((len(keys), 0), self.precision)).states
        alone = partial(_begin_sites, self.replicas, self.precision, discrete(density), schedule)
        return {**carry, "states": over_chains(alone, jax.vmap(alone), {"states": places}, self._double)}

    def _run(self, density: Density, carry: Carry, capacity: int, count: int) -> tuple[Replicas, Row]:
        numbers = Numbers(
            np.int32(carry["done"]),
            np.int32(count),
            np.int32(self.warmup),
            np.int32(self.exploration),
            np.int32(self.leapfrog),
            np.asarray(self.target, self.precision),
        )
        mover: Mover = Hamiltonian() if density.size else Sweeping("gibbs", self.precision)
        alone = partial(_run_chain, mover, capacity, density, carry["schedule"], numbers)
        chains = {
            "key": carry["starts"]["keys"],
            "normal": carry["normal"],
            "tuning": carry["tuning"],
            "state": carry["states"],
        }
        ran: tuple[Replicas, Row] = over_chains(alone, jax.vmap(alone), chains, self._double)
        return ran


@partial(jax.jit, static_argnums=(0, 1))
def _run_chain(
    mover: Mover, capacity: int, density: Any, schedule: Any, numbers: Numbers, chain: Tree
) -> tuple[Replicas, Row]:
    whole = path_of(density, chain["normal"]) if schedule is None else Sites(density, schedule)
    tuning: Tuning = chain["tuning"]
    return run_replicas(mover, capacity, whole, tuning, chain["key"], numbers, chain["state"])


@partial(jax.jit, static_argnums=(0, 1))
def _begin(replicas: int, precision: str, density: Density, chain: Tree) -> tuple[Start, Replicas]:
    """Each replica at a draw of the reference of its own, if it has a density there."""
    path, position = path_of(density, chain["normal"]), chain["positions"].astype(precision)
    start = find_start(density, chain["keys"], position, chain["given"])
    somewhere = place_at(path, start.position)

    def drawn(replica: jax.Array) -> Place:
        other = Hamiltonian().fresh(path, somewhere, chain["keys"], jnp.uint32(_FIRST) + replica)
        usable = jnp.isfinite(other.gain) & ~chain["given"]
        chosen: Place = jax.tree.map(partial(jnp.where, usable), other, somewhere)
        return chosen

    places = jax.vmap(drawn)(jnp.arange(replicas, dtype=jnp.uint32))
    log_step = jnp.full((replicas,), np.log(FIRST_STEP), precision)
    return start, begun(places, log_step, density.size)


@partial(jax.jit, static_argnums=(0, 1))
def _begin_sites(replicas: int, precision: str, density: Any, schedule: Any, chain: Tree) -> Replicas:
    """All replicas at one place."""
    place = Sweeping("gibbs", precision).place(Sites(density, schedule), chain["states"])
    places = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (replicas, *leaf.shape)), place)
    return begun(places, jnp.zeros((replicas,), precision), 0)
