"""Parallel tempering's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class Tempering(Settings):
    """Non-reversible parallel tempering: replicas at temperatures from the prior to the posterior change places."""

    warmup: int = setting(1000, "iterations of warmup, which place the temperatures and tune the moves", at_least=0)
    draws: int = shared.draws()
    replicas: int = setting(16, "replicas of each chain, each at a temperature", at_least=2)
    exploration: int = setting(1, "moves of each replica between exchanges; of discrete latents, sweeps", at_least=1)
    leapfrog: int = setting(8, "leapfrog steps of a move", at_least=1)
    target_acceptance: float = shared.target_acceptance()
    reference: str = shared.reference()
    precision: str = shared.precision()

    name: ClassVar[str] = "tempering"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient or discrete"})
    promises: ClassVar[str] = "asymptotically exact, across modes that the reference reaches; the evidence beside"
    cost: ClassVar[str] = "`replicas` times `exploration` times `leapfrog` + 1 gradients (or sweeps, once) a draw"
    uses_prior: ClassVar[bool] = True

    @property
    def life(self) -> Life:
        from ppl.inference.annealing.tempering_life import TemperingLife

        return TemperingLife(
            replicas=self.replicas,
            exploration=self.exploration,
            leapfrog=self.leapfrog,
            target=self.target_acceptance,
            reference=self.reference,
            warmup=self.warmup,
            draws=self.draws,
            precision=self.precision,
        )
