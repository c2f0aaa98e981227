"""The life of microcanonical chains: that of stepping chains, and what the energy tells of their steps.

No step is accepted or refused, so the draws are those of a law near the target. How near, the energy tells, which exact
dynamics conserve (Robnik, De Luca, Silverstein & Seljak 2023): the variance of its error in a step, per dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.contract import Carry, Density, Findings, Remark, Remedy
from ppl.inference.microcanonical.chain import dimensions
from ppl.inference.stepping import SteppingLife

Array = NDArray[Any]
# Ten times what warmup aims at by default.
TOO_LARGE = 5e-3
# Between chains, which have one step size; what rounding makes is no difference.
_UNEVEN = 30.0
_ROUNDING = 1e-9


@dataclass(frozen=True)
class MicrocanonicalLife(SteppingLife):
    def findings(self, density: Density, carry: Carry) -> Findings:
        tally, adaptation = carry["states"].tally, carry["states"].adaptation
        if not (tally.count + tally.broken).min():
            return Findings()
        count = np.maximum(tally.count, 1)
        variance = (tally.square / count - (tally.error / count) ** 2) / dimensions(density.size)
        values: dict[str, tuple[tuple[str, ...], Array]] = {
            "energy_variance": (("chain",), variance),
            "step_size": (("chain",), adaptation.step_size),
            "broken_steps": (("chain",), tally.broken),
        }
        smaller = Remedy("a smaller energy error: {}", {"energy_variance": min(self.options["target"], TOO_LARGE) / 10})
        exact = Remedy("an engine that corrects its steps: {}", {"engine": "nuts"})
        remarks = []
        if tally.broken.any():
            title = f"{int(tally.broken.sum())} steps led where the log density or its gradient is not finite"
            detail = "the chain turned round there, which is no step of the dynamics"
            remarks.append(Remark("broken", "bad", title, (detail,), (smaller, exact)))
        worst = float(variance.max())
        measured = f"the energy error of a step has variance {worst:.1e} per dimension"
        if worst > TOO_LARGE:
            title = f"{measured}, more than {TOO_LARGE:g}"
            detail = (
                "no step is corrected, so the draws are biased; one step size may not fit all places, as in a funnel"
            )
            remarks.append(Remark("energy", "bad", title, (detail,), (smaller, exact), {"energy_variance": worst}))
        ratio = worst / max(float(variance.min()), _ROUNDING)
        if ratio > _UNEVEN:
            title = f"the variance of the energy error of a step differs {ratio:.0f}-fold between chains"
            detail = "they were in places of which some are far narrower than others, and no step size fits all"
            remarks.append(Remark("uneven", "bad", title, (detail,), (exact,), {"ratio": ratio}))
        if not remarks:
            remarks.append(Remark("energy", "good", measured, values={"energy_variance": worst}))
        return Findings(values, tuple(remarks))
