"""Microcanonical Langevin Monte Carlo's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class MCLMC(Settings):
    """Microcanonical Langevin dynamics: forces and noise turn a velocity of fixed length. No step is corrected."""

    warmup: int = shared.warmup()
    draws: int = shared.draws()
    steps: int = setting(5, "steps for each iteration, of which the last state is kept", at_least=1)
    energy_variance: float = setting(
        5e-4, "mean squared energy error of a step, per dimension, that the step size aims at", above=0
    )
    length: float = setting(
        2.0, "after which the velocity has forgotten its direction, in units of the typical radius √n", above=0
    )
    precision: str = shared.precision()

    name: ClassVar[str] = "mclmc"
    promises: ClassVar[str] = "approximate: biased by the energy error of its steps, which it tells"
    cost: ClassVar[str] = "2 `steps` gradients a draw"

    @property
    def life(self) -> Life:
        from ppl.inference.microcanonical.chain import MicrocanonicalKernel, ScaleTuner
        from ppl.inference.microcanonical.life import MicrocanonicalLife

        return MicrocanonicalLife(
            kernel=MicrocanonicalKernel(),
            tuner=ScaleTuner(self.warmup),
            warmup=self.warmup,
            draws=self.draws,
            precision=self.precision,
            options={"target": self.energy_variance, "length": self.length},
            stride=self.steps,
        )
