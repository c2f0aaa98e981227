"""Continuous units, s-modes: what a model of continuous quantities is lowered to.

    E(x) = offset + ½ xᵀ A x - bᵀ x + R(x),    p(x) ∝ exp(-E(x)),

x: a number for each mode, in the model's unconstrained coordinates. A and b are what a passive array of resistors or
capacitors does by itself; the force -∇R is for sources that are driven (Coles 2023; Melanson et al. 2023).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.analogue.dynamics import Dynamics, Overdamped, Regulator
from ppl.hardware.laws.law import Law
from ppl.hardware.laws.readout import Readout
from ppl.hardware.netlist.netlist import Claim

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Modes:
    """names: of n modes; precision: (n, n), A, symmetric; bias: (n,), b; force: from x to -∇R(x), None where R is 0;
    energy: from x to E(x), None likewise; offset: 0 where R is not; readout: from x to the model's quantities, which
    undoes the transforms; dynamics: None means overdamped with mobilities of 1; regulator: None where the array does
    everything itself."""

    name: str
    names: tuple[str, ...]
    precision: Floats
    bias: Floats
    offset: float
    force: Law | None
    energy: Law | None
    readout: Readout
    dynamics: Dynamics | None = None
    regulator: Regulator | None = None
    provenance: tuple[Claim, ...] = ()
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many modes there are."""
        return len(self.names)

    @property
    def motion(self) -> Dynamics:
        """The dynamics, whether said or not."""
        return self.dynamics or Overdamped(np.ones(self.size))

    @property
    def is_gaussian(self) -> bool:
        return self.force is None
