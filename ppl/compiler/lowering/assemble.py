"""Whole arrays from the pieces that define them: `x[0] = ...`, `x[t] = ... for t in time[1:]`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import numpy as np

from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.named import Array, Named, aligned, dtype_of, transpose
from ppl.compiler.lowering.reads import as_pick, item_for
from ppl.compiler.lowering.subscripts import At, Item, Pick, Slice, linear_positions
from ppl.graph import Axis, Expr, Piece, Subscript, Value


def assemble(lowering: Context, value: Value) -> Array:
    """The whole array of a deterministic quantity, over its declared dims."""
    shape = lowering.program.shape(value.dims)
    dtype = dtype_of(value.element)
    out: Array = None
    for piece in value.pieces:
        inner, mask = lowering.filtered(piece_axes(piece), piece.where, (id(piece), "where"))
        part = inner.value(piece.value, dtype)
        if out is None and covers(lowering, value.dims, piece.subscripts, piece.where):
            out = _laid_out(lowering, part, _items(lowering, shape, value.dims, piece.subscripts))
            continue
        if out is None:
            out = lowering.xp.zeros(shape, dtype)
        out = place(inner, out, value.dims, piece.subscripts, part, mask)
    return out


def piece_axes(piece: Piece) -> tuple[Axis, ...]:
    """A piece's axes, then those of its expression."""
    return tuple(dict.fromkeys((*piece.axes, *piece.value.meta.axes)))


def covers(lowering: Context, dims: tuple[str, ...], subscripts: tuple[Subscript, ...], where: Expr | None) -> bool:
    """Whether one piece is the whole array."""
    shape = lowering.program.shape(dims)
    items = _items(lowering, shape, dims, subscripts)
    axes = [item.axis for item in items if isinstance(item, Slice) and item.axis is not None]
    return (
        where is None
        and len(set(axes)) == len(axes)
        and all(isinstance(i, Slice) and (i.start, i.stop) == (0, n) for i, n in zip(items, shape, strict=True))
    )


def place(
    lowering: Context,
    out: Array,
    dims: tuple[str, ...],
    subscripts: tuple[Subscript, ...],
    value: Named,
    mask: Named | None = None,
) -> Array:
    """`out[subscripts] = value`, where the mask holds."""
    xp = lowering.xp
    items = _items(lowering, out.shape, dims, subscripts)
    if any(isinstance(item, Pick) for item in items):
        return _scatter(lowering, out, items, value)
    starts = [i.position if isinstance(i, At) else i.start for i in items if not isinstance(i, Pick)]
    stops = [i.position + 1 if isinstance(i, At) else i.stop for i in items if not isinstance(i, Pick)]
    region = _laid_out(lowering, value, items)
    if mask is not None:
        old = out[tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))]
        region = xp.where(_laid_out(lowering, mask, items), region, old)
    if xp is np:
        out = out.copy()
        out[tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))] = region
        return out
    if region.shape == out.shape:
        return region
    return jax.lax.dynamic_update_slice(out, region, [np.int32(a) for a in starts])


def _items(
    lowering: Context, shape: Sequence[int], dims: tuple[str, ...], subscripts: tuple[Subscript, ...]
) -> list[Item]:
    items = [item_for(lowering, dim, n, s) for dim, n, s in zip(dims, shape, subscripts, strict=False)]
    return [*items, *(Slice(0, n, None) for n in shape[len(subscripts) :])]


def _laid_out(lowering: Context, value: Named, items: Sequence[Item]) -> Array:
    """The value with one dim for each item, in their order and of their sizes."""
    axes = tuple(i.axis for i in items if isinstance(i, Slice) and i.axis is not None)
    whole = sum(isinstance(i, Slice) and i.axis is None for i in items)
    array = aligned(lowering.xp, value, axes, whole)
    order: list[int] = []
    dropped: list[int] = []
    next_whole = len(axes)
    next_axis = 0
    shape = []
    for d, item in enumerate(items):
        if isinstance(item, At):
            dropped.append(d)
            shape.append(1)
            continue
        assert isinstance(item, Slice)
        shape.append(item.stop - item.start)
        if item.axis is None:
            order.append(next_whole)
            next_whole += 1
        else:
            order.append(next_axis)
            next_axis += 1
    array = transpose(lowering.xp, array, tuple(order))
    array = lowering.xp.expand_dims(array, tuple(dropped)) if dropped else array
    return array if array.shape == tuple(shape) else lowering.xp.broadcast_to(array, tuple(shape))


def _scatter(lowering: Context, out: Array, items: Sequence[Item], value: Named) -> Array:
    """Selected elements one by one; every dim is picked or whole."""
    xp = lowering.xp
    every = [i if isinstance(i, Slice) and i.axis is None else as_pick(lowering, i) for i in items]
    picks = [d for d, item in enumerate(every) if isinstance(item, Pick)]
    rest = [d for d, item in enumerate(every) if isinstance(item, Slice)]
    positions = [item.positions() for item in every if isinstance(item, Pick)]
    index = linear_positions(xp, positions, [out.shape[d] for d in picks])
    order = (*picks, *rest)
    sizes = tuple(out.shape[d] for d in order)
    flat = xp.reshape(transpose(xp, out, order), (math.prod(sizes[: len(picks)]), *sizes[len(picks) :]))
    part = aligned(xp, value, index.axes, len(rest))
    part = xp.broadcast_to(part, (*index.array.shape, *sizes[len(picks) :]))
    if xp is np:
        flat = flat.copy()
        flat[index.array] = part
    else:
        flat = jax.numpy.asarray(flat).at[index.array].set(part, mode="promise_in_bounds", unique_indices=True)
    back = tuple(order.index(d) for d in range(out.ndim))
    return transpose(xp, xp.reshape(flat, sizes), back)
