"""Annealed importance sampling's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class AIS(Settings):
    """Trajectories driven from the prior to the posterior and back: the evidence between two bounds, and draws."""

    draws: int = setting(1000, "trajectories of each chain each way, and draws by their weights", at_least=2)
    temperatures: int = setting(0, "of a trajectory; 0: as many as a pilot run finds enough", at_least=0)
    moves: int = setting(10, "moves at a temperature of the pilot, and of draws at the end, at most", at_least=1)
    leapfrog: int = setting(20, "leapfrog steps of a move, at most", at_least=1)
    reference: str = shared.reference()

    name: ClassVar[str] = "ais"
    promises: ClassVar[str] = "the evidence, bracketed from both sides; draws by weights, which k̂ judges"
    cost: ClassVar[str] = "`temperatures` moves of a few gradients, twice, for each draw"
    draws_are: ClassVar[str] = "independent"
    uses_prior: ClassVar[bool] = True

    @property
    def life(self) -> Life:
        from ppl.inference.annealing.ais import Trajectories
        from ppl.inference.annealing.ais_life import AnnealedImportance
        from ppl.inference.annealing.life import AnnealedLife
        from ppl.inference.annealing.pilot import Pilot
        from ppl.inference.annealing.population import Mover

        pilot = Pilot(self.draws, Mover(self.moves, self.leapfrog), self.reference)
        return AnnealedLife(AnnealedImportance(Trajectories(self.draws, self.temperatures, pilot)))
