"""Quantities and computed values read at subscripts: aligned, sliced, or gathered at positions."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.enumeration import enumerated_read
from ppl.compiler.lowering.gather import gather, plan, planned_gather
from ppl.compiler.lowering.named import INT, Array, Named, broadcast, dtype_of
from ppl.compiler.lowering.selections import renamed
from ppl.compiler.lowering.subscripts import At, Item, Pick, Slice, joint, linear_positions, subscript
from ppl.errors import CompilerBug
from ppl.graph import (
    Affine,
    Aligned,
    Axis,
    Expr,
    Fixed,
    Gather,
    Labelled,
    Read,
    Select,
    Subscript,
    Value,
    Whole,
)


def read(lowering: Context, expr: Read) -> Named:
    """A quantity at its subscripts."""
    inlined = _inlined(lowering, expr)
    if inlined is not None:
        return inlined
    if lowering.records and lowering.program.is_data(expr.name):  # data, at positions that a discrete latent gives
        whole = lowering.whole(expr.name, dtype_of(expr.meta.element))
    else:
        whole = lowering.quantity(expr.name)
    return _subscripted(lowering, Named(whole), lowering.program.dims(expr.name), expr)


def select(lowering: Context, expr: Select) -> Named:
    """A computed value at subscripts of its first event dims."""
    return _subscripted(lowering, lowering.value(expr.value), tuple(w.dim for w in expr.value.meta.event), expr)


def _inlined(lowering: Context, expr: Read) -> Named | None:
    """A quantity defined by one piece, for the elements of a minibatch only: its expression for its name."""
    node = lowering.program.graph[expr.name]
    batches = [s for s in lowering.relevant(expr.meta.axes) if not s.static]
    if not batches or not isinstance(node, Value) or len(node.pieces) != 1 or node.pieces[0].where is not None:
        return None
    piece = node.pieces[0]
    theirs_by_mine: dict[Axis, Axis] = {}
    for mine, theirs in zip(piece.subscripts, expr.subscripts, strict=True):
        if not (isinstance(mine, Aligned) and isinstance(theirs, Aligned) and mine.shift == theirs.shift == 0):
            return None
        if mine.axis in theirs_by_mine or any(theirs.axis in s.over for s in lowering.selections if s.static):
            return None
        theirs_by_mine[mine.axis] = theirs.axis
    some_whole = any(axis not in s.over for s in batches for axis in theirs_by_mine.values())
    if some_whole or len(lowering.selections) != len(batches):
        return None  # left to the general rule
    return lowering.selecting(tuple(renamed(s, theirs_by_mine) for s in batches)).value(piece.value)


# --- subscripts --------------------------------------------------------------------------------------


def _subscripted(lowering: Context, value: Named, dims: tuple[str, ...], expr: Read | Select) -> Named:
    """`value` has event dims `dims`; the expression's subscripts are for the first of them, the others stay whole."""
    xp, shape, axes = lowering.xp, value.array.shape, value.axes
    items = _items(lowering, shape, axes, dims, expr.subscripts)
    in_force = lowering.relevant(expr.meta.axes)
    fixed = all(lowering.program.kind(s.index) != "live" for s in expr.subscripts if isinstance(s, Gather))
    if not lowering.records or not fixed or not all(s.static for s in in_force):
        return subscript(xp, value.array, items, lambda: _linear(lowering, shape, items))

    key = (id(expr), tuple(s.key for s in in_force))

    def of_data(data: Context) -> Named:
        return _linear(data, shape, _items(data, shape, axes, dims, expr.subscripts))

    def linear() -> Named:
        return lowering.recorded((key, "positions"), in_force, of_data)

    if not (isinstance(expr, Read) and lowering.program.gathers_alone(expr)):
        return subscript(xp, value.array, items, linear)

    picked = math.prod(n for n, item in zip(shape, items, strict=True) if isinstance(item, Pick))

    def list_of(i: int) -> Array:
        def compute(data: Context) -> Named:
            lists = plan(of_data(data).array, picked)
            return Named(lists[i] if lists is not None else np.zeros((0, 0), np.int32))

        return lowering.recorded((key, "plan", i), in_force, compute).array

    def take(xp: ModuleType, flat: Array, positions: Array) -> Array:
        rows, groups = list_of(0), list_of(1)
        return planned_gather(flat, positions, rows, groups) if rows.size else gather(flat, positions)

    return subscript(xp, value.array, items, linear, take)


def _items(
    lowering: Context,
    shape: tuple[int, ...],
    axes: tuple[Axis, ...],
    dims: tuple[str, ...],
    subscripts: tuple[Subscript, ...],
) -> list[Item]:
    """One for each dim of an array of that shape over the axes, then `dims`."""
    sizes = shape[len(axes) :]
    items: list[Item] = [Slice(0, n, axis) for n, axis in zip(shape, axes, strict=False)]
    items += [item_for(lowering, dim, n, s) for dim, n, s in zip(dims, sizes, subscripts, strict=False)]
    items += [Slice(0, n, None) for n in sizes[len(subscripts) :]]
    return joint(items, lambda each: as_pick(lowering, each))


def _linear(lowering: Context, shape: tuple[int, ...], items: list[Item]) -> Named:
    """Flat positions of the picked dims of an array of that shape."""
    picks = [(item.positions(), n) for item, n in zip(items, shape, strict=True) if isinstance(item, Pick)]
    return linear_positions(lowering.xp, [p for p, _ in picks], [n for _, n in picks])


def item_for(lowering: Context, dim: str, size: int, s: Subscript) -> Item:
    """What a dim of that size becomes under a subscript."""
    match s:
        case Whole():
            start, stop, _ = slice(s.start, s.stop).indices(size)
            return Slice(start, max(start, stop), None)
        case Fixed():
            return At(s.position + (size if s.position < 0 else 0))
        case Labelled():
            return At(lowering.program.position(dim, s.label))
        case Aligned():
            return _affine(lowering, ((s.axis, 1),), s.shift)
        case Affine():
            return _affine(lowering, s.terms, s.offset)
        case Gather() if lowering.enumerated:
            return _enumerated(lowering, dim, size, s.index)
        case Gather():
            axes = tuple(dict.fromkeys(lowering.seen(axis) for axis in s.index.meta.axes))
            return Pick(axes, len(s.index.meta.event), lambda: _gathered(lowering, dim, size, s.index))


def _enumerated(lowering: Context, dim: str, size: int, index: Expr) -> Item:
    """Positions that may run over all values of discrete latents, along axes that the graph does not know of."""
    found = enumerated_read(lowering, index)
    if found is not None and found.positions and found.value.array.size == size:
        return Slice(0, size, found.axis)
    positions = _gathered(lowering, dim, size, index)
    return Pick(positions.axes, positions.rank, lambda: positions)


def as_pick(lowering: Context, item: Item) -> Pick:
    """The same positions, as a pick."""
    if isinstance(item, Pick):
        return item
    if isinstance(item, At):
        return Pick((), 0, lambda: Named(np.asarray(item.position, INT)))
    axes = () if item.axis is None else (item.axis,)
    rank = 1 - len(axes)
    return Pick(axes, rank, lambda: Named(lowering.xp.arange(item.start, item.stop, dtype=INT), axes))


def _affine(lowering: Context, terms: tuple[tuple[Axis, int], ...], offset: int) -> Item:
    if len(terms) == 1 and terms[0][1] == 1 and lowering.seen(terms[0][0]) is terms[0][0]:
        axis = terms[0][0]
        start, stop = lowering.program.span(axis)
        return Slice(start + offset, stop + offset, axis)

    def positions() -> Named:
        parts = [Named(lowering.positions_along(a) * np.int64(c), (lowering.seen(a),)) for a, c in terms]
        axes, arrays = broadcast(lowering.xp, parts)
        total = arrays[0]
        for array in arrays[1:]:
            total = total + array
        return Named(total + np.int64(offset), axes)

    seen = tuple(dict.fromkeys(lowering.seen(axis) for axis, _ in terms))
    return Pick(seen, 0, positions)


def _gathered(lowering: Context, dim: str, size: int, expr: Expr) -> Named:
    """Positions by an expression; those of data are checked."""
    index = lowering.value(expr, INT)
    if lowering.xp is np:
        wrong = index.array[(index.array < 0) | (index.array >= size)]
        if wrong.size:
            raise CompilerBug(f"a position of `{dim}` is {int(wrong[0])}, and there are {size}")
    return index
