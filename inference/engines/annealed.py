"""Settings that the engines of annealed particles share, and the pilot that goes ahead of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.annealing.pilot import Pilot


@dataclass(frozen=True)
class Annealed(Settings):
    """Base of smc and ais."""

    draws: int = shared.draws()
    moves: int = setting(10, "moves at a temperature, of particles of the pilot and of draws, at most", at_least=1)
    leapfrog: int = setting(20, "leapfrog steps of a move, at most", at_least=1)
    reference: str = shared.reference()

    draws_are: ClassVar[str] = "independent"
    uses_prior: ClassVar[bool] = True

    @property
    def pilot(self) -> Pilot:
        from ppl.inference.annealing.pilot import Pilot
        from ppl.inference.annealing.population import Mover

        return Pilot(self.draws, Mover(self.moves, self.leapfrog), self.reference)
