"""Filters and minibatches: some elements of the bound axes, as one axis in their place."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace

import numpy as np

from ppl.compiler.lowering.context import Context, Selection
from ppl.compiler.lowering.named import BOOL, Array, Named
from ppl.compiler.lowering.shaping import spread
from ppl.compiler.lowering.subscripts import Pick, Slice, linear_positions, subscript
from ppl.graph import Axis, Expr


def selection(lowering: Context, bound: tuple[Axis, ...], where: Expr, key: Hashable) -> Selection | None:
    """The elements for which a condition of data on some of the bound axes holds; None for other conditions."""
    axes = where.meta.axes
    if lowering.program.kind(where) == "live" or not axes or not all(axis in bound for axis in axes):
        return None
    if any(axis in s.over for s in lowering.selections for axis in axes):
        return None

    def positions(axis: Axis) -> Array:
        def compute(data: Context) -> Named:
            mask = spread(data, data.value(where, BOOL), axes).array
            return Named(np.nonzero(mask)[axes.index(axis)] + data.program.span(axis)[0])

        return (lowering.recorded((key, axis), (), compute) if lowering.records else compute(lowering)).array

    fixed = {axis: positions(axis) for axis in axes}
    size = next(iter(fixed.values())).shape[0]
    name = "|".join((*(axis.name for axis in axes), "kept"))
    return Selection(Axis(name, axes[0].dim), fixed.__getitem__, axes, size, True, key)


def selected(lowering: Context, key: Hashable, constant: Named) -> Named:
    """What was recorded under a key, restricted to the selections made at run time."""
    for s in lowering.selections:
        if not s.static:
            constant = _restricted(lowering, key, constant, s)
    return constant


def _restricted(lowering: Context, key: Hashable, named: Named, s: Selection) -> Named:
    mine = [axis for axis in named.axes if axis in s.over]
    if not mine:
        return named
    if s.rows is not None and len(mine) == 1:
        axes = tuple(s.axis if axis in mine else axis for axis in named.axes)
        return Named(s.rows(key, named, mine[0]), axes)
    program, xp = lowering.program, lowering.xp
    picks = [Named(s.positions(a) - np.int64(program.span(a)[0]), (s.axis,)) for a in mine]
    index = linear_positions(xp, picks, [program.size(a) for a in mine])
    pick = Pick((s.axis,), 0, lambda: index)
    places = [*named.axes, *(None for _ in range(named.rank))]
    items = [pick if a in mine else Slice(0, n, a) for a, n in zip(places, named.array.shape, strict=True)]
    return subscript(xp, named.array, items, pick.positions)


def renamed(s: Selection, axes: Mapping[Axis, Axis]) -> Selection:
    """The same elements, for other axes over the same dims; `axes` gives the old ones by the new."""
    return replace(s, positions=lambda axis: s.positions(axes[axis]), over=tuple(axes), key=(s.key, tuple(axes)))
