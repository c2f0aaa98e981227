"""Whether the draws so far are good enough for `until`: looked at after fixed numbers of draws, and said in the end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ppl.inference.contract import Remark, Remedy
from ppl.results import statistics
from ppl.running.until import Until

Array = npt.NDArray[Any]

FIRST = 100  # draws of each chain at the first look; halves of it are what R-hat compares


@dataclass(frozen=True)
class Look:
    """The fewest effective draws and the greatest R-hat of any quantity after so many draws; NaN: not defined."""

    draws: int
    ess: float
    rhat: float

    def enough(self, until: Until) -> bool:
        return (until.ess is None or self.ess >= until.ess) and (until.rhat is None or self.rhat <= until.rhat)

    def __str__(self) -> str:
        return f"the fewest effective draws are {self.ess:.0f}, the greatest R-hat is {self.rhat:.4g}"


def next_look(draws: int) -> int:
    """The first number of draws beyond these after which the draws are looked at: 100, 150, 225, ... of each chain.

    The looks are at numbers of draws and at nothing else, so that it does not depend on time where a run stops; and
    they come ever more seldom, so that they take a part of the run that does not grow.
    """
    mark = FIRST
    while mark <= draws:
        mark += mark // 2
    return mark


def is_look(draws: int) -> bool:
    return draws > 0 and next_look(draws - 1) == draws


def look(values: Mapping[str, Array]) -> Look:
    """values: of every quantity, (chains, draws, ...) each. Those that never change have no say; those that change
    between chains alone have no R-hat, and no run can be good enough with them."""
    flat = [np.asarray(v, np.float64).reshape(*v.shape[:2], -1) for v in values.values()]
    draws = np.concatenate(flat, axis=2) if flat else np.zeros((1, 1, 0))
    ess = np.fmin(statistics.ess_bulk(draws), statistics.ess_tail(draws))
    rhat = statistics.rhat(draws)
    varying = np.ptp(draws, axis=(0, 1)) > 0
    rhat[np.isnan(rhat) & varying] = math.inf
    return Look(
        draws.shape[1],
        float(np.nanmin(ess)) if np.isfinite(ess).any() else math.nan,
        float(np.nanmax(rhat)) if varying.any() else math.nan,
    )


def remark(until: Until, last: Look) -> Remark:
    """Why the run ended where it did."""
    values = {"draws": float(last.draws), "ess": last.ess, "r_hat": last.rhat}
    if last.enough(until):
        title = f"The run stopped after {last.draws} draws a chain, when `until {until}` was reached: {last}."
        return Remark("until", "note", title, values=values)
    title = f"All {last.draws} draws of each chain were made before `until {until}` was reached: {last}."
    more = Remedy("allow more: {}", {"draws": 4 * last.draws})
    return Remark("until", "note", title, remedies=(more,), values=values)
