"""What a `for` binds: indices over dims, and its filter."""

from __future__ import annotations

from ppl.compiler.check.extents import outside
from ppl.compiler.check.indexing import whole_range
from ppl.compiler.check.names import closest, quoted
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Binding, Scope
from ppl.compiler.check.shapes import require_bool, show_shape, show_whole
from ppl.grammar import nodes as syntax
from ppl.graph import Expr, Whole


def loop_bindings(scope: Scope, loop: syntax.Loop) -> dict[str, Binding]:
    """The indices that a `for` binds. Reports unknown dims, clashes of names and ranges without positions."""
    found: dict[str, Binding] = {}
    failed = False
    for b in loop.bindings:
        try:
            found[b.name.id] = _binding(scope, b, found)
        except Abandon:
            failed = True
    if failed:
        raise Abandon
    return found


def _binding(scope: Scope, b: syntax.Binding, found: dict[str, Binding]) -> Binding:
    dim = _dim(scope, b)
    name = b.name.id
    if name in found:
        raise scope.report.fail("E102", b.name.span, f"the index `{name}` is bound twice", "name one of them otherwise")
    taken = scope.names.quantities.get(name)
    if taken is not None and not scope.in_library:
        raise scope.report.fail(
            "E102",
            b.name.span,
            f"`{name}` is already a quantity, defined on line {scope.report.line(taken.span)}",
            "give the index another name",
        )
    if name in scope.names.dims and name != dim and not scope.in_library:
        raise scope.report.fail("E102", b.name.span, f"`{name}` is another dim", "give the index another name")
    whole = Whole(dim) if b.range is None else whole_range(scope, dim, b.range)
    size = scope.names.size(dim)
    problem = outside(whole, dim, {} if size is None else {dim: size})
    if problem is not None:
        raise scope.report.fail("E109", b.span, problem[0], problem[1])
    return Binding(scope.names.axis(name, dim, whole.start, whole.stop), named=True)


def _dim(scope: Scope, b: syntax.Binding) -> str:
    """The dim that an index runs over, named by itself or, in a function, by a parameter that is a vector over it."""
    if b.dim.id not in scope.parameters:
        return dim_named(scope, b.dim)
    vector = scope.parameters[b.dim.id]
    if vector is None:
        raise Abandon
    if len(vector.meta.event) != 1:
        label = f"`{b.dim.id}` is {show_shape(vector.meta.event)}; an index runs over the dim of a vector"
        raise scope.report.fail("E111", b.dim.span, label, "name the dim itself")
    whole = vector.meta.event[0]
    if (whole.start, whole.stop) != (0, None):
        label = f"`{b.dim.id}` is over {show_whole(whole)}, a part of a dim"
        raise scope.report.fail("E411", b.dim.span, label, "take the whole vector, and leave elements out with `if`")
    return whole.dim


def dim_named(scope: Scope, name: syntax.Name) -> str:
    """A dim by its name. Reports a name that is none."""
    if name.id in scope.names.dims:
        return name.id
    quantity = scope.names.quantities.get(name.id)
    if quantity is not None:
        over = (
            f"`{quantity.name}` runs over {quoted(quantity.dims)}"
            if quantity.dims
            else "an index runs over a dim, whose size comes from the data: `dim obs`"
        )
        raise scope.report.fail("E119", name.span, f"`{name.id}` is a quantity, not a dim", over)
    found = closest(name.id, scope.names.dims)
    hint = f"did you mean `{found}`?" if found else f"declare it: `dim {name.id}`"
    raise scope.report.fail("E101", name.span, f"there is no dim `{name.id}`", hint)


def condition(scope: Scope, loop: syntax.Loop | None) -> Expr | None:
    """The filter of a `for`, over its indices."""
    if loop is None or loop.condition is None:
        return None
    where = require_bool(scope, scope.expr(loop.condition), "a filter")
    if where.meta.event:
        raise scope.report.fail("E111", where.meta.span, "a filter is one bool for each element; this is an array")
    return where
