"""The no-U-turn sampler's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines.hamiltonian import Hamiltonian
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.hamiltonian.kernel import Kernel


@dataclass(frozen=True)
class NUTS(Hamiltonian):
    """The no-U-turn sampler. For a divergence it records the last point before the step that broke."""

    max_depth: int = setting(
        10, "most doublings of a trajectory: at most 2^max_depth - 1 steps", at_least=1, at_most=20
    )

    name: ClassVar[str] = "nuts"
    cost: ClassVar[str] = "a gradient for each leapfrog step, some 3 to 30 a draw"

    @property
    def kernel(self) -> Kernel:
        from ppl.inference.hamiltonian.nuts import NUTSKernel

        return NUTSKernel(self.max_depth)
