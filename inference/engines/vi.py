"""Variational inference's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference import minibatch
from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class VI(Settings):
    """The member of a family, on the unconstrained coordinates, with the least KL(q|p), and draws from it."""

    draws: int = shared.draws()
    family: str = setting(
        "full-rank",
        "of Gaussians, by their covariances, or of Gaussians bent by networks",
        choices=("mean-field", "low-rank", "full-rank", "flow"),
    )
    rank: int = setting(5, "directions that a low-rank covariance has beside its diagonal", at_least=1)
    layers: int = setting(2, "of a flow: how often every coordinate acts on every other", at_least=1, at_most=16)
    hidden: int = setting(16, "of a flow: the width of its networks", at_least=1, at_most=1024)
    samples: int = setting(4, "draws of the member for each gradient", at_least=1)
    tolerance: float = setting(0.02, "nats by which smaller steps may still change the fit at its end", above=0)
    iterations: int = setting(50000, "steps of the ascent, at most", at_least=1)
    minibatch: str = shared.minibatch()
    resample: str = shared.resample("no")

    name: ClassVar[str] = "vi"
    promises: ClassVar[str] = "approximate: too narrow where the family is too small; k̂ says how near"
    cost: ClassVar[str] = "some thousand steps of `samples` gradients a chain, of all data or a minibatch"
    draws_are: ClassVar[str] = "independent"

    @property
    def life(self) -> Life:
        from ppl.inference.modes.drawing import ApproximationLife
        from ppl.inference.variational.families import Family, FullRank, LowRank, MeanField
        from ppl.inference.variational.fitting import VariationalFitter
        from ppl.inference.variational.flow import Bent

        families: dict[str, Family] = {
            "mean-field": MeanField(),
            "low-rank": LowRank(self.rank),
            "full-rank": FullRank(),
            "flow": Bent(self.layers, self.hidden),
        }
        batch = minibatch.parse(self.minibatch)
        called = "the fitted flow" if self.family == "flow" else "the fitted Gaussian"
        fitter = VariationalFitter(
            families[self.family], self.samples, self.tolerance, self.iterations, batch, called=called
        )
        return ApproximationLife(fitter, self.draws, self.resample == "yes")
