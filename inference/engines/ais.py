"""Annealed importance sampling's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines.annealed import Annealed
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class AIS(Annealed):
    """Trajectories driven from the prior to the posterior and back: the evidence between two bounds, and draws."""

    draws: int = setting(1000, "trajectories of each chain each way, and draws by their weights", at_least=2)
    temperatures: int = setting(0, "of a trajectory; 0: as many as a pilot run finds enough", at_least=0)

    name: ClassVar[str] = "ais"
    promises: ClassVar[str] = "the evidence, bracketed from both sides; draws by weights, which k̂ judges"
    cost: ClassVar[str] = "`temperatures` moves of a few gradients, twice, for each draw"

    @property
    def life(self) -> Life:
        from ppl.inference.annealing.ais import Trajectories
        from ppl.inference.annealing.ais_life import AnnealedImportance
        from ppl.inference.annealing.life import AnnealedLife

        return AnnealedLife(AnnealedImportance(Trajectories(self.draws, self.temperatures, self.pilot)))
