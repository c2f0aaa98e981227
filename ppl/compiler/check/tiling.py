"""Quantities defined in pieces: do the pieces cover every element once, and does each look back only?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations, product

from ppl.compiler.check.build import Build, Part
from ppl.compiler.check.shapes import bounds
from ppl.graph import Aligned, Expr, Fixed, Labelled, Read, Subscript, Value, Whole, children

# A position is (a, b), meaning a + b N; N is larger than every constant until the data say otherwise.
_Point = tuple[int, int]
_FAR = 1_000_000_000


@dataclass(frozen=True)
class Flaw:
    """A part of the dims that no statement defines (`owners` empty), or that several do."""

    element: str
    everything: bool
    owners: tuple[int, ...]


def flaw(name: str, dims: Sequence[str], parts: Sequence[Sequence[Subscript]], sizes: Mapping[str, int]) -> Flaw | None:
    """The first flaw in how parts cover the dims; sizes: those that are known."""
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
        if len(owners) != 1:
            everything = all(c == ((0, 0), end) for c, end in zip(cell, ends, strict=True))
            return Flaw(_show(name, cell), everything, owners)
    return None


def check_tiling(build: Build, name: str, dims: Sequence[str], parts: Sequence[Part]) -> bool:
    """Whether the parts cover the dims exactly once; reports what is missing or said twice."""
    sizes = {d: size for d in dims if (size := build.names.size(d)) is not None}
    found = flaw(name, dims, [p.subscripts for p in parts], sizes)
    if found is None:
        return True
    once = f"the statements for `{name}` together define every element of {_over(dims)} once"
    if not found.owners:
        build.report.error(
            "E110", parts[-1].span, f"`{found.element}` is not defined", f"{once}; add one for `{found.element}`"
        )
        return False
    first, again = parts[found.owners[0]], parts[found.owners[1]]
    build.report.error(
        "E102" if found.everything else "E110",
        again.span,
        f"`{found.element}` is defined on line {build.report.line(first.span)} already",
        "give one of them another name" if found.everything else once,
    )
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


# --- looking back ------------------------------------------------------------------------------------


def own_reads(build: Build, name: str, expr: Expr) -> Iterator[tuple[Expr, Read]]:
    """Where an expression reads a quantity: directly, or through a value (then with the outermost read of it)."""
    if isinstance(expr, Read):
        if expr.name == name:
            yield expr, expr
        else:
            node = next((n for n in build.nodes if isinstance(n, Value) and n.name == expr.name), None)
            for piece in () if node is None else node.pieces:
                for _, inner in own_reads(build, name, piece.value):
                    yield expr, inner
    for child in children(expr):
        yield from own_reads(build, name, child)


def check_looks_back(
    build: Build, name: str, dims: Sequence[str], target: Sequence[Subscript], expressions: Sequence[Expr]
) -> None:
    """A quantity may be drawn given its own earlier elements along an ordered dim, and no others."""
    found = [(outer, read) for e in expressions for outer, read in own_reads(build, name, e)]
    direct = [(outer, read) for outer, read in found if outer is read]
    for outer, read in found:
        if outer is not read and not _earlier_through(build, dims, target, outer, read):
            build.report.error(
                "E116",
                outer.meta.span,
                f"this depends on `{name}`, which this statement draws",
                "a quantity may depend on its own earlier elements, `x[t-1]`, and no others",
            )
    orders = list(permutations(range(len(dims))))
    stages = [
        [_stage(build, d, t, s) for d, t, s in zip(dims, target, read.subscripts, strict=True)] for _, read in direct
    ]
    if any(all(_before(stage, order) for stage in stages) for order in orders):
        return
    for (_, read), stage in zip(direct, stages, strict=True):
        if not any(_before(stage, order) for order in orders):
            build.report.error(
                "E116",
                read.meta.span,
                f"this is not an earlier element of `{name}`",
                _back_hint(build, name, dims, read),
            )
            return
    build.report.error(
        "E116", direct[0][1].meta.span, f"no order of the elements of `{name}` lets each depend on earlier ones only"
    )


def _back_hint(build: Build, name: str, dims: Sequence[str], read: Read) -> str:
    unordered = [d for d in dims if not build.names.positional(d)]
    if len(unordered) == len(dims):
        dim = dims[0]
        return f"if `{dim}` has an order, declare `dim {dim} ordered` and write `{name}[t-1]` `for t in {dim}[1:]`"
    return f"a quantity may depend on its own earlier elements, `{name}[t-1]`, and no others"


def _before(stage: Sequence[str], order: Sequence[int]) -> bool:
    for n in order:
        if stage[n] != "same":
            return stage[n] == "earlier"
    return False


def _stage(build: Build, dim: str, target: Subscript, read: Subscript) -> str:
    """Along one dim, whether the element read comes before the one defined, is at the same place, or neither."""
    size = build.names.size(dim)
    match target, read:
        case Aligned(a), Aligned(b, shift) if a == b:
            return "earlier" if shift < 0 else "same" if shift == 0 else "other"
        case Aligned(a), Fixed(position) if position >= 0 and a.start > position:
            return "earlier"
        case Fixed(a), Fixed(b) if (a < 0) == (b < 0):
            return "earlier" if b < a else "same" if a == b else "other"
        case Fixed(a), Fixed(b) if size is None and b >= 0:
            return "earlier"
        case Fixed(a), Aligned(axis, shift) if a >= 0 and axis.stop is not None and axis.stop >= 0:
            return "earlier" if axis.stop + shift <= a else "other"
        case Labelled(a), Labelled(b) if a == b:
            return "same"
        case Whole(), Whole() if target == read:
            return "same"
    return "other"


def _earlier_through(build: Build, dims: Sequence[str], target: Sequence[Subscript], outer: Expr, read: Read) -> bool:
    """The element of `read`, seen from the target through a value: shifts along the same dim add up."""
    assert isinstance(outer, Read)
    value = build.names.quantities[outer.name]
    for n, dim in enumerate(dims):
        place = target[n]
        if not isinstance(place, Aligned) or dim not in value.dims:
            continue
        m = value.dims.index(dim)
        at = outer.subscripts[m]
        inner = read.subscripts[n]
        if isinstance(at, Aligned) and at.axis == place.axis and isinstance(inner, Aligned) and inner.axis.dim == dim:
            if at.shift + inner.shift < 0:
                return True
        elif isinstance(inner, Fixed) and 0 <= inner.position < place.axis.start:
            return True
    return False
