"""Settings of stochastic-gradient Hamiltonian Monte Carlo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines import stochastic as common
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class SGHMC(Settings):
    """Underdamped Langevin dynamics, with stochastic gradients if `minibatch` is set. No step is corrected."""

    warmup: int = shared.warmup()
    draws: int = shared.draws()
    steps: int = common.steps(20)
    minibatch: str = shared.minibatch()
    control_variates: str = common.control_variates()
    step_size: float = common.step_size(0.7)
    friction: float = setting(
        1.0, "least friction, in units where the posterior has variance 1; more where gradients are noisy", above=0
    )
    precision: str = shared.precision()

    name: ClassVar[str] = "sghmc"
    promises: ClassVar[str] = "approximate: biased by the step size and by gradient noise, and it says by how much"
    cost: ClassVar[str] = "`steps` gradients a draw, of all data or of a minibatch (twice with control variates)"

    @property
    def life(self) -> Life:
        from ppl.inference.stochastic.sghmc import Underdamped

        return common.stochastic_life(Underdamped(), True, self, {"friction": self.friction})
