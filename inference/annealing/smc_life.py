"""Sequential Monte Carlo as an engine: its draws, and what it has to say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing.evidence import evidence_remarks
from ppl.inference.annealing.moves import Place
from ppl.inference.annealing.normal import reference_remarks
from ppl.inference.annealing.smc import Particles, State, families, log_evidence
from ppl.inference.contract import Density, Findings, Remark, Remedy

Array = NDArray[Any]

# Acceptance below which particles can be said to stand still.
COLLAPSED = 0.15
# Families that tell a share of the particles to a tenth of it or so.
_FEW = 50
# How much more than the pilot all else takes.
_GUESS = 4.0


@dataclass(frozen=True)
class SequentialMonteCarlo:
    particles: Particles

    @property
    def count(self) -> int:
        return self.particles.count

    def start(self, density: Density, chains: int) -> State:
        return self.particles.start(density, chains)

    def step(self, density: Density, state: State, starts: Mapping[str, Array], limit: int | None) -> State:
        return self.particles.step(density, state, starts, limit)

    def left(self, state: State) -> float:
        """By the moves at each rung, and what the pilot's were worth."""
        if self.particles.ended(state):
            return 0.0
        moves = state["ladder"].moves
        if not len(moves):
            return _GUESS
        behind = int(moves[: int(state["rung"])].sum() + state["moved"])
        return max(int(moves.sum()) - behind, 1) / (self.particles.pilot.worth(state["pilot"]) + behind)

    def draws(self, state: State) -> Place:
        place: Place = state["place"]
        return place

    def findings(self, density: Density, state: State) -> Findings:
        log_z, variance = log_evidence(state)
        by_rung = ("ess", "log_increment", "acceptance", "correlation")
        values: dict[str, tuple[tuple[str, ...], Array]] = {
            "log_evidence": (("chain",), log_z),
            "families": (("chain",), families(state)),
            "inverse_temperature": (("chain", "step"), state["ladder"].rungs.beta),
            **{name: (("chain", "step"), state[name]) for name in by_rung},
        }
        again = (
            Remedy("more particles: {}", {"draws": 10 * self.count}),
            Remedy("more temperatures: {}", {"ess": max(0.95, (1 + self.particles.share) / 2)}),
        )
        remarks = [
            *evidence_remarks(density, log_z, variance, "sequential Monte Carlo", again),
            *self._families(families(state)),
            *acceptance_remarks(state["acceptance"]),
            *reference_remarks(
                self.particles.pilot.reference, state["pilot"]["normal"], state["place"].position.std(axis=1)
            ),
        ]
        return Findings(values, tuple(remarks))

    def _families(self, count: Array) -> list[Remark]:
        fewest = float(count.min())
        if fewest >= min(_FEW, self.count / 2):
            return []
        title = f"The draws of a chain come from as few as {fewest:.0f} particles, and moves did not part them."
        details = (
            f"of the chains: {', '.join(f'{each:.0f}' for each in count)}, of {self.count} particles each",
            "at the last temperatures particles still were near where they came from: where modes are apart, "
            "their shares are known no better than by so few draws",
        )
        remedies = (
            Remedy("more moves at each temperature: {}", {"moves": 5 * self.particles.pilot.mover.moves}),
            Remedy("more particles: {}", {"draws": 10 * self.count}),
        )
        return [Remark("families", "bad", title, details, remedies, {"families": fewest})]


def acceptance_remarks(acceptance: Array) -> list[Remark]:
    """acceptance: (chains, temperatures)."""
    lowest = float(np.nanmin(acceptance))
    if lowest >= COLLAPSED:
        return []
    count = int((np.nanmin(acceptance, axis=0) < COLLAPSED).sum())
    title = f"At {count} of {acceptance.shape[1]} temperatures hardly any move was accepted: {lowest:.2f} at the least."
    details = ("no step size fits all particles there, as where scales differ between places",)
    remedies = (Remedy("other coordinates, as for `nuts`, or give it smaller steps: {}", {"leapfrog": 100}),)
    return [Remark("acceptance", "bad", title, details, remedies, {"acceptance": lowest})]
