"""Hamiltonian Monte Carlo's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import hamiltonian as common
from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class HMC(Settings):
    """Hamiltonian Monte Carlo. Its trajectories have a length in units of the metric, fixed or jittered."""

    warmup: int = shared.warmup()
    draws: int = shared.draws()
    length: float = setting(1.5, "length of a trajectory: its number of steps times their size", above=0)
    jitter: float = setting(0.5, "relative half-width of the random length; 0 is static HMC", at_least=0, at_most=1)
    target_acceptance: float = shared.target_acceptance()
    max_steps: int = setting(1024, "most leapfrog steps of a trajectory", at_least=1)
    step_size: float = common.step_size()
    metric: str = common.metric()
    adaptation: str = common.adaptation()
    divergence_threshold: float = common.divergence_threshold()
    precision: str = shared.precision()

    name: ClassVar[str] = "hmc"
    promises: ClassVar[str] = "asymptotically exact"
    cost: ClassVar[str] = "a gradient for each leapfrog step, length / step size of them a draw"

    @property
    def life(self) -> Life:
        from ppl.inference.hamiltonian.hmc import HMCKernel
        from ppl.inference.hamiltonian.life import HamiltonianLife

        return HamiltonianLife(
            kernel=HMCKernel(),
            warmup=self.warmup,
            draws=self.draws,
            target=self.target_acceptance,
            step_size=self.step_size,
            metric=self.metric,
            adaptation=self.adaptation,
            precision=self.precision,
            options={
                "length": self.length,
                "jitter": self.jitter,
                "divergence_threshold": self.divergence_threshold,
                "max_steps": self.max_steps,
            },
        )
