"""Arrays over named axes: `[axes..., event...]`, in NumPy or JAX."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from ppl.graph import Axis
from ppl.types import Element, Scalar

Array = Any  # of NumPy or of JAX: no one type covers both
DType = np.dtype[np.generic]

REAL = np.dtype(np.float64)
BOOL = np.dtype(np.bool_)
INT = np.dtype(np.int64)


@dataclass(frozen=True)
class Named:
    """An array whose leading dims are `axes`; the others are its event dims."""

    array: Array
    axes: tuple[Axis, ...] = ()

    @property
    def rank(self) -> int:
        """Number of event dims."""
        return int(self.array.ndim) - len(self.axes)


def dtype_of(element: Element) -> DType:
    """What elements are computed in: float64, int64 or bool."""
    if element is Scalar.REAL:
        return REAL
    return BOOL if element is Scalar.BOOL else INT


def cast(xp: ModuleType, array: Array, dtype: DType) -> Array:
    """The array in `dtype`, itself if it is."""
    return array if array.dtype == dtype else array.astype(dtype)


def union(values: Iterable[Named]) -> tuple[Axis, ...]:
    """The axes of all values: those of the one that has most first, to spare transpositions."""
    groups = sorted((v.axes for v in values), key=len, reverse=True)
    return tuple(dict.fromkeys(axis for group in groups for axis in group))


def transpose(xp: ModuleType, array: Array, order: tuple[int, ...]) -> Array:
    """With its dims in this order, itself if they are."""
    return array if order == tuple(range(len(order))) else xp.transpose(array, order)


def aligned(xp: ModuleType, value: Named, axes: tuple[Axis, ...], rank: int) -> Array:
    """The array with `axes` in this order (size 1 where it has not got one), then `rank` event dims (padded with
    size 1 on the left)."""
    own = [axis for axis in axes if axis in value.axes]
    order = (*(value.axes.index(axis) for axis in own), *range(len(value.axes), value.array.ndim))
    array = transpose(xp, value.array, order)
    missing = [i for i, axis in enumerate(axes) if axis not in value.axes]
    padding = range(len(axes), len(axes) + rank - value.rank)
    new = (*missing, *padding)
    return xp.expand_dims(array, new) if new else array


def broadcast(xp: ModuleType, values: Iterable[Named]) -> tuple[tuple[Axis, ...], list[Array]]:
    """Common axes, and the arrays ready for elementwise work: of equal rank, or of rank 0."""
    values = list(values)
    axes = union(values)
    rank = max(v.rank for v in values)
    return axes, [v.array if v.array.ndim == 0 else aligned(xp, v, axes, rank) for v in values]
