"""The fit of a member by stages of decreasing steps, which ends when a stage changes nothing more.

A stage has one rate; its result is the mean of the members in its second half (iterate averaging, Polyak & Juditsky
1992). If the ELBO rose from the stage before, the fit is still on its way, and the next stage is as this one. Else the
rate is halved and the length doubled: the way is the same, and the noise in the result is halved. What a family held on
the way is let go at the end of the first stage that did not rise, and stages are longer from then on. The fit ends
where the results of two stages differ by less than a tolerance in KL(a|b) + KL(b|a), after Welandawe, Andersen, Vehtari
& Huggins 2024, who halve rates so and judge the gain of it by this divergence; or at a cap on the steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ppl.inference.chains import over_chains
from ppl.inference.contract import Density, Remark, Remedy
from ppl.inference.minibatch import Minibatch, sliced
from ppl.inference.modes.approximation import Approximation
from ppl.inference.modes.findings import Values
from ppl.inference.modes.search import found_starts
from ppl.inference.variational.ascent import Stretch, begun, climb_on
from ppl.inference.variational.families import Family, FullRank, Member
from ppl.inference.variational.flow import Bent

Array = NDArray[Any]
State = Mapping[str, Any]

# Steps in a stretch, after which the host looks; and in the first stage.
STRETCH = 50
FIRST_LENGTH = 400
FIRST_RATE = 0.1
# How much longer stages are once what was held is let go.
RELEASED = 5
# Draws of the fit that may have no density.
_LOST = 0.01
# In nats, beside errors: how much the ELBO rises where a fit is on its way.
_RISE = 1.0
_ERRORS = 3.0


@dataclass(frozen=True)
class VariationalFitter:
    """A step of a fit, as its life counts them, is a stretch of each chain that goes on.

    samples: draws for each gradient; iterations: steps of the ascent, at most.
    """

    family: Family
    samples: int
    tolerance: float
    iterations: int
    batch: Minibatch | None
    parts: int = 1
    called: str = "the fitted Gaussian"

    @property
    def steps(self) -> int:
        return -(-self.iterations // STRETCH)

    def start(self, starts: Mapping[str, Array]) -> State:
        """height: of the last stage, its mean ELBO and the square of its standard error; change: from the stage before
        to the last; elbo: (chains, stretches); lost: the share of the draws of the last stretch that had no density."""
        fits = _stacked([begun(self.family.begin(position)) for position in starts["positions"]])
        chains, size = starts["positions"].shape
        # The noise of a map of many entries must not outrun what holds it back.
        rate = min(FIRST_RATE, 0.5 * self.samples / self.family.coupled(size))
        length = STRETCH * math.ceil(FIRST_LENGTH * FIRST_RATE / (rate * STRETCH) - 1e-9)
        return {
            "ascent": fits,
            "result": fits.member,
            "stages": np.zeros(chains, np.int64),
            "rate": np.full(chains, rate),
            "length": np.full(chains, length, np.int32),
            "height": np.full((chains, 2), [-np.inf, 0.0]),
            "change": np.full(chains, np.inf),
            "ended": np.zeros(chains, bool),
            "elbo": np.zeros((chains, 0)),
            "lost": np.zeros(chains),
            "steps": np.int64(0),
        }

    def step(self, density: Density, state: State, starts: Mapping[str, Array]) -> State:
        if int(state["steps"]) == 0:
            found = found_starts(density, starts)
            state = self.start({**starts, "positions": found.position})
        stretch = self._stretch(density, state, starts["keys"])
        steps = int(state["steps"]) + 1
        chains = {name: leaf for name, leaf in state.items() if name != "steps"} | {
            "ascent": stretch.ascent,
            "elbo": np.concatenate([state["elbo"], stretch.elbo[:, None]], axis=1),
            "lost": np.where(state["ended"], state["lost"], stretch.lost / (STRETCH * self.samples)),
        }
        each = [jax.tree.map(lambda leaf, at=at: leaf[at], chains) for at in range(len(stretch.elbo))]
        closed = _stacked([self._closed(chain, steps == self.steps) for chain in each])
        # Fits that all ended leave nothing to do.
        return {**closed, "steps": np.int64(self.steps if closed["ended"].all() else steps)}

    def mixture(self, state: State) -> Approximation:
        chains = range(len(state["stages"]))
        rows = [self.family.approximation(jax.tree.map(lambda leaf, at=at: leaf[at], state["result"])) for at in chains]
        parts: Approximation = jax.tree.map(lambda leaf: leaf[:, None], _stacked(rows))
        return parts

    def values(self, state: State) -> Values:
        return {
            "elbo": (("chain", "step"), state["elbo"]),
            "stages": (("chain",), state["stages"]),
            "change": (("chain",), state["change"]),
        }

    def remarks(self, density: Density, state: State) -> list[Remark]:
        if int(state["steps"]) < self.steps:
            return []
        remarks = [self._ending(state["ended"], state["change"])]
        if (state["lost"] > _LOST).any():
            title = f"The density, or its gradient, is not finite at many draws of {self.called}."
            remarks.append(Remark("lost", "bad", title, remedies=self.remedies()[:1]))
        return remarks

    def remedies(self) -> tuple[Remedy, ...]:
        exact = Remedy("draw from the posterior itself, with {}", {"engine": "nuts"})
        if isinstance(self.family, Bent):
            return (exact,)
        if isinstance(self.family, FullRank):
            return (exact, Remedy("a family that bends may fit better: {}", {"family": "flow"}))
        return (exact, Remedy("a family with correlations may fit better: {}", {"family": "full-rank"}))

    def _ending(self, ended: Array, change: Array) -> Remark:
        if ended.all():
            title = f"Every fit came to rest: smaller steps changed it by {change.max():.2g} nats at most."
            return Remark("rest", "good", title, values={"change": float(change.max())})
        return Remark(
            "rest",
            "bad",
            f"{int((~ended).sum())} of {len(ended)} fits had not come to rest after {self.iterations} steps.",
            tuple(f"chain {at}: the last stage changed it by {change[at]:.2g} nats" for at in np.flatnonzero(~ended)),
            (
                Remedy("give it longer: {}", {"iterations": 10 * self.iterations}),
                Remedy("less noisy gradients: {}", {"samples": 4 * self.samples}),
                self.remedies()[0],
            ),
        )

    def _stretch(self, density: Density, state: State, keys: Array) -> Stretch:
        steps = int(state["steps"])
        going = ~state["ended"]
        chains = {
            "key": keys,
            "ascent": state["ascent"],
            "number": np.full(len(going), steps * STRETCH, np.int32),
            "count": np.where(going, min(STRETCH, self.iterations - steps * STRETCH), 0).astype(np.int32),
            "length": state["length"],
            "rate": state["rate"],
        }
        seen = sliced(density, self.batch, keys)
        alone = partial(climb_on, self.family, self.samples, self.batch is not None, seen)
        stretch: Stretch = over_chains(alone, jax.vmap(alone), chains, True)
        return stretch

    def _closed(self, chain: State, last: bool) -> State:
        """A chain whose stage may be over; at the `last` stretch, with what the stage gave so far."""
        ascent, length = chain["ascent"], int(chain["length"])
        averaged = int(ascent.taken) - length // 2
        if chain["ended"] or (int(ascent.taken) < length and not last):
            return chain
        if averaged <= 0:  # the cap came early: the stage before has the result, if there was one
            return {**chain, "result": ascent.member} if not chain["stages"] else chain
        result: Member = jax.tree.map(lambda total: total / averaged, ascent.total)
        stretches = chain["elbo"][-max(averaged // STRETCH, 1) :]
        mean, error = np.mean(stretches), np.var(stretches) / max(len(stretches) - 1, 1)
        height = np.array([mean, error]) if np.isfinite(mean) else np.array([-np.inf, 0.0])
        before, spread = chain["height"]
        rose = height[0] > before + _RISE + _ERRORS * np.sqrt(spread + height[1])
        change = self.family.change(chain["result"], result) if chain["stages"] else np.inf
        whole = int(ascent.taken) == length
        released = self.family.released(result) if whole and not rose else None
        if released is not None:
            freed = {**chain, "ascent": begun(released), "result": released, "stages": chain["stages"] + 1}
            longer = np.int32(RELEASED * length)
            return {**freed, "length": longer, "height": height, "change": np.float64(np.inf)}
        resting = whole and not rose and np.isfinite(height[0]) and change < self.tolerance
        return {
            **chain,
            "ascent": begun(ascent.member),
            "result": result,
            "stages": chain["stages"] + 1,
            "rate": chain["rate"] if rose else chain["rate"] / 2,
            "length": np.int32(length if rose else 2 * length),
            "height": height,
            "change": np.float64(change),
            "ended": np.bool_(resting),
        }


def _stacked(trees: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
