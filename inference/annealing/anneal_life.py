"""The life of `anneal`: a quick way down, the way down, and a climb or a quench to the top; a search in each chain."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np

from ppl.inference import pacing
from ppl.inference.annealing import cooling
from ppl.inference.annealing.cooling import Anywhere, Walker, Way, even_knots, first_knots, rescaled
from ppl.inference.annealing.movers import Hamiltonian, Mover, Sites, Sweeping, Tree
from ppl.inference.annealing.moves import Place, place_at
from ppl.inference.annealing.path import Path
from ppl.inference.chains import over_chains
from ppl.inference.contract import Carry, Chunk, Density, Findings, Remark, Remedy
from ppl.inference.discrete.quench import QuenchLife
from ppl.inference.discrete.search import find_places
from ppl.inference.discrete.sites import discrete, schedule_of
from ppl.inference.modes.findings import LOWER
from ppl.inference.modes.mapping import ModeLife
from ppl.inference.modes.starts import starts_of
from ppl.inference.starting import Start, find_start, refuse_failed

DTYPE = np.dtype(np.float64)
FIRST_STEP = 0.1


@dataclass(frozen=True)
class AnnealLife:
    """steps: moves or sweeps, of which the PILOT share are for the quick way; hottest, coldest: temperatures, 0 where
    they are chosen; adaptive: whether the second way is not even in log T; leapfrog: steps of a move; update: of
    sites; climb: what follows in a continuous space."""

    steps: int
    hottest: float
    coldest: float
    adaptive: bool
    leapfrog: int
    target: float
    update: str
    climb: ModeLife

    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        starts = starts_of(density, keys, positions)
        chains, size = starts["positions"].shape
        schedule = None if size else schedule_of(discrete(density), DTYPE.name)
        number = np.zeros((), DTYPE)
        place = Place(np.zeros(size, DTYPE) if schedule is None else np.zeros(schedule.size, np.int32), number, number)
        with jax.enable_x64(True):
            walker = jax.eval_shape(partial(cooling.begun, log_step=0.0, size=size), place)
        end = self.climb.start(density, keys) if schedule is None else QuenchLife().start(chains, schedule)
        return {
            "starts": starts,
            "schedule": schedule,
            "walkers": jax.tree.map(lambda leaf: np.zeros((chains, *leaf.shape), leaf.dtype), walker),
            "knots": np.zeros(cooling.KNOTS),
            "end": end,
            "done": np.int64(0),
            "pace": np.float64(0.0),
        }

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        done = int(carry["done"])
        if done == self.steps:
            end, chunk = self._ending(density).advance(density, carry["end"])
            return {**carry, "end": end}, chunk
        if done == 0:
            carry = self._begun(density, carry)
        pilot = self.pilot
        first, last = (0, pilot) if done < pilot else (pilot, self.steps)
        count = min(last - done, limit or pacing.quick(float(carry["pace"]), done))

        began = time.perf_counter()
        way = Way(
            np.int32(first),
            np.int32(last - first),
            np.int32(done),
            np.int32(count),
            np.int32(self.leapfrog),
            DTYPE.type(self.target),
            carry["knots"],
        )
        alone = partial(_cool, self._mover(density), density, carry["schedule"], way)
        chains = {"key": carry["starts"]["keys"], "walker": carry["walkers"]}
        walkers = over_chains(alone, jax.vmap(alone), chains, True)
        pace = (time.perf_counter() - began) / count
        following = {
            **carry,
            "walkers": walkers,
            "done": np.int64(done + count),
            "pace": np.float64(pace if done else 0),
        }
        if done + count == pilot:
            knots = even_knots(carry["knots"], walkers.energy) if self.adaptive else carry["knots"]
            following |= {"walkers": rescaled(walkers), "knots": knots}
        if done + count == self.steps:
            following["end"] = self._handed_over(following)
        nowhere = np.zeros((len(walkers.log_step), 0, density.size))
        return following, Chunk(warmup=True, positions=nowhere)

    @property
    def pilot(self) -> int:
        """Steps of the quick way down."""
        return self.steps // 8

    def done(self, carry: Carry) -> bool:
        return int(carry["done"]) == self.steps and bool(carry["end"]["drawn"])

    def progress(self, carry: Carry) -> tuple[int, int]:
        ending: ModeLife | QuenchLife = self.climb if carry["schedule"] is None else QuenchLife()
        done, total = ending.progress(carry["end"])
        return int(carry["done"]) + done, self.steps + total

    def findings(self, density: Density, carry: Carry) -> Findings:
        if int(carry["done"]) < self.steps:
            return Findings()
        found = self._ending(density).findings(density, carry["end"])
        energy = carry["walkers"].energy
        count = np.maximum(energy.count, 1)
        values = {
            "temperature": (("knot",), np.exp(carry["knots"])),
            "mean_energy": (("chain", "knot"), energy.mean),
            "energy_sd": (("chain", "knot"), np.sqrt(energy.squares / count)),
        }
        log_densities = found.values["log_density"][1]
        lower = bool(np.ptp(log_densities) > LOWER)
        remarks = tuple(self._slower(remark) if lower else remark for remark in found.remarks)
        return Findings({**found.values, **values}, remarks)

    def _slower(self, remark: Remark) -> Remark:
        """Searches that end lower than others were too quick."""
        if remark.name != "modes" or remark.verdict != "bad":
            return remark
        slower = Remedy("cool more slowly: {}", {"steps": 10 * self.steps})
        return replace(remark, remedies=(slower, *remark.remedies))

    # --- parts ---------------------------------------------------------------------------------------

    def _mover(self, density: Density) -> Mover:
        return Hamiltonian() if density.size else Sweeping(self.update, DTYPE.name)

    def _ending(self, density: Density) -> ModeLife | QuenchLife:
        return self.climb if density.size else QuenchLife()

    def _begun(self, density: Density, carry: Carry) -> Carry:
        """The carry with walkers at their starts, and with temperatures."""
        starts, schedule = carry["starts"], carry["schedule"]
        mover = self._mover(density)
        if schedule is None:
            alone = partial(_begin, mover, density)
            found, walkers, heights = over_chains(alone, jax.vmap(alone), starts, True)
            refuse_failed(found)
        else:
            sites, keys = discrete(density), starts["keys"]
            states = find_places(sites, schedule, keys, np.zeros((len(keys), 0))).states
            alone = partial(_begin_sites, mover, sites, schedule)
            walkers, heights = over_chains(alone, jax.vmap(alone), {"keys": keys, "states": states}, True)
        return {**carry, "walkers": walkers, "knots": first_knots(heights, self.hottest, self.coldest)}

    def _handed_over(self, carry: Carry) -> Mapping[str, Any]:
        """What comes next, from the highest places."""
        best = carry["walkers"].best.position[:, 0]
        if carry["schedule"] is None:
            return {**carry["end"], "positions": best, "given": np.ones(len(best), bool)}
        return {**carry["end"], "states": best}


def _whole(density: Any, schedule: Any) -> Tree:
    return Path(Anywhere(density.size), density) if schedule is None else Sites(density, schedule)


@partial(jax.jit, static_argnums=0)
def _cool(mover: Mover, density: Density, schedule: Any, way: Way, chain: Tree) -> Walker:
    return cooling.cool(mover, _whole(density, schedule), chain["key"], way, chain["walker"])


@partial(jax.jit, static_argnums=0)
def _begin(mover: Mover, density: Density, starts: Tree) -> tuple[Start, Walker, jax.Array]:
    path = _whole(density, None)
    start = find_start(density, starts["keys"], starts["positions"], starts["given"])
    place = place_at(path, start.position)
    heights = cooling.random_heights(mover, path, place, starts["keys"])
    return start, cooling.begun(place, float(np.log(FIRST_STEP)), density.size), heights


@partial(jax.jit, static_argnums=0)
def _begin_sites(mover: Sweeping, density: Any, schedule: Any, chain: Tree) -> tuple[Walker, jax.Array]:
    whole = _whole(density, schedule)
    place = mover.place(whole, chain["states"])
    return cooling.begun(place, 0.0, 0), cooling.random_heights(mover, whole, place, chain["keys"])
