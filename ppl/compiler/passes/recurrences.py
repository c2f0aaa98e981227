"""Values computed from their own earlier elements: which are computed together, along which dim, in which direction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from ppl.graph import (
    Affine,
    Aligned,
    Axis,
    Fixed,
    Labelled,
    Piece,
    Read,
    Subscript,
    Value,
    Whole,
    each_read,
    node_expressions,
)

Size = Callable[[str], int | None]
"""The size of a dim, as far as it is known."""


@dataclass(frozen=True)
class Recurrence:
    """Values that depend on each other's elements, computed position by position along a dim.

    values: in the order in which they are computed at one position; places: of each, which of its dims it is;
    backwards: from the last position to the first.
    """

    dim: str
    backwards: bool
    values: tuple[Value, ...]
    places: tuple[int, ...]

    def place(self, name: str) -> int:
        """Which dim of the value of that name the recurrence runs along."""
        return next(p for v, p in zip(self.values, self.places, strict=True) if v.name == name)


@dataclass(frozen=True)
class Disorder:
    """A read that no order of the elements puts before the value that needs it."""

    value: Value
    read: Read


# --- which values ------------------------------------------------------------------------------------


def cycles(values: Sequence[Value]) -> list[tuple[Value, ...]]:
    """The values that depend on themselves, with those on the way."""
    reads = {v.name: {r.name for r in each_read(*node_expressions(v))} for v in values}
    return [tuple(v for v in values if v.name in names) for names in cyclic(reads)]


def cyclic(reads: Mapping[str, Set[str]]) -> list[frozenset[str]]:
    """The cyclic components of a graph of names: what each of them reads, others left out."""
    left = {name: read & reads.keys() for name, read in reads.items()}
    ends = [name for name, read in left.items() if not read]
    readers: dict[str, list[str]] = {}
    for name, read in left.items():
        for other in read:
            readers.setdefault(other, []).append(name)
    while ends:  # what reads nothing that is left is in no cycle
        end = ends.pop()
        del left[end]
        for name in readers.get(end, ()):
            left[name] = left[name] - {end}
            if not left[name]:
                ends.append(name)
    reached = {name: _reached(name, left) for name in left}
    found = {frozenset(n for n in reached[name] if name in reached[n]) for name in left if name in reached[name]}
    order = list(reads)
    return sorted(found, key=lambda names: min(map(order.index, names)))


def _reached(name: str, reads: Mapping[str, Set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(reads[name])
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += reads[other]
    return found


# --- in which order ----------------------------------------------------------------------------------


def recurrence(values: tuple[Value, ...], size: Size) -> Recurrence | Disorder:
    """How values that depend on each other are computed: along the first dim of all, in the first direction, that puts
    what is read before what reads it."""
    first: Disorder | None = None
    for dim in values[0].dims:
        if not all(v.dims.count(dim) == 1 for v in values):
            continue
        for backwards in (False, True):
            ordered = _ordered(values, dim, backwards, size)
            if not isinstance(ordered, Disorder):
                return Recurrence(dim, backwards, ordered, tuple(v.dims.index(dim) for v in ordered))
            first = first or ordered
    return first or Disorder(values[0], next(_inner(values, values[0]))[1])


def _inner(values: Sequence[Value], value: Value) -> Iterator[tuple[Piece, Read]]:
    """The reads of one another."""
    names = {v.name for v in values}
    for piece in value.pieces:
        for read in each_read(piece.value):
            if read.name in names:
                yield piece, read


def _ordered(values: tuple[Value, ...], dim: str, backwards: bool, size: Size) -> tuple[Value, ...] | Disorder:
    """The values in an order for one position, or what is in the way."""
    place = {v.name: v.dims.index(dim) for v in values}
    waits: dict[str, dict[str, Read]] = {v.name: {} for v in values}
    for value in values:
        for piece, read in _inner(values, value):
            at = stage(piece.subscripts[place[value.name]], read.subscripts[place[read.name]], size, backwards)
            if at == "other":
                return Disorder(value, read)
            if at == "same":
                waits[value.name].setdefault(read.name, read)
    ordered: list[Value] = []
    left = list(values)
    while left:
        ready = next((v for v in left if not any(w.name in waits[v.name] for w in left)), None)
        if ready is None:
            value = left[0]
            return Disorder(value, next(waits[value.name][w.name] for w in left if w.name in waits[value.name]))
        left.remove(ready)
        ordered.append(ready)
    return tuple(ordered)


# --- one subscript against another -------------------------------------------------------------------

_Point = tuple[int, bool]
"""A position, counted from the first element of its dim or (True) from the end."""


def stage(target: Subscript, read: Subscript, size: Size, backwards: bool = False) -> str:
    """Along one dim, whether what is read comes `earlier` than what is defined, is at the `same` place, or `other`."""
    if isinstance(target, Aligned) and (distance := _distance(target.axis, read, size)) is not None:
        low, high = distance
        if (low, high) == (0, 0):
            return "same"
        return "earlier" if (high < 0 if not backwards else low > 0) else "other"
    if target == read or (isinstance(target, Labelled) and isinstance(read, Labelled) and target.label == read.label):
        return "same"
    if isinstance(target, Fixed) and isinstance(read, Fixed) and target.position < 0 <= read.position and not backwards:
        return "earlier"  # the last elements, from one of the first
    mine, theirs = _extent(target), _extent(read)
    if mine is None or theirs is None:
        return "other"
    before = _not_after(theirs[1], mine[0]) if not backwards else _not_after(mine[1], theirs[0])
    return "earlier" if before else "other"


def _distance(axis: Axis, read: Subscript, size: Size) -> tuple[int, int] | None:
    """How far from an index it reads, at least and at most; None if it is no sum with this index, or unknown."""
    match read:
        case Aligned(other, shift) if other == axis:
            return shift, shift
        case Affine(terms, offset) if dict(terms).get(axis) == 1:
            low = high = offset
            for other, coefficient in terms:
                if other == axis:
                    continue
                first, last = _range(other, size)
                ends = [None if end is None else coefficient * end for end in (first, last)]
                near, far = (ends[0], ends[1]) if coefficient > 0 else (ends[1], ends[0])
                low = low + near if near is not None else -_FAR
                high = high + far if far is not None else _FAR
            return low, high
    return None


_FAR = 10**9


def _range(axis: Axis, size: Size) -> tuple[int | None, int | None]:
    """First and last position of an index, as far as they are known."""
    known = size(axis.dim)
    if known is not None:
        start, stop, _ = slice(axis.start, axis.stop).indices(known)
        return start, stop - 1
    first = axis.start if axis.start >= 0 else None
    return first, axis.stop - 1 if axis.stop is not None and axis.stop >= 0 else None


def _extent(s: Subscript) -> tuple[_Point, _Point] | None:
    """The positions that a subscript takes: the first, and the one after the last."""
    match s:
        case Fixed(position):
            return (position, position < 0), (position + 1, position < 0)
        case Aligned(axis, shift):
            return _ends(axis, shift)
        case Whole():
            return _ends(s, 0)
        case _:
            return None


def _ends(span: Axis | Whole, shift: int) -> tuple[_Point, _Point]:
    stop = 0 if span.stop is None else span.stop
    return (span.start + shift, span.start < 0), (stop + shift, span.stop is None or span.stop < 0)


def apart(a: Subscript, b: Subscript) -> bool:
    """Whether two subscripts certainly have no position in common."""
    first, second = _extent(a), _extent(b)
    return (
        first is not None
        and second is not None
        and (_not_after(first[1], second[0]) or _not_after(second[1], first[0]))
    )


def _not_after(a: _Point, b: _Point) -> bool:
    """Whether a <= b, whatever the size of the dim."""
    return a[1] == b[1] and a[0] <= b[0]
