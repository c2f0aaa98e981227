"""The statements that give quantities their values, and the order in which they run.

Quantities that need one another make a group. In most groups there is one quantity, and its statements run whole. Where
elements need earlier ones (`x[t] ~ Normal(x[t-1], s)`, or `h` that needs `e[t-1]` that needs `h[t-1]`), the statements
run for one position after the other along the dims of the lag.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ppl.compiler.passes.roles import target_name
from ppl.errors import Diagnostic, PplError
from ppl.graph import (
    Affine,
    Aligned,
    Axis,
    Clamp,
    Distribution,
    Energy,
    Expr,
    Fixed,
    Labelled,
    Latent,
    Meta,
    ModelGraph,
    Prediction,
    Read,
    Subscript,
    Term,
    Value,
    Whole,
    children,
    distribution_expressions,
    node_expressions,
)
from ppl.source import Span


@dataclass(frozen=True, eq=False)
class Statement:
    """Elements `target` of a quantity, once for each element of `axes` where `where` holds: drawn from `distribution`,
    drawn uniformly (`flat`, a latent declared by `var`), or computed by `value`. number: its place in the model, which
    gives it a random key of its own."""

    target: Read
    axes: tuple[Axis, ...]
    where: Expr | None
    distribution: Distribution | None
    value: Expr | None
    span: Span
    number: int
    flat: Latent | None = None

    @property
    def name(self) -> str:
        """Of the quantity."""
        return self.target.name

    def reads(self) -> Iterator[Read]:
        """What it needs."""
        parts: list[Expr] = [] if self.distribution is None else list(distribution_expressions(self.distribution))
        parts += () if self.flat is None else node_expressions(self.flat)
        for expr in (*parts, *(e for e in (self.value, self.where) if e is not None)):
            yield from _reads(expr)
        for s in self.target.subscripts:
            index = getattr(s, "index", None)
            if index is not None:
                yield from _reads(index)


@dataclass(frozen=True, eq=False)
class Group:
    """Quantities that need one another. whole: statements that run at once, before the others; steps: those that run at
    each position along `dims` (the first outermost), in this order; empty where nothing looks back."""

    names: tuple[str, ...]
    whole: tuple[Statement, ...]
    steps: tuple[Statement, ...]
    dims: tuple[str, ...]


def _reads(expr: Expr) -> Iterator[Read]:
    if isinstance(expr, Read):
        yield expr
    for child in children(expr):
        yield from _reads(child)


def statements(graph: ModelGraph) -> dict[str, list[Statement]]:
    """Of each latent, prediction and value; observing terms are none."""
    found: dict[str, list[Statement]] = {}
    for number, node in enumerate(graph.nodes):
        match node:
            case Latent(flat=True):
                target = _declared(node)
                found[node.name] = [Statement(target, node.axes, None, None, None, node.span, number, node)]
            case Term(role="latent") if isinstance(node.target, Read):
                made = Statement(node.target, node.axes, node.where, node.distribution, None, node.span, number)
                found.setdefault(target_name(node), []).append(made)
            case Prediction():
                target = _target(node.name, node.subscripts, node.axes, node)
                made = Statement(target, node.axes, node.where, node.distribution, None, node.span, number)
                found.setdefault(node.name, []).append(made)
            case Value():
                for piece in node.pieces:
                    axes = tuple(dict.fromkeys((*piece.axes, *piece.value.meta.axes)))
                    target = _target(node.name, piece.subscripts, axes, node)
                    made = Statement(target, axes, piece.where, None, piece.value, piece.span, number)
                    found.setdefault(node.name, []).append(made)
    return found


def _declared(latent: Latent) -> Read:
    """All elements of a latent, over its axes and the dims of its event."""
    event = tuple(map(Whole, latent.dims[len(latent.axes) :]))
    meta = Meta(latent.axes, event, latent.element, latent.span)
    return Read(latent.name, (*map(Aligned, latent.axes), *event), meta)


def _target(name: str, subscripts: tuple[Subscript, ...], axes: tuple[Axis, ...], node: Prediction | Value) -> Read:
    event = tuple(s for s in subscripts if isinstance(s, Whole))
    return Read(name, subscripts, Meta(axes, event, node.element, node.span))


# --- groups ------------------------------------------------------------------------------------------


def groups(graph: ModelGraph, wanted: Collection[str] | None = None) -> tuple[Group, ...]:
    """Every drawn quantity (or those that are wanted, where the others are known), in an order in which each comes
    after what it needs. Values are in a group only where what is drawn needs them at earlier positions; others are
    computed when they are read.

    Raises:
        PplError: elements need one another in no order (E504).
    """
    of = {
        name: mine
        for name, mine in statements(graph).items()
        if wanted is None or name in wanted or isinstance(graph[name], Value)
    }
    needs = {
        name: list(dict.fromkeys(r.name for s in mine for r in s.reads() if r.name in of)) for name, mine in of.items()
    }
    drawn = {name for name, mine in of.items() if any(s.value is None for s in mine)}
    found = []
    for names in _components(needs):
        if drawn & set(names):
            found.append(_group(graph, names, of))
    return tuple(found)


def _components(needs: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Tarjan's strongly connected components, each after those it needs."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    done: set[str] = set()
    found: list[tuple[str, ...]] = []
    for root in needs:
        work: list[tuple[str, Iterator[str]]] = []
        if root not in number:
            work.append((root, iter(needs[root])))
            number[root] = low[root] = len(number)
            path.append(root)
        while work:
            name, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    members = path[path.index(name) :]
                    del path[path.index(name) :]
                    done.update(members)
                    found.append(tuple(sorted(members, key=number.__getitem__)))
            elif following not in number:
                number[following] = low[following] = len(number)
                path.append(following)
                work.append((following, iter(needs[following])))
            elif following not in done:
                low[name] = min(low[name], number[following])
    return found


def _group(graph: ModelGraph, names: tuple[str, ...], of: Mapping[str, list[Statement]]) -> Group:
    mine = sorted((s for name in names for s in of[name]), key=lambda s: s.number)
    inside = {id(s): [r for r in s.reads() if r.name in names] for s in mine}
    whole = tuple(s for s in mine if not inside[id(s)])
    steps = [s for s in mine if inside[id(s)]]
    if not steps:
        return Group(names, whole, (), ())
    pieces = _in_pieces(graph, steps, inside)
    if pieces is not None:
        return Group(names, whole, pieces, ())
    dims, same = _order(graph, steps, inside)
    return Group(names, whole, tuple(_sorted(graph, steps, same)), dims)


def _in_pieces(
    graph: ModelGraph, steps: Sequence[Statement], inside: Mapping[int, Sequence[Read]]
) -> tuple[Statement, ...] | None:
    """An order in which the statements run one after the other, each whole; None if elements of one need one another.
    Only dims whose size the text gives tell elements apart here: along others, data that go on need the steps."""
    sized = [name for name, dim in graph.dims.items() if dim.size is not None]
    needs = {id(s): [o for o in steps if any(_may_be(graph, r, o.target, sized) for r in inside[id(s)])] for s in steps}
    ordered: list[Statement] = []
    while len(ordered) < len(steps):
        left = [s for s in steps if s not in ordered]
        ready = next((s for s in left if not any(o in left for o in needs[id(s)])), None)
        if ready is None:
            return None
        ordered.append(ready)
    return tuple(ordered)


def _may_be(graph: ModelGraph, read: Read, target: Read, dims: Collection[str]) -> bool:
    """Whether what is read may be some of what is made: along none of these dims do their positions differ."""
    if read.name != target.name:
        return False
    for dim in (d for d in _dims(graph, read.name) if d in dims):
        one, other = _at(graph, read, dim), _at(graph, target, dim)
        first, second = _extent(one), _extent(other)
        if first is not None and second is not None and (first[1] <= second[0] or second[1] <= first[0]):
            return False
        match one, other:
            case (Fixed(a), Fixed(b)) if (a < 0) == (b < 0) and a != b:
                return False
            case (Labelled(a), Labelled(b)) if a != b:
                return False
    return True


def _order(
    graph: ModelGraph, steps: Sequence[Statement], inside: Mapping[int, Sequence[Read]]
) -> tuple[tuple[str, ...], list[tuple[Statement, Read]]]:
    """The dims to go along, and the reads at the same position along all of them."""
    left = [(s, r) for s in steps for r in inside[id(s)]]
    common = [d for d in _dims(graph, steps[0].name) if all(d in _dims(graph, s.name) for s in steps)]
    chosen: list[str] = []
    while left:
        stages = {d: [_stage(graph, s, r, d) for s, r in left] for d in common if d not in chosen}
        dim = next((d for d, found in stages.items() if "other" not in found and "earlier" in found), None)
        if dim is None:
            break
        chosen.append(dim)
        left = [pair for pair, stage in zip(left, stages[dim], strict=True) if stage == "same"]
    return tuple(chosen), left


def _dims(graph: ModelGraph, name: str) -> tuple[str, ...]:
    node = graph[name]
    return () if isinstance(node, Term | Energy | Clamp) else node.dims


def _stage(graph: ModelGraph, statement: Statement, read: Read, dim: str) -> str:
    """Along a dim, whether what is read lies before what is made, at the same position, or neither."""
    own = _at(graph, statement.target, dim)
    other = _at(graph, read, dim)
    match own, other:
        case Aligned(a), Aligned(b, shift) if a == b:
            return "earlier" if shift < 0 else "same" if shift == 0 else "other"
        case Aligned(a), Affine(terms, offset) if dict(terms).get(a) == 1:
            last = offset + sum(_largest(graph, axis, c) for axis, c in terms if axis != a)
            return "earlier" if last < 0 else "same" if last == 0 else "other"
        case Fixed(a), Fixed(b) if (a < 0) == (b < 0):
            return "earlier" if b < a else "same" if a == b else "other"
        case Fixed(a), Fixed(b) if b >= 0:
            return "earlier"
        case Labelled(a), Labelled(b) if a == b:
            return "same"
        case Whole(), Whole() if own == other:
            return "same"
    mine, theirs = _extent(own), _extent(other)
    return "earlier" if mine is not None and theirs is not None and theirs[1] <= mine[0] else "other"


def _largest(graph: ModelGraph, axis: Axis, coefficient: int) -> float:
    """The largest value of a multiple of an index, if the text says how far it runs."""
    if axis.start < 0:
        return math.inf
    stop = graph.dims[axis.dim].size if axis.stop is None or axis.stop < 0 else axis.stop
    last = math.inf if stop is None else stop - 1 + min(axis.stop or 0, 0)
    return coefficient * (axis.start if coefficient < 0 else last)


def _extent(s: Subscript | None) -> tuple[int, float] | None:
    """The first position of a subscript and one past the last, where both are counted from the beginning."""
    match s:
        case Fixed(position) if position >= 0:
            return position, position + 1
        case Aligned(Axis(start=start, stop=stop), shift) if start >= 0 and (stop is None or stop >= 0):
            return start + shift, math.inf if stop is None else stop + shift
        case Whole(start=start, stop=stop) if start >= 0 and (stop is None or stop >= 0):
            return start, math.inf if stop is None else stop
    return None


def _at(graph: ModelGraph, read: Read, dim: str) -> Subscript | None:
    """The subscript for a dim that a quantity has once."""
    dims = _dims(graph, read.name)
    return read.subscripts[dims.index(dim)] if dims.count(dim) == 1 else None


def _sorted(graph: ModelGraph, steps: Sequence[Statement], same: Sequence[tuple[Statement, Read]]) -> list[Statement]:
    """With each statement after those whose elements it reads at its own position."""
    before: dict[int, list[Statement]] = {id(s): [] for s in steps}
    for s, r in same:
        needed = [other for other in steps if _may_be(graph, r, other.target, graph.dims)]
        before[id(s)] += needed
        if s in needed:
            raise _circular(graph, s)
    ordered: list[Statement] = []
    left = list(steps)
    while left:
        ready = next((s for s in left if not any(b in left for b in before[id(s)])), None)
        if ready is None:
            raise _circular(graph, left[0])
        ordered.append(ready)
        left.remove(ready)
    return ordered


def _circular(graph: ModelGraph, statement: Statement) -> PplError:
    title = f"`{statement.name}` cannot be drawn forward: its elements need one another"
    hint = "let each element depend on earlier ones alone, at `t-1` along one ordered dim"
    return PplError([Diagnostic("E504", title, statement.span, hints=(hint,))], graph.source)
