"""Pathfinder's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class Pathfinder(Settings):
    """Gaussians along the ways of L-BFGS to modes, the best of each, and draws from their mixture by their weights."""

    draws: int = shared.draws()
    paths: int = setting(4, "paths of each chain, each from another start", at_least=1)
    iterations: int = shared.iterations()
    resample: str = shared.resample("yes")

    name: ClassVar[str] = "pathfinder"
    promises: ClassVar[str] = "approximate, a mixture of Gaussians by weights; k̂ says how near; good starts for others"
    cost: ClassVar[str] = "some hundred gradients and some thousand densities a path, then two densities a draw"
    draws_are: ClassVar[str] = "independent"

    @property
    def life(self) -> Life:
        from ppl.inference.modes.drawing import ApproximationLife
        from ppl.inference.modes.pathfinder import PathfinderFitter

        return ApproximationLife(PathfinderFitter(self.paths, self.iterations), self.draws, self.resample == "yes")
