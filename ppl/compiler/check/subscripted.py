"""Subscripted arrays as expressions of the graph: reads of quantities, and selections from what is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ppl.compiler.check.scope import Quantity
from ppl.compiler.check.shapes import union_axes
from ppl.graph import Aligned, Axis, Expr, Gather, Meta, Read, Select, Subscript, Whole, subscript_axes
from ppl.source import Span
from ppl.types import Element


def read(quantity: Quantity, subscripts: tuple[Subscript, ...], span: Span) -> Expr:
    """A quantity at one subscript for each of its dims."""
    return Read(quantity.name, subscripts, subscripted_meta(subscripts, (), (), quantity.element, span))


def subscripted_meta(
    subscripts: Sequence[Subscript], rest: tuple[Whole, ...], axes: tuple[Axis, ...], element: Element, span: Span
) -> Meta:
    """Axes and event dims of a subscripted array with event dims `rest` left over."""
    event = [w for s in subscripts for w in _event_of(s)]
    return Meta(union_axes([axes, *map(subscript_axes, subscripts)]), (*event, *rest), element, span)


def _event_of(s: Subscript) -> tuple[Whole, ...]:
    match s:
        case Whole():
            return (s,)
        case Gather():
            return s.index.meta.event
        case _:
            return ()


def select(base: Expr, subscripts: Sequence[Subscript], span: Span) -> Expr:
    """The first event dims of a computed array, subscripted; directly in the quantity if it is just read."""
    subscripts = tuple(subscripts)
    if all(s == w for s, w in zip(subscripts, base.meta.event, strict=False)):
        return base
    if isinstance(base, Read) and all(_plain_event(s) for s in base.subscripts):
        pending = list(subscripts)
        folded = tuple(pending.pop(0) if isinstance(s, Whole) and pending else s for s in base.subscripts)
        return Read(base.name, folded, subscripted_meta(folded, (), (), base.meta.element, span))
    rest = base.meta.event[len(subscripts) :]
    return Select(base, subscripts, subscripted_meta(subscripts, rest, base.meta.axes, base.meta.element, span))


def _plain_event(s: Subscript) -> bool:
    if isinstance(s, Whole):
        return s.start == 0 and s.stop is None
    return not (isinstance(s, Gather) and s.index.meta.event)


def pick(base: Expr, place: int, axis: Axis, span: Span) -> Expr:
    """An array with one of its event dims at a bound index that runs over all of it."""
    subscripts: list[Subscript] = [*base.meta.event[:place], Aligned(axis)]
    picked = select(base, subscripts, span)
    return replace(picked, meta=replace(picked.meta, span=base.meta.span))
