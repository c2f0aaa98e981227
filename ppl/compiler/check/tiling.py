"""Quantities defined in pieces: do the pieces cover every element once?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from ppl.compiler.check.build import Build, Part
from ppl.compiler.check.shapes import bounds
from ppl.graph import Aligned, Fixed, Subscript, Whole

# A position is (a, b), meaning a + b N; N is larger than every constant until the data say otherwise.
_Point = tuple[int, int]
_FAR = 1_000_000_000


# Work of comparing pieces with cells of the dims: more than people write, little enough to wait for.
CELLS = 1_000_000


@dataclass(frozen=True)
class Flaw:
    """A part of the dims that no statement defines (`owners` empty), or that several do."""

    element: str
    everything: bool
    owners: tuple[int, ...]


def flaw(
    name: str,
    dims: Sequence[str],
    parts: Sequence[Sequence[Subscript]],
    sizes: Mapping[str, int],
    gaps: bool = False,
) -> Flaw | None:
    """The first flaw in how parts cover the dims; sizes: those that are known; gaps: whether parts may leave elements
    out."""
    boxes: list[list[tuple[_Point, _Point]]] = []
    for part in parts:
        box = [_side(s, sizes.get(d)) for s, d in zip(part, dims, strict=True)]
        sides = [side for side in box if side is not None]
        if len(sides) < len(box):
            return None
        boxes.append(sides)
    ends: list[_Point] = [(sizes[d], 0) if d in sizes else (0, 1) for d in dims]
    cuts = [
        sorted({(0, 0), end, *(point for box in boxes for point in box[n])}, key=_value) for n, end in enumerate(ends)
    ]
    for cell in product(*(list(pairwise(c)) for c in cuts)):
        owners = tuple(n for n, box in enumerate(boxes) if all(map(_within, cell, box)))
        if len(owners) > 1 or (not owners and not gaps):
            everything = all(c == ((0, 0), end) for c, end in zip(cell, ends, strict=True))
            return Flaw(_show(name, cell), everything, owners)
    return None


def check_tiling(
    build: Build, name: str, dims: Sequence[str], parts: Sequence[Part], drawn: bool, gaps: bool = False
) -> bool:
    """Whether the parts cover the dims exactly once, or (`gaps`) at most once; reports what is missing or said twice.
    drawn: by `~`."""
    if len(parts) ** (len(dims) + 1) > CELLS:
        label = f"`{name}` is defined in {len(parts)} statements"
        build.report.error("E125", parts[-1].span, label, "define many elements at once: `x[t] ... for t in time[1:]`")
        return False
    sizes = {d: size for d in dims if (size := build.names.size(d)) is not None}
    found = flaw(name, dims, [p.subscripts for p in parts], sizes, gaps)
    if found is None:
        return True
    once = f"the statements for `{name}` together define every element of {_over(dims)} once"
    if not found.owners:
        build.report.error(
            "E110", parts[-1].span, f"`{found.element}` is not defined", f"{once}; add one for `{found.element}`"
        )
        return False
    first, again = parts[found.owners[0]], parts[found.owners[1]]
    line = build.report.line(first.span)
    if not found.everything:
        build.report.error("E110", again.span, f"`{found.element}` is defined on line {line} already", once)
    elif drawn:
        hint = f"to add densities to one quantity, declare it: `var {name}`"
        build.report.error("E210", again.span, f"`{name}` is drawn on line {line} already", hint)
    else:
        hint = "give one of them another name"
        build.report.error("E102", again.span, f"`{name}` is defined on line {line} already", hint)
    return False


def _over(dims: Sequence[str]) -> str:
    return " x ".join(f"`{d}`" for d in dims)


def _value(p: _Point) -> int:
    return p[0] + p[1] * _FAR


def _within(cell: tuple[_Point, _Point], side: tuple[_Point, _Point]) -> bool:
    return _value(side[0]) <= _value(cell[0]) and _value(cell[1]) <= _value(side[1])


def _side(s: Subscript, size: int | None) -> tuple[_Point, _Point] | None:
    match s:
        case Aligned(axis):
            return bounds(axis, size)
        case Whole():
            return bounds(s, size)
        case Fixed(position):
            at: _Point = (position, 0) if position >= 0 else (position, 1) if size is None else (size + position, 0)
            return at, (at[0] + 1, at[1])
        case _:
            return None


def _show(name: str, cell: Sequence[tuple[_Point, _Point]]) -> str:
    parts = []
    for low, high in cell:
        if (high[0] - low[0], high[1] - low[1]) == (1, 0):
            parts.append(str(low[0]))
        else:
            parts.append(f"{'' if low == (0, 0) else low[0]}:{'' if high == (0, 1) else high[0]}")
    if not parts or all(p == ":" for p in parts):
        return name
    return f"{name}[{', '.join(parts)}]"
