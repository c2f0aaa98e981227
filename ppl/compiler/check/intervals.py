"""Arithmetic of ranges: which numbers a function of ranges can be, and which ends it is certain to reach.

Nothing here knows of expressions; what is asked of an expression is in `ppl.compiler.check.ranges`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TypedDict

from ppl.catalogue.functions import NONNEGATIVE, POSITIVE, FunctionSpec, Interval


@dataclass(frozen=True)
class Range:
    """What is known of the elements of an expression.

    They lie in `interval`. `reaches_lower`: whatever the data, some values of the latents in `depends` bring an
    element as near to the lower end as one likes (so a lower end outside a domain is a mistake, not a suspicion);
    `reaches_upper`: the same of the upper end. `fills`: they come as near to every number between the ends, too.
    `negative`, `positive`: some values of the latents make an element negative, or positive, whatever the data are.
    `some`: all this holds of one element at least, perhaps not of each (an array put together from parts).
    mentions: the latents and data that occur; `repeats`: one of them more than once, so that parts may cancel.
    """

    interval: Interval
    reaches_lower: bool = False
    reaches_upper: bool = False
    depends: frozenset[str] = frozenset()
    fills: bool = False
    negative: bool = False
    positive: bool = False
    some: bool = False
    mentions: frozenset[str] = frozenset()
    repeats: bool = False


UNKNOWN = Range(Interval())


def exactly(value: float) -> Range:
    """One number, which is reached."""
    return Range(Interval(value, value), True, True, fills=True)


# --- what is certain ----------------------------------------------------------------------------------


class _Together(TypedDict):
    depends: frozenset[str]
    mentions: frozenset[str]
    repeats: bool


def together(*parts: Range) -> _Together:
    """What an expression of these parts depends on."""
    mentions = frozenset().union(*(p.mentions for p in parts))
    shared = sum(len(p.mentions) for p in parts) > len(mentions)
    return {
        "depends": frozenset().union(*(p.depends for p in parts)),
        "mentions": mentions,
        "repeats": shared or any(p.repeats for p in parts),
    }


def bare(interval: Interval, *parts: Range) -> Range:
    """Values in an interval, no end of which is certain to be reached."""
    return Range(interval, some=any(p.some for p in parts), **together(*parts))


def apart(a: Range, b: Range) -> bool:
    """Whether the latents can bring one to any of its values and, at the same element, the other to any of its own."""
    return not (a.depends & b.depends) and not (a.some and b.some)


def _goes_below(x: Range) -> bool:
    return x.negative or (x.reaches_lower and x.interval.lower < 0)


def _goes_above(x: Range) -> bool:
    return x.positive or (x.reaches_upper and x.interval.upper > 0)


def not_zero(x: Range) -> bool:
    """Whether it is not 0 everywhere: data are not, and parts that have nothing in common do not cancel."""
    zero = x.interval.lower == x.interval.upper == 0
    return _excludes_zero(x.interval) or (not zero and not x.repeats)


def whole_line(x: Range) -> bool:
    """Whether the latents bring it near to every number."""
    return x.fills and x.interval.lower == -inf and x.interval.upper == inf


# --- functions ----------------------------------------------------------------------------------------

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


def image(function: FunctionSpec, *arguments: Range) -> Range:
    """What a function gives, as far as its row of the catalogue tells."""
    if function.monotone and function.name in _ENDS:
        return _monotone(function.name, arguments[0], function.monotone == "increasing", function.values)
    return bare(function.values, *arguments)


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


def negated(x: Range) -> Range:
    """-x."""
    i = x.interval
    turned = _turned(x, Interval(-i.upper, -i.lower, i.upper_strict, i.lower_strict))
    return replace(turned, negative=x.positive, positive=x.negative)


def total(a: Range, b: Range) -> Range:
    """a + b."""
    free = apart(a, b)
    i, j = a.interval, b.interval

    def reaches(x: bool, x_end: float, y: bool, y_end: float) -> bool:
        return free and ((x and y) or (x and math.isinf(x_end)) or (y and math.isinf(y_end)))

    return Range(
        Interval(i.lower + j.lower, i.upper + j.upper, i.lower_strict or j.lower_strict,
                 i.upper_strict or j.upper_strict),
        reaches(a.reaches_lower, i.lower, b.reaches_lower, j.lower),
        reaches(a.reaches_upper, i.upper, b.reaches_upper, j.upper),
        fills=free and ((a.fills and b.fills) or whole_line(a) or whole_line(b)),
        some=a.some or b.some,
        **together(a, b),
    )  # fmt: skip


def product(a: Range, b: Range) -> Range:
    """a * b."""
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
    some, parts = a.some or b.some, together(a, b)
    if not apart(a, b):
        return Range(interval, some=some, **parts)
    lower = upper = a.reaches_lower and a.reaches_upper and b.reaches_lower and b.reaches_upper
    fills = a.fills and b.fills
    negative = positive = False
    for x, y in ((a, b), (b, a)):
        if not not_zero(y):
            continue
        down = x.reaches_lower and x.interval.lower == -inf
        up = x.reaches_upper and x.interval.upper == inf
        # A factor that goes to both infinities takes the product there, whatever the other's sign is.
        fills |= whole_line(x)
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


def reciprocal(x: Range) -> Range:
    """1 / x."""
    i = x.interval
    if not _excludes_zero(i):
        signed = replace(bare(POSITIVE if i.lower >= 0 else Interval(), x), repeats=x.repeats)
        return replace(signed, negative=_goes_below(x), positive=_goes_above(x))

    def inverse(end: float, at_zero: float) -> float:
        return at_zero if end == 0 else 0.0 if math.isinf(end) else 1.0 / end

    positive = i.lower >= 0
    low = inverse(i.upper, -inf) if not math.isinf(i.upper) or positive else 0.0
    high = inverse(i.lower, inf) if not math.isinf(i.lower) or not positive else 0.0
    return _turned(x, Interval(low, high, i.upper_strict or math.isinf(i.upper), i.lower_strict or math.isinf(i.lower)))


def power(base: Range, exponent: Range) -> Range:
    """base ^ exponent."""
    i, p = base.interval, exponent.interval.lower
    constant = exponent.interval.lower == exponent.interval.upper and math.isfinite(p)
    whole = constant and p == int(p)
    if constant and p == 1:
        return base
    if whole and int(p) % 2 == 0 and p > 0:
        return magnitude(base, p)
    if i.lower >= 0 and constant and p > 0:
        return _monotone_power(base, p)
    if i.lower > 0 or (i.lower == 0 and i.lower_strict):
        return bare(POSITIVE, base, exponent)
    if i.lower == 0 and not (constant and p < 0):
        return bare(NONNEGATIVE, base, exponent)
    if whole and p > 0:
        return _monotone_power(base, p)
    if whole and int(p) % 2:
        return replace(bare(Interval(), base), negative=_goes_below(base), positive=_goes_above(base))
    return bare(Interval(), base, exponent)


def _monotone_power(base: Range, p: float) -> Range:
    i = base.interval
    try:
        low, high = i.lower**p, i.upper**p
    except OverflowError:
        return bare(POSITIVE if i.lower >= 0 else Interval(), base)
    return replace(base, interval=Interval(low, high, i.lower_strict, i.upper_strict))


def magnitude(x: Range, power: float = 1.0) -> Range:
    """|x| ^ power.

    power: 1, or an even number.
    """
    i = x.interval
    near = 0.0 if i.lower <= 0 <= i.upper else min(abs(i.lower), abs(i.upper))
    far = max(abs(i.lower), abs(i.upper))
    try:
        near, far = near**power, far**power
    except OverflowError:
        near, far = 0.0, inf
    strict = _excludes_zero(i) and near == 0.0
    interval = Interval(near, far, strict, math.isinf(far))
    return replace(bare(interval, x), reaches_lower=x.fills, reaches_upper=x.fills, fills=x.fills)


def periodic(x: Range, values: Interval) -> Range:
    """sin, cos, tan: every value within one period."""
    i = x.interval
    period = x.fills and i.upper - i.lower >= 2 * math.pi
    return replace(bare(values, x), reaches_lower=period, reaches_upper=period, fills=period)


def extreme(function: str, a: Range, b: Range) -> Range:
    """function: `maximum` or `minimum`."""
    i, j = a.interval, b.interval
    choose = max if function == "maximum" else min
    low, high = choose(i.lower, j.lower), choose(i.upper, j.upper)
    low_strict = all(x.lower_strict for x in (i, j) if x.lower == low)
    high_strict = all(x.upper_strict for x in (i, j) if x.upper == high)
    within = bare(Interval(low, high, low_strict, high_strict), a, b)
    if not apart(a, b):
        return within
    lower, upper = a.reaches_lower and b.reaches_lower, a.reaches_upper and b.reaches_upper
    # One of two is enough where it alone decides.
    if function == "minimum":
        lower |= any(x.reaches_lower and x.interval.lower == low for x in (a, b))
    else:
        upper |= any(x.reaches_upper and x.interval.upper == high for x in (a, b))
    return replace(within, reaches_lower=lower, reaches_upper=upper, fills=a.fills and b.fills)


# --- elements of arrays -------------------------------------------------------------------------------


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
        **together(*parts),
    )


def of_each(x: Range) -> Range:
    """What is known of every element."""
    return Range(x.interval, depends=x.depends, mentions=x.mentions, repeats=x.repeats) if x.some else x


def reduced(operation: str, x: Range, free: bool, filtered: bool) -> Range:
    """The elements of an array taken together.

    operation: one of `ppl.catalogue.functions.REDUCTIONS`. free: each element takes any of its values, whatever the
    others do. filtered: a condition leaves some out, perhaps all.
    """
    i = x.interval
    match operation:
        case "mean" | "max" | "min":
            return replace(bare(i, x), reaches_lower=x.reaches_lower and free, reaches_upper=x.reaches_upper and free)
        case "sum" | "cumsum":
            low_end = 0.0 if i.lower >= 0 else -inf
            if i.lower > 0 and not filtered:
                low_end = i.lower
            high_end = 0.0 if i.upper <= 0 else inf
            strict = not filtered and i.lower_strict and low_end == i.lower
            interval = Interval(low_end, high_end, strict, not filtered and i.upper_strict and high_end == 0)
            return replace(
                bare(interval, x),
                reaches_lower=free and x.reaches_lower and i.lower == -inf,
                reaches_upper=free and x.reaches_upper and i.upper == inf,
            )
        case "prod":
            positive = i.lower > 0 or (i.lower == 0 and i.lower_strict)
            return bare(POSITIVE if positive else NONNEGATIVE if i.lower >= 0 else Interval(), x)
        case _:
            return bare(Interval(), x)
