"""`var s : spin`, `var b : bool`, `var k : comp`, `var n : int in [0, 5]`: latents with finitely many values."""

from __future__ import annotations

from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.build import Build
from ppl.compiler.check.scope import SCALARS
from ppl.grammar import nodes as syntax
from ppl.graph import Expr, Literal, Support
from ppl.types import Element, IndexOf, Scalar

_NUMBERS = (Scalar.INT, Scalar.COUNT)


def discrete_element(build: Build, item: syntax.Declared) -> Element | None:
    """The type of a discrete `var`; None if it is another."""
    if item.type is None:
        return None
    name = item.type.name.id
    found: Element | None = IndexOf(name) if name in build.names.dims else SCALARS.get(name)
    if found is None or found is Scalar.REAL:
        return None
    if item.type.first:
        raise build.report.fail(
            "E124", item.type.span, "how labels are counted is a matter of data; a `var` is an element of the dim"
        )
    return found


def finite_support(
    build: Build, item: syntax.Declared, element: Element, lower: Expr | None, upper: Expr | None
) -> Support:
    """Its values: those of its type, or whole numbers between bounds, which data alone determine."""
    kind = "categorical" if isinstance(element, IndexOf) else element.value
    if element not in _NUMBERS:
        if item.bounds is not None:
            of = f"`{element.dim}`" if isinstance(element, IndexOf) else f"type `{kind}`"
            raise build.report.fail("E208", item.bounds.span, f"a quantity of {of} takes no bounds")
        return Support(kind)
    if item.bounds is not None and item.bounds.strict:
        lower, upper = _next(build, lower, 1), _next(build, upper, -1)
    for bound in (lower, upper):
        if bound is not None:
            _check_bound(build, bound)
    if upper is None or (lower is None and element is Scalar.INT):
        raise build.report.fail(
            "E406",
            item.span,
            f"`{item.name.id}` would have infinitely many values, all of them equally likely",
            f"say which values are possible: `var {item.name.id} : {kind} in [0, 5]`",
        )
    low = lower.value if isinstance(lower, Literal) else 0 if lower is None else None
    if element is Scalar.COUNT and low is not None and low < 0 and lower is not None:
        raise build.report.fail("E208", lower.meta.span, f"a count is {SUPPORTS['count'].description.split(',')[0]}")
    return Support(kind, lower, upper)


def _next(build: Build, bound: Expr | None, step: int) -> Expr | None:
    """The whole number after a bound that is excluded, or before it."""
    if bound is None:
        return None
    if isinstance(bound, Literal) and float(bound.value) % 1 == 0:
        return Literal(int(bound.value) + step, bound.meta)
    raise build.report.fail("E208", bound.meta.span, "say it with the last value: `>=` or `<=`")


def _check_bound(build: Build, bound: Expr) -> None:
    whole = isinstance(bound, Literal) and float(bound.value) % 1 == 0
    if isinstance(bound, Literal) and not whole:
        raise build.report.fail("E208", bound.meta.span, "the values are whole numbers, so the bounds are too")
    if not whole and (bound.meta.axes or bound.meta.event or not build.data_only(bound)):
        raise build.report.fail(
            "E208",
            bound.meta.span,
            "how many values a discrete quantity has must be one number, from the text or the data",
            "take the widest range, and say by an `energy` or a distribution which values are possible",
        )
