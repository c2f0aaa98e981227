"""A small population that goes ahead, to find temperatures and to tune moves for those that follow.

Particles are drawn from the reference q at β = 0. From β they go to the β + δ at which their weights

    w_i = exp(δ gain_i),   gain = log p - log q

are worth half of them, (Σ w)² / Σ w² = N / 2 (Jasra, Stephens, Doucet & Tsagaris 2011, section 2.3). There they
are chosen by weight, and moved until they have forgotten where they were. What adapts to its own particles is biased,
in the evidence by several of its standard errors where dimensions are many; so nothing is estimated from these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing import population as populations
from ppl.inference.annealing.moves import Place
from ppl.inference.annealing.normal import blank, fitted
from ppl.inference.annealing.particles import drawn
from ppl.inference.annealing.population import Mover
from ppl.inference.annealing.weights import choices, chosen, weighed
from ppl.inference.contract import Density, InitialisationError

Array = NDArray[Any]
State = Mapping[str, Any]

# Particles of a chain, and what of them weights are to be worth.
COUNT, SHARE = 200, 0.5
# No temperature rises by less, relative to where it is.
_LEAST = 1e-9


def next_beta(gain: Array, beta: float, share: float) -> float:
    """From β as far as the weights are worth a share of the particles that have a density at all."""
    wanted = share * np.isfinite(gain).sum()
    if weighed(gain, 1 - beta).ess >= wanted:
        return 1.0
    low, high = 0.0, 1 - beta
    # Halving for long: the first steps of sharp likelihoods are very small.
    while high - low > 1e-6 * high and high > _LEAST * beta:
        middle = (low + high) / 2
        low, high = (middle, high) if weighed(gain, middle).ess >= wanted else (low, middle)
    return beta + high


@dataclass(frozen=True)
class Pilot:
    """following: particles of a chain that follow; reference: `prior` or `normal`.

    Its state, of each chain: `normal`, the Gaussian that the path begins at, if it does not at the prior; `population`;
    `ended`; and a column for each temperature, NaN in chains that had ended before: `beta`, `share`, what the
    weights were worth, `acceptance`, `step_size`, `moves`, and `scale` (chains, temperatures, n).
    """

    following: int
    mover: Mover
    reference: str

    @property
    def room(self) -> int:
        """For how many particles programs are made, which serve both."""
        return max(COUNT, self.following)

    def worth(self, state: State) -> float:
        """What the moves of the pilot so far cost, in moves of all that follow."""
        return float(state["population"].made.max()) * COUNT / self.following

    def start(self, density: Density, chains: int) -> State:
        size = density.size
        nowhere = Place(np.zeros((chains, COUNT, size)), *np.zeros((2, chains, COUNT)))
        names = ("beta", "share", "acceptance", "step_size", "moves")
        return {
            "normal": blank(density, chains, self.reference),
            "population": populations.begun(nowhere),
            "ended": np.zeros(chains, bool),
            **{name: np.zeros((chains, 0)) for name in names},
            "scale": np.zeros((chains, 0, size)),
            "begun": np.bool_(False),
        }

    def step(self, density: Density, state: State, starts: Mapping[str, Array]) -> State:
        """One move of every chain's particles, after a step to another temperature where they have rested. starts:
        `keys`, `positions` and whether these were `given`, of each chain.

        Raises:
            InitialisationError: no particle of a chain has a finite density.
        """
        keys = starts["keys"]
        if not state["begun"]:
            normal = None if state["normal"] is None else fitted(density, starts)
            place = drawn(density, normal, keys, COUNT, self.room)
            refuse_nowhere(place)
            state = {**state, "normal": normal, "population": populations.begun(place), "begun": np.bool_(True)}
            state = self._colder(state, keys)
        population = state["population"]
        going = ~state["ended"] & ~self.mover.resting(population)
        population = self.mover.moved(density, state["normal"], keys, population, going, self.room)
        state = {**state, "population": population}
        if (self.mover.resting(population) | state["ended"]).all():
            state = self._rested(state)
            state = state if state["ended"].all() else self._colder(state, keys)
        return state

    def _colder(self, state: State, keys: Array) -> State:
        """Every chain that has not ended at its next temperature, its particles chosen by weight."""
        population, going = state["population"], ~state["ended"]
        pairs = list(zip(population.place.gain, population.beta, strict=True))
        beta = np.array([next_beta(gain, float(old), SHARE) for gain, old in pairs])
        weights = [weighed(gain, new - old) for (gain, old), new in zip(pairs, beta, strict=True)]
        worth = np.array([weight.ess for weight in weights]) / COUNT
        place = chosen(population.place, choices(keys, state["beta"].shape[1], [w.log_weights for w in weights]))
        return {
            **state,
            "beta": _with_column(state["beta"], beta, going),
            "share": _with_column(state["share"], worth, going),
            "population": populations.cooled(population, place, beta, going),
        }

    def _rested(self, state: State) -> State:
        """The columns of this temperature, and which chains have ended."""
        population, going = state["population"], ~state["ended"]
        columns = {
            "acceptance": population.acceptance,
            "step_size": population.step_size,
            "moves": population.moves.astype(float),
            "scale": population.scale,
        }
        return {
            **state,
            **{name: _with_column(state[name], new, going) for name, new in columns.items()},
            "ended": state["ended"] | (population.beta >= 1),
        }


def _with_column(table: Array, new: Array, going: Array) -> Array:
    shown = np.where(going.reshape(-1, *(1,) * (new.ndim - 1)), new, np.nan)
    return np.concatenate([table, shown[:, None]], axis=1)


def refuse_nowhere(place: Place) -> None:
    nowhere = ~np.isfinite(place.gain).any(axis=1)
    if nowhere.any():
        chain = int(np.flatnonzero(nowhere)[0])
        position = place.position[chain, 0]
        raise InitialisationError(chain, position, -np.inf, np.full_like(position, np.nan), place.gain.shape[1])
