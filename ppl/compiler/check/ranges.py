"""Interval analysis: which numbers an expression can be, so that supports are checked before anything runs.

Sound both ways. An interval always contains every value, so nothing outside it needs to be feared; an end is said to
be reached only if some values of the latents reach it whatever the data are, so an error is never a suspicion.
Intervals of a sum or product of parts that share a latent still contain every value, but reach no end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from math import inf

from ppl.catalogue.functions import FUNCTIONS, NONNEGATIVE, POSITIVE, UNIT, Interval
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.scope import UNKNOWN, Names, Range
from ppl.graph import Apply, Expr, Fill, Lift, Literal, Position, Read, Reduce, Select, Stack, Support
from ppl.types import Element, IndexOf, Scalar

_ENDS: Mapping[str, Callable[[float], float]] = {
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log1p": math.log1p,
    "log2": math.log2,
    "log10": math.log10,
    "sqrt": math.sqrt,
    "sinh": math.sinh,
    "tanh": math.tanh,
    "atan": math.atan,
    "asin": math.asin,
    "erf": math.erf,
    "erfc": math.erfc,
    "floor": math.floor,
    "ceil": math.ceil,
    "sigmoid": lambda x: 1.0 / (1.0 + math.exp(-x)),
    "logit": lambda p: math.log(p) - math.log1p(-p),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "relu": lambda x: max(x, 0.0),
    "negative": lambda x: -x,
    "Phi": lambda x: math.erfc(-x / math.sqrt(2.0)) / 2.0,
}
_AT_MINUS_INFINITY = {"exp": 0.0, "expm1": -1.0, "sigmoid": 0.0, "tanh": -1.0, "softplus": 0.0, "relu": 0.0,
                      "erf": -1.0, "erfc": 2.0, "Phi": 0.0, "atan": -math.pi / 2}  # fmt: skip
_AT_PLUS_INFINITY = {"sigmoid": 1.0, "tanh": 1.0, "erf": 1.0, "erfc": 0.0, "Phi": 1.0, "atan": math.pi / 2}


def exactly(value: float) -> Range:
    return Range(Interval(value, value), True, True)


def of_element(element: Element) -> Interval:
    """What data of a type are."""
    match element:
        case IndexOf() | Scalar.COUNT:
            return NONNEGATIVE
        case Scalar.BOOL:
            return UNIT
        case Scalar.SPIN:
            return Interval(-1.0, 1.0)
        case _:
            return Interval()


def of_latent(name: str, support: Support, names: Names) -> Range:
    """What a latent with this support can be."""
    spec = SUPPORTS[support.kind]
    lower = -inf if spec.lower is None else spec.lower
    upper = inf if spec.upper is None else spec.upper
    low_strict, high_strict = spec.strict and lower > -inf, spec.strict and upper < inf
    free = spec.event_rank <= 1 and spec.name != "simplex"
    reaches_lower = reaches_upper = free
    if support.lower is not None:
        bound = range_of(support.lower, names)
        if bound.interval.lower >= lower:
            lower, low_strict = bound.interval.lower, bound.interval.lower_strict
            reaches_lower = free and bound.interval.lower == bound.interval.upper
    if support.upper is not None:
        bound = range_of(support.upper, names)
        if bound.interval.upper <= upper:
            upper, high_strict = bound.interval.upper, bound.interval.upper_strict
            reaches_upper = free and bound.interval.lower == bound.interval.upper
    return Range(Interval(lower, upper, low_strict, high_strict), reaches_lower, reaches_upper, frozenset({name}))


def of_data(element: Element, lower: Expr | None, upper: Expr | None, strict: bool, names: Names) -> Range:
    """What declared data are: never reached, since the values are the reader's."""
    typed = of_element(element)
    low, high = typed.lower, typed.upper
    low_strict = high_strict = False
    if lower is not None and (bound := range_of(lower, names).interval.lower) >= low:
        low, low_strict = bound, strict
    if upper is not None and (bound := range_of(upper, names).interval.upper) <= high:
        high, high_strict = bound, strict
    return Range(Interval(low, high, low_strict, high_strict))


def union(parts: list[Range], certain: bool) -> Range:
    """Elements from any of the parts; `certain`: every part occurs."""
    low = min(parts, key=lambda r: (r.interval.lower, r.interval.lower_strict))
    high = max(parts, key=lambda r: (r.interval.upper, not r.interval.upper_strict))
    return Range(
        Interval(low.interval.lower, high.interval.upper, low.interval.lower_strict, high.interval.upper_strict),
        certain and low.reaches_lower,
        certain and high.reaches_upper,
        frozenset().union(*(p.depends for p in parts)),
    )


def range_of(expr: Expr, names: Names) -> Range:
    """Which numbers the elements of an expression can be."""
    known = names.ranges.get(id(expr))
    return _range_of(expr, names) if known is None else known


def _range_of(expr: Expr, names: Names) -> Range:
    match expr:
        case Literal():
            return exactly(float(expr.value))
        case Read():
            quantity = names.quantities.get(expr.name)
            return UNKNOWN if quantity is None else quantity.range
        case Position():
            return Range(NONNEGATIVE)
        case Fill():
            return range_of(expr.value, names)
        case Lift():
            return range_of(expr.body, names)
        case Select():
            return range_of(expr.value, names)
        case Stack():
            return union([range_of(item, names) for item in expr.items], certain=True)
        case Reduce():
            return _reduced(expr.operation, expr.body, range_of(expr.body, names), expr.where is not None)
        case Apply():
            return _applied(expr, names)


def _applied(expr: Apply, names: Names) -> Range:
    parts = [range_of(a, names) for a in expr.arguments]
    first = parts[0]
    depends = frozenset().union(*(p.depends for p in parts))
    match expr.function:
        case "add":
            return _sum(first, parts[1])
        case "subtract":
            return _sum(first, _negated(parts[1]))
        case "multiply":
            if isinstance(expr.arguments[0], Read) and expr.arguments[0] == expr.arguments[1]:
                return Range(NONNEGATIVE, depends=depends)
            return _product(first, parts[1])
        case "divide":
            return _product(first, _reciprocal(parts[1]))
        case "power":
            return _power(first, parts[1])
        case "where":
            return union(parts[1:], certain=False)
        case "maximum" | "minimum":
            return _extreme(expr.function, first, parts[1])
        case "abs" | "square":
            return _magnitude(first, squared=expr.function == "square")
        case "sum" | "prod" | "mean" | "max" | "min" | "logsumexp" | "cumsum":
            return _reduced(expr.function, expr.arguments[0], first, filtered=False)
        case "sort" | "diagonal" | "transpose":
            return first
    spec = FUNCTIONS[expr.function]
    if spec.monotone and spec.name in _ENDS:
        return _monotone(spec.name, first, spec.monotone == "increasing", spec.values)
    return Range(spec.values, depends=depends)


def _monotone(function: str, x: Range, increasing: bool, values: Interval) -> Range:
    i = x.interval
    low = _end(function, i.lower, values.lower if increasing else values.upper)
    high = _end(function, i.upper, values.upper if increasing else values.lower)
    low_strict = i.lower_strict or math.isinf(i.lower)
    high_strict = i.upper_strict or math.isinf(i.upper)
    if increasing:
        return Range(Interval(low, high, low_strict, high_strict), x.reaches_lower, x.reaches_upper, x.depends)
    return Range(Interval(high, low, high_strict, low_strict), x.reaches_upper, x.reaches_lower, x.depends)


def _end(function: str, x: float, otherwise: float) -> float:
    if x == -inf and function in _AT_MINUS_INFINITY:
        return _AT_MINUS_INFINITY[function]
    if x == inf and function in _AT_PLUS_INFINITY:
        return _AT_PLUS_INFINITY[function]
    if function in ("floor", "ceil") and math.isinf(x):
        return x
    try:
        return float(_ENDS[function](x))
    except (ValueError, OverflowError, ZeroDivisionError):
        return otherwise


def _negated(x: Range) -> Range:
    i = x.interval
    return Range(
        Interval(-i.upper, -i.lower, i.upper_strict, i.lower_strict), x.reaches_upper, x.reaches_lower, x.depends
    )


def _sum(a: Range, b: Range) -> Range:
    apart = not (a.depends & b.depends)
    i, j = a.interval, b.interval

    def reaches(x: bool, x_end: float, y: bool, y_end: float) -> bool:
        return apart and ((x and y) or (x and math.isinf(x_end)) or (y and math.isinf(y_end)))

    return Range(
        Interval(i.lower + j.lower, i.upper + j.upper, i.lower_strict or j.lower_strict,
                 i.upper_strict or j.upper_strict),
        reaches(a.reaches_lower, i.lower, b.reaches_lower, j.lower),
        reaches(a.reaches_upper, i.upper, b.reaches_upper, j.upper),
        a.depends | b.depends,
    )  # fmt: skip


def _product(a: Range, b: Range) -> Range:
    i, j = a.interval, b.interval
    depends = a.depends | b.depends
    ends = [
        (0.0 if 0.0 in (x, y) else x * y, xs or ys)
        for x, xs in ((i.lower, i.lower_strict), (i.upper, i.upper_strict))
        for y, ys in ((j.lower, j.lower_strict), (j.upper, j.upper_strict))
    ]
    # An end at 0 is excluded only if both factors exclude 0.
    inside = not (_excludes_zero(i) and _excludes_zero(j))
    low, high = min(e for e, _ in ends), max(e for e, _ in ends)
    low_strict = not inside if low == 0.0 else all(s for e, s in ends if e == low)
    high_strict = not inside if high == 0.0 else all(s for e, s in ends if e == high)
    apart = not (a.depends & b.depends)
    both = apart and a.reaches_lower and a.reaches_upper and b.reaches_lower and b.reaches_upper
    # A free factor times one that is never 0 still goes to both infinities.
    free = apart and any(
        x.reaches_lower and x.reaches_upper and x.interval.lower == -inf and x.interval.upper == inf
        and _excludes_zero(y.interval) for x, y in ((a, b), (b, a))
    )  # fmt: skip
    return Range(Interval(low, high, low_strict, high_strict), both or free, both or free, depends)


def _excludes_zero(i: Interval) -> bool:
    return i.lower > 0 or i.upper < 0 or (i.lower == 0 and i.lower_strict) or (i.upper == 0 and i.upper_strict)


def _reciprocal(x: Range) -> Range:
    i = x.interval
    if not _excludes_zero(i):
        if i.lower >= 0:
            return Range(POSITIVE, depends=x.depends)
        return Range(Interval(), depends=x.depends)

    def inverse(end: float, at_zero: float) -> float:
        return at_zero if end == 0 else 0.0 if math.isinf(end) else 1.0 / end

    positive = i.lower >= 0
    low = inverse(i.upper, -inf) if not math.isinf(i.upper) or positive else 0.0
    high = inverse(i.lower, inf) if not math.isinf(i.lower) or not positive else 0.0
    return Range(
        Interval(low, high, i.upper_strict or math.isinf(i.upper), i.lower_strict or math.isinf(i.lower)),
        x.reaches_upper,
        x.reaches_lower,
        x.depends,
    )


def _power(base: Range, exponent: Range) -> Range:
    depends = base.depends | exponent.depends
    i, p = base.interval, exponent.interval.lower
    constant = exponent.interval.lower == exponent.interval.upper and math.isfinite(p)
    if constant and p == 1:
        return base
    if constant and p == int(p) and int(p) % 2 == 0 and p > 0:
        return _magnitude(base, squared=True, power=p)
    if i.lower > 0 or (i.lower == 0 and i.lower_strict):
        if constant and p > 0:
            return _monotone_power(base, p)
        return Range(POSITIVE, depends=depends)
    if i.lower == 0 and not (constant and p < 0):
        return Range(NONNEGATIVE, depends=depends)
    if constant and p == int(p) and p > 0:
        return Range(Interval(), base.reaches_lower and i.lower == -inf, base.reaches_upper and i.upper == inf, depends)
    return Range(Interval(), depends=depends)


def _monotone_power(base: Range, p: float) -> Range:
    i = base.interval
    try:
        low, high = i.lower**p, i.upper**p
    except OverflowError:
        return Range(POSITIVE, depends=base.depends)
    return Range(
        Interval(low, high, i.lower_strict, i.upper_strict), base.reaches_lower, base.reaches_upper, base.depends
    )


def _magnitude(x: Range, squared: bool, power: float = 2.0) -> Range:
    i = x.interval
    near = 0.0 if i.lower <= 0 <= i.upper else min(abs(i.lower), abs(i.upper))
    far = max(abs(i.lower), abs(i.upper))
    try:
        near, far = (near**power, far**power) if squared else (near, far)
    except OverflowError:
        near, far = 0.0, inf
    strict = _excludes_zero(i) and near == 0.0
    return Range(Interval(near, far, strict, math.isinf(far)), False, False, x.depends)


def _extreme(function: str, a: Range, b: Range) -> Range:
    i, j = a.interval, b.interval
    choose = max if function == "maximum" else min
    low, high = choose(i.lower, j.lower), choose(i.upper, j.upper)
    low_strict = all(x.lower_strict for x in (i, j) if x.lower == low)
    high_strict = all(x.upper_strict for x in (i, j) if x.upper == high)
    return Range(Interval(low, high, low_strict, high_strict), False, False, a.depends | b.depends)


def _reduced(operation: str, body: Expr, x: Range, filtered: bool) -> Range:
    i = x.interval
    free = isinstance(body, Read) and not filtered
    match operation:
        case "mean" | "max" | "min":
            low, high = x.reaches_lower and free, x.reaches_upper and free
            return Range(i, low, high, x.depends)
        case "sum" | "cumsum":
            low_end = 0.0 if i.lower >= 0 else -inf
            if i.lower > 0 and not filtered:
                low_end = i.lower
            high_end = 0.0 if i.upper <= 0 else inf
            strict = not filtered and i.lower_strict and low_end == i.lower
            return Range(
                Interval(low_end, high_end, strict, not filtered and i.upper_strict and high_end == 0),
                free and x.reaches_lower and i.lower == -inf,
                free and x.reaches_upper and i.upper == inf,
                x.depends,
            )
        case "prod":
            if i.lower > 0 or (i.lower == 0 and i.lower_strict):
                return Range(POSITIVE, depends=x.depends)
            return Range(NONNEGATIVE if i.lower >= 0 else Interval(), depends=x.depends)
        case _:
            return Range(Interval(), depends=x.depends)
