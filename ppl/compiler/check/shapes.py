"""Shapes of expressions: axes united, event dims compared, functions of the catalogue applied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ppl.catalogue.functions import FUNCTIONS, FunctionSpec, Interval
from ppl.compiler.check.intervals import Range
from ppl.compiler.check.ranges import range_of
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Names, Quantity, Scope
from ppl.graph import Apply, Axis, Expr, Literal, Meta, Read, Whole
from ppl.source import Span
from ppl.types import Element, IndexOf, Scalar

_WHOLE_NUMBERS = (Scalar.INT, Scalar.COUNT, Scalar.BOOL, Scalar.SPIN)


def union_axes(parts: Iterable[tuple[Axis, ...]]) -> tuple[Axis, ...]:
    """All axes, each once, in the order in which they appear."""
    return tuple(dict.fromkeys(axis for axes in parts for axis in axes))


def extent(whole: Whole | Axis, size: int | None) -> tuple[int, int]:
    """Number of positions as `(a, b)`, meaning a + b N with N the size of the dim (b is 0 if N is known)."""
    lower, upper = bounds(whole, size)
    return upper[0] - lower[0], upper[1] - lower[1]


def bounds(whole: Whole | Axis, size: int | None) -> tuple[tuple[int, int], tuple[int, int]]:
    """First position, and the one after the last, each as `(a, b)`, meaning a + b N."""
    lower = (whole.start, 0) if whole.start >= 0 else (whole.start, 1)
    upper = (0, 1) if whole.stop is None else (whole.stop, 0) if whole.stop >= 0 else (whole.stop, 1)
    if size is None:
        return lower, upper
    return (lower[0] + lower[1] * size, 0), (upper[0] + upper[1] * size, 0)


def same_extent(a: Whole, b: Whole, names: Names) -> bool:
    """Whether two whole dims can be combined element by element."""
    if a.dim != b.dim:
        return False
    size = names.size(a.dim)
    return a == b or extent(a, size) == extent(b, size)


def same_event(a: Sequence[Whole], b: Sequence[Whole], names: Names) -> bool:
    """Whether two shapes can be combined element by element."""
    return len(a) == len(b) and all(same_extent(x, y, names) for x, y in zip(a, b, strict=True))


def show_event(event: Sequence[Whole]) -> str:
    """`obs x feature`, or `a single number`."""
    return " x ".join(show_whole(w) for w in event) if event else "a single number"


def show_whole(w: Whole | Axis) -> str:
    """`obs`, `time[1:]`."""
    if w.start == 0 and w.stop is None:
        return w.dim
    return f"{w.dim}[{w.start or ''}:{'' if w.stop is None else w.stop}]"


def show_shape(event: Sequence[Whole]) -> str:
    """`an array over obs x feature`, or `a single number`."""
    return f"an array over {show_event(event)}" if event else "a single number"


# --- functions ---------------------------------------------------------------------------------------


def apply(scope: Scope, function: str, arguments: Sequence[Expr], span: Span) -> Expr:
    """A function of the catalogue on arguments whose number is right. Reports wrong shapes, types and domains."""
    spec = FUNCTIONS[function]
    arguments = tuple(numeric(scope, a) if spec.result != "bool" or spec.operator == "" else a for a in arguments)
    event = _event(scope, spec, arguments, span)
    axes = union_axes(a.meta.axes for a in arguments)
    _check_domains(scope, spec, arguments)
    return sized(scope, Apply(function, tuple(arguments), Meta(axes, event, _element(spec, arguments), span)))


def sized(scope: Scope, expr: Expr) -> Expr:
    """An expression just made, its size and range remembered. Reports one that is too large."""
    names = scope.names
    if id(expr) not in names.sizes_of:
        excess = names.measure(expr)
        if excess:
            raise too_large(scope, expr.meta.span, f"with its functions expanded, this has {excess}")
        names.ranges[id(expr)] = range_of(expr, names)
    return expr


def too_large(scope: Scope, span: Span, label: str) -> Abandon:
    """Reports a statement that is too large, once; the rest of it is left alone."""
    scope.names.exhausted = True
    return scope.report.fail("E125", span, label, "give intermediate results a name, `x = ...`")


def numeric(scope: Scope, expr: Expr) -> Expr:
    """Reports an element of a dim used as a number, unless positions of that dim mean something."""
    element = expr.meta.element
    if isinstance(element, IndexOf) and not scope.names.positional(element.dim):
        raise scope.report.fail(
            "E108",
            expr.meta.span,
            f"this is an element of `{element.dim}`, whose positions have no meaning as numbers",
            f"if they have one, declare `dim {element.dim} ordered`",
        )
    return expr


def require_bool(scope: Scope, expr: Expr, what: str) -> Expr:
    """The expression, if it is true or false. Reports another; `what` says what it is for."""
    if expr.meta.element is Scalar.BOOL:
        return expr
    hint = "compare it with something: `... > 0`, `... == 1`"
    if isinstance(expr, Read):
        quantity = scope.names.quantities.get(expr.name)
        if quantity is not None and quantity.role == "data" and not quantity.typed:
            dims = f"[{', '.join(quantity.dims)}]" if quantity.dims else ""
            hint = f"declare it as `data {quantity.name}{dims} : bool`"
    raise scope.report.fail("E114", expr.meta.span, f"{what} must be true or false; this is a number", hint)


def _element(spec: FunctionSpec, arguments: Sequence[Expr]) -> Element:
    if spec.result == "bool":
        return Scalar.BOOL
    if spec.result == "int":
        return Scalar.INT
    if spec.name == "where":
        first, second = arguments[1].meta.element, arguments[2].meta.element
        return first if first == second and not isinstance(first, IndexOf) else _join(arguments[1:])
    return _join(arguments) if spec.result == "same" else Scalar.REAL


def _join(arguments: Sequence[Expr]) -> Element:
    whole = all(isinstance(a.meta.element, IndexOf) or a.meta.element in _WHOLE_NUMBERS for a in arguments)
    return Scalar.INT if whole else Scalar.REAL


def _event(scope: Scope, spec: FunctionSpec, arguments: Sequence[Expr], span: Span) -> tuple[Whole, ...]:
    events = [a.meta.event for a in arguments]
    match spec.shape:
        case "elementwise":
            if spec.name == "multiply":
                _check_product(scope, arguments[0], arguments[1])
            return broadcast(scope, arguments)
        case "reduce":
            if not events[0]:
                _not_an_array(scope, spec, arguments[0])
            return ()
        case "last":
            if not events[0]:
                _not_an_array(scope, spec, arguments[0])
            return events[0]
        case "dot":
            _rank(scope, spec, arguments[0], 1)
            _rank(scope, spec, arguments[1], 1)
            _agree(scope, arguments[0], events[0][0], arguments[1], events[1][0])
            return ()
        case "matmul":
            for a in arguments:
                if len(a.meta.event) not in (1, 2):
                    _not_a_matrix(scope, a)
            _agree(scope, arguments[0], events[0][-1], arguments[1], events[1][0])
            return (*events[0][:-1], *events[1][1:])
        case "square" | "square_to_scalar" | "of_diagonal":
            _square(scope, spec, arguments[0])
            return {"square": events[0], "square_to_scalar": (), "of_diagonal": events[0][:1]}[spec.shape]
        case "solve":
            _square(scope, spec, arguments[0])
            if len(events[1]) not in (1, 2):
                _not_a_matrix(scope, arguments[1])
            _agree(scope, arguments[0], events[0][1], arguments[1], events[1][0])
            return events[1]
        case "quadratic":
            _rank(scope, spec, arguments[0], 1)
            _square(scope, spec, arguments[1])
            _agree(scope, arguments[0], events[0][0], arguments[1], events[1][0])
            return ()
        case "to_diagonal":
            _rank(scope, spec, arguments[0], 1)
            return (events[0][0], events[0][0])
        case "interp":
            _rank(scope, spec, arguments[1], 1)
            _rank(scope, spec, arguments[2], 1)
            _agree(scope, arguments[1], events[1][0], arguments[2], events[2][0])
            return events[0]
        case "transpose":
            _rank(scope, spec, arguments[0], 2)
            return events[0][::-1]
        case _:  # outer
            _rank(scope, spec, arguments[0], 1)
            _rank(scope, spec, arguments[1], 1)
            return (events[0][0], events[1][0])


def _check_product(scope: Scope, a: Expr, b: Expr) -> None:
    """Reports `X * beta` where `X @ beta` is meant."""
    x, y = a.meta.event, b.meta.event
    if x and y and len(x) != len(y) and same_extent(x[-1], y[0], scope.names):
        left, right = scope.report.text(a.meta.span), scope.report.text(b.meta.span)
        raise scope.report.fail(
            "E111",
            a.meta.span.to(b.meta.span),
            f"`*` goes element by element; these are {show_shape(x)} and {show_shape(y)}",
            f"the matrix product is `{left} @ {right}`",
        )


def broadcast(scope: Scope, arguments: Sequence[Expr]) -> tuple[Whole, ...]:
    """Event dims of elementwise arguments: equal, or absent."""
    arrays = [a for a in arguments if a.meta.event]
    if not arrays:
        return ()
    first = arrays[0]
    for other in arrays[1:]:
        if not same_event(first.meta.event, other.meta.event, scope.names):
            raise scope.report.fail(
                "E111",
                other.meta.span,
                f"this is an array over {show_event(other.meta.event)}, but `{scope.report.text(first.meta.span)}` "
                f"is one over {show_event(first.meta.event)}",
                "arrays combine element by element only if they run over the same dims; with indices, "
                "`a[i] * b[j]`, they need not",
            )
    return first.meta.event


def _agree(scope: Scope, a: Expr, x: Whole, b: Expr, y: Whole) -> None:
    if not same_extent(x, y, scope.names):
        raise scope.report.fail(
            "E111",
            b.meta.span,
            f"this runs over {show_whole(y)}, but `{scope.report.text(a.meta.span)}` over {show_whole(x)}",
        )


def _rank(scope: Scope, spec: FunctionSpec, a: Expr, rank: int) -> None:
    if len(a.meta.event) != rank:
        wanted = "a vector" if rank == 1 else "a matrix"
        raise scope.report.fail(
            "E111", a.meta.span, f"`{spec.name}` takes {wanted} here; this is {show_shape(a.meta.event)}"
        )


def _square(scope: Scope, spec: FunctionSpec, a: Expr) -> None:
    _rank(scope, spec, a, 2)
    if not same_extent(a.meta.event[0], a.meta.event[1], scope.names):
        raise scope.report.fail(
            "E111", a.meta.span, f"`{spec.name}` takes a square matrix; this is one over {show_event(a.meta.event)}"
        )


def _not_a_matrix(scope: Scope, a: Expr) -> None:
    raise scope.report.fail(
        "E111", a.meta.span, f"`@` and `solve` take vectors and matrices; this is {show_shape(a.meta.event)}"
    )


def _not_an_array(scope: Scope, spec: FunctionSpec, a: Expr) -> None:
    hint = ""
    if a.meta.axes and spec.name in ("sum", "prod", "mean", "max", "min", "logsumexp", "cumsum"):
        axis = a.meta.axes[-1]
        text = scope.report.text(a.meta.span)
        hint = f"to go over `{axis.dim}`, name it: `{spec.name}({text}, {axis.dim})`"
    raise scope.report.fail("E111", a.meta.span, f"this is a single number, and `{spec.name}` takes an array", hint)


def _check_domains(scope: Scope, spec: FunctionSpec, arguments: Sequence[Expr]) -> None:
    for n, argument in enumerate(arguments):
        domain = spec.domains[min(n, len(spec.domains) - 1)]
        if domain == Interval():
            continue
        known = range_of(argument, scope.names)
        if known.depends and scope.names.guarded:
            # `sqrt(x) if x > 0 else 0`: the branch need not be taken outside the domain.
            continue
        if leaves(known, domain):
            scope.report.error(
                "E209",
                argument.meta.span,
                f"{describe(known, domain)}; `{spec.name}` takes numbers {show_interval(domain)}",
            )


# --- ranges in words ---------------------------------------------------------------------------------


def leaves(known: Range, domain: Interval) -> bool:
    """Whether it is certain that some elements lie outside the domain."""
    i = known.interval
    constant = i.lower == i.upper
    below = known.reaches_lower and (
        i.lower < domain.lower or (constant and domain.lower_strict and i.lower == domain.lower)
    )
    above = known.reaches_upper and (
        i.upper > domain.upper or (constant and domain.upper_strict and i.upper == domain.upper)
    )
    # Of some values only the sign is certain.
    signs = (known.negative and domain.lower >= 0) or (known.positive and domain.upper <= 0)
    return below or above or signs


def describe(known: Range, domain: Interval) -> str:
    """How what is known of a value leaves a domain, in words."""
    i = known.interval
    if not (known.reaches_lower or known.reaches_upper):
        return "this can be negative" if domain.lower >= 0 else "this can be positive"
    if i.lower == i.upper:
        return f"this is {i.lower:g}"
    return f"this can be any number {show_interval(i)}" if i != Interval() else "this can be any real number"


def show_interval(i: Interval) -> str:
    """`above 0`, `from 0 to 1`."""
    # Adding 0 turns -0 into 0.
    lower, upper = i.lower + 0.0, i.upper + 0.0
    low = f"{'above' if i.lower_strict else 'from'} {lower:g}"
    high = f"{'below' if i.upper_strict else 'to'} {upper:g}"
    if i.upper == float("inf"):
        return low if i.lower_strict else f"not below {lower:g}"
    if i.lower == -float("inf"):
        return high if i.upper_strict else f"not above {upper:g}"
    return f"{low} {high}" if not i.lower_strict else f"between {lower:g} and {upper:g}"


# --- whole arrays as elements ------------------------------------------------------------------------


def whole_number(expr: Expr) -> int | None:
    """The value of an integer literal."""
    if isinstance(expr, Literal) and isinstance(expr.value, int) and not isinstance(expr.value, bool):
        return expr.value
    return None


def read_whole(quantity: Quantity, span: Span) -> Expr:
    """A quantity without subscripts: all its dims are event dims."""
    dims = tuple(Whole(d) for d in quantity.dims)
    return Read(quantity.name, dims, Meta((), dims, quantity.element, span))
