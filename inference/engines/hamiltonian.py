"""What the engines that follow Hamiltonian trajectories share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life
    from ppl.inference.hamiltonian.kernel import Kernel

METRICS = ("auto", "diagonal", "low-rank", "dense")


@dataclass(frozen=True)
class Hamiltonian(Settings):
    """Base of these engines. kernel: which trajectories; options: numbers for it, which do not recompile it."""

    warmup: int = shared.warmup()
    draws: int = shared.draws()
    target_acceptance: float = shared.target_acceptance()
    step_size: float = setting(1.0, "step size from which the search starts; the step size if warmup is 0", above=0)
    metric: str = setting(
        "auto", "form of the metric; auto chooses by dimension and by what warmup sees", choices=METRICS
    )
    adaptation: str = setting(
        "pooled",
        "how warmup finds the metric: pooled over chains from draws and gradients, or as Stan does",
        choices=("pooled", "stan"),
    )
    divergence_threshold: float = setting(1000.0, "energy error at which a trajectory has diverged", above=0)
    precision: str = shared.precision()

    promises: ClassVar[str] = "asymptotically exact"

    @property
    @abstractmethod
    def kernel(self) -> Kernel: ...

    @property
    def options(self) -> dict[str, float]:
        return {"divergence_threshold": self.divergence_threshold}

    @property
    def life(self) -> Life:
        from ppl.inference.hamiltonian.life import HamiltonianLife

        return self.made(HamiltonianLife)

    def made(self, life: Callable[..., Life], **more: Any) -> Life:
        """A life of these settings, and of `more`."""
        return life(
            kernel=self.kernel,
            warmup=self.warmup,
            draws=self.draws,
            target=self.target_acceptance,
            step_size=self.step_size,
            metric=self.metric,
            adaptation=self.adaptation,
            precision=self.precision,
            options=self.options,
            **more,
        )
