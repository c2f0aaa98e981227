"""The array left to itself: what it holds turns into noise (Ornstein–Uhlenbeck; Song et al. 2021, "VP").

    dx = -M(t) x dt + √(2 M(t)) dW,   x(t) = α(t) x(0) + σ(t) ξ,   α = exp(-∫ M),   σ² = 1 - α²

Every mode has the energy ½ x² and kT = 1, so that all come to rest at N(0, 1). The mobility M, conductance and noise
together, grows with time from `first` to `last`: data are blurred slowly, where what has to be undone is fine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from numpy.typing import NDArray

from ppl.errors import Diagnostic, PplError

Time = TypeVar("Time", float, jax.Array, NDArray[Any])


@dataclass(frozen=True)
class Noising:
    """duration: of the noising, in units of time (`tau` seconds each); first, last: the mobility at its ends."""

    duration: float = 1.0
    first: float = 0.05
    last: float = 10.0

    def __post_init__(self) -> None:
        wrong = [name for name in ("duration", "first", "last") if not 0 < getattr(self, name) < math.inf]
        if wrong:
            raise PplError([Diagnostic("E608", f"`{name}` takes a number above 0") for name in wrong])

    def passed(self, time: Time) -> Time:
        """∫ M from 0 to `time`."""
        return time * (self.first + 0.5 * (self.last - self.first) / self.duration * time)

    def signal(self, time: jax.Array) -> jax.Array:
        """α: what is left of the data."""
        return jnp.exp(-self.passed(time))

    def noised(self, x: jax.Array, time: jax.Array, noise: jax.Array) -> jax.Array:
        """(n, d) data and as many standard normals -> (n, d), some time later. time: (), or (n, 1)."""
        signal = self.signal(time)
        return signal * x + jnp.sqrt(1 - signal**2) * noise
