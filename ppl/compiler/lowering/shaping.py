"""Arrays made larger: axes turned into event dims, values repeated, items stacked."""

from __future__ import annotations

import numpy as np

from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.named import Named, aligned, dtype_of, union
from ppl.graph import Axis, Fill, Stack


def spread(lowering: Context, value: Named, axes: tuple[Axis, ...]) -> Named:
    """Over all of `axes`, in that order."""
    array = aligned(lowering.xp, value, axes, value.rank)
    own = set(value.axes)
    sizes = (n if axis in own else lowering.size(axis) for axis, n in zip(axes, array.shape, strict=False))
    shape = (*sizes, *array.shape[len(axes) :])
    return Named(array if array.shape == shape else lowering.xp.broadcast_to(array, shape), axes)


def lift(lowering: Context, body: Named, axes: tuple[Axis, ...]) -> Named:
    """With `axes` as its first event dims, in that order."""
    kept = tuple(axis for axis in body.axes if axis not in axes)
    array = aligned(lowering.xp, body, (*kept, *axes), body.rank)
    sizes = tuple(lowering.size(axis) for axis in axes)
    shape = (*array.shape[: len(kept)], *sizes, *array.shape[len(kept) + len(axes) :])
    return Named(array if array.shape == shape else lowering.xp.broadcast_to(array, shape), kept)


def fill(lowering: Context, expr: Fill) -> Named:
    """The value, repeated over new first event dims."""
    value = lowering.value(expr.value)
    n = len(value.axes)
    sizes = tuple(lowering.program.size(whole) for whole in expr.dims)
    array = lowering.xp.expand_dims(value.array, tuple(range(n, n + len(sizes))))
    shape = (*array.shape[:n], *sizes, *array.shape[n + len(sizes) :])
    return Named(lowering.xp.broadcast_to(array, shape), value.axes)


def stack(lowering: Context, expr: Stack) -> Named:
    """The items along a new first event dim."""
    dtype = dtype_of(expr.meta.element)
    values = [lowering.value(item, dtype) for item in expr.items]
    axes = union(values)
    rank = max(v.rank for v in values)
    arrays = [aligned(lowering.xp, v, axes, rank) for v in values]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    arrays = [a if a.shape == shape else lowering.xp.broadcast_to(a, shape) for a in arrays]
    return Named(lowering.xp.stack(arrays, axis=len(axes)), axes)
