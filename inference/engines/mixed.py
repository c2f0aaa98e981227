"""The settings of Gibbs sweeps between gradient moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines.hamiltonian import Hamiltonian
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life
    from ppl.inference.hamiltonian.kernel import Kernel


@dataclass(frozen=True)
class Mixed(Hamiltonian):
    """Discrete latents by Gibbs sweeps, the others by a Hamiltonian transition given them, in turn."""

    sweeps: int = setting(1, "sweeps over all discrete elements before each gradient move", at_least=1)
    update: str = setting(
        "gibbs", "draw each element from its conditional, or propose another value", choices=("gibbs", "metropolis")
    )
    moves: str = setting("nuts", "how the continuous latents move", choices=("nuts", "hmc"))
    max_depth: int = setting(10, "of nuts: most doublings of a trajectory", at_least=1, at_most=20)
    length: float = setting(1.5, "of hmc: length of a trajectory, within half of it", above=0)
    max_steps: int = setting(1024, "of hmc: most leapfrog steps of a trajectory", at_least=1)

    name: ClassVar[str] = "mixed"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "discrete"})
    promises: ClassVar[str] = "asymptotically exact; slow where discrete and continuous latents determine each other"
    cost: ClassVar[str] = "`sweeps` passes over the tables of all terms a draw, and a gradient for each leapfrog step"

    @property
    def kernel(self) -> Kernel:
        from ppl.inference.hamiltonian.hmc import HMCKernel
        from ppl.inference.hamiltonian.nuts import NUTSKernel

        return HMCKernel() if self.moves == "hmc" else NUTSKernel(self.max_depth)

    @property
    def options(self) -> dict[str, float]:
        of_hmc = {"length": self.length, "jitter": 0.5, "max_steps": self.max_steps}
        return {**super().options, **(of_hmc if self.moves == "hmc" else {})}

    @property
    def life(self) -> Life:
        from ppl.inference.discrete.mixed import MixedLife

        return self.made(MixedLife, update=self.update, sweeps=self.sweeps)
