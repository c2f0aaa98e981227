"""The element of an array at bound indices, as an expression."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.catalogue.functions import FUNCTIONS
from ppl.graph import (
    Aligned,
    Apply,
    Axis,
    Expr,
    Fill,
    Gather,
    Meta,
    Read,
    Select,
    Subscript,
    Whole,
)


def at_axes(expr: Expr, axes: Sequence[Axis]) -> Expr:
    """The element of an array at bound indices: one axis (of a start not below 0) for each of its event dims, in step
    with it.

    Pushed down through elementwise functions to the quantities, so that no outer product is ever formed.
    """
    if not expr.meta.event:
        return expr
    element, span = expr.meta.element, expr.meta.span
    meta = Meta(_union(expr.meta.axes, tuple(axes)), (), element, span)
    match expr:
        case Apply() if FUNCTIONS[expr.function].shape == "elementwise":
            arguments = tuple(at_axes(a, axes) for a in expr.arguments)
            return Apply(expr.function, arguments, Meta(_union(*(a.meta.axes for a in arguments)), (), element, span))
        case Fill() if len(expr.dims) == len(axes):
            return expr.value
        case Read() if all(not isinstance(s, Whole) or s.start >= 0 for s in expr.subscripts):
            return Read(expr.name, _align(expr.subscripts, list(axes)), meta)
    return Select(expr, tuple(Aligned(a, -a.start) for a in axes), meta)


def _align(subscripts: Sequence[Subscript], axes: list[Axis]) -> tuple[Subscript, ...]:
    aligned: list[Subscript] = []
    for s in subscripts:
        if isinstance(s, Whole):
            axis = axes.pop(0)
            aligned.append(Aligned(axis, s.start - axis.start))
        elif isinstance(s, Gather) and s.index.meta.event:
            rank = len(s.index.meta.event)
            aligned.append(Gather(at_axes(s.index, axes[:rank])))
            del axes[:rank]
        else:
            aligned.append(s)
    return tuple(aligned)


def _union(*groups: tuple[Axis, ...]) -> tuple[Axis, ...]:
    return tuple(dict.fromkeys(axis for group in groups for axis in group))
