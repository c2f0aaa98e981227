"""Nested lists and label-keyed objects (JSON's values, Python's lists) → raw arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ppl.dataset import RawArray

# Of lists in lists. Far more than any model has dims; NumPy's own limit is 64 (32 before its version 2).
DEPTH = 32

# What an array may hold that is no number, truth value or text, by the kind of its dtype.
FOREIGN = {"c": "complex numbers", "M": "dates", "m": "spans of time", "S": "bytes", "V": "records"}

_PANDAS_MISSING = frozenset({"NAType", "NaTType"})


class _Unreadable(Exception):
    """Why a nested value is no array, in words."""


def from_nested(value: Any, origin: str, name: str = "entry ") -> RawArray:
    """A scalar, nested row-major lists, or mappings keyed by label in place of lists, as one array.

    Rows of different lengths are not an error here: they become a raw array with a `problem`.
    """
    if isinstance(value, list | tuple) and _depth(value) <= DEPTH:
        quick = _quick(value)
        if quick is not None:
            return RawArray(quick, origin, (None,) * quick.ndim)
    try:
        shape, labels = _shape(value, name)
    except _Unreadable as problem:
        return RawArray(np.empty(0), origin, problem=str(problem))
    leaves: list[Any] = []
    _leaves(value, labels, leaves)
    return RawArray(tidy(leaves).reshape(shape), origin, labels)


def from_array(values: npt.NDArray[np.generic], origin: str) -> RawArray:
    """An array of numbers, truth values, text or Python objects; one of other values has a `problem`."""
    if values.dtype.kind == "O":
        values = tidy(values.ravel().tolist()).reshape(values.shape)
    elif values.dtype.kind not in "fiubU":
        what = FOREIGN.get(values.dtype.kind, f"values of type {values.dtype}")
        return RawArray(np.empty(0), origin, problem=f"it holds {what}; convert them to numbers or text")
    return RawArray(values, origin, (None,) * values.ndim)


def _depth(value: Any) -> int:
    """How deep the first elements are nested; more than DEPTH stands for any depth, endless ones too."""
    depth = 0
    while isinstance(value, list | tuple) and depth <= DEPTH:
        depth += 1
        value = value[0] if value else None
    return depth


def _quick(value: Sequence[Any]) -> npt.NDArray[np.generic] | None:
    """Plain rectangular numbers, without a walk in Python."""
    try:
        array = np.array(value)
    except (ValueError, OverflowError):
        return None
    return array if array.dtype.kind in "fiub" else None


def tidy(leaves: Sequence[Any]) -> npt.NDArray[np.generic]:
    """Leaves as one flat array: numeric if all are numbers (missing: NaN), text if all are text, else objects."""
    if leaves and all(isinstance(x, str) for x in leaves):
        return np.array(leaves, dtype=np.str_)
    leaves = [None if type(x).__name__ in _PANDAS_MISSING else x for x in leaves]
    if all(x is None or isinstance(x, bool | int | float | np.number | np.bool_) for x in leaves):
        present = [x for x in leaves if x is not None]
        try:
            if len(present) == len(leaves):
                array = np.array(leaves)
                if array.dtype.kind in "fiub":
                    return array
            return np.array([np.nan if x is None else float(x) for x in leaves], dtype=np.float64)
        except OverflowError:
            pass
    objects = np.empty(len(leaves), dtype=object)
    objects[:] = leaves
    return objects


def _shape(value: Any, where: str, depth: int = 0) -> tuple[tuple[int, ...], tuple[tuple[str, ...] | None, ...]]:
    """The common shape of a nested value and the labels of its axes."""
    if isinstance(value, Mapping):
        keys = tuple(str(k) for k in value)
        items = [(f"{where}[{k!r}]", v) for k, v in zip(keys, value.values(), strict=True)]
        own: tuple[str, ...] | None = keys
    elif isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        items = [(f"{where}[{i}]", v) for i, v in enumerate(value)]
        own = None
    else:
        return (), ()
    if not items:
        return (0,), (own,)
    if depth == DEPTH:
        raise _Unreadable(f"its lists are nested more than {DEPTH} deep")
    first_place, first = items[0]
    shape, labels = _shape(first, first_place, depth + 1)
    for place, item in items[1:]:
        other_shape, other_labels = _shape(item, place, depth + 1)
        if other_shape != shape:
            raise _Unreadable(f"{first_place} has {_extent(shape)}, but {place} has {_extent(other_shape)}")
        if [x and sorted(x) for x in other_labels] != [x and sorted(x) for x in labels]:
            raise _Unreadable(f"{first_place} and {place} have different labels")
    return (len(items), *shape), (own, *labels)


def _extent(shape: tuple[int, ...]) -> str:
    if not shape:
        return "a single value"
    if len(shape) == 1:
        return f"{shape[0]} {'entry' if shape[0] == 1 else 'entries'}"
    return "shape " + " × ".join(map(str, shape))


def _leaves(value: Any, labels: tuple[tuple[str, ...] | None, ...], out: list[Any]) -> None:
    if not labels:
        out.append(value.item() if isinstance(value, np.generic) else value)
    elif isinstance(value, Mapping):
        by_label = {str(k): v for k, v in value.items()}
        for key in labels[0] or ():
            _leaves(by_label[key], labels[1:], out)
    else:
        for item in value:
            _leaves(item, labels[1:], out)
