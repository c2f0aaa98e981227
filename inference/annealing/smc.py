"""Tempered sequential Monte Carlo (Del Moral, Doucet & Jasra 2006).

Particles are drawn from the reference, and go up a ladder of temperatures. From β to β + δ (section 3.3.2.3, the moves'
own reversal, for which weights do not depend on where moves lead) they have weights

    w_i = exp(δ gain_i),   gain = log p - log q,   Z(β + δ) / Z(β) ≈ mean of w_i

by which they are chosen, systematically, and then moved at β + δ. A pilot finds the ladder beforehand. Nothing adapts
to the particles themselves, so the product of the means is unbiased for Z, however few they are (section 3.2.1 and
Del Moral 2004, theorem 7.4.2).
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
from ppl.inference.annealing.ladder import Ladder
from ppl.inference.annealing.moves import Place
from ppl.inference.annealing.particles import CAPACITY, Rung, drawn, travel
from ppl.inference.annealing.pilot import Pilot, refuse_nowhere
from ppl.inference.annealing.weights import choices, chosen, other_keys, weighed
from ppl.inference.contract import Density

Array = NDArray[Any]
State = Mapping[str, Any]


@dataclass(frozen=True)
class Particles:
    """count: of a chain; share: of them, which weights are to be worth at each rung; pilot: what goes ahead.

    Its state: `pilot`, its state; `ladder`, of no rungs until it is known; `place`, of the particles, and what they
    were `before` they moved at this rung; `rung`, how many are behind them, and `moved`, how often they have moved at
    this one; `roots` (chains, particles), from which particle each descends since all last forgot where they were; and
    a column for each rung: `ess`, `log_increment`, `acceptance`, `correlation`.
    """

    count: int
    share: float
    pilot: Pilot

    def start(self, density: Density, chains: int) -> State:
        size = density.size
        place = Place(np.zeros((chains, self.count, size)), *np.zeros((2, chains, self.count)))
        names = ("ess", "log_increment", "acceptance", "correlation")
        return {
            "pilot": self.pilot.start(density, chains),
            "ladder": ladders.none(chains, size),
            "place": place,
            "before": populations.seen(place),
            "rung": np.int64(0),
            "moved": np.int64(0),
            "roots": np.tile(np.arange(self.count), (chains, 1)),
            **{name: np.zeros((chains, 0)) for name in names},
            "pace": np.float64(0.0),
        }

    def step(self, density: Density, state: State, starts: Mapping[str, Array], limit: int | None) -> State:
        """One move of the pilot; or some of the particles, at most `limit`, at one rung.

        Raises:
            InitialisationError: no particle of a chain has a finite density.
        """
        if not state["pilot"]["ended"].all():
            return self._ahead(density, state, starts)
        keys = other_keys(starts["keys"], 0)
        if not state["moved"]:
            state = self._weighed(state, keys)
        return self._moved(density, state, keys, limit)

    def ended(self, state: State) -> bool:
        return bool(state["pilot"]["ended"].all()) and int(state["rung"]) == len(state["ladder"].moves)

    def _ahead(self, density: Density, state: State, starts: Mapping[str, Array]) -> State:
        pilot = self.pilot.step(density, state["pilot"], starts)
        if not pilot["ended"].all():
            return {**state, "pilot": pilot}
        place = drawn(density, pilot["normal"], other_keys(starts["keys"], 0), self.count, self.pilot.room)
        refuse_nowhere(place)
        count = max(math.ceil(ladders.length(pilot) / math.sqrt(-math.log(self.share))), 1)
        found = ladders.ladder(pilot, populations.spread(place), self.pilot.mover, count)
        return {**state, "pilot": pilot, "ladder": found, "place": place}

    def _weighed(self, state: State, keys: Array) -> State:
        """The particles of the next rung, chosen by weight."""
        rung = int(state["rung"])
        gaps = state["ladder"].rungs.gap[:, rung]
        weights = [weighed(gain, gap) for gain, gap in zip(state["place"].gain, gaps, strict=True)]
        numbers = choices(keys, rung, [each.log_weights for each in weights])
        place = chosen(state["place"], numbers)
        return {
            **state,
            "place": place,
            "before": populations.seen(place),
            "roots": np.take_along_axis(state["roots"], numbers, axis=1),
            "ess": _with_column(state["ess"], [each.ess for each in weights]),
            "log_increment": _with_column(state["log_increment"], [each.log_mean for each in weights]),
        }

    def _moved(self, density: Density, state: State, keys: Array, limit: int | None) -> State:
        rung, moved = int(state["rung"]), int(state["moved"])
        ladder: Ladder = state["ladder"]
        wanted, earlier = int(ladder.moves[rung]), int(ladder.moves[:rung].sum()) + moved
        count = min(CAPACITY, wanted - moved, limit or pacing.quick(float(state["pace"]), earlier))
        # The weight of the rung is taken already.
        at: Rung = jax.tree.map(lambda leaf: np.repeat(leaf[:, rung : rung + 1], count, axis=1), ladder.rungs)
        at = at._replace(gap=np.zeros_like(at.gap))
        number = np.full(len(keys), earlier)
        began = time.perf_counter()
        way = travel(density, state["pilot"]["normal"], keys, state["place"], at, number, self.pilot.room)
        pace = np.float64((time.perf_counter() - began) / count)
        state = {**state, "place": way.place, "moved": np.int64(moved + count), "pace": pace}
        if moved + count < wanted:
            return state
        correlation = populations.correlation(state["before"], populations.seen(way.place))
        anew = populations.is_forgotten(correlation, self.count)
        return {
            **state,
            "rung": np.int64(rung + 1),
            "moved": np.int64(0),
            "roots": np.where(anew[:, None], np.arange(self.count), state["roots"]),
            "acceptance": _with_column(state["acceptance"], way.acceptance[:, -1]),
            "correlation": _with_column(state["correlation"], correlation),
        }


def log_evidence(state: State) -> tuple[Array, Array]:
    """(chains,): log Z(1) / Z(0), and the variance that the weights give it if particles are independent."""
    variance = np.maximum(1 / state["ess"] - 1 / state["roots"].shape[1], 0.0)  # below 0 by rounding alone
    return np.sum(state["log_increment"], axis=1), np.sum(variance, axis=1)


def families(state: State) -> Array:
    """(chains,): as many families of one size would have a pair of particles in one as often: 1 / Σ share²."""
    return np.array([len(row) ** 2 / np.sum(np.bincount(row).astype(float) ** 2) for row in state["roots"]])


def _with_column(table: Array, new: Any) -> Array:
    return np.concatenate([table, np.asarray(new)[:, None]], axis=1)
