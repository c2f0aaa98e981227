"""The life of chains of Langevin dynamics: that of stepping chains, on data in a random order if in minibatches.

The order follows from the key of the first chain, and all chains have the same. The shuffled density is made once for a
run and kept while it goes on; it follows from the density and the carry, and so is no part of either.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ppl.inference.contract import Carry, Chunk, Density, Findings
from ppl.inference.minibatch import Minibatch, shuffled
from ppl.inference.stepping import SteppingLife
from ppl.inference.stochastic.findings import find


@dataclass(frozen=True)
class StochasticLife(SteppingLife):
    """momenta: whether the dynamics have any; batch: from which elements gradients come; None: from all."""

    momenta: bool = False
    batch: Minibatch | None = None

    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        return super().start(self._seen(density, np.asarray(jax.random.key_data(keys))), keys, positions)

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        return super().advance(self._seen(density, carry["keys"]), carry, limit)

    def findings(self, density: Density, carry: Carry) -> Findings:
        return find(self.momenta, carry["states"], self.options, self.batch)

    def _seen(self, density: Density, keys: Any) -> Density:
        if self.batch is None:
            return density
        return _last.of(density, self.batch, tuple(int(word) for word in keys[0]))


class _Last:
    """The density that was shuffled last, for as long as the one that it was made from is in use."""

    def __init__(self) -> None:
        self._made: tuple[weakref.ref[Density], Any, Density] | None = None

    def of(self, density: Density, batch: Minibatch, seed: tuple[int, ...]) -> Density:
        made = self._made
        if made is None or made[0]() is not density or made[1] != (batch, seed):
            made = (weakref.ref(density, self._forget), (batch, seed), shuffled(density, batch, seed))
            self._made = made
        return made[2]

    def _forget(self, _: Any) -> None:
        self._made = None


_last = _Last()
