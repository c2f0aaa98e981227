"""Calls: functions of the catalogue and of the model, and reductions over indices and dims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ppl.catalogue.combinators import COMBINATORS
from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.functions import BUILDERS, CALLED, FUNCTIONS, REDUCTIONS
from ppl.compiler.check.builders import fill, labelled, length, stack
from ppl.compiler.check.libraries import library_of
from ppl.compiler.check.loops import condition, loop_bindings
from ppl.compiler.check.names import closest, function_hint, quoted
from ppl.compiler.check.odes import odesolve
from ppl.compiler.check.report import Abandon, Misuse
from ppl.compiler.check.scope import Binding, Scope
from ppl.compiler.check.shapes import apply, numeric, show_shape, union_axes
from ppl.compiler.check.subscripted import pick
from ppl.grammar import nodes as syntax
from ppl.graph import Axis, Expr, Meta, Reduce, Whole
from ppl.types import Scalar

# What functions of libraries take.
_TRUE_OR_NOT = (Scalar.SPIN, Scalar.BOOL, Scalar.INT, Scalar.COUNT)


def look_at(scope: Scope, node: syntax.Call, of_distributions: bool = False) -> None:
    """The errors inside a call whose own meaning is not known. of_distributions: it may take distributions."""
    for argument in node.arguments:
        value = argument.value
        try:
            if of_distributions and isinstance(value, syntax.Call) and not _is_function(scope, value.function.id):
                look_at(scope, value, of_distributions=True)
            else:
                scope.expr(value)
        except Abandon:
            continue


def _is_function(scope: Scope, name: str) -> bool:
    return name in scope.names.functions or name in CALLED or name in BUILDERS or name in scope.names.dims


def is_distribution(name: str) -> bool:
    """Whether a name is one of a distribution or a combinator."""
    return name in DISTRIBUTIONS or name in COMBINATORS


def call(node: syntax.Call, scope: Scope) -> Expr:
    """`f(a, b)`, whatever `f` is."""
    name = node.function.id
    if name in scope.names.functions:
        return _inline(node, scope)
    if is_distribution(name):
        raise scope.report.fail(
            "E205",
            node.span,
            f"`{name}` is a distribution, not a number",
            f"draw from it in a statement of its own, `x ~ {scope.report.text(node.span)}`, and write `x` here",
        )
    if node.loop is not None:
        if name not in REDUCTIONS:
            raise scope.report.fail(
                "E113", node.function.span, f"`{name}` binds no index", f"these do: {quoted(sorted(REDUCTIONS))}"
            )
        return _reduction_by_loop(node, node.loop, scope)
    if name == "odesolve":
        return odesolve(node, scope, body)
    if name in BUILDERS:
        return {"fill": fill, "stack": stack, "length": length}[name](node, scope)
    if name in scope.names.dims and name not in CALLED:
        return labelled(node, scope, scope.names.dims[name])
    if name in REDUCTIONS and len(node.arguments) > 1 and _names_dims(node.arguments[1:], scope):
        return _reduction_by_dims(node, scope)
    if name in CALLED:
        return _catalogue(node, scope)
    _known_quantity(node, scope)
    of = library_of(name)
    hint = f"the library `{of}` has it: `use {of}`" if of else function_hint(name, scope.names.functions)
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
    return scope.exprs(a.value for a in node.arguments)


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
    name = node.function.id
    function = scope.names.function(name, node.span)
    scope.names.called.add(name)
    if name in scope.calls:
        chain = " -> ".join([*scope.calls[scope.calls.index(name) :], name])
        raise scope.report.fail(
            "E121", node.span, f"this calls itself: {chain}", "functions are expanded where they are called"
        )
    values = _match(node, function, scope)
    given = {parameter: value for parameter, value in values.items() if value is not None}
    if len(given) < len(values):
        raise Abandon
    scope.report.enter(node.span, _misuse(node, given, scope))
    try:
        return body(function, scope.inside(name, values))
    finally:
        scope.report.leave()


def _misuse(node: syntax.Call, given: Mapping[str, Expr], scope: Scope) -> Misuse | None:
    """What to say of a call of a library's function, from the model, that goes wrong; None of other calls."""
    name = node.function.id
    if name not in scope.names.libraries or scope.in_library:
        return None
    takes = scope.names.libraries[name].takes
    for value in given.values():
        if value.meta.element not in _TRUE_OR_NOT:
            what = "a real number" if value.meta.element is Scalar.REAL else "an element of a dim"
            label = f"this is {what}; `{name}` takes spins, truth values and whole numbers"
            raise scope.report.fail("E127", value.meta.span, label, takes)
    shapes = ", ".join(f"`{parameter}` is {show_shape(value.meta.event)}" for parameter, value in given.items())
    return Misuse(f"`{name}` cannot take these: {shapes}", takes)


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
            _signature(function, scope),
        )
    if wrong:
        raise Abandon
    return values


def _signature(function: syntax.FunctionDefinition, scope: Scope) -> str:
    name = function.name.id
    if name in scope.names.libraries:
        return scope.names.libraries[name].takes
    written = f"`{name}({', '.join(p.id for p in function.parameters)})`"
    return f"it is defined on line {scope.report.line(function.span)}: {written}"


# --- reductions --------------------------------------------------------------------------------------


def _names_dims(arguments: Sequence[syntax.Argument], scope: Scope) -> bool:
    return all(
        a.name is None and isinstance(a.value, syntax.Name) and a.value.id in scope.names.dims for a in arguments
    )


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
            value = pick(value, places[-1], axis, value.meta.span)
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
