"""Random-walk Metropolis' settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class MH(Settings):
    """Random-walk Metropolis. Warmup fits the covariance of its Gaussian proposal, and its size to an acceptance."""

    warmup: int = shared.warmup()
    draws: int = shared.draws()
    steps: int = setting(20, "proposals for each iteration, of which the last state is kept", at_least=1)
    target_acceptance: float = setting(0.234, "mean acceptance that the proposal aims at", above=0, below=1)
    precision: str = shared.precision()

    name: ClassVar[str] = "mh"
    needs: ClassVar[frozenset[str]] = frozenset({"continuous"})
    promises: ClassVar[str] = "asymptotically exact, slow beyond some ten dimensions"
    cost: ClassVar[str] = "`steps` densities a draw, no gradient"

    @property
    def life(self) -> Life:
        from ppl.inference.metropolis import MetropolisKernel, ProposalTuner
        from ppl.inference.stepping import SteppingLife

        return SteppingLife(
            kernel=MetropolisKernel(),
            tuner=ProposalTuner(),
            warmup=self.warmup,
            draws=self.draws,
            precision=self.precision,
            options={"target": self.target_acceptance},
            stride=self.steps,
        )
