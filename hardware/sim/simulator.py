"""What every simulator does."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Simulator(Protocol):
    """Replicas of the units of a netlist."""

    def advance(self, sweeps: int) -> None:
        """So many sweeps of all replicas."""
        ...

    def states(self) -> NDArray[np.integer[Any]]:
        """(replicas, n): the states of the units now."""
        ...
