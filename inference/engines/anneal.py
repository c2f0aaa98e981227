"""Simulated annealing's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class Anneal(Settings):
    """The highest mode by simulated annealing: each chain walks at a falling temperature, then goes to the top."""

    steps: int = setting(2000, "moves of each search while it cools; of discrete latents, sweeps", at_least=16)
    schedule: str = setting(
        "adaptive", "slow where the energy varies much, or even in log T", choices=("adaptive", "geometric")
    )
    hottest: float = setting(
        0.0, "the first temperature; 0: the spread of the log density at random places", at_least=0
    )
    coldest: float = setting(0.0, "the last; 0: a thousandth of the first, at most 0.1", at_least=0)
    leapfrog: int = setting(8, "leapfrog steps of a move", at_least=1)
    target_acceptance: float = shared.target_acceptance()
    update: str = setting(
        "gibbs", "draw each discrete element from its conditional, or propose another", choices=("gibbs", "metropolis")
    )
    iterations: int = shared.iterations()

    name: ClassVar[str] = "anneal"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient or discrete"})
    promises: ClassVar[str] = (
        "a point, without uncertainty: the mode that `map` seeks, the highest one if the cooling is slow enough"
    )
    cost: ClassVar[str] = "`steps` times `leapfrog` + 1 gradients (or sweeps, once) a chain, then as `map`"
    draws_are: ClassVar[str] = "a mode"

    @property
    def life(self) -> Life:
        from ppl.inference.annealing.anneal_life import AnnealLife
        from ppl.inference.modes.mapping import ModeLife
        from ppl.inference.modes.search import PeakSearch

        return AnnealLife(
            steps=self.steps,
            hottest=self.hottest,
            coldest=self.coldest,
            adaptive=self.schedule == "adaptive",
            leapfrog=self.leapfrog,
            target=self.target_acceptance,
            update=self.update,
            climb=ModeLife(PeakSearch(self.iterations, most=1000)),
        )
