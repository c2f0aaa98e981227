"""Calls: functions of the catalogue and of the model, reductions, and the functions that name dims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.functions import BUILDERS, CALLED, FUNCTIONS, REDUCTIONS
from ppl.compiler.check import indexing
from ppl.compiler.check.extents import outside
from ppl.compiler.check.names import COMBINATORS, UNSUPPORTED_COMBINATORS, closest, function_hint, quoted
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Binding, Scope, TreeExpr
from ppl.compiler.check.shapes import apply, broadcast, numeric, require_bool, show_shape, union_axes
from ppl.grammar import nodes as syntax
from ppl.graph import Axis, Expr, Fill, Literal, Meta, Reduce, Stack, Whole
from ppl.source import Span
from ppl.types import Dim, Scalar

_UNSUPPORTED = {
    "odesolve": ("E404", "the solution of a differential equation", "give its solution in closed form, if it has one"),
    "interp": ("E409", "an interpolation", "compute it outside and pass it as data"),
}


def each(scope: Scope, nodes: Iterable[TreeExpr]) -> list[Expr]:
    """All of several expressions: the errors of every one are reported before the whole is abandoned."""
    found: list[Expr] = []
    failed = False
    for node in nodes:
        try:
            found.append(scope.expr(node))
        except Abandon:
            failed = True
    if failed:
        raise Abandon
    return found


def look_at(scope: Scope, node: syntax.Call, of_distributions: bool = False) -> None:
    """The errors inside a call whose own meaning is not known. of_distributions: it may take distributions."""
    for argument in node.arguments:
        value = argument.value
        try:
            if of_distributions and isinstance(value, syntax.Call) and _distribution(value.function.id):
                look_at(scope, value, of_distributions=True)
            else:
                scope.expr(value)
        except Abandon:
            continue


def _distribution(name: str) -> bool:
    return name in DISTRIBUTIONS or name in COMBINATORS or name in UNSUPPORTED_COMBINATORS


def call(node: syntax.Call, scope: Scope) -> Expr:
    """`f(a, b)`, whatever `f` is."""
    name = node.function.id
    if name in scope.names.functions:
        return _inline(node, scope)
    if name in _UNSUPPORTED:
        code, what, hint = _UNSUPPORTED[name]
        raise scope.report.fail(code, node.span, f"{what} is for a later version", hint)
    if _distribution(name):
        raise scope.report.fail(
            "E205", node.span, f"`{name}` is a distribution, not a number", f"give it a name: `x ~ {name}(...)`"
        )
    if node.loop is not None:
        if name not in REDUCTIONS:
            raise scope.report.fail(
                "E113", node.function.span, f"`{name}` binds no index", f"these do: {quoted(sorted(REDUCTIONS))}"
            )
        return _reduction_by_loop(node, node.loop, scope)
    if name in BUILDERS:
        return {"fill": _fill, "stack": _stack, "length": _length}[name](node, scope)
    if name in scope.names.dims and name not in CALLED:
        return _labelled(node, scope, scope.names.dims[name])
    if name in REDUCTIONS and len(node.arguments) > 1 and _names_dims(node.arguments[1:], scope):
        return _reduction_by_dims(node, scope)
    if name in CALLED:
        return _catalogue(node, scope)
    _known_quantity(node, scope)
    hint = function_hint(name, scope.names.functions)
    scope.report.error("E101", node.function.span, f"`{name}` is not defined", hint)
    look_at(scope, node)
    raise Abandon


def _known_quantity(node: syntax.Call, scope: Scope) -> None:
    name = node.function.id
    if name in scope.names.quantities or name in scope.parameters or name in scope.names.later:
        arguments = ", ".join(scope.report.text(a.span) for a in node.arguments)
        raise scope.report.fail(
            "E115",
            node.function.span,
            f"`{name}` is a quantity",
            f"to index it, write `{name}[{arguments}]`; to multiply, `{name} * ({arguments})`",
        )


# --- functions of the catalogue ----------------------------------------------------------------------


def _arguments(node: syntax.Call, scope: Scope) -> list[Expr]:
    """Positional arguments only."""
    for argument in node.arguments:
        if argument.name is not None:
            scope.report.error(
                "E113",
                argument.name.span,
                f"`{node.function.id}` takes no named arguments",
                f"write `{node.function.id}({scope.report.text(argument.value.span)})`",
            )
    return each(scope, (a.value for a in node.arguments))


def _catalogue(node: syntax.Call, scope: Scope) -> Expr:
    name = node.function.id
    arguments = _arguments(node, scope)
    if name in ("max", "min") and len(arguments) > 1:
        function = {"max": "maximum", "min": "minimum"}[name]
        result = arguments[0]
        for argument in arguments[1:]:
            result = apply(scope, function, [result, argument], node.span)
        return result
    spec = FUNCTIONS[CALLED[name]]
    least, most = spec.arity
    if not least <= len(arguments) <= most:
        raise scope.report.fail(
            "E113", node.span, f"`{name}` takes {_count(least, most)}, and here are {len(arguments)}", spec.meaning
        )
    return apply(scope, spec.name, arguments, node.span)


def _count(least: int, most: int) -> str:
    if least == most:
        return "1 argument" if least == 1 else f"{least} arguments"
    return f"{least} to {most} arguments"


# --- functions of the model --------------------------------------------------------------------------


def _inline(node: syntax.Call, scope: Scope) -> Expr:
    function = scope.names.functions[node.function.id]
    name = function.name.id
    scope.names.called.add(name)
    if name in scope.calls:
        chain = " -> ".join([*scope.calls[scope.calls.index(name) :], name])
        raise scope.report.fail(
            "E121", node.span, f"this calls itself: {chain}", "functions are expanded where they are called"
        )
    values = _match(node, function, scope)
    if any(v is None for v in values.values()):
        raise Abandon
    scope.report.enter(node.span)
    try:
        return body(function, scope.inside(name, values))
    finally:
        scope.report.leave()


def body(function: syntax.FunctionDefinition, scope: Scope) -> Expr:
    """A function's value, in the scope of its parameters."""
    for local in function.locals:
        try:
            value: Expr | None = scope.expr(local.value)
        except Abandon:
            value = None
        scope = scope.with_local(local.name.id, value)
    return scope.expr(function.value)


def _match(node: syntax.Call, function: syntax.FunctionDefinition, scope: Scope) -> dict[str, Expr | None]:
    """Arguments by parameter; None for one that is wrong."""
    names = [p.id for p in function.parameters]
    values: dict[str, Expr | None] = {}
    wrong = False
    for n, argument in enumerate(node.arguments):
        if argument.name is None:
            parameter = names[n] if n < len(names) else None
        else:
            parameter = argument.name.id if argument.name.id in names else None
            if parameter is None:
                found = closest(argument.name.id, names)
                scope.report.error(
                    "E113",
                    argument.name.span,
                    f"`{function.name.id}` has no parameter `{argument.name.id}`",
                    f"did you mean `{found}`?" if found else f"its parameters are {quoted(names)}",
                )
                wrong = True
        if parameter in values:
            scope.report.error("E113", argument.span, f"`{parameter}` is given twice")
            wrong = True
        try:
            value: Expr | None = scope.expr(argument.value)
        except Abandon:
            value = None
        if parameter is not None:
            values[parameter] = value
    missing = [p for p in names if p not in values]
    if (missing or len(node.arguments) > len(names)) and not wrong:
        raise scope.report.fail(
            "E113",
            node.span,
            f"`{function.name.id}` takes {_count(len(names), len(names))}, and here are {len(node.arguments)}",
            f"it is defined on line {scope.report.line(function.span)}: `{function.name.id}({', '.join(names)})`",
        )
    if wrong:
        raise Abandon
    return values


# --- reductions --------------------------------------------------------------------------------------


def _names_dims(arguments: Sequence[syntax.Argument], scope: Scope) -> bool:
    return all(
        a.name is None and isinstance(a.value, syntax.Name) and a.value.id in scope.names.dims for a in arguments
    )


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
    dim = dim_named(scope, b.dim)
    name = b.name.id
    if name in found:
        raise scope.report.fail("E102", b.name.span, f"the index `{name}` is bound twice", "name one of them otherwise")
    taken = scope.names.quantities.get(name)
    if taken is not None:
        raise scope.report.fail(
            "E102",
            b.name.span,
            f"`{name}` is already a quantity, defined on line {scope.report.line(taken.span)}",
            "give the index another name",
        )
    if name in scope.names.dims and name != dim:
        raise scope.report.fail("E102", b.name.span, f"`{name}` is another dim", "give the index another name")
    whole = Whole(dim) if b.range is None else indexing.whole_range(scope, dim, b.range)
    size = scope.names.size(dim)
    problem = outside(whole, dim, {} if size is None else {dim: size})
    if problem is not None:
        raise scope.report.fail("E109", b.span, problem[0], problem[1])
    return Binding(scope.names.axis(name, dim, whole.start, whole.stop), named=True)


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


def _reduction_by_loop(node: syntax.Call, loop: syntax.Loop, scope: Scope) -> Expr:
    inner = scope.bind(loop_bindings(scope, loop))
    axes = tuple(inner.indices[b.name.id].axis for b in loop.bindings)
    where: Expr | None = None
    failed = False
    try:
        where = condition(inner, loop)
    except Abandon:
        failed = True
    arguments = _arguments(node, inner)
    if failed:
        raise Abandon
    if len(arguments) != 1:
        raise scope.report.fail("E113", node.span, f"`{node.function.id}` takes one expression before its `for`")
    return _reduce(scope, node, arguments[0], axes, where)


def _reduction_by_dims(node: syntax.Call, scope: Scope) -> Expr:
    """`sum(body, feature)`: inside, the dim's own name is the index."""
    dims = [a.value.id for a in node.arguments[1:] if isinstance(a.value, syntax.Name)]
    if len(set(dims)) != len(dims):
        raise scope.report.fail(
            "E113", node.span, "a dim is named twice", "bind indices: `sum(... for i in obs, j in obs)`"
        )
    axes = tuple(scope.names.axis(dim, dim) for dim in dims)
    inner = scope.bind({a.dim: Binding(a, named=False) for a in axes})
    argument = node.arguments[0]
    if argument.name is not None:
        _arguments(node, inner)
        raise Abandon
    value = inner.expr(argument.value)
    for axis in axes:
        places = [n for n, w in enumerate(value.meta.event) if w == Whole(axis.dim)]
        if axis not in value.meta.axes and places:
            # `sum(x, feature)`: the whole array, over one of its dims.
            value = indexing.pick(value, places[-1], axis, value.meta.span)
        elif axis not in value.meta.axes and node.function.id != "sum":
            raise scope.report.fail(
                "E105",
                argument.span,
                f"this does not depend on `{axis.dim}`",
                f"index something by it: `x[{axis.dim}]`",
            )
    return _reduce(scope, node, value, axes, None)


def _reduce(scope: Scope, node: syntax.Call, value: Expr, axes: tuple[Axis, ...], where: Expr | None) -> Expr:
    operation = node.function.id
    value = numeric(scope, value)
    event = value.meta.event
    if operation == "cumsum":
        if len(axes) != 1 or where is not None:
            raise scope.report.fail("E113", node.span, "`cumsum` runs over one index, without a filter")
        event = (*event, Whole(axes[0].dim, axes[0].start, axes[0].stop))
    parts = [value.meta.axes] if where is None else [value.meta.axes, where.meta.axes]
    kept = tuple(axis for axis in union_axes(parts) if axis not in axes)
    whole = value.meta.element in (Scalar.INT, Scalar.COUNT, Scalar.BOOL, Scalar.SPIN)
    element = Scalar.INT if whole and FUNCTIONS[operation].result == "same" else Scalar.REAL
    return Reduce(operation, value, axes, where, Meta(kept, event, element, node.span))


# --- functions that name dims ------------------------------------------------------------------------


def _fill(node: syntax.Call, scope: Scope) -> Expr:
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


def _stack(node: syntax.Call, scope: Scope) -> Expr:
    if len(node.arguments) < 2 or any(a.name is not None for a in node.arguments):
        raise scope.report.fail("E113", node.span, "`stack` takes a dim and its elements", BUILDERS["stack"])
    if not isinstance(node.arguments[0].value, syntax.Name):
        count, written = len(node.arguments), ", ".join(scope.report.text(a.span) for a in node.arguments)
        known = [d.name for d in scope.names.dims.values() if scope.names.size(d.name) == count]
        hint = f"a dim comes first: `stack({known[0] if known else 'k'}, {written})`"
        hint += "" if known else f", with `dim k = {count}`"
        raise scope.report.fail("E119", node.arguments[0].span, "this must be the name of a dim", hint)
    dim = _dim_argument(scope, node.arguments[0])
    items = each(scope, (a.value for a in node.arguments[1:]))
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


def _labelled(node: syntax.Call, scope: Scope, dim: Dim) -> Expr:
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
    items = each(scope, (by_label[label] for label in dim.labels))
    return _stacked(scope, node.span, items, dim.name, dim.labels)


def _length(node: syntax.Call, scope: Scope) -> Expr:
    """`length(obs)` counts the elements of a dim: the sum of 1 over it."""
    if len(node.arguments) != 1 or node.arguments[0].name is not None:
        raise scope.report.fail("E113", node.span, "`length` takes one dim", BUILDERS["length"])
    value = node.arguments[0].value
    if isinstance(value, syntax.Name) and value.id in scope.names.dims:
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
