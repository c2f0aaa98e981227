"""The life of chains of Langevin dynamics: that of stepping chains, on data in a random order if in minibatches.

The shuffled density follows from the density and the carry, and so is no part of either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ppl.inference.contract import Carry, Chunk, Density, Findings
from ppl.inference.minibatch import Minibatch, sliced
from ppl.inference.stepping import SteppingLife
from ppl.inference.stochastic.findings import find


@dataclass(frozen=True)
class StochasticLife(SteppingLife):
    """momenta: whether the dynamics have any; batch: from which elements gradients come; None: from all."""

    momenta: bool = False
    batch: Minibatch | None = None

    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        return super().start(sliced(density, self.batch, np.asarray(jax.random.key_data(keys))), keys, positions)

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        return super().advance(sliced(density, self.batch, carry["keys"]), carry, limit)

    def findings(self, density: Density, carry: Carry) -> Findings:
        return find(self.momenta, carry["states"], self.options, self.batch)
