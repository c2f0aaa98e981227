"""Metropolis-adjusted microcanonical dynamics' settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines.hmc import HMC
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life
    from ppl.inference.hamiltonian.kernel import Kernel


@dataclass(frozen=True)
class MAMS(HMC):
    """Trajectories of constant energy and constant speed, of random lengths, whose ends are accepted or refused."""

    length: float = setting(
        1.25, "mean length of a trajectory, in units of the largest spread that the metric leaves", above=0
    )

    name: ClassVar[str] = "mams"
    cost: ClassVar[str] = "a gradient for each step, length / step size of them a draw"

    @property
    def kernel(self) -> Kernel:
        from ppl.inference.microcanonical.adjusted import MicrocanonicalTrajectory

        return MicrocanonicalTrajectory()

    @property
    def life(self) -> Life:
        from ppl.inference.microcanonical.adjusted_life import AdjustedLife

        return self.made(AdjustedLife)
