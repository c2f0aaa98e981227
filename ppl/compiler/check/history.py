"""Quantities drawn in pieces that look back at themselves: does each element depend on earlier ones only?"""

from __future__ import annotations

from collections.abc import Sequence

from ppl.compiler.check.build import Build
from ppl.compiler.check.walk import each_read
from ppl.compiler.passes.recurrences import stage
from ppl.graph import Aligned, Expr, Fixed, Read, Subscript, Term, distribution_expressions

# How far ahead along each dim of a latent an element of another quantity looks; None: further than can be told.
Reach = dict[str, int | None]
_ALL_BEFORE = -(10**9)


def check_looks_back(
    build: Build, name: str, dims: Sequence[str], target: Sequence[Subscript], expressions: Sequence[Expr]
) -> None:
    """A quantity may be drawn given its own earlier elements along an ordered dim."""
    direct = [r for e in expressions for r in each_read(e) if r.name == name]
    stages = [[stage(t, s, build.names.size) for t, s in zip(target, r.subscripts, strict=True)] for r in direct]
    left = _unordered(stages, len(dims))
    if left:
        wrong = next((n for n in left if "earlier" not in stages[n]), left[0])
        hint = _hint(build, name, dims)
        build.report.error("E116", direct[wrong].meta.span, f"this is not an earlier element of `{name}`", hint)


def check_looks_back_through(build: Build, term: Term) -> None:
    """The same of what a drawn quantity depends on through others, once all that they depend on is known."""
    if not isinstance(term.target, Read):
        return
    name, target = term.target.name, term.target.subscripts
    dims = build.names.quantities[name].dims
    for read in (r for e in distribution_expressions(term.distribution) for r in each_read(e) if r.name != name):
        reach = _reach(build, read.name, name)
        if reach is not None and not _before_through(build, dims, target, read, reach):
            build.report.error(
                "E116",
                read.meta.span,
                f"`{read.name}` depends on `{name}`, which this statement draws",
                f"a quantity may depend on its own earlier elements, `{name}[t-1]`, and no others",
            )


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
    """Remember how far a quantity looks along others of which not every piece has been seen, or that do so."""
    mine = build.reach.setdefault(name, {})
    for read in (r for e in expressions for r in each_read(e)):
        quantity = build.names.quantities[read.name]
        if read.name != name and (not quantity.complete or build.reach.get(read.name)):
            _farthest(mine.setdefault(read.name, {}), _ahead(dims, target, quantity.dims, read, {}))


def _reach(build: Build, start: str, goal: str) -> Reach | None:
    """How far a quantity looks along another, by whatever way; None if it does not depend on it."""
    known: dict[str, Reach] = {start: dict.fromkeys(build.names.quantities[start].dims, 0)}
    found: dict[str, Reach] = {}
    for _ in range(len(build.reach)):  # a way passes each quantity once
        before = {name: dict(reach) for name, reach in found.items()}
        for here, so_far in list(known.items()):
            for there, step in build.reach.get(here, {}).items():
                total = {dim: _sum(ahead, so_far.get(dim, 0)) for dim, ahead in step.items()}
                _farthest(found.setdefault(there, {}), total)
        if found == before:
            break
        known = {start: known[start], **{name: reach for name, reach in found.items() if name not in (start, goal)}}
    return found.get(goal)


def _sum(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


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
            if own != dim:
                continue
            match place, s:
                case Aligned(axis), Aligned(same, shift) if same == axis:
                    ahead = shift
                case Aligned(axis), Fixed(position) if 0 <= position < axis.start:
                    ahead = _ALL_BEFORE
                case Fixed(here), Fixed(there) if (here < 0) == (there < 0):
                    ahead = there - here
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
