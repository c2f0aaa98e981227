"""The settings of the search for a mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class MAP(Settings):
    """The mode of the density, in each chain from another start: L-BFGS, then Newton's method to the top."""

    iterations: int = shared.iterations()

    name: ClassVar[str] = "map"
    promises: ClassVar[str] = (
        "a point, without uncertainty: the mode of the density of the unconstrained coordinates, Jacobian included, "
        "which moves with the coordinates"
    )
    cost: ClassVar[str] = "some hundred gradients a chain, then `n` products with the Hessian (n up to 1000)"
    draws_are: ClassVar[str] = "a mode"

    @property
    def life(self) -> Life:
        from ppl.inference.modes.mapping import ModeLife
        from ppl.inference.modes.search import PeakSearch

        return ModeLife(PeakSearch(self.iterations, most=1000))
