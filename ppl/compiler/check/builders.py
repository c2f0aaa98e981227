"""Arrays over dims that a call names: `fill`, `stack`, elements by label, and `length`."""

from __future__ import annotations

from ppl.catalogue.functions import BUILDERS
from ppl.compiler.check.loops import dim_named
from ppl.compiler.check.names import closest, quoted
from ppl.compiler.check.scope import Scope, TreeExpr
from ppl.compiler.check.shapes import broadcast, numeric, show_shape, union_axes
from ppl.grammar import nodes as syntax
from ppl.graph import Axis, Expr, Fill, Literal, Meta, Reduce, Stack, Whole
from ppl.source import Span
from ppl.types import Dim, Scalar


def fill(node: syntax.Call, scope: Scope) -> Expr:
    """`fill(value, dim, ...)`: the value repeated over dims."""
    if len(node.arguments) < 2 or any(a.name is not None for a in node.arguments):
        raise scope.report.fail("E113", node.span, "`fill` takes a value and one dim or more", BUILDERS["fill"])
    first, second = node.arguments[0].value, node.arguments[1].value
    dims_named = [isinstance(a, syntax.Name) and a.id in scope.names.dims for a in (first, second)]
    if dims_named == [True, False]:
        dim = scope.report.text(first.span)
        hint = f"the value comes first: `fill({scope.report.text(second.span)}, {dim})`"
        raise scope.report.fail("E119", first.span, f"`{dim}` is a dim, not a value", hint)
    dims = tuple(Whole(_dim_argument(scope, a)) for a in node.arguments[1:])
    value = numeric(scope, scope.expr(node.arguments[0].value))
    return Fill(value, dims, Meta(value.meta.axes, (*dims, *value.meta.event), value.meta.element, node.span))


def _dim_argument(scope: Scope, argument: syntax.Argument) -> str:
    if not isinstance(argument.value, syntax.Name):
        raise scope.report.fail("E119", argument.span, "this must be the name of a dim")
    return dim_named(scope, argument.value)


def stack(node: syntax.Call, scope: Scope) -> Expr:
    """`stack(dim, a, b, ...)`: an array from its elements."""
    if len(node.arguments) < 2 or any(a.name is not None for a in node.arguments):
        raise scope.report.fail("E113", node.span, "`stack` takes a dim and its elements", BUILDERS["stack"])
    if not isinstance(node.arguments[0].value, syntax.Name):
        count, written = len(node.arguments), ", ".join(scope.report.text(a.span) for a in node.arguments)
        known = [d.name for d in scope.names.dims.values() if scope.names.size(d.name) == count]
        hint = f"a dim comes first: `stack({known[0] if known else 'k'}, {written})`"
        hint += "" if known else f", with `dim k = {count}`"
        raise scope.report.fail("E119", node.arguments[0].span, "this must be the name of a dim", hint)
    dim = _dim_argument(scope, node.arguments[0])
    items = scope.exprs(a.value for a in node.arguments[1:])
    size = scope.names.size(dim)
    if size is not None and size != len(items):
        raise scope.report.fail("E111", node.span, f"`{dim}` has {size} elements, and here are {len(items)}")
    return _stacked(scope, node.span, items, dim, None)


def _stacked(scope: Scope, span: Span, items: list[Expr], dim: str, labels: tuple[str, ...] | None) -> Expr:
    items = [numeric(scope, item) for item in items]
    event = broadcast(scope, items)
    if event and any(not item.meta.event for item in items):
        scalar = next(item for item in items if not item.meta.event)
        raise scope.report.fail("E111", scalar.meta.span, f"this is a number, but others are {show_shape(event)}")
    axes = union_axes(item.meta.axes for item in items)
    elements = {item.meta.element for item in items}
    element = elements.pop() if len(elements) == 1 else Scalar.REAL
    return Stack(tuple(items), dim, labels, Meta(axes, (Whole(dim), *event), element, span))


def labelled(node: syntax.Call, scope: Scope, dim: Dim) -> Expr:
    """`species(prey=..., predator=...)`."""
    if dim.labels is None:
        raise scope.report.fail(
            "E115",
            node.function.span,
            f"`{dim.name}` is a dim without labels in the text",
            f"stack the elements: `stack({dim.name}, a, b, ...)`",
        )
    by_label: dict[str, TreeExpr] = {}
    for argument in node.arguments:
        if argument.name is None:
            raise scope.report.fail(
                "E113", argument.span, "each element needs its label", f"`{dim.name}({dim.labels[0]}=...)`"
            )
        if argument.name.id not in dim.labels:
            found = closest(argument.name.id, dim.labels)
            raise scope.report.fail(
                "E112",
                argument.name.span,
                f"`{argument.name.id}` is not a label of `{dim.name}`",
                f"did you mean `{found}`?" if found else f"its labels are {quoted(dim.labels)}",
            )
        if argument.name.id in by_label:
            raise scope.report.fail("E113", argument.span, f"`{argument.name.id}` is given twice")
        by_label[argument.name.id] = argument.value
    missing = [label for label in dim.labels if label not in by_label]
    if missing:
        raise scope.report.fail("E113", node.span, f"{quoted(missing)} of `{dim.name}` is missing")
    items = scope.exprs(by_label[label] for label in dim.labels)
    return _stacked(scope, node.span, items, dim.name, dim.labels)


def length(node: syntax.Call, scope: Scope) -> Expr:
    """`length(obs)` counts the elements of a dim: the sum of 1 over it."""
    if len(node.arguments) != 1 or node.arguments[0].name is not None:
        raise scope.report.fail("E113", node.span, "`length` takes one dim", BUILDERS["length"])
    value = node.arguments[0].value
    if isinstance(value, syntax.Name) and value.id in scope.names.dims and value.id not in scope.parameters:
        dim = value.id
    else:
        array = scope.expr(value)
        if len(array.meta.event) != 1:
            raise scope.report.fail(
                "E111", value.span, f"this is {show_shape(array.meta.event)}", "name a dim: `length(obs)`"
            )
        whole = array.meta.event[0]
        return _ones(scope.names.axis(whole.dim, whole.dim, whole.start, whole.stop), node.span)
    return _ones(scope.names.axis(dim, dim), node.span)


def _ones(axis: Axis, span: Span) -> Expr:
    one = Literal(1, Meta((), (), Scalar.INT, span))
    return Reduce("sum", one, (axis,), None, Meta((), (), Scalar.INT, span))
