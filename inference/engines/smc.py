"""Sequential Monte Carlo's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class SMC(Settings):
    """Particles led from the prior to the posterior, chosen by weight and moved at each temperature on the way."""

    draws: int = setting(1000, "particles of each chain, which end as its draws", at_least=2)
    ess: float = setting(0.5, "share of the particles that weights are worth at each temperature", above=0, below=1)
    moves: int = setting(10, "moves of a particle at each temperature, at most", at_least=1)
    leapfrog: int = setting(20, "leapfrog steps of a move, at most", at_least=1)
    reference: str = shared.reference()

    name: ClassVar[str] = "smc"
    promises: ClassVar[str] = "asymptotically exact in the number of particles; the evidence without bias"
    cost: ClassVar[str] = "some hundred gradients a draw; more, the more the data say"
    draws_are: ClassVar[str] = "independent"
    uses_prior: ClassVar[bool] = True

    @property
    def life(self) -> Life:
        from ppl.inference.annealing.life import AnnealedLife
        from ppl.inference.annealing.pilot import Pilot
        from ppl.inference.annealing.population import Mover
        from ppl.inference.annealing.smc import Particles
        from ppl.inference.annealing.smc_life import SequentialMonteCarlo

        pilot = Pilot(self.draws, Mover(self.moves, self.leapfrog), self.reference)
        return AnnealedLife(SequentialMonteCarlo(Particles(self.draws, self.ess, pilot)))
