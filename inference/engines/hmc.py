"""Hamiltonian Monte Carlo's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines.hamiltonian import Hamiltonian
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.hamiltonian.kernel import Kernel


@dataclass(frozen=True)
class HMC(Hamiltonian):
    """Hamiltonian Monte Carlo. Its trajectories have a length in units of the metric, fixed or jittered."""

    length: float = setting(1.5, "length of a trajectory: its number of steps times their size", above=0)
    jitter: float = setting(0.5, "relative half-width of the random length; 0 is static HMC", at_least=0, at_most=1)
    max_steps: int = setting(1024, "most leapfrog steps of a trajectory", at_least=1)

    name: ClassVar[str] = "hmc"
    cost: ClassVar[str] = "a gradient for each leapfrog step, length / step size of them a draw"

    @property
    def kernel(self) -> Kernel:
        from ppl.inference.hamiltonian.hmc import HMCKernel

        return HMCKernel()

    @property
    def options(self) -> dict[str, float]:
        return {**super().options, "length": self.length, "jitter": self.jitter, "max_steps": self.max_steps}
