"""Interval analysis: which numbers an expression can be, so that supports are checked before anything runs.

Sound both ways. An interval always contains every value, so nothing outside it needs to be feared; an end is said to
be reached only if some values of the latents reach it whatever the data are, so an error is never a suspicion. (Of
data themselves one thing is taken for granted: that they are not all 0.) Intervals of a sum or product of parts that
share a latent still contain every value, but reach no end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from ppl.catalogue.functions import FUNCTIONS, NONNEGATIVE, UNIT, Interval
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.intervals import (
    UNKNOWN,
    Range,
    apart,
    bare,
    exactly,
    extreme,
    image,
    magnitude,
    negated,
    not_zero,
    of_each,
    periodic,
    power,
    product,
    reciprocal,
    reduced,
    together,
    total,
    union,
    whole_line,
)
from ppl.compiler.check.scope import Names
from ppl.graph import (
    Aligned,
    Apply,
    Axis,
    Expr,
    Fill,
    Lift,
    Literal,
    Local,
    OdeSolve,
    Position,
    Read,
    Reduce,
    Select,
    Stack,
    Support,
    Whole,
)
from ppl.types import Element, IndexOf, Scalar


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
        fills=reaches_lower and reaches_upper and not spec.discrete,
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
            known = quantity.range if all(map(_every, expr.subscripts)) else of_each(quantity.range)
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
            return of_each(range_of(expr.value, names))
        case Stack():
            return union([range_of(item, names) for item in expr.items], certain=True)
        case Reduce():
            return _reduced(expr.operation, expr.body, names, expr.axes, expr.where is not None)
        case Apply():
            return _applied(expr, names)
        case Local():
            return Range(Interval(), mentions=frozenset({expr.name}), repeats=True)
        case OdeSolve():
            parts = [range_of(part, names) for part in (expr.rate, expr.initial, expr.start, expr.times)]
            return replace(bare(Interval(), *parts), repeats=True)


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


def _applied(expr: Apply, names: Names) -> Range:
    parts = [range_of(a, names) for a in expr.arguments]
    first = parts[0]
    match expr.function:
        case "add":
            return total(first, parts[1])
        case "subtract":
            return total(first, negated(parts[1]))
        case "multiply":
            if _same(expr.arguments[0], expr.arguments[1]):
                return magnitude(first, 2.0)
            return product(first, parts[1])
        case "divide":
            return product(first, reciprocal(parts[1]))
        case "power":
            return power(first, parts[1])
        case "where":
            return union(parts[1:], certain=False)
        case "maximum" | "minimum":
            return extreme(expr.function, first, parts[1])
        case "abs" | "square":
            return magnitude(first, 2.0 if expr.function == "square" else 1.0)
        case "sin" | "cos" | "tan":
            return periodic(first, FUNCTIONS[expr.function].values)
        case "sum" | "prod" | "mean" | "max" | "min" | "logsumexp" | "cumsum":
            return _reduced(expr.function, expr.arguments[0], names, (), filtered=False)
        case "matmul" | "dot":
            return _linear(expr.arguments, names, ()) or bare(Interval(), *parts)
        case "sort" | "transpose":
            return first
        case "diagonal":
            return of_each(first)
    return image(FUNCTIONS[expr.function], *parts)


def _linear(factors: Sequence[Expr], names: Names, axes: Sequence[Axis]) -> Range | None:
    """A sum of products with independent latents on the whole line, each with a coefficient of its own."""
    parts = [of_each(range_of(f, names)) for f in factors]
    for free, other in (parts, parts[::-1]):
        factor = factors[0] if free is parts[0] else factors[1]
        if not isinstance(factor, Read) or not _independent(factor, names):
            continue
        aligned = {s.axis for s in factor.subscripts if isinstance(s, Aligned)}
        over = set(axes) <= aligned if axes else bool(factor.meta.event)
        if over and whole_line(free) and not_zero(other) and apart(free, other):
            return Range(Interval(), True, True, fills=True, **together(*parts))
    return None


def _independent(read: Read, names: Names) -> bool:
    """Whether a quantity's elements are latents that take any values of their support, whatever the others do."""
    quantity = names.quantities.get(read.name)
    return quantity is not None and quantity.role in ("latent", "var") and quantity.event_rank == 0


def _reduced(operation: str, body: Expr, names: Names, axes: Sequence[Axis], filtered: bool) -> Range:
    if operation == "sum" and not filtered and isinstance(body, Apply) and body.function == "multiply":
        combined = _linear(body.arguments, names, axes)
        if combined is not None:
            return combined
    free = isinstance(body, Read) and not filtered and _independent(body, names)
    return reduced(operation, range_of(body, names), free, filtered)
