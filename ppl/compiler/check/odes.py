"""`odesolve(f, y0, t0, ts, ...)`: the solution of a differential equation whose rate is a function of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ppl.catalogue.functions import BUILDERS
from ppl.compiler.check.names import closest, quoted
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Scope, TreeExpr
from ppl.compiler.check.shapes import numeric, same_event, show_shape, union_axes, whole_number
from ppl.grammar import nodes as syntax
from ppl.graph import Expr, Literal, Local, Meta, OdeSolve
from ppl.types import Scalar

Body = Callable[[syntax.FunctionDefinition, Scope], Expr]
"""The value of a function, in the scope of its parameters."""

_FIRST = ("the function", "the initial state", "the initial time", "the times of the solution")
_OPTIONS = ("method", "rtol", "atol", "max_steps")
_METHODS = ("nonstiff", "stiff")
RTOL, ATOL, MAX_STEPS = 1e-6, 1e-8, 4096


def odesolve(node: syntax.Call, scope: Scope, body: Body) -> Expr:
    """The state at `ts`, where it is `y0` at `t0` and changes at the rate `f(t, y, ...)`."""
    positional = [a for a in node.arguments if a.name is None]
    named = {a.name.id: a for a in node.arguments if a.name is not None}
    if len(positional) < len(_FIRST):
        missing = _FIRST[len(positional)]
        raise scope.report.fail("E113", node.span, f"`odesolve` is not given {missing}", BUILDERS["odesolve"])
    function = _function(scope, positional[0])
    name, parameters = function.name.id, [p.id for p in function.parameters]
    if len(parameters) < 2:
        raise scope.report.fail(
            "E113",
            positional[0].span,
            f"`{name}` takes {len(parameters)}, not a time and a state",
            f"`def {name}(t, y)`",
        )
    further = _further(scope, node, function, positional[len(_FIRST) :], named)
    initial, start, times, *more = scope.exprs([*(a.value for a in positional[1:4]), *further.values()])
    initial, start, times = (numeric(scope, e) for e in (initial, start, times))
    _one_time(scope, start, times)
    axes = union_axes(e.meta.axes for e in (initial, start, times, *more))
    state = Local(f"{name}.{parameters[1]}", Meta(axes, initial.meta.event, Scalar.REAL, positional[1].span))
    time = Local(f"{name}.{parameters[0]}", Meta(axes, (), Scalar.REAL, positional[2].span))
    values = {parameters[0]: time, parameters[1]: state, **dict(zip(further, more, strict=True))}
    scope.report.enter(node.span)
    try:
        rate = body(function, scope.inside(name, values))
    finally:
        scope.report.leave()
    rate = numeric(scope, rate)
    if not same_event(rate.meta.event, initial.meta.event, scope.names):
        raise scope.report.fail(
            "E111",
            positional[0].span,
            f"`{name}` gives {show_shape(rate.meta.event)}, but the state is {show_shape(initial.meta.event)}",
            "a rate has the shape of the state: one number for each of its elements",
        )
    method, rtol, atol, max_steps = _options(scope, named)
    axes = union_axes(e.meta.axes for e in (rate, initial, start, times))
    meta = Meta(axes, (*times.meta.event, *initial.meta.event), Scalar.REAL, node.span)
    return OdeSolve(state, time, rate, initial, start, times, method == "stiff", rtol, atol, max_steps, meta)


def _function(scope: Scope, argument: syntax.Argument) -> syntax.FunctionDefinition:
    node = argument.value
    functions = scope.names.functions
    if not isinstance(node, syntax.Name) or node.id not in functions:
        text = scope.report.text(node.span)
        near = closest(text, functions)
        hint = f"did you mean `{near}`?" if near else "define it: `def rate(t, y) = ...`"
        raise scope.report.fail("E115", node.span, "the rate is the name of a function that `def` defines", hint)
    scope.names.called.add(node.id)
    if node.id in scope.calls:
        raise scope.report.fail("E121", node.span, f"`{node.id}` would be solved inside itself")
    return scope.names.function(node.id, node.span)


def _further(
    scope: Scope,
    node: syntax.Call,
    function: syntax.FunctionDefinition,
    positional: list[syntax.Argument],
    named: Mapping[str, syntax.Argument],
) -> dict[str, TreeExpr]:
    """What the rate takes besides time and state, by parameter."""
    parameters = [p.id for p in function.parameters[2:]]
    found: dict[str, TreeExpr] = {p: a.value for p, a in zip(parameters, positional, strict=False)}
    failed = False
    for key, argument in named.items():
        if key in _OPTIONS:
            continue
        if key in parameters and key not in found:
            found[key] = argument.value
            continue
        near = closest(key, [*_OPTIONS, *parameters])
        label = f"`{key}` is given twice" if key in found else f"`odesolve` has no option `{key}`"
        hint = f"did you mean `{near}`?" if near else f"its options are {quoted(_OPTIONS)}"
        hint = "" if key in found else hint
        scope.report.error("E113", argument.span, label, hint)
        failed = True
    if failed:
        raise Abandon
    missing = [p for p in parameters if p not in found]
    if missing or len(positional) > len(parameters):
        label = f"`{function.name.id}` takes {quoted(p.id for p in function.parameters)}"
        hint = "what it takes after the time and the state follows the times here"
        raise scope.report.fail("E113", node.span, label, hint)
    return {p: found[p] for p in parameters}


def _one_time(scope: Scope, start: Expr, times: Expr) -> None:
    for expr, most, wanted in ((start, 0, "one number"), (times, 1, "a number or a vector")):
        if len(expr.meta.event) > most:
            shape = show_shape(expr.meta.event)
            raise scope.report.fail("E111", expr.meta.span, f"this is {shape}; a time is {wanted} here")


# --- options -----------------------------------------------------------------------------------------


def _options(scope: Scope, named: Mapping[str, syntax.Argument]) -> tuple[str, float, float, int]:
    method = "nonstiff"
    if "method" in named:
        node = named["method"].value
        if not isinstance(node, syntax.Name) or node.id not in _METHODS:
            raise scope.report.fail("E113", node.span, f"there is no such method; there are {quoted(_METHODS)}")
        method = node.id
    rtol = _positive(scope, named.get("rtol"), RTOL)
    atol = _positive(scope, named.get("atol"), ATOL)
    steps = MAX_STEPS
    if "max_steps" in named:
        found = whole_number(scope.expr(named["max_steps"].value))
        if found is None or found < 1:
            raise scope.report.fail("E113", named["max_steps"].span, "a number of steps is a whole number above 0")
        steps = found
    return method, rtol, atol, steps


def _positive(scope: Scope, argument: syntax.Argument | None, default: float) -> float:
    if argument is None:
        return default
    value = scope.expr(argument.value)
    if not isinstance(value, Literal) or not 0 < value.value < 1:
        raise scope.report.fail("E113", argument.span, "a tolerance is a number of the text, above 0 and below 1")
    return float(value.value)
