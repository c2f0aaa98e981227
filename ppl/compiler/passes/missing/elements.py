"""Which elements of data the expressions of a model touch, in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ppl.compiler.binding.constants import evaluate, spread
from ppl.dataset import Dataset
from ppl.graph import (
    Affine,
    Aligned,
    Axis,
    Expr,
    Fixed,
    Gather,
    Input,
    Labelled,
    ModelGraph,
    Read,
    Reduce,
    Subscript,
    Whole,
    children,
    reads,
)

Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bound:
    """A model and the data that are bound to it."""

    graph: ModelGraph
    dataset: Dataset

    def dims(self, name: str) -> tuple[str, ...]:
        """Of an input."""
        node = self.graph[name]
        assert isinstance(node, Input)
        return node.dims

    def shape(self, name: str) -> tuple[int, ...]:
        """Of an input."""
        return tuple(self.dataset.sizes[dim] for dim in self.dims(name))

    def span(self, along: Axis | Whole) -> tuple[int, int]:
        """First position and one past the last."""
        start, stop, _ = slice(along.start, along.stop).indices(self.dataset.sizes[along.dim])
        return start, max(start, stop)

    def value(self, expr: Expr) -> npt.NDArray[np.float64] | None:
        """Over the axes of the expression; None if it needs more than plain arithmetic of data that are all there."""
        if any(name in self.dataset.missing for name in reads(expr)):
            return None
        return evaluate(expr, self.dataset.arrays, self.dataset.sizes, self.dataset.labels)


def filtered_reads(expr: Expr, filters: tuple[Expr, ...] = ()) -> Iterator[tuple[Read, tuple[Expr, ...]]]:
    """The reads inside an expression, each with the filters under which it counts."""
    if isinstance(expr, Reduce) and expr.where is not None:
        yield from filtered_reads(expr.where, filters)
        yield from filtered_reads(expr.body, (*filters, expr.where))
        return
    if isinstance(expr, Read):
        yield expr, filters
    for child in children(expr):
        yield from filtered_reads(child, filters)


def places(bound: Bound, read: Read, axes: tuple[Axis, ...]) -> tuple[Positions, ...] | None:
    """For each dim of an input the positions read, broadcast to [axes..., event dims...]; None if data alone do not
    tell them. axes: those of the read, and others along which it repeats."""
    wholes = [s for s in read.subscripts if isinstance(s, Whole)]
    along: list[Axis | Whole] = [*axes, *wholes]
    shape = [stop - start for start, stop in map(bound.span, along)]
    found = []
    seen = 0
    for dim, s in zip(bound.dims(read.name), read.subscripts, strict=True):
        size = bound.dataset.sizes[dim]
        if isinstance(s, Whole):
            start, stop = bound.span(s)
            spread_out = [1] * len(shape)
            spread_out[len(axes) + seen] = stop - start
            at = np.arange(start, stop).reshape(spread_out)
            seen += 1
        else:
            own = _positions(bound, dim, s, axes)
            if own is None:
                return None
            at = own.reshape((*own.shape, *([1] * len(wholes))))
            at = np.where(at < 0, at + size, at) if isinstance(s, Fixed) else at
        if at.size and (at.min() < 0 or at.max() >= size):
            return None
        found.append(np.broadcast_to(at, shape))
    return tuple(found)


def _positions(bound: Bound, dim: str, s: Subscript, axes: tuple[Axis, ...]) -> Positions | None:
    """That broadcast over `axes`; None if data alone do not tell them."""

    def along(axis: Axis) -> Positions:
        return spread(np.arange(*bound.span(axis)), (axis,), axes)

    match s:
        case Aligned():
            return along(s.axis) + s.shift
        case Affine():
            total: Positions = np.full([1] * len(axes), s.offset)
            for axis, coefficient in s.terms:
                total = total + coefficient * along(axis)
            return total
        case Fixed():
            return np.full([1] * len(axes), s.position)
        case Labelled():
            labels = bound.dataset.labels.get(dim, ())
            return np.full([1] * len(axes), labels.index(s.label)) if s.label in labels else None
        case Gather():
            value = bound.value(s.index)
            return None if value is None else spread(value, s.index.meta.axes, axes).astype(np.int64)
        case Whole():
            return None


def held(bound: Bound, filters: tuple[Expr, ...], axes: tuple[Axis, ...]) -> Mask | None:
    """Where all filters hold, over `axes`; None if data alone do not tell. Along other axes that a filter has, whether
    it holds anywhere."""
    shape = [stop - start for start, stop in map(bound.span, axes)]
    mask = np.ones(shape, np.bool_)
    for condition in filters:
        value = bound.value(condition)
        if value is None:
            return None
        own = condition.meta.axes
        elsewhere = tuple(i for i, axis in enumerate(own) if axis not in axes)
        kept = tuple(axis for axis in own if axis in axes)
        mask = mask & spread(np.asarray(np.any(value != 0, axis=elsewhere)), kept, axes)
    return mask


def touched(bound: Bound, read: Read, filters: tuple[Expr, ...]) -> Mask:
    """The elements of an input that a read may touch: all of them where data alone do not tell."""
    shape = bound.shape(read.name)
    axes = read.meta.axes
    at = places(bound, read, axes)
    if at is None:
        return np.ones(shape, np.bool_)
    mask = np.zeros(shape, np.bool_)
    counts = held(bound, filters, axes)
    if not shape:
        return np.asarray(counts is None or bool(counts.any()))
    mask[at if counts is None else tuple(p[counts] for p in at)] = True
    return mask
