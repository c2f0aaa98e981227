"""How modes move, in the dimensionless time of their energy, at kT = 1.

Overdamped:   dx = M (-∇E dt) + √(2 M) dW
Underdamped:  dx = m⁻¹ p dt,  dp = (-∇E - γ m⁻¹ p) dt + √(2 γ) dW

Both have the stationary law exp(-E) of x. A time of these is `tau` times as many seconds on a circuit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Driven = Literal["force", "couplings", "all"]
DRIVEN: tuple[Driven, ...] = ("force", "couplings", "all")


@dataclass(frozen=True, eq=False)
class Overdamped:
    """mobility: (n,), M."""

    mobility: Floats


@dataclass(frozen=True, eq=False)
class Underdamped:
    """mass: (n,), m; friction: γ."""

    mass: Floats
    friction: float


Dynamics = Overdamped | Underdamped


@dataclass(frozen=True)
class Regulator:
    """Observes all modes every `period`, computes, and holds what it found from `latency` after that until the next.

    driven: what it does in place of the array: the `force` -∇R; the `couplings`, all off the diagonal of the precision,
    and the force; or `all` of -∇E.
    """

    period: float
    latency: float = 0.0
    driven: Driven = "force"
