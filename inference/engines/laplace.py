"""Laplace's approximation's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class Laplace(Settings):
    """The Gaussian at the mode with the curvature there, on the unconstrained coordinates, and draws from it."""

    draws: int = shared.draws()
    iterations: int = shared.iterations()
    resample: str = shared.resample("no")

    name: ClassVar[str] = "laplace"
    promises: ClassVar[str] = "exact where the posterior is Gaussian on the unconstrained coordinates; k̂ says how near"
    cost: ClassVar[str] = "some hundred gradients a chain, `n` products with the Hessian, a density a draw"
    draws_are: ClassVar[str] = "independent"

    @property
    def life(self) -> Life:
        from ppl.inference.modes.drawing import ApproximationLife
        from ppl.inference.modes.laplace import LaplaceFitter
        from ppl.inference.modes.search import PeakSearch

        return ApproximationLife(LaplaceFitter(PeakSearch(self.iterations)), self.draws, self.resample == "yes")
