"""Interval analysis: which numbers an expression can be, so that supports are checked before anything runs.

Sound both ways. An interval always contains every value, so nothing outside it needs to be feared; an end is said to
be reached only if some values of the latents reach it whatever the data are, so an error is never a suspicion. (Of
data themselves one thing is taken for granted: that they are not all 0.) Intervals of a sum or product of parts that
share a latent still contain every value, but reach no end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import TypedDict

from ppl.catalogue.functions import FUNCTIONS, NONNEGATIVE, POSITIVE, UNIT, Interval
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.scope import UNKNOWN, Names, Range
from ppl.graph import (
    Aligned,
    Apply,
    Axis,
    Expr,
    Fill,
    Lift,
    Literal,
    Position,
    Read,
    Reduce,
    Select,
    Stack,
    Support,
    Whole,
)
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
    return Range(Interval(value, value), True, True, fills=True)


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
    depends = frozenset({name})
    if support.lower is not None:
        bound = range_of(support.lower, names)
        depends |= bound.depends
        if bound.interval.lower >= lower:
            lower, low_strict = bound.interval.lower, bound.interval.lower_strict
            reaches_lower = free and bound.interval.lower == bound.interval.upper
    if support.upper is not None:
        bound = range_of(support.upper, names)
        depends |= bound.depends
        if bound.interval.upper <= upper:
            upper, high_strict = bound.interval.upper, bound.interval.upper_strict
            reaches_upper = free and bound.interval.lower == bound.interval.upper
    return Range(
        Interval(lower, upper, low_strict, high_strict),
        reaches_lower,
        reaches_upper,
        depends,
        fills=reaches_lower and reaches_upper,
    )


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


def union(parts: Sequence[Range], certain: bool) -> Range:
    """Elements from any of the parts; `certain`: every part occurs."""
    if len(parts) == 1 and certain:
        return parts[0]
    low = min(parts, key=lambda r: (r.interval.lower, r.interval.lower_strict))
    high = max(parts, key=lambda r: (r.interval.upper, not r.interval.upper_strict))
    return Range(
        Interval(low.interval.lower, high.interval.upper, low.interval.lower_strict, high.interval.upper_strict),
        certain and low.reaches_lower,
        certain and high.reaches_upper,
        negative=certain and any(map(_goes_below, parts)),
        positive=certain and any(map(_goes_above, parts)),
        some=True,
        **_together(*parts),
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
            if quantity is None:
                return UNKNOWN
            known = quantity.range if all(map(_every, expr.subscripts)) else _of_each(quantity.range)
            # A quantity computed from data alone counts as data.
            own = frozenset({expr.name})
            return known if known.depends and quantity.role == "value" else replace(known, mentions=own, repeats=False)
        case Position():
            return Range(NONNEGATIVE, mentions=frozenset({expr.axis.name}))
        case Fill():
            return range_of(expr.value, names)
        case Lift():
            return range_of(expr.body, names)
        case Select():
            return _of_each(range_of(expr.value, names))
        case Stack():
            return union([range_of(item, names) for item in expr.items], certain=True)
        case Reduce():
            return _reduced(expr.operation, expr.body, names, expr.axes, expr.where is not None)
        case Apply():
            return _applied(expr, names)


def _every(subscript: object) -> bool:
    match subscript:
        case Aligned(axis, 0):
            return axis.start == 0 and axis.stop is None
        case Whole():
            return subscript.start == 0 and subscript.stop is None
        case _:
            return False


def _same(a: Expr, b: Expr) -> bool:
    """Whether both read the same element."""
    return isinstance(a, Read) and isinstance(b, Read) and (a.name, a.subscripts) == (b.name, b.subscripts)


def _of_each(x: Range) -> Range:
    """What is known of every element."""
    return Range(x.interval, depends=x.depends, mentions=x.mentions, repeats=x.repeats) if x.some else x


def _applied(expr: Apply, names: Names) -> Range:
    parts = [range_of(a, names) for a in expr.arguments]
    first = parts[0]
    match expr.function:
        case "add":
            return _sum(first, parts[1])
        case "subtract":
            return _sum(first, _negated(parts[1]))
        case "multiply":
            if _same(expr.arguments[0], expr.arguments[1]):
                return _magnitude(first, squared=True)
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
        case "sin" | "cos" | "tan":
            return _periodic(first, FUNCTIONS[expr.function].values)
        case "sum" | "prod" | "mean" | "max" | "min" | "logsumexp" | "cumsum":
            return _reduced(expr.function, expr.arguments[0], names, (), filtered=False)
        case "matmul" | "dot":
            return _linear(expr.arguments, names, ()) or _bare(Interval(), *parts)
        case "sort" | "transpose":
            return first
        case "diagonal":
            return _of_each(first)
    spec = FUNCTIONS[expr.function]
    if spec.monotone and spec.name in _ENDS:
        return _monotone(spec.name, first, spec.monotone == "increasing", spec.values)
    return _bare(spec.values, *parts)


# --- what is certain ----------------------------------------------------------------------------------


class _Together(TypedDict):
    depends: frozenset[str]
    mentions: frozenset[str]
    repeats: bool


def _together(*parts: Range) -> _Together:
    """What an expression of these parts depends on."""
    mentions = frozenset().union(*(p.mentions for p in parts))
    shared = sum(len(p.mentions) for p in parts) > len(mentions)
    return {
        "depends": frozenset().union(*(p.depends for p in parts)),
        "mentions": mentions,
        "repeats": shared or any(p.repeats for p in parts),
    }


def _bare(interval: Interval, *parts: Range) -> Range:
    """Values in an interval, no end of which is certain to be reached."""
    return Range(interval, some=any(p.some for p in parts), **_together(*parts))


def _apart(a: Range, b: Range) -> bool:
    """Whether the latents can bring one to any of its values and, at the same element, the other to any of its own."""
    return not (a.depends & b.depends) and not (a.some and b.some)


def _goes_below(x: Range) -> bool:
    return x.negative or (x.reaches_lower and x.interval.lower < 0)


def _goes_above(x: Range) -> bool:
    return x.positive or (x.reaches_upper and x.interval.upper > 0)


def _not_zero(x: Range) -> bool:
    """Whether it is not 0 everywhere: data are not, and parts that have nothing in common do not cancel."""
    zero = x.interval.lower == x.interval.upper == 0
    return _excludes_zero(x.interval) or (not zero and not x.repeats)


def _whole_line(x: Range) -> bool:
    return x.fills and x.interval.lower == -inf and x.interval.upper == inf


def _linear(factors: Sequence[Expr], names: Names, axes: Sequence[Axis]) -> Range | None:
    """A sum of products with independent latents on the whole line, each with a coefficient of its own."""
    parts = [_of_each(range_of(f, names)) for f in factors]
    for free, other in (parts, parts[::-1]):
        factor = factors[0] if free is parts[0] else factors[1]
        if not isinstance(factor, Read) or not _independent(factor, names):
            continue
        aligned = {s.axis for s in factor.subscripts if isinstance(s, Aligned)}
        over = set(axes) <= aligned if axes else bool(factor.meta.event)
        if over and _whole_line(free) and _not_zero(other) and _apart(free, other):
            return Range(Interval(), True, True, fills=True, **_together(*parts))
    return None


def _independent(read: Read, names: Names) -> bool:
    """Whether a quantity's elements are latents that take any values of their support, whatever the others do."""
    quantity = names.quantities.get(read.name)
    return quantity is not None and quantity.role in ("latent", "var") and quantity.event_rank == 0


# --- functions ----------------------------------------------------------------------------------------


def _monotone(function: str, x: Range, increasing: bool, values: Interval) -> Range:
    i = x.interval
    low = _end(function, i.lower, values.lower if increasing else values.upper)
    high = _end(function, i.upper, values.upper if increasing else values.lower)
    # A function that is flat somewhere attains its values at ends that its argument does not attain.
    flat = function in ("floor", "ceil") or (function == "relu" and i.lower < 0)
    low_strict = not flat and (i.lower_strict or math.isinf(i.lower))
    high_strict = not flat and (i.upper_strict or math.isinf(i.upper))
    x = replace(x, negative=False, positive=False)
    if function in ("floor", "ceil"):
        # Near an end that is excluded they need not be near their value there.
        lower, upper = (r and (math.isinf(e) or not strict)
                        for r, e, strict in ((x.reaches_lower, i.lower, i.lower_strict),
                                             (x.reaches_upper, i.upper, i.upper_strict)))  # fmt: skip
        x = replace(x, fills=False, reaches_lower=lower, reaches_upper=upper)
    if increasing:
        return replace(x, interval=Interval(low, high, low_strict, high_strict))
    return _turned(x, Interval(high, low, high_strict, low_strict))


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


def _turned(x: Range, interval: Interval) -> Range:
    """The image under a decreasing function."""
    return replace(x, interval=interval, reaches_lower=x.reaches_upper, reaches_upper=x.reaches_lower)


def _negated(x: Range) -> Range:
    i = x.interval
    turned = _turned(x, Interval(-i.upper, -i.lower, i.upper_strict, i.lower_strict))
    return replace(turned, negative=x.positive, positive=x.negative)


def _sum(a: Range, b: Range) -> Range:
    apart = _apart(a, b)
    i, j = a.interval, b.interval

    def reaches(x: bool, x_end: float, y: bool, y_end: float) -> bool:
        return apart and ((x and y) or (x and math.isinf(x_end)) or (y and math.isinf(y_end)))

    return Range(
        Interval(i.lower + j.lower, i.upper + j.upper, i.lower_strict or j.lower_strict,
                 i.upper_strict or j.upper_strict),
        reaches(a.reaches_lower, i.lower, b.reaches_lower, j.lower),
        reaches(a.reaches_upper, i.upper, b.reaches_upper, j.upper),
        fills=apart and ((a.fills and b.fills) or _whole_line(a) or _whole_line(b)),
        some=a.some or b.some,
        **_together(a, b),
    )  # fmt: skip


def _product(a: Range, b: Range) -> Range:
    i, j = a.interval, b.interval
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
    interval = Interval(low, high, low_strict, high_strict)
    some, parts = a.some or b.some, _together(a, b)
    if not _apart(a, b):
        return Range(interval, some=some, **parts)
    lower = upper = a.reaches_lower and a.reaches_upper and b.reaches_lower and b.reaches_upper
    fills = a.fills and b.fills
    negative = positive = False
    for x, y in ((a, b), (b, a)):
        if not _not_zero(y):
            continue
        down = x.reaches_lower and x.interval.lower == -inf
        up = x.reaches_upper and x.interval.upper == inf
        # A factor that goes to both infinities takes the product there, whatever the other's sign is.
        fills |= _whole_line(x)
        lower |= (down and up) or (down and y.interval.lower >= 0) or (up and y.interval.upper <= 0)
        upper |= (down and up) or (up and y.interval.lower >= 0) or (down and y.interval.upper <= 0)
        below, above = _goes_below(x), _goes_above(x)
        minus = y.interval.upper <= 0 or _goes_below(y)
        plus = y.interval.lower >= 0 or _goes_above(y)
        negative |= (below and above) or (below and plus) or (above and minus)
        positive |= (below and above) or (below and minus) or (above and plus)
    return Range(interval, lower, upper, fills=fills, negative=negative, positive=positive, some=some, **parts)


def _excludes_zero(i: Interval) -> bool:
    return i.lower > 0 or i.upper < 0 or (i.lower == 0 and i.lower_strict) or (i.upper == 0 and i.upper_strict)


def _reciprocal(x: Range) -> Range:
    i = x.interval
    if not _excludes_zero(i):
        signed = replace(_bare(POSITIVE if i.lower >= 0 else Interval(), x), repeats=x.repeats)
        return replace(signed, negative=_goes_below(x), positive=_goes_above(x))

    def inverse(end: float, at_zero: float) -> float:
        return at_zero if end == 0 else 0.0 if math.isinf(end) else 1.0 / end

    positive = i.lower >= 0
    low = inverse(i.upper, -inf) if not math.isinf(i.upper) or positive else 0.0
    high = inverse(i.lower, inf) if not math.isinf(i.lower) or not positive else 0.0
    return _turned(x, Interval(low, high, i.upper_strict or math.isinf(i.upper), i.lower_strict or math.isinf(i.lower)))


def _power(base: Range, exponent: Range) -> Range:
    i, p = base.interval, exponent.interval.lower
    constant = exponent.interval.lower == exponent.interval.upper and math.isfinite(p)
    whole = constant and p == int(p)
    if constant and p == 1:
        return base
    if whole and int(p) % 2 == 0 and p > 0:
        return _magnitude(base, squared=True, power=p)
    if i.lower >= 0 and constant and p > 0:
        return _monotone_power(base, p)
    if i.lower > 0 or (i.lower == 0 and i.lower_strict):
        return _bare(POSITIVE, base, exponent)
    if i.lower == 0 and not (constant and p < 0):
        return _bare(NONNEGATIVE, base, exponent)
    if whole and p > 0:
        return _monotone_power(base, p)
    if whole and int(p) % 2:
        return replace(_bare(Interval(), base), negative=_goes_below(base), positive=_goes_above(base))
    return _bare(Interval(), base, exponent)


def _monotone_power(base: Range, p: float) -> Range:
    i = base.interval
    try:
        low, high = i.lower**p, i.upper**p
    except OverflowError:
        return _bare(POSITIVE if i.lower >= 0 else Interval(), base)
    return replace(base, interval=Interval(low, high, i.lower_strict, i.upper_strict))


def _magnitude(x: Range, squared: bool, power: float = 2.0) -> Range:
    i = x.interval
    near = 0.0 if i.lower <= 0 <= i.upper else min(abs(i.lower), abs(i.upper))
    far = max(abs(i.lower), abs(i.upper))
    try:
        near, far = (near**power, far**power) if squared else (near, far)
    except OverflowError:
        near, far = 0.0, inf
    strict = _excludes_zero(i) and near == 0.0
    interval = Interval(near, far, strict, math.isinf(far))
    return replace(_bare(interval, x), reaches_lower=x.fills, reaches_upper=x.fills, fills=x.fills)


def _periodic(x: Range, values: Interval) -> Range:
    """sin, cos, tan: every value within one period."""
    i = x.interval
    period = x.fills and i.upper - i.lower >= 2 * math.pi
    return replace(_bare(values, x), reaches_lower=period, reaches_upper=period, fills=period)


def _extreme(function: str, a: Range, b: Range) -> Range:
    i, j = a.interval, b.interval
    choose = max if function == "maximum" else min
    low, high = choose(i.lower, j.lower), choose(i.upper, j.upper)
    low_strict = all(x.lower_strict for x in (i, j) if x.lower == low)
    high_strict = all(x.upper_strict for x in (i, j) if x.upper == high)
    bare = _bare(Interval(low, high, low_strict, high_strict), a, b)
    if not _apart(a, b):
        return bare
    lower, upper = a.reaches_lower and b.reaches_lower, a.reaches_upper and b.reaches_upper
    # One of two is enough where it alone decides.
    if function == "minimum":
        lower |= any(x.reaches_lower and x.interval.lower == low for x in (a, b))
    else:
        upper |= any(x.reaches_upper and x.interval.upper == high for x in (a, b))
    return replace(bare, reaches_lower=lower, reaches_upper=upper, fills=a.fills and b.fills)


def _reduced(operation: str, body: Expr, names: Names, axes: Sequence[Axis], filtered: bool) -> Range:
    x = range_of(body, names)
    i = x.interval
    free = isinstance(body, Read) and not filtered and _independent(body, names)
    match operation:
        case "mean" | "max" | "min":
            return replace(_bare(i, x), reaches_lower=x.reaches_lower and free, reaches_upper=x.reaches_upper and free)
        case "sum" | "cumsum":
            if operation == "sum" and not filtered and isinstance(body, Apply) and body.function == "multiply":
                combined = _linear(body.arguments, names, axes)
                if combined is not None:
                    return combined
            low_end = 0.0 if i.lower >= 0 else -inf
            if i.lower > 0 and not filtered:
                low_end = i.lower
            high_end = 0.0 if i.upper <= 0 else inf
            strict = not filtered and i.lower_strict and low_end == i.lower
            interval = Interval(low_end, high_end, strict, not filtered and i.upper_strict and high_end == 0)
            return replace(
                _bare(interval, x),
                reaches_lower=free and x.reaches_lower and i.lower == -inf,
                reaches_upper=free and x.reaches_upper and i.upper == inf,
            )
        case "prod":
            positive = i.lower > 0 or (i.lower == 0 and i.lower_strict)
            return _bare(POSITIVE if positive else NONNEGATIVE if i.lower >= 0 else Interval(), x)
        case _:
            return _bare(Interval(), x)
