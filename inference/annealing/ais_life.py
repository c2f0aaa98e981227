"""Annealed importance sampling as an engine: its draws, and what work and dissipation say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing.ais import BACK, ENDED, PILOT, State, Trajectories
from ppl.inference.annealing.evidence import combined, evidence_remarks, finite
from ppl.inference.annealing.moves import Place
from ppl.inference.annealing.normal import reference_remarks
from ppl.inference.annealing.smc_life import acceptance_remarks
from ppl.inference.annealing.work import bennett, jarzynski
from ppl.inference.contract import Density, Findings, Remark, Remedy
from ppl.inference.importance import pareto_smoothed, tail_remark

Array = NDArray[Any]

# Nats between what the two ways say of log Z that are too many.
_GAP = 1.0


@dataclass(frozen=True)
class AnnealedImportance:
    trajectories: Trajectories

    @property
    def count(self) -> int:
        return self.trajectories.count

    def start(self, density: Density, chains: int) -> State:
        return self.trajectories.start(density, chains)

    def step(self, density: Density, state: State, starts: Mapping[str, Array], limit: int | None) -> State:
        return self.trajectories.step(density, state, starts, limit)

    def left(self, state: State) -> float:
        """By rungs there and back, and what the pilot was worth; the rest between them counts little."""
        phase, rungs = int(state["phase"]), len(state["ladder"].moves)
        if phase == PILOT:
            return 4.0
        behind = int(state["rung"]) + (rungs if phase == BACK else 0)
        ahead = max(2 * rungs - behind, 1)
        return 0.0 if phase == ENDED else ahead / (self.trajectories.pilot.worth(state["pilot"]) + behind)

    def draws(self, state: State) -> Place:
        place: Place = state["population"].place
        return place

    def findings(self, density: Density, state: State) -> Findings:
        forward, back = state["forward"], state["back"]
        pairs = list(zip(forward, back, strict=True))
        both = [bennett(*pair) for pair in pairs]
        there, again = [jarzynski(there) for there, _ in pairs], [jarzynski(-again) for _, again in pairs]
        log_z = np.array([each.log_z for each in both])
        variance = np.array([each.variance for each in both])
        low, high = np.array([each.log_z for each in there]), np.array([-each.log_z for each in again])
        smoothed = [pareto_smoothed(row) for row in forward]
        shapes = np.array([each.k for each in smoothed])
        values: dict[str, tuple[tuple[str, ...], Array]] = {
            "log_evidence": (("chain",), log_z),
            "log_evidence_forward": (("chain",), low),
            "log_evidence_reverse": (("chain",), high),
            "dissipated_forward": (("chain",), log_z - forward.mean(axis=1)),
            "dissipated_reverse": (("chain",), back.mean(axis=1) - log_z),
            "work_forward": (("chain", "trajectory"), -forward),
            "work_reverse": (("chain", "trajectory"), -back),
            "inverse_temperature": (("chain", "step"), state["ladder"].rungs.beta),
            "pareto_k": (("chain",), shapes),
            "effective_draws": (("chain",), np.array([each.effective for each in smoothed])),
        }
        more = 0 if self.trajectories.rungs else 4 * len(state["ladder"].moves)
        remedies = (Remedy("more temperatures dissipate less (0: as many as seem enough): {}", {"temperatures": more}),)
        remarks = [
            *evidence_remarks(density, log_z, variance, "both ways, by Bennett's ratio", remedies),
            _bounds(low, high, values["dissipated_forward"][1], values["dissipated_reverse"][1], remedies),
            tail_remark(shapes, self.count, "what trajectories arrive with", remedies),
            *acceptance_remarks(state["pilot"]["acceptance"]),
            *reference_remarks(
                self.trajectories.pilot.reference, state["pilot"]["normal"], self.draws(state).position.std(axis=1)
            ),
        ]
        return Findings(values, tuple(remarks))


def _bounds(low: Array, high: Array, there: Array, back: Array, remedies: tuple[Remedy, ...]) -> Remark:
    """low, high: (chains,), what the ways there and back say of log Z; there, back: the work dissipated."""
    below, above = combined(low), -combined(-high)
    gap = abs(above - below)
    dissipated = f"work dissipated: {there.mean():.3g} nats there, {back.mean():.3g} back"
    values = finite(gap=gap, dissipated_forward=float(there.mean()), dissipated_reverse=float(back.mean()))
    if gap <= _GAP:
        title = f"The ways there and back bracket the log evidence to {gap:.2g} nats; {dissipated}."
        return Remark("bounds", "good", title, values=values)
    title = f"The ways there and back differ by {gap:.3g} nats in the log evidence."
    details = (
        f"there {below:.2f}, a lower bound on average; back {above:.2f}, an upper one; {dissipated}",
        "trajectories are driven so fast that hardly any arrives where the target's mass is",
    )
    return Remark("bounds", "bad", title, details, remedies, values)
