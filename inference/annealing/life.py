"""The life of engines that lead populations from a reference to the target: steps of the method, then draws.

The population of a chain, once it has arrived, is its draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing.moves import Place
from ppl.inference.contract import Carry, Chunk, Density, Findings
from ppl.inference.modes.starts import starts_of

Array = NDArray[Any]
State = Mapping[str, Any]


class Method(Protocol):
    """What leads the populations. count: particles of a chain."""

    @property
    def count(self) -> int: ...

    def start(self, density: Density, chains: int) -> State: ...

    def step(self, density: Density, state: State, starts: Mapping[str, Array], limit: int | None) -> State:
        """starts: `keys`, `positions` and whether these were `given`, of each chain; limit: moves of each particle, at
        most."""
        ...

    def left(self, state: State) -> float:
        """About how many times as many steps as were made are still to be made; 0 once there are draws."""
        ...

    def draws(self, state: State) -> Place:
        """Leaves (chains, count, ...), at the end."""
        ...

    def findings(self, density: Density, state: State) -> Findings:
        """At the end."""
        ...


@dataclass(frozen=True)
class AnnealedLife:
    method: Method

    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        starts = starts_of(density, keys, positions)
        state = self.method.start(density, len(starts["keys"]))
        return {**starts, "state": state, "steps": np.int64(0), "drawn": np.int64(0)}

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        chains, size = carry["positions"].shape
        state = carry["state"]
        if self.method.left(state):
            starts = {name: carry[name] for name in ("keys", "positions", "given")}
            state = self.method.step(density, state, starts, limit)
            following = {**carry, "state": state, "steps": carry["steps"] + 1}
            return following, Chunk(warmup=True, positions=np.zeros((chains, 0, size)))
        drawn = int(carry["drawn"])
        upto = min(self.method.count, drawn + (limit or self.method.count))
        place = self.method.draws(state)
        stats = {"lp": (place.start + place.gain)[:, drawn:upto]}
        following = {**carry, "drawn": np.int64(upto)}
        return following, Chunk(warmup=False, positions=place.position[:, drawn:upto], stats=stats)

    def done(self, carry: Carry) -> bool:
        return int(carry["drawn"]) >= self.method.count

    def progress(self, carry: Carry) -> tuple[int, int]:
        """In steps, whose number is not known beforehand."""
        steps, drawn = int(carry["steps"]), int(carry["drawn"])
        left = self.method.left(carry["state"])
        return steps + drawn, steps + int(np.ceil(max(steps, 1) * left)) + self.method.count

    def findings(self, density: Density, carry: Carry) -> Findings:
        if self.method.left(carry["state"]):
            return Findings()
        return self.method.findings(density, carry["state"])
