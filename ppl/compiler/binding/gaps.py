"""Missing elements of data that may have them, set aside before anything else looks at the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ppl.dataset import RawArray
from ppl.graph import Input
from ppl.types import IndexOf, Scalar

Array = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]


def missing_elements(values: Array) -> Mask:
    """Where there is NaN among numbers, or NaN or None among other things."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype.kind == "O":
        gaps = [x is None or (isinstance(x, float) and x != x) for x in values.ravel().tolist()]
        return np.array(gaps, np.bool_).reshape(values.shape)
    return np.zeros(values.shape, np.bool_)


def set_aside(declared: Input, entry: RawArray) -> RawArray:
    """The entry of an input that may have missing elements, with the first value that is there in their place, so that
    what is right of the others is right of all."""
    if not declared.optional:
        return entry
    missing = missing_elements(entry.values)
    if not missing.any():
        return entry
    flat = entry.values.ravel().tolist()
    there = [x for x, gone in zip(flat, missing.ravel().tolist(), strict=True) if not gone]
    stand_in = there[0] if there else _any_value(declared)
    filled = [stand_in if gone else x for x, gone in zip(flat, missing.ravel().tolist(), strict=True)]
    return replace(entry, values=_as_array(filled).reshape(entry.values.shape), missing=missing)


def _any_value(declared: Input) -> float:
    """One that the declared type has."""
    if isinstance(declared.element, IndexOf):
        return float(declared.element.first)
    return 1.0 if declared.element is Scalar.SPIN else 0.0


def _as_array(values: list[object]) -> Array:
    """Text if all are text, numbers if all are numbers, else objects."""
    if all(isinstance(x, str) for x in values) or all(isinstance(x, bool | int | float) for x in values):
        array = np.array(values)
        if array.dtype.kind in "fiubU":
            return array
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    return objects


def with_gaps(arrays: dict[str, Array], missing: dict[str, Mask]) -> dict[str, Array]:
    """The arrays with NaN at missing elements, so that no comparison with them holds."""
    return {
        name: np.where(missing[name], np.nan, array.astype(np.float64)) if name in missing else array
        for name, array in arrays.items()
    }
