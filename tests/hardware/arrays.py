"""Modes for tests of circuits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ppl.hardware.analogue.modes import Modes
from ppl.hardware.laws.law import Law
from ppl.hardware.laws.readout import Readout

Floats = NDArray[np.float64]


def gaussian(precision: ArrayLike, bias: ArrayLike | None = None) -> Modes:
    """Modes x[0], x[1], ... of a precision."""
    matrix = np.asarray(precision, np.float64)
    size = len(matrix)
    return Modes(
        name="array",
        names=tuple(f"x[{number}]" for number in range(size)),
        precision=matrix,
        bias=np.zeros(size) if bias is None else np.asarray(bias, np.float64),
        offset=0.0,
        force=None,
        energy=None,
        readout=Readout((), Law(size, (), ())),
    )


def random_gaussian(size: int, seed: int) -> Modes:
    """Couplings of both signs; scales that differ by a factor of 10."""
    rng = np.random.default_rng([size, seed])
    factor = rng.normal(size=(size, 2 * size))
    scale = 10 ** rng.uniform(-0.5, 0.5, size)
    return gaussian(scale[:, None] * (factor @ factor.T / size) * scale, rng.normal(size=size))
