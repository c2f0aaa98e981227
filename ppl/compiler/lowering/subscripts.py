"""Subscripts: which slice, axis or gather each dim of an array becomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import jax
import numpy as np

from ppl.compiler.lowering.gather import gather
from ppl.compiler.lowering.named import Array, Named, aligned, cast, transpose, union
from ppl.graph import Axis

Take = Callable[[ModuleType, Array, Array], Array]


@dataclass(frozen=True)
class Slice:
    """Positions `start:stop` of a dim, as an axis or (axis None) as an event dim."""

    start: int
    stop: int
    axis: Axis | None


@dataclass(frozen=True)
class At:
    """One position of a dim, which disappears."""

    position: int


@dataclass(frozen=True, eq=False)
class Pick:
    """Positions computed from an expression, with the axes and the number of event dims that they bring."""

    axes: tuple[Axis, ...]
    rank: int
    positions: Callable[[], Named]


Item = Slice | At | Pick


def joint(items: Sequence[Item], pick: Callable[[Item], Pick]) -> list[Item]:
    """The items, with slices turned into picks where their axis is one of a pick's, or stands twice."""
    picked = {axis for item in items if isinstance(item, Pick) for axis in item.axes}
    aligned_axes = [item.axis for item in items if isinstance(item, Slice) and item.axis is not None]
    picked |= {axis for axis in aligned_axes if aligned_axes.count(axis) > 1}
    return [pick(item) if isinstance(item, Slice) and item.axis in picked else item for item in items]


def linear_positions(xp: ModuleType, picks: Sequence[Named], sizes: Sequence[int]) -> Named:
    """Positions in the row-major flattened dims; the event dims of the picks stand one after the other."""
    axes = union(picks)
    rank = sum(pick.rank for pick in picks)
    kind = np.dtype(np.int32 if math.prod(sizes) < 2**31 else np.int64)
    total: Array = None
    before = 0
    for i, pick in enumerate(picks):
        array = cast(xp, aligned(xp, pick, axes, pick.rank), kind)
        after = rank - before - pick.rank
        new = (*range(len(axes), len(axes) + before), *range(array.ndim + before, array.ndim + before + after))
        array = xp.expand_dims(array, new) if new else array
        stride = kind.type(math.prod(sizes[i + 1 :]))
        array = array if stride == 1 else array * stride
        total = array if total is None else total + array
        before += pick.rank
    return Named(total, axes)


def slice_dims(xp: ModuleType, array: Array, items: Sequence[Item]) -> Array:
    """Slices taken and single positions dropped; picked dims stay whole."""
    starts, stops, dropped = [], [], []
    for d, (item, size) in enumerate(zip(items, array.shape, strict=True)):
        match item:
            case Slice():
                starts.append(item.start)
                stops.append(item.stop)
            case At():
                starts.append(item.position)
                stops.append(item.position + 1)
                dropped.append(d)
            case Pick():
                starts.append(0)
                stops.append(size)
    if any(starts) or tuple(stops) != array.shape:
        if xp is np:
            array = array[tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))]
        else:
            array = jax.lax.slice(array, starts, stops)
    return xp.squeeze(array, tuple(dropped)) if dropped else array


def take(xp: ModuleType, array: Array, positions: Array) -> Array:
    """`array[positions]` along the first dim; positions are in range."""
    return array[positions] if xp is np else gather(array, positions)


def subscript(
    xp: ModuleType, array: Array, items: Sequence[Item], linear: Callable[[], Named], take: Take = take
) -> Named:
    """The subscripted array, one item for each of its dims.

    linear: gives `linear_positions` of the picks over the sizes of their dims; take: how to gather by them.
    """
    array = slice_dims(xp, array, items)
    kept = [item for item in items if not isinstance(item, At)]
    picks = [d for d, item in enumerate(kept) if isinstance(item, Pick)]
    rest = [d for d, item in enumerate(kept) if isinstance(item, Slice)]
    if not picks:
        axes = tuple(item.axis for item in kept if isinstance(item, Slice) and item.axis is not None)
        leading = [d for d in rest if _axis(kept[d]) is not None]
        trailing = [d for d in rest if _axis(kept[d]) is None]
        return Named(transpose(xp, array, (*leading, *trailing)), axes)

    index = linear()
    array = transpose(xp, array, (*picks, *rest))
    sizes = array.shape
    array = xp.reshape(array, (math.prod(sizes[: len(picks)]), *sizes[len(picks) :]))
    taken = take(xp, array, index.array)
    # now: axes of the index, event dims of the index, then what was sliced
    first_rest = index.array.ndim
    place = {d: first_rest + i for i, d in enumerate(rest)}
    axes_order = [*range(len(index.axes)), *(place[d] for d in rest if _axis(kept[d]) is not None)]
    event_order: list[int] = []
    before = len(index.axes)
    for d, item in enumerate(kept):
        if isinstance(item, Pick):
            event_order += range(before, before + item.rank)
            before += item.rank
        elif _axis(item) is None:
            event_order.append(place[d])
    sliced = tuple(axis for axis in (_axis(kept[d]) for d in rest) if axis is not None)
    return Named(transpose(xp, taken, (*axes_order, *event_order)), (*index.axes, *sliced))


def _axis(item: Item) -> Axis | None:
    return item.axis if isinstance(item, Slice) else None
