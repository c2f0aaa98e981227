"""Quantities drawn in pieces that look back at themselves: does each element depend on earlier ones only?"""

from __future__ import annotations

from collections.abc import Sequence

from ppl.compiler.check.build import Build
from ppl.compiler.check.walk import each_read
from ppl.graph import Aligned, Expr, Fixed, Labelled, Read, Subscript, Whole

# How far ahead along each dim of a latent an element of another quantity looks; None: further than can be told.
Reach = dict[str, int | None]
_ALL_BEFORE = -(10**9)


def check_looks_back(
    build: Build, name: str, dims: Sequence[str], target: Sequence[Subscript], expressions: Sequence[Expr]
) -> None:
    """A quantity may be drawn given its own earlier elements along an ordered dim, directly or through others."""
    direct = [r for e in expressions for r in each_read(e) if r.name == name]
    for read in (r for e in expressions for r in each_read(e) if r.name != name):
        reach = build.reach.get(read.name, {}).get(name)
        if reach is not None and not _before_through(build, dims, target, read, reach):
            build.report.error(
                "E116",
                read.meta.span,
                f"`{read.name}` depends on `{name}`, which this statement draws",
                f"a quantity may depend on its own earlier elements, `{name}[t-1]`, and no others",
            )
    stages = [[_stage(build, d, t, s) for d, t, s in zip(dims, target, r.subscripts, strict=True)] for r in direct]
    left = _unordered(stages, len(dims))
    if left:
        wrong = next((n for n in left if "earlier" not in stages[n]), left[0])
        hint = _hint(build, name, dims)
        build.report.error("E116", direct[wrong].meta.span, f"this is not an earlier element of `{name}`", hint)


def _unordered(stages: Sequence[Sequence[str]], dims: int) -> list[int]:
    """The reads that no order of the elements, first along one dim and then along the next, puts before the target."""
    left, unused = list(range(len(stages))), list(range(dims))
    while left:
        dim = next((d for d in unused if all(stages[n][d] != "other" for n in left)), None)
        if dim is None:
            return left
        unused.remove(dim)
        left = [n for n in left if stages[n][dim] != "earlier"]
    return left


def record_reach(
    build: Build, name: str, dims: Sequence[str], target: Sequence[Subscript], expressions: Sequence[Expr]
) -> None:
    """Remember how far a quantity looks along latents of which not every piece has been seen."""
    mine = build.reach.setdefault(name, {})
    for read in (r for e in expressions for r in each_read(e)):
        quantity = build.names.quantities[read.name]
        if read.name == name:
            continue
        if not quantity.complete:
            _farthest(mine.setdefault(read.name, {}), _ahead(dims, target, quantity.dims, read, {}))
        for latent, reach in build.reach.get(read.name, {}).items():
            if latent != name and not build.names.quantities[latent].complete:
                _farthest(mine.setdefault(latent, {}), _ahead(dims, target, quantity.dims, read, reach))


def _farthest(known: Reach, new: Reach) -> None:
    for dim, ahead in new.items():
        old = known.get(dim, ahead)
        known[dim] = None if ahead is None or old is None else max(ahead, old)


def _ahead(
    dims: Sequence[str], target: Sequence[Subscript], read_dims: Sequence[str], read: Read, beyond: Reach
) -> Reach:
    """Along each dim of what is read, how far from the target's own place it is read; `beyond` is added."""
    found: Reach = {}
    for dim, s in zip(read_dims, read.subscripts, strict=True):
        ahead: int | None = None
        for own, place in zip(dims, target, strict=True):
            if own != dim or not isinstance(place, Aligned):
                continue
            if isinstance(s, Aligned) and s.axis == place.axis:
                ahead = s.shift
            elif isinstance(s, Fixed) and 0 <= s.position < place.axis.start:
                ahead = _ALL_BEFORE
        further = beyond.get(dim, 0)
        found[dim] = None if ahead is None or further is None else ahead + further
    return found


def _before_through(build: Build, dims: Sequence[str], target: Sequence[Subscript], read: Read, reach: Reach) -> bool:
    """Whether reading another quantity here reaches earlier elements only, along some dim."""
    total = _ahead(dims, target, build.names.quantities[read.name].dims, read, reach)
    return any(ahead is not None and ahead < 0 for dim, ahead in total.items() if dim in dims)


def _hint(build: Build, name: str, dims: Sequence[str]) -> str:
    if dims and not any(build.names.positional(d) for d in dims):
        dim = dims[0]
        return f"if `{dim}` has an order, declare `dim {dim} ordered` and write `{name}[t-1]` `for t in {dim}[1:]`"
    return f"a quantity may depend on its own earlier elements, `{name}[t-1]`, and no others"


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
