"""The left side of a statement: which elements of which quantity, over which indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ppl.compiler.check.extents import outside
from ppl.compiler.check.indexing import need_positions, whole_range
from ppl.compiler.check.loops import condition, loop_bindings
from ppl.compiler.check.names import closest, quoted
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Binding, Scope
from ppl.compiler.check.shapes import apply, show_whole
from ppl.grammar import nodes as syntax
from ppl.graph import Aligned, Axis, Expr, Fixed, Labelled, Subscript, Whole


@dataclass(frozen=True)
class Place:
    """A target. subscripts: one for each index written (Aligned without shift, Fixed, Labelled or Whole);
    scope: with its indices bound; where: the filter."""

    target: syntax.Target
    subscripts: tuple[Subscript, ...]
    scope: Scope
    where: Expr | None

    @property
    def name(self) -> str:
        """Of the quantity on the left."""
        return self.target.name.id

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The bound indices among the subscripts, in order."""
        return tuple(s.axis for s in self.subscripts if isinstance(s, Aligned))

    def padded(self, dims: Sequence[str]) -> tuple[Subscript, ...]:
        """One subscript for each dim: whole where none is written."""
        return (*self.subscripts, *(Whole(d) for d in dims[len(self.subscripts) :]))

    def with_slices_bound(self) -> Place:
        """Slices such as `x[1:]` become bound indices, so that all elements are spoken of one by one."""
        subscripts = tuple(
            Aligned(self.scope.names.axis(s.dim, s.dim, s.start, s.stop))
            if isinstance(s, Whole) and (s.start > 0 or (s.start == 0 and s.stop is not None))
            else s
            for s in self.subscripts
        )
        return replace(self, subscripts=subscripts)


def place(
    scope: Scope, target: syntax.Target, loops: Sequence[syntax.Loop], dims: Sequence[str | None] | None
) -> Place:
    """Binds the loops and the dims named on the left. dims: of the quantity, as far as they are known."""
    scope.names.new_statement()
    scope.names.defining = target.name.id
    bound: dict[str, Binding] = {}
    for loop in loops:
        bound.update(loop_bindings(scope.bind(bound), loop))
    inner = scope.bind(bound)
    subscripts: list[Subscript] = []
    failed = False
    if dims is not None and len(target.indices) > len(dims):
        extra = target.indices[len(dims)].span.to(target.indices[-1].span)
        known = f"is indexed by {quoted(str(d) for d in dims)}" if dims else "is a single number"
        raise scope.report.fail("E106", extra, f"`{target.name.id}` {known}")
    for n, index in enumerate(target.indices):
        try:
            subscript = _left_subscript(inner, target, index, None if dims is None else dims[n], bound)
            if isinstance(subscript, Aligned) and isinstance(index, syntax.Name) and index.id not in bound:
                inner = inner.bind({index.id: Binding(subscript.axis, named=False)})
            subscripts.append(subscript)
        except Abandon:
            failed = True
    if failed:
        raise Abandon
    used = [s.axis for s in subscripts if isinstance(s, Aligned)]
    for loop in loops:
        for b in loop.bindings:
            if bound[b.name.id].axis not in used:
                raise scope.report.fail(
                    "E117",
                    b.name.span,
                    f"`{target.name.id}` has no index `{b.name.id}`",
                    f"write `{_with_index(target, b.name.id, scope)} ...`, or reduce over it on the right",
                )
    return Place(target, tuple(subscripts), inner, _where(inner, loops))


def _with_index(target: syntax.Target, name: str, scope: Scope) -> str:
    written = [scope.report.text(i.span) for i in target.indices]
    return f"{target.name.id}[{', '.join([*written, name])}]"


def _where(scope: Scope, loops: Sequence[syntax.Loop]) -> Expr | None:
    found: Expr | None = None
    for loop in loops:
        part = condition(scope, loop)
        if part is not None:
            found = part if found is None else apply(scope, "and", [found, part], part.meta.span)
    return found


def _left_subscript(
    scope: Scope,
    target: syntax.Target,
    index: syntax.Expr | syntax.Slice,
    dim: str | None,
    bound: Mapping[str, Binding],
) -> Subscript:
    match index:
        case syntax.Slice():
            if dim is None:
                raise _unknown_dim(scope, target, index)
            return _inside(scope, whole_range(scope, dim, index), dim, index)
        case syntax.Name() if index.id in scope.indices and index.id in bound:
            axis = scope.indices[index.id].axis
            _same_dim(scope, target, index, axis.dim, dim)
            return Aligned(axis)
        case syntax.Name() if index.id in scope.indices:
            raise scope.report.fail(
                "E122",
                index.span,
                f"`{index.id}` is here twice, and would be the same element both times",
                f"bind two indices: `{target.name.id}[i, j] ... for i in {index.id}, j in {index.id}`",
            )
        case syntax.Name() if index.id in scope.names.dims:
            _same_dim(scope, target, index, index.id, dim)
            return Aligned(scope.names.axis(index.id, index.id))
        case syntax.Text():
            if dim is None:
                raise _unknown_dim(scope, target, index)
            return _left_label(scope, dim, index)
    position = _constant(index)
    if position is not None:
        if dim is None:
            raise _unknown_dim(scope, target, index)
        need_positions(scope, dim, index.span)
        return _inside(scope, Fixed(position), dim, index)
    if isinstance(index, syntax.Name):
        found = closest(index.id, [*scope.names.dims, *bound])
        hint = f"did you mean `{found}`?" if found else _unknown_index(scope, target, index.id, dim)
        raise scope.report.fail("E101", index.span, f"`{index.id}` is neither a dim nor a bound index", hint)
    raise scope.report.fail(
        "E122",
        index.span,
        "on the left an index is a dim, a bound index, a constant position, a label or a range",
        "shift on the right instead: `x[t] ... x[t-1] ... for t in time[1:]`",
    )


def _unknown_index(scope: Scope, target: syntax.Target, index: str, dim: str | None) -> str:
    """What to write for an index on the left that nothing defines; dim: which it would run over, if that is known."""
    name = target.name.id
    if dim is not None:
        return f"write the dim itself, `{name}[{dim}]`, or bind it: `{name}[{index}] ... for {index} in {dim}`"
    observed = "" if name in scope.names.quantities else f" (and `data {name}[{index}]` if `{name}` is observed)"
    return f"declare `dim {index}`{observed}, or bind it: `for {index} in ...`"


def _constant(index: syntax.Expr) -> int | None:
    match index:
        case syntax.Number(value=int() as value):
            return value
        case syntax.Unary(op="-", operand=syntax.Number(value=int() as value)):
            return -value
    return None


def _inside(scope: Scope, subscript: Subscript, dim: str, index: syntax.Expr | syntax.Slice) -> Subscript:
    size = scope.names.size(dim)
    problem = outside(subscript, dim, {} if size is None else {dim: size})
    if problem is not None:
        raise scope.report.fail("E109", index.span, problem[0], problem[1])
    return subscript


def _left_label(scope: Scope, dim: str, index: syntax.Text) -> Subscript:
    labels = scope.names.dims[dim].labels
    if labels is None:
        return Labelled(index.value, index.span)
    if index.value not in labels:
        found = closest(index.value, labels)
        hint = f"did you mean `{found}`?" if found else f"its labels are {quoted(labels)}"
        raise scope.report.fail("E112", index.span, f"`{index.value}` is not a label of `{dim}`", hint)
    return Fixed(labels.index(index.value))


def _same_dim(scope: Scope, target: syntax.Target, index: syntax.Name, found: str, wanted: str | None) -> None:
    if wanted is not None and found != wanted:
        raise scope.report.fail(
            "E104",
            index.span,
            f"`{target.name.id}` is indexed by `{wanted}` here, but `{index.id}` runs over `{found}`",
        )


def _unknown_dim(scope: Scope, target: syntax.Target, index: syntax.Expr | syntax.Slice) -> Abandon:
    return scope.report.fail(
        "E123",
        index.span,
        f"nothing says which dim this index of `{target.name.id}` runs over",
        f"name it in one of the statements: `{target.name.id}[t] ... for t in time[1:]`",
    )


def show_place(name: str, subscripts: Sequence[Subscript]) -> str:
    """`x`, `x[0]`, `x[t]`: as a reader would write it; whole dims at the end are left out."""
    parts = []
    for s in subscripts:
        match s:
            case Aligned(axis):
                parts.append(axis.name.partition("#")[0])
            case Fixed(position):
                parts.append(str(position))
            case Labelled(label):
                parts.append(f'"{label}"')
            case Whole():
                parts.append(":" if s == Whole(s.dim) else show_whole(s).removeprefix(s.dim)[1:-1])
            case _:
                parts.append("...")
    while parts and parts[-1] == ":":
        parts.pop()
    return f"{name}[{', '.join(parts)}]" if parts else name
