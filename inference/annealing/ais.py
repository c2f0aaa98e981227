"""Annealed importance sampling (Neal 2001), there and back (Grosse, Ancha & Roy 2016, section 3).

A pilot goes from the reference to the target first, and leaves a ladder: temperatures, and
moves tuned to each. What follows takes the ladder as it is. At each rung k a trajectory gathers

    ℓ += (β_k - β_{k-1}) gain(x),   gain = log p - log q

and then makes a move that leaves p_β of β_k as it is; on the way back the move comes first, down the same rungs. Moves
are reversible, so the one way is the other in reverse, as Crooks' relation wants it.

Trajectories back begin at the draws of this engine: ends of trajectories from the reference, chosen by weight, and then
moved at β = 1 until they have forgotten where they were. They are draws of the target as far as the weights are right:
a mode that no trajectory from the reference has found is missing there too, and the two ways then agree without it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ppl.inference import pacing
from ppl.inference.annealing import ladder as ladders
from ppl.inference.annealing import population as populations
from ppl.inference.annealing.moves import Place
from ppl.inference.annealing.particles import CAPACITY, drawn, travel
from ppl.inference.annealing.pilot import Pilot, refuse_nowhere
from ppl.inference.annealing.population import Mover
from ppl.inference.annealing.weights import choices, chosen, other_keys
from ppl.inference.contract import Density
from ppl.inference.importance import pareto_smoothed

Array = NDArray[Any]
State = Mapping[str, Any]

PILOT, FORWARD, RESTING, BACK, ENDED = range(5)
# The variance of the work at which the number of temperatures aims, if trajectories forgot all between two of them.
_VARIANCE = 0.25
_FEWEST, _MOST = 20, 5000


@dataclass(frozen=True)
class Trajectories:
    """count: trajectories of a chain each way; rungs: their temperatures, 0: as many as it takes; pilot: what goes
    ahead.

    Its state: `phase`, which all chains are in; `pilot`, its state; `ladder`, of no rungs until it is known; `place`
    and `log_weight` of the trajectories on their way, `rung`, how many they have behind them; `population`, the draws;
    `forward` and `back`, the log weights of trajectories that have arrived, (chains, trajectories).
    """

    count: int
    rungs: int
    pilot: Pilot

    @property
    def mover(self) -> Mover:
        return self.pilot.mover

    def start(self, density: Density, chains: int) -> State:
        size = density.size
        nowhere = Place(np.zeros((chains, self.count, size)), *np.zeros((2, chains, self.count)))
        return {
            "phase": np.int64(PILOT),
            "pilot": self.pilot.start(density, chains),
            "ladder": ladders.none(chains, size),
            "place": nowhere,
            "log_weight": np.zeros((chains, self.count)),
            "rung": np.int64(0),
            "population": populations.begun(nowhere),
            "forward": np.zeros((chains, 0)),
            "back": np.zeros((chains, 0)),
            "pace": np.float64(0.0),
        }

    def step(self, density: Density, state: State, starts: Mapping[str, Array], limit: int | None) -> State:
        """Some rungs, at most `limit`; or one move of the pilot, or of the draws that are to be."""
        phase = int(state["phase"])
        if phase == PILOT:
            return self._ahead(density, state, starts)
        if phase == RESTING:
            return self._resting(density, state, starts["keys"])
        return self._further(density, state, starts["keys"], limit)

    # --- phases --------------------------------------------------------------------------------------

    def _ahead(self, density: Density, state: State, starts: Mapping[str, Array]) -> State:
        pilot = self.pilot.step(density, state["pilot"], starts)
        if not pilot["ended"].all():
            return {**state, "pilot": pilot}
        place = drawn(density, pilot["normal"], other_keys(starts["keys"], FORWARD), self.count, self.pilot.room)
        refuse_nowhere(place)
        enough = int(np.clip(math.ceil(ladders.length(pilot) ** 2 / _VARIANCE), _FEWEST, _MOST))
        found = ladders.ladder(pilot, populations.spread(place), self.mover, self.rungs or enough)
        return {**state, "phase": np.int64(FORWARD), "pilot": pilot, "ladder": found, "place": place}

    def _further(self, density: Density, state: State, keys: Array, limit: int | None) -> State:
        phase = int(state["phase"])
        behind, whole = int(state["rung"]), len(state["ladder"].moves)
        count = min(CAPACITY, whole - behind, limit or pacing.quick(float(state["pace"]), behind))
        order = np.arange(whole) if phase == FORWARD else np.arange(whole)[::-1]
        rungs = jax.tree.map(lambda leaf: leaf[:, order[behind : behind + count]], state["ladder"].rungs)
        normal, own, number = state["pilot"]["normal"], other_keys(keys, phase), np.full(len(keys), behind)
        began = time.perf_counter()
        way = travel(density, normal, own, state["place"], rungs, number, self.pilot.room, after=phase == BACK)
        pace = np.float64((time.perf_counter() - began) / count if behind else 0.0)
        log_weight = state["log_weight"] + way.log_weight
        state = {**state, "place": way.place, "log_weight": log_weight, "rung": np.int64(behind + count), "pace": pace}
        if behind + count < whole:
            return state
        if phase == BACK:
            return {**state, "phase": np.int64(ENDED), "back": log_weight}
        return self._arrived(state, keys)

    def _arrived(self, state: State, keys: Array) -> State:
        """The draws to be: ends of trajectories, chosen by weight."""
        weights = [pareto_smoothed(row).log_weights for row in state["log_weight"]]
        place = chosen(state["place"], choices(other_keys(keys, RESTING), 0, weights))
        everyone = np.ones(len(keys), bool)
        population = populations.cooled(populations.begun(place), place, np.ones(len(keys)), everyone)
        population = population._replace(step_size=state["ladder"].rungs.step_size[:, -1])
        return {**state, "phase": np.int64(RESTING), "population": population, "forward": state["log_weight"]}

    def _resting(self, density: Density, state: State, keys: Array) -> State:
        population, own = state["population"], other_keys(keys, RESTING)
        going = ~self.mover.resting(population)
        population = self.mover.moved(density, state["pilot"]["normal"], own, population, going, self.pilot.room)
        state = {**state, "population": population}
        if not self.mover.resting(population).all():
            return state
        nothing = np.zeros_like(state["log_weight"])
        return {**state, "phase": np.int64(BACK), "place": population.place, "log_weight": nothing, "rung": np.int64(0)}
