"""The life of `map`: a search in each chain, and its end as the one draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ppl.inference.contract import Carry, Chunk, Density, Findings, Remark, Remedy
from ppl.inference.modes.findings import search_remarks, search_values
from ppl.inference.modes.search import PeakSearch
from ppl.inference.modes.starts import starts_of

POINT = Remark(
    "point",
    "note",
    "A mode is a point: it says nothing of uncertainty, and in many dimensions it is far from the mass.",
    remedies=(Remedy("for a rough answer to that: {}", {"engine": "laplace"}),),
)


@dataclass(frozen=True)
class ModeLife:
    search: PeakSearch

    def start(self, density: Density, keys: Any, positions: Any = None) -> Carry:
        starts = starts_of(density, keys, positions)
        return {**starts, "search": self.search.start(starts), "drawn": np.int64(0)}

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        search = carry["search"]
        if not self.search.done(search):
            following = {**carry, "search": self.search.step(density, search, carry)}
            return following, Chunk(warmup=True, positions=np.zeros_like(search["position"])[:, None][:, :0])
        lp = {"lp": search["log_density"][:, None]}
        return {**carry, "drawn": np.int64(1)}, Chunk(warmup=False, positions=search["position"][:, None], stats=lp)

    def done(self, carry: Carry) -> bool:
        return bool(carry["drawn"])

    def progress(self, carry: Carry) -> tuple[int, int]:
        return int(carry["search"]["steps"]) + int(carry["drawn"]), self.search.steps + 1

    def findings(self, density: Density, carry: Carry) -> Findings:
        search = carry["search"]
        remarks = search_remarks(density, search, self.search)
        return Findings(search_values(search), (*remarks, POINT) if self.search.done(search) else tuple(remarks))
