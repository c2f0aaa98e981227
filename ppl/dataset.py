"""Data: as they were given, and as they are bound to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

# Origins of entries that say how large dims are, or what their elements are called, and come from no data.
SIZES = "the sizes"
FIT = "the fit"


@dataclass(frozen=True)
class RawArray:
    """One entry of the data as it was given.

    values: numbers, booleans or text (dtype kinds `f i u b U`), or objects where kinds are mixed (None: missing);
    origin: where it comes from, in words (`schools.json`, `the data`); labels: for each axis its labels, or None;
    dims: the names of the axes, where the source has them; problem: why it could not be read as an array, if so;
    categories: all values that it may have, in their order, where the source says one (pandas' ordered Categorical);
    missing: which elements are missing, once they are set aside and other values stand in their place.
    """

    values: npt.NDArray[np.generic]
    origin: str
    labels: tuple[tuple[str, ...] | None, ...] = ()
    dims: tuple[str, ...] | None = None
    problem: str | None = None
    categories: tuple[str, ...] | None = None
    missing: npt.NDArray[np.bool_] | None = None

    def axis_labels(self, axis: int) -> tuple[str, ...] | None:
        """The labels along an axis, or None if it has none."""
        return self.labels[axis] if axis < len(self.labels) else None


@dataclass(frozen=True)
class Dataset:
    """Data bound to a model: checked against its declarations, positions 0-based, sizes and labels known.

    sizes: of every dim of the model; labels: of the dims that have any, one for each position;
    arrays: one for each declared input, of its declared shape (float64, int64 or bool; index data 0-based);
    missing: of the inputs with missing elements, which these are: in `arrays` some value stands in their place."""

    sizes: Mapping[str, int]
    labels: Mapping[str, tuple[str, ...]]
    arrays: Mapping[str, npt.NDArray[np.generic]]
    missing: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
