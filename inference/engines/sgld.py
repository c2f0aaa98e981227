"""Settings of stochastic-gradient Langevin dynamics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines import stochastic as common
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class SGLD(Settings):
    """Overdamped Langevin dynamics, with stochastic gradients if `minibatch` is set. No step is corrected."""

    warmup: int = shared.warmup()
    draws: int = shared.draws()
    steps: int = common.steps(50)
    minibatch: str = shared.minibatch()
    control_variates: str = common.control_variates()
    step_size: float = common.step_size(0.2)
    schedule: str = setting(
        "constant",
        "of the steps while draws are made; decreasing: ever more of them make a draw",
        choices=("constant", "decreasing", "cyclical"),
    )
    cycles: int = setting(4, "cycles of the cyclical schedule in all draws", at_least=1)
    precision: str = shared.precision()

    name: ClassVar[str] = "sgld"
    promises: ClassVar[str] = "approximate: biased by the step size and by gradient noise, and it says by how much"
    cost: ClassVar[str] = "`steps` gradients a draw, of all data or of a minibatch (twice with control variates)"

    @property
    def life(self) -> Life:
        from ppl.inference.stochastic.sgld import Overdamped, exploring, longest

        most = self.steps
        if self.schedule == "decreasing":
            most = longest(self.steps)
        if self.schedule == "cyclical":
            most += exploring(self.steps, math.ceil(self.draws / self.cycles))
        return common.stochastic_life(Overdamped(self.schedule), False, self, {"cycles": float(self.cycles)}, most)
