"""The no-U-turn sampler's settings."""

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
class NUTS(Settings):
    """The no-U-turn sampler. For a divergence it records the last point before the step that broke."""

    warmup: int = shared.warmup()
    draws: int = shared.draws()
    target_acceptance: float = shared.target_acceptance()
    max_depth: int = setting(
        10, "most doublings of a trajectory: at most 2^max_depth - 1 steps", at_least=1, at_most=20
    )
    step_size: float = common.step_size()
    metric: str = common.metric()
    adaptation: str = common.adaptation()
    divergence_threshold: float = common.divergence_threshold()
    precision: str = shared.precision()

    name: ClassVar[str] = "nuts"
    promises: ClassVar[str] = "asymptotically exact"
    cost: ClassVar[str] = "a gradient for each leapfrog step, some 3 to 30 a draw"

    @property
    def life(self) -> Life:
        from ppl.inference.hamiltonian.life import HamiltonianLife
        from ppl.inference.hamiltonian.nuts import NUTSKernel

        return HamiltonianLife(
            kernel=NUTSKernel(self.max_depth),
            warmup=self.warmup,
            draws=self.draws,
            target=self.target_acceptance,
            step_size=self.step_size,
            metric=self.metric,
            adaptation=self.adaptation,
            precision=self.precision,
            options={"divergence_threshold": self.divergence_threshold},
        )
