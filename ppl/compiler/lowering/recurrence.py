"""Values computed from their own elements: one scan along their dim.

The dim falls into segments in which each value has the same pieces (`h[0] = ...`, `h[t] = ... for t in time[1:]`: two).
A segment of one position is computed by itself, a longer one by `lax.scan`, which carries the last elements of each
value, as many as the longest lag needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from types import ModuleType
from typing import TypeAlias, TypeVar

import jax
import numpy as np

from ppl.compiler.lowering.assemble import assemble
from ppl.compiler.lowering.context import Attempt
from ppl.compiler.lowering.kernel import Given, Taking, inside, outside
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import Array, Named, dtype_of
from ppl.compiler.passes.program import Program
from ppl.compiler.passes.recurrences import Recurrence
from ppl.errors import CompilerBug
from ppl.graph import Affine, Aligned, Expr, Fixed, Labelled, OdeSolve, Piece, Read, Subscript, Value, Whole, each_read

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Segment:
    """Positions `start:stop` in which each value has the same pieces.

    values: at one position, without the dim, in an order in which they can be computed; program, given: the kernel that
    they belong to, and its inputs; lags: how many earlier elements of each value are read.
    """

    start: int
    stop: int
    values: tuple[Value, ...]
    program: Program
    given: tuple[Given, ...]
    lags: Mapping[str, int]


def recurrent_values(lowering: Lowering, recurrence: Recurrence) -> dict[str, Array]:
    """The whole arrays of all values of a recurrence, by name."""
    xp = lowering.xp
    known: dict[str, Array] = {}
    bounds = _bounds(lowering.program, recurrence)
    for start, stop in reversed(bounds) if recurrence.backwards else bounds:
        new = _computed(lowering, recurrence, _segment(lowering.program, recurrence, start, stop), known)
        for name in known:
            new[name] = xp.concatenate([new[name], known[name]] if recurrence.backwards else [known[name], new[name]])
        known = new
    return {name: xp.moveaxis(array, 0, recurrence.place(name)) for name, array in known.items()}


# --- segments ----------------------------------------------------------------------------------------


def _bounds(program: Program, recurrence: Recurrence) -> list[tuple[int, int]]:
    """The parts of the dim in which no piece begins or ends."""
    ends = {0, program.sizes[recurrence.dim]}
    for value in recurrence.values:
        for piece in value.pieces:
            ends.update(_span(program, recurrence.dim, piece.subscripts[recurrence.place(value.name)]))
    return list(pairwise(sorted(ends)))


def _span(program: Program, dim: str, s: Subscript) -> tuple[int, int]:
    """The positions of a piece along the dim."""
    match s:
        case Aligned():
            return program.span(s.axis)
        case Whole():
            return program.span(s)
        case Fixed() | Labelled():
            position = _position(program, dim, s)
            return position, position + 1
        case _:
            raise CompilerBug("a piece of a recurrence has no place along its dim")


def _position(program: Program, dim: str, s: Fixed | Labelled) -> int:
    return s.position % program.sizes[dim] if isinstance(s, Fixed) else program.position(dim, s.label)


def _segment(program: Program, recurrence: Recurrence, start: int, stop: int) -> Segment:
    pieces = {v.name: _pieces(program, recurrence, v, start, stop) for v in recurrence.values}
    lags = dict.fromkeys(pieces, 0)
    for name, parts in pieces.items():
        for piece in parts:
            for read, distance in _distances(
                program, recurrence, piece.value, piece.subscripts[recurrence.place(name)]
            ):
                lags[read.name] = max(lags[read.name], abs(distance))
    step = _Step(program, recurrence, lags)
    values = []
    for value in recurrence.values:
        place = recurrence.place(value.name)
        here = tuple(step.piece(piece, place) for piece in pieces[value.name])
        values.append(replace(value, dims=_without(value.dims, place), pieces=here))
    return Segment(start, stop, tuple(values), step.taking.kernel(), tuple(step.taking.given), lags)


def _pieces(program: Program, recurrence: Recurrence, value: Value, start: int, stop: int) -> list[Piece]:
    """The pieces of a value that cover a segment."""
    found = []
    for piece in value.pieces:
        first, last = _span(program, recurrence.dim, piece.subscripts[recurrence.place(value.name)])
        if first <= start and stop <= last:
            found.append(piece)
    return found


def _distances(program: Program, recurrence: Recurrence, expr: Expr, target: Subscript) -> Iterator[tuple[Read, int]]:
    """The reads of values of the recurrence at a distance from the position at hand, each with the farthest."""
    names = {v.name for v in recurrence.values}
    for read in each_read(expr):
        if read.name in names and isinstance(target, Aligned):
            at = read.subscripts[recurrence.place(read.name)]
            match at:
                case Aligned(axis, shift) if axis == target.axis:
                    yield read, shift
                case Affine(terms, offset) if dict(terms).get(target.axis) == 1:
                    ends = [offset, offset]
                    for axis, coefficient in terms:
                        if axis != target.axis:
                            first, last = program.span(axis)
                            both = (coefficient * first, coefficient * (last - 1))
                            ends = [ends[0] + min(both), ends[1] + max(both)]
                    yield read, max(ends, key=abs)


def _without(items: tuple[Item, ...], place: int) -> tuple[Item, ...]:
    return (*items[:place], *items[place + 1 :])


# --- one position ------------------------------------------------------------------------------------


def _earlier(name: str) -> str:
    """The kernel's name of the last elements of a value, the newest last."""
    return f"earlier {name}"


class _Step:
    """Pieces at one position of the dim, as a kernel computes them."""

    def __init__(self, program: Program, recurrence: Recurrence, lags: Mapping[str, int]) -> None:
        self.program = program
        self.recurrence = recurrence
        self.lags = lags
        self.target: Subscript = Fixed(0)
        self.taking = Taking(program, self._changing)
        for value in recurrence.values:
            dims = _without(value.dims, recurrence.place(value.name))
            self.taking.name(value.name, dims, value.element)
            if lags[value.name]:
                self.taking.declare(_earlier(value.name), [lags[value.name], *program.shape(dims)], value.element)

    def piece(self, piece: Piece, place: int) -> Piece:
        """A piece without the dim of the recurrence, which has this place among its subscripts."""
        self.target = piece.subscripts[place]
        self.taking.along((self.target.axis,) if isinstance(self.target, Aligned) else ())
        if isinstance(self.target, Whole):
            event = [n for n, s in enumerate(piece.subscripts) if isinstance(s, Whole)].index(place)
            value = self.taking.taken_at(piece.value, event)
        else:
            value = self.taking.out(piece.value)
        axes = tuple(a for a in piece.axes if a not in self.taking.axes)
        return replace(piece, axes=axes, subscripts=_without(piece.subscripts, place), value=value)

    def _changing(self, expr: Expr) -> Expr | None:
        """Reads of values at this position, and of their elements at a distance from it."""
        if not isinstance(expr, Read) or expr.name not in self.lags:
            return None
        place = self.recurrence.place(expr.name)
        at, others = expr.subscripts[place], _without(expr.subscripts, place)
        if self._same(at):
            return Read(expr.name, self.taking.subscripts(others), self.taking.meta(expr.meta))
        lag = self._lag(at, self.lags[expr.name])
        if lag is None:
            return None  # at a fixed place before the segment: known when it begins
        return Read(_earlier(expr.name), (lag, *self.taking.subscripts(others)), self.taking.meta(expr.meta))

    def _same(self, at: Subscript) -> bool:
        if isinstance(at, Fixed | Labelled) and isinstance(self.target, Fixed | Labelled):
            dim = self.recurrence.dim
            return _position(self.program, dim, at) == _position(self.program, dim, self.target)
        return isinstance(self.target, Aligned) and at == self.target

    def _lag(self, at: Subscript, width: int) -> Subscript | None:
        """Where the last `width` elements hold what is read at a distance from the position at hand."""
        if not isinstance(self.target, Aligned):
            return None
        axis, sign = self.target.axis, -1 if self.recurrence.backwards else 1
        match at:
            case Aligned(own, shift) if own == axis:
                return Fixed(width + sign * shift)
            case Affine(terms, offset) if axis in dict(terms):
                return Affine(tuple((a, sign * c) for a, c in terms if a != axis), width + sign * offset)
            case _:
                return None


# --- all positions -----------------------------------------------------------------------------------


def _computed(
    lowering: Lowering, recurrence: Recurrence, segment: Segment, known: Mapping[str, Array]
) -> dict[str, Array]:
    """The elements of a segment, along their first dim. known: those of the segments before it."""
    xp, length = lowering.xp, segment.stop - segment.start
    fixed, moving = _inputs(_among(lowering, recurrence, known), recurrence, segment)
    windows = {
        value.name: _window(lowering, recurrence, value, segment.lags[value.name], known.get(value.name))
        for value in segment.values
        if segment.lags[value.name]
    }

    solves: list[OdeSolve] = []

    def step(windows: dict[str, Array], moving: dict[str, Array]) -> tuple[dict[str, Array], Rows]:
        given = {**fixed, **moving, **{_earlier(n): w for n, w in windows.items()}}
        here = replace(inside(segment.program, xp, given), attempts=None if lowering.attempts is None else {})
        new = {}
        for value in segment.values:
            given[value.name] = new[value.name] = xp.asarray(assemble(here, value))
        attempts = list((here.attempts or {}).values())
        solves[:] = [attempt.expr for attempt in attempts]
        windows = {n: xp.concatenate([w[1:], new[n][None]]) for n, w in windows.items()}
        return windows, (new, [xp.min(attempt.found.array) for attempt in attempts])

    new, solved = _along(xp, step, windows, moving, length, recurrence.backwards)
    for expr, found in zip(solves, solved, strict=True):
        assert lowering.attempts is not None
        lowering.attempts[expr.meta.span, segment.start] = Attempt(expr, Named(xp.min(found)))
    return new


Rows: TypeAlias = "tuple[dict[str, Array], list[Array]]"
"""The values at one position, or at all of them, and whether the differential equations there were solved."""


def _along(
    xp: ModuleType,
    step: Callable[[dict[str, Array], dict[str, Array]], tuple[dict[str, Array], Rows]],
    windows: dict[str, Array],
    moving: dict[str, Array],
    length: int,
    backwards: bool,
) -> Rows:
    """The steps one after the other, each given what the one before it leaves."""
    if length == 1:
        _, (new, solved) = step(windows, {n: a[0] for n, a in moving.items()})
        return {n: a[None] for n, a in new.items()}, solved
    if xp is not np:
        _, rows = jax.lax.scan(step, windows, moving, length, reverse=backwards)
        return rows[0], rows[1]
    order = slice(None, None, -1 if backwards else 1)
    found = []
    for i in range(length)[order]:
        windows, (new, _) = step(windows, {n: a[i] for n, a in moving.items()})
        found.append(new)
    return {n: np.stack([new[n] for new in found[order]]) for n in found[0]}, []


def _among(lowering: Lowering, recurrence: Recurrence, known: Mapping[str, Array]) -> Lowering:
    """A lowering that reads the known elements of the values; the others are 0, and are not read."""
    size = lowering.program.sizes[recurrence.dim]
    values = {value.name: value for value in recurrence.values}

    def quantity(name: str) -> Array:
        if name not in values:
            return lowering.quantity(name)
        value, place = values[name], recurrence.place(name)
        shape = lowering.program.shape(_without(value.dims, place))
        rows = known[name] if known else lowering.xp.zeros((0, *shape), dtype_of(value.element))
        blank = lowering.xp.zeros((size - rows.shape[0], *shape), rows.dtype)
        whole = lowering.xp.concatenate([blank, rows] if recurrence.backwards else [rows, blank])
        return lowering.xp.moveaxis(whole, 0, place)

    return replace(lowering, quantity=quantity, memo={})


def _inputs(lowering: Lowering, recurrence: Recurrence, segment: Segment) -> tuple[dict[str, Array], dict[str, Array]]:
    """The inputs of a segment: those that are the same at all of its positions, and those along its positions."""
    fixed, moving = {}, {}
    for item in segment.given:
        axes, array = outside(lowering, item)
        if item.place is not None:
            first = lowering.program.span(item.expr.meta.event[item.place])[0]
        elif axes:
            first = lowering.program.span(axes[0])[0]
        else:
            fixed[item.name] = array
            continue
        moving[item.name] = array[segment.start - first : segment.stop - first]
    return fixed, moving


def _window(lowering: Lowering, recurrence: Recurrence, value: Value, width: int, known: Array | None) -> Array:
    """The last `width` elements before a segment, the newest last; 0 where there are none, which are not read."""
    shape = lowering.program.shape(value.dims)
    rows = known if known is not None else lowering.xp.zeros((0, *shape), dtype_of(value.element))
    rows = rows[:width][::-1] if recurrence.backwards else rows[max(0, rows.shape[0] - width) :]
    blank = lowering.xp.zeros((width - rows.shape[0], *shape), rows.dtype)
    return lowering.xp.concatenate([blank, rows])
