"""The support of what a distribution draws, as expressions of its bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.heads import Head
from ppl.compiler.check.ranges import range_of
from ppl.compiler.check.sameness import canonical
from ppl.compiler.check.scope import Scope
from ppl.compiler.check.shapes import apply
from ppl.graph import Axis, Expr, Literal, Meta, Support
from ppl.types import Scalar

Numbers = Mapping[str, Expr]


@dataclass(frozen=True)
class Drawable:
    """The support of draws; refusal: why no latent can have this distribution, and what to write instead, if so."""

    support: Support
    refusal: tuple[str, str] | None = None


def of_catalogue(scope: Scope, found: Head, values: Numbers) -> Drawable:
    """Of a distribution of the catalogue with these parameters."""
    spec = found.spec
    lower = values.get(spec.lower) if spec.lower is not None else None
    upper = values.get(spec.upper) if spec.upper is not None else None
    _check_bounds(scope, found, lower, upper)
    return Drawable(Support(spec.support, lower, upper))


def of_combinator(
    scope: Scope, found: Head, numbers: Numbers, parts: Sequence[Drawable], family: Axis | None
) -> Drawable:
    """Of a combinator with these numbers, over parts with these supports."""
    inner = parts[0].support
    match found.combinator:
        case "truncated":
            lower, upper = _truncated(scope, found, numbers, inner)
            _check_bounds(scope, found, lower, upper)
            return Drawable(Support(inner.kind if found.spec.discrete else "interval", lower, upper), parts[0].refusal)
        case "ordered":
            return Drawable(Support(SUPPORTS[inner.kind].ordered, inner.lower, inner.upper), parts[0].refusal)
        case "zerosum":
            return Drawable(Support("zero_sum" if found.event_rank == 1 else "zero_sum_matrix"))
        case "mixture":
            return _mixture(parts, family)
        case "zeroinflated":
            return _zero_inflated(found, inner)
        case _:
            return Drawable(
                inner,
                (
                    "`censored` says how much is seen of a value, so it is about data",
                    "a latent is not seen at all: drop `censored`, or bound the latent with `truncated`",
                ),
            )


def _mixture(parts: Sequence[Drawable], family: Axis | None) -> Drawable:
    supports = [part.support for part in parts]
    refusal = next((part.refusal for part in parts if part.refusal is not None), None)
    bounds = [b for s in supports for b in (s.lower, s.upper) if b is not None]
    if all(canonical(s) == canonical(supports[0]) for s in supports) and not any(family in b.meta.axes for b in bounds):
        return Drawable(supports[0], refusal)
    words = (
        "the components draw from different supports, so the density of a latent would jump",
        "truncate them all to the same range, or draw from each component apart",
    )
    kinds = {s.kind for s in supports}
    kind = kinds.pop() if len(kinds) == 1 else "int" if SUPPORTS[supports[0].kind].discrete else "real"
    return Drawable(Support(kind), words)


def _zero_inflated(found: Head, inner: Support) -> Drawable:
    if found.spec.discrete:
        return Drawable(Support(inner.kind, None, inner.upper))
    return Drawable(
        inner,
        (
            "a latent would be exactly 0 with a probability, and have a density elsewhere: no gradient leads there",
            "draw an indicator and a size: `z ~ Bernoulli(p)`, `x = 0 if z else size`",
        ),
    )


# --- bounds ------------------------------------------------------------------------------------------


def _truncated(scope: Scope, found: Head, numbers: Numbers, inner: Support) -> tuple[Expr | None, Expr | None]:
    fixed = SUPPORTS[inner.kind]
    meta = Meta((), (), Scalar.REAL, found.call.span)
    lower, upper = inner.lower, inner.upper
    if lower is None and fixed.lower is not None:
        lower = Literal(fixed.lower, meta)
    if upper is None and fixed.upper is not None:
        upper = Literal(fixed.upper, meta)
    return (
        _tighter(scope, "maximum", numbers.get("lower"), lower),
        _tighter(scope, "minimum", numbers.get("upper"), upper),
    )


def _tighter(scope: Scope, function: str, given: Expr | None, own: Expr | None) -> Expr | None:
    """The bound that a truncation gives or that the base has, whichever is inside the other."""
    if given is None or own is None:
        return own if given is None else given
    a, b = range_of(given, scope.names).interval, range_of(own, scope.names).interval
    low = function == "maximum"
    if a.lower >= b.upper:
        return given if low else own
    if a.upper <= b.lower:
        return own if low else given
    return apply(scope, function, [given, own], given.meta.span)


def _check_bounds(scope: Scope, found: Head, lower: Expr | None, upper: Expr | None) -> None:
    if lower is None or upper is None:
        return
    low, high = range_of(lower, scope.names).interval, range_of(upper, scope.names).interval
    if low.lower >= high.upper:
        base = found.base
        swapped = ""
        if not found.combinator and low.lower > high.upper and len(base.arguments) == 2:
            texts = [scope.report.text(a.span) for a in base.arguments if a.name is None]
            swapped = f"did you mean `{base.function.id}({', '.join(texts[::-1])})`?" if len(texts) == 2 else ""
        scope.report.error("E208", found.call.span, f"no number lies between {low.lower:g} and {high.upper:g}", swapped)
