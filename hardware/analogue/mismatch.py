"""Components that differ from their values: one array of them, and what to expect of all.

Every resistor, capacitor and inductor has a factor 1 + tolerance · z of its own, z normal, and what reads a voltage,
for the force too, has an offset. Sources are as they should be. What an array shows then is exactly `banded_law` of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ppl.errors import Diagnostic, Exit, PplError
from ppl.hardware.analogue.band import Gaussian, banded_law
from ppl.hardware.analogue.cells import Cells
from ppl.hardware.analogue.components import Floats, Network

# Of a factor: what derivatives are taken over.
_STEP = 1e-4
# Standard deviations beyond which a factor would be near 0.
_MOST = 0.25


@dataclass(frozen=True)
class Mismatch:
    """tolerance: relative standard deviation of components; offset: standard deviation, in V; seed: of the array.

    Raises:
        PplError: one of them is out of its range (E608).
    """

    tolerance: float = 0.01
    offset: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance <= _MOST:
            title = f"`mismatch` is {self.tolerance:g}, but it takes a relative tolerance from 0 to {_MOST:g}"
            raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)
        if not 0 <= self.offset < np.inf:
            title = f"the offset of a mismatch is {self.offset:g}, but it takes volts from 0"
            raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)


def mismatched(cells: Cells, mismatch: Mismatch) -> Cells:
    """One array: the same for the same seed."""
    rng = np.random.default_rng(mismatch.seed)
    factors = 1 + mismatch.tolerance * rng.normal(size=count(cells))
    return varied(cells, factors, mismatch.offset * rng.normal(size=cells.size))


def expected(cells: Cells, mismatch: Mismatch, step: float) -> Gaussian:
    """Standard deviations, over arrays, of the means (n,) and covariances (n, n) that they show, to first order.

    step: of the noise, in s.
    """
    mean, covariance = np.zeros(cells.size), np.zeros((cells.size, cells.size))
    none = np.zeros(cells.size)
    for one in np.eye(count(cells)):
        more, less = (banded_law(varied(cells, 1 + sign * _STEP * one, none), step) for sign in (1, -1))
        mean += ((more.mean - less.mean) / (2 * _STEP)) ** 2
        covariance += ((more.covariance - less.covariance) / (2 * _STEP)) ** 2
    shift = (mismatch.offset * cells.scale) ** 2
    return Gaussian(np.sqrt(mismatch.tolerance**2 * mean + shift), mismatch.tolerance * np.sqrt(covariance))


def count(cells: Cells) -> int:
    """How many components there are."""
    coils = sum(len(part) for part in (cells.resistance, cells.inductance) if part is not None)
    return len(cells.conductance.values) + len(cells.capacitance.values) + coils


def varied(cells: Cells, factors: Floats, offsets: Floats) -> Cells:
    """factors: (count,), of resistors, capacitors, resistors in loops and inductors; offsets: (n,), in V."""
    left = iter(factors)

    def scaled(values: Floats) -> Floats:
        return np.asarray(values * [next(left) for _ in values])

    conductance = Network(cells.conductance.ends, 1 / scaled(1 / cells.conductance.values))
    capacitance = Network(cells.capacitance.ends, scaled(cells.capacitance.values))
    return replace(
        cells,
        location=cells.location + cells.scale * offsets,
        conductance=conductance,
        capacitance=capacitance,
        resistance=None if cells.resistance is None else scaled(cells.resistance),
        inductance=None if cells.inductance is None else scaled(cells.inductance),
    )
