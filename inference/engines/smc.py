"""Sequential Monte Carlo's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines.annealed import Annealed
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class SMC(Annealed):
    """Particles led from the prior to the posterior, chosen by weight and moved at each temperature on the way."""

    draws: int = setting(1000, "particles of each chain, which end as its draws", at_least=2)
    ess: float = setting(0.5, "share of the particles that weights are worth at each temperature", above=0, below=1)

    name: ClassVar[str] = "smc"
    promises: ClassVar[str] = "asymptotically exact in the number of particles; the evidence without bias"
    cost: ClassVar[str] = "some hundred gradients a draw; more, the more the data say"

    @property
    def life(self) -> Life:
        from ppl.inference.annealing.life import AnnealedLife
        from ppl.inference.annealing.smc import Particles
        from ppl.inference.annealing.smc_life import SequentialMonteCarlo

        return AnnealedLife(SequentialMonteCarlo(Particles(self.draws, self.ess, self.pilot)))
