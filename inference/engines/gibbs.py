"""Gibbs' settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.engines import shared
from ppl.inference.engines.shared import Settings
from ppl.inference.settings import setting

if TYPE_CHECKING:
    from ppl.inference.contract import Life


@dataclass(frozen=True)
class Gibbs(Settings):
    """Chromatic Gibbs sampling of finite discrete latents, of which those that no term joins change at once."""

    warmup: int = setting(500, "iterations of each chain that are thrown away", at_least=0)
    draws: int = shared.draws()
    sweeps: int = setting(10, "sweeps over all elements for each iteration, of which the last is kept", at_least=1)
    update: str = setting(
        "gibbs", "draw each element from its conditional, or propose another value", choices=("gibbs", "metropolis")
    )
    precision: str = shared.precision()

    name: ClassVar[str] = "gibbs"
    needs: ClassVar[frozenset[str]] = frozenset({"discrete"})
    promises: ClassVar[str] = "asymptotically exact; slow where elements are strongly coupled"
    cost: ClassVar[str] = "`sweeps` passes over the tables of all terms a draw"

    @property
    def life(self) -> Life:
        from ppl.inference.discrete.gibbs import GibbsLife

        return GibbsLife(
            update=self.update, sweeps=self.sweeps, warmup=self.warmup, draws=self.draws, precision=self.precision
        )
