"""Components of circuits: networks of two-poles, the ranges they come in, and the level that puts all within them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppl.errors import Diagnostic, PplError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Span = tuple[float, float]

GROUND = -1
# Relative to the two diagonal entries, what of a matrix is rounding and needs no two-pole.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Ranges:
    """What components are to be had, in Ω, F, H, and the root mean square of voltages, in V."""

    resistance: Span = (1e3, 1e7)
    capacitance: Span = (1e-11, 1e-7)
    inductance: Span = (1e-6, 1.0)
    voltage: Span = (0.1, 1.0)


@dataclass(frozen=True, eq=False)
class Network:
    """Two-poles of one kind. ends: (k, 2), nodes or GROUND; values: (k,), in S or F, below 0 where only an active
    circuit has them."""

    ends: Integers
    values: Floats

    def matrix(self, size: int) -> Floats:
        """(size, size): what nodes' voltages, or their derivatives, are multiplied with to give currents."""
        incidence = np.zeros((len(self.values), size + 1))
        rows = np.arange(len(self.values))
        incidence[rows, self.ends[:, 0]] = 1.0
        incidence[rows, self.ends[:, 1]] = -1.0
        found = incidence[:, :size]
        return np.asarray(found.T @ (self.values[:, None] * found))

    @property
    def active(self) -> int:
        """How many two-poles no resistor or capacitor is."""
        return int((self.values < 0).sum())


def network(matrix: Floats) -> Network:
    """Of a symmetric matrix: what is off the diagonal between nodes, and what rows sum to from nodes to ground."""
    own = np.abs(np.diag(matrix))
    rounding = _ROUNDING * np.sqrt(np.outer(own, own))
    left, right = np.nonzero(np.triu(np.abs(matrix) > rounding, 1))
    ground = matrix.sum(axis=1)
    kept = np.flatnonzero(np.abs(ground) > _ROUNDING * np.abs(matrix).sum(axis=1))
    ends = np.concatenate([np.stack([kept, np.full(len(kept), GROUND)], 1), np.stack([left, right], 1)])
    return Network(ends, np.concatenate([ground[kept], -matrix[left, right]]))


def to_ground(values: Floats) -> Network:
    """(n,): one from each node."""
    nodes = np.arange(len(values))
    return Network(np.stack([nodes, np.full(len(nodes), GROUND)], 1), np.asarray(values))


@dataclass(frozen=True, eq=False)
class Need:
    """Components that are level · share, or share / level where `falls`. what: in the plural, for messages."""

    what: str
    unit: str
    shares: Floats
    limits: Span
    falls: bool = False

    @property
    def least(self) -> float:
        """Of the level."""
        return float(self.shares.max() / self.limits[1] if self.falls else self.limits[0] / self.shares.min())

    @property
    def most(self) -> float:
        """Of the level."""
        return float(self.shares.min() / self.limits[0] if self.falls else self.limits[1] / self.shares.max())


def level(needs: Sequence[Need]) -> float:
    """In the middle, by ratios, of those levels that put all components within their limits.

    Raises:
        PplError: there is none (E732).
    """
    low = max(needs, key=lambda need: need.least)
    high = min(needs, key=lambda need: need.most)
    if low.least > high.most:
        title = "the ranges of components cannot hold the model"
        mends = "another `tau`, other scales of the modes, or wider ranges, may hold it"
        raise PplError([Diagnostic("E732", title, hints=(_told(low, high), mends))])
    return math.sqrt(low.least * high.most)


def _told(low: Need, high: Need) -> str:
    """What of `high` is beyond its limits where `low` is just within its own."""
    if low is high:
        factors = [low.shares.max() / low.shares.min(), low.limits[1] / low.limits[0]]
        return "{} are to differ by a factor of {:.3g}, and those there are by {:.3g}".format(low.what, *factors)
    at = low.least
    shown = high.shares / at if high.falls else at * high.shares
    spans = [" to ".join(quantity(limit, need.unit) for limit in need.limits) for need in (low, high)]
    least, most = quantity(float(shown.min()), high.unit), quantity(float(shown.max()), high.unit)
    needed = least if least == most else f"{least} to {most}"
    return f"with {low.what} within {spans[0]} there would be {high.what} of {needed}, and there are {spans[1]}"


_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


def quantity(value: float, unit: str) -> str:
    """With the prefix of its size: 2.2 kΩ."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    power = min(max(3 * math.floor(math.log10(abs(value)) / 3), min(_PREFIXES)), max(_PREFIXES))
    return f"{value / 10**power:.3g} {_PREFIXES[power]}{unit}"
