"""Quantities drawn in pieces that look back at themselves: does each element depend on earlier ones only?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ppl.compiler.check.build import Build
from ppl.compiler.passes.recurrences import apart, cyclic, stage
from ppl.graph import Aligned, Expr, Fixed, Read, Subscript, Term, Value, distribution_expressions, each_read


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


def _hint(build: Build, name: str, dims: Sequence[str]) -> str:
    if dims and not any(build.names.positional(d) for d in dims):
        dim = dims[0]
        return f"if `{dim}` has an order, declare `dim {dim} ordered` and write `{name}[t-1]` `for t in {dim}[1:]`"
    return f"a quantity may depend on its own earlier elements, `{name}[t-1]`, and no others"


# --- through others ----------------------------------------------------------------------------------

# How far ahead along each dim of a quantity it is read; None: further than can be told.
_Reach = dict[str, int | None]
_ALL_BEFORE = -(10**9)


@dataclass(frozen=True, eq=False)
class _Statement:
    """What one statement says of a quantity: which elements, and what it reads for them."""

    name: str
    dims: tuple[str, ...]
    target: tuple[Subscript, ...]
    reads: tuple[Read, ...]
    drawn: bool


def check_looks_back_through(build: Build) -> None:
    """The same of what drawn quantities depend on through others, once everything is known."""
    statements: dict[str, list[_Statement]] = {}
    for s in _statements(build):
        statements.setdefault(s.name, []).append(s)
    reads = {name: {r.name for s in own for r in s.reads} for name, own in statements.items()}
    for names in cyclic(reads):
        group = [s for name in sorted(names) for s in statements[name]]
        drawn = [(s, read) for s in group if s.drawn and len(names) > 1 for read in s.reads if read.name in names]
        wrong = [(s, read) for s, read in drawn if read.name != s.name and not _before_through(group, s, read)]
        if wrong:
            s, read = max(wrong, key=lambda item: item[1].meta.span.start)  # which closes the circle
            build.report.error(
                "E116",
                read.meta.span,
                f"`{read.name}` depends on `{s.name}`, which this statement draws",
                f"a quantity may depend on its own earlier elements, `{s.name}[t-1]`, and no others",
            )


def _statements(build: Build) -> Iterator[_Statement]:
    for node in build.nodes:
        if isinstance(node, Value):
            for piece in node.pieces:
                yield _Statement(node.name, node.dims, piece.subscripts, tuple(each_read(piece.value)), False)
        elif isinstance(node, Term) and node.role == "latent" and isinstance(node.target, Read):
            reads = [r for e in distribution_expressions(node.distribution) for r in each_read(e)]
            dims = build.names.quantities[node.target.name].dims
            yield _Statement(node.target.name, dims, node.target.subscripts, tuple(reads), True)


def _before_through(group: Sequence[_Statement], start: _Statement, read: Read) -> bool:
    """Whether what a read depends on of the quantity drawn are earlier elements, along some dim."""
    known: dict[int, _Reach] = {}
    goal: _Reach | None = None
    ways: list[tuple[_Statement, Read, _Reach]] = [(start, read, dict.fromkeys(start.dims, 0))]
    for _ in range(len(group) + 1):  # a way passes each statement once
        onwards: list[tuple[_Statement, Read, _Reach]] = []
        for here, r, so_far in ways:
            for there in group:
                if there.name != r.name or _apart(there, r):
                    continue
                total = _ahead(here, there, r, so_far)
                if there.name == start.name:
                    goal = _farther(goal, total)
                elif (new := _farther(known.get(id(there)), total)) != known.get(id(there)):
                    known[id(there)] = new
                    onwards += [(there, further, new) for further in there.reads]
        ways = onwards
    return goal is None or any(ahead is not None and ahead < 0 for ahead in goal.values())


def _apart(there: _Statement, read: Read) -> bool:
    return any(apart(s, t) for s, t in zip(read.subscripts, there.target, strict=True))


def _farther(a: _Reach | None, b: _Reach) -> _Reach:
    if a is None:
        return b
    both = {dim: (a[dim], b.get(dim)) for dim in a}
    return {dim: None if x is None or y is None else max(x, y) for dim, (x, y) in both.items()}


def _ahead(here: _Statement, there: _Statement, read: Read, so_far: Mapping[str, int | None]) -> _Reach:
    """Along each dim of what is read, how far from its place at the start it is read; `so_far`: of this statement."""
    found: _Reach = {}
    for dim, s in zip(there.dims, read.subscripts, strict=True):
        ahead: int | None = None
        for own, place in zip(here.dims, here.target, strict=True):
            if own != dim:
                continue
            match place, s:
                case Aligned(axis), Aligned(same, shift) if same == axis:
                    ahead = shift
                case Aligned(axis), Fixed(position) if 0 <= position < axis.start:
                    ahead = _ALL_BEFORE
                case Fixed(at), Fixed(position) if (at < 0) == (position < 0):
                    ahead = position - at
        before = so_far.get(dim)
        found[dim] = None if ahead is None or before is None else ahead + before
    return found
