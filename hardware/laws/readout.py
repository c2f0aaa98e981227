"""Quantities of a model, read off from numbers by a law."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.laws.evaluation import numbers
from ppl.hardware.laws.law import Law

# By the kinds of NumPy's types.
ELEMENTS = {"f": "real", "i": "int", "u": "int", "b": "bool"}


@dataclass(frozen=True)
class Reading:
    """A quantity of the model, whose elements a readout gives one after the other. element: its type."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    element: str = "real"

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Readout:
    """law: from numbers to the elements of all readings."""

    readings: tuple[Reading, ...]
    law: Law

    def values(self, shown: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
        """(..., inputs) -> for each quantity its values, (..., *shape)."""
        return self.named(numbers(self.law)(shown))

    def named(self, found: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
        """(..., elements), what the law gives, as `values`."""
        kinds = {"real": np.float64, "int": np.int64, "bool": np.bool_}
        out: dict[str, NDArray[np.generic]] = {}
        start = 0
        for one in self.readings:
            part = found[..., start : start + one.size].reshape(*found.shape[:-1], *one.shape)
            rounded = part if one.element == "real" else np.rint(part)
            out[one.name] = rounded.astype(kinds[one.element])
            start += one.size
        return out
