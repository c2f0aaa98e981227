"""Parameters against the domains of their distributions, as far as the text tells."""

from __future__ import annotations

from math import inf

from ppl.catalogue.distributions import Parameter
from ppl.catalogue.functions import Interval
from ppl.catalogue.supports import SUPPORTS, SupportSpec
from ppl.compiler.check.heads import Head
from ppl.compiler.check.ranges import range_of
from ppl.compiler.check.scope import Scope
from ppl.compiler.check.shapes import describe, leaves, show_interval
from ppl.grammar import nodes as syntax
from ppl.graph import Expr, Lift, Read
from ppl.types import Scalar

# Kinds of matrices that a parameter may want, and what to write if another kind is given.
_MATRIX = {
    "positive_definite": "pass a triangular factor by its name: `MvNormal(mean, cholesky=L)`",
    "cholesky_cov": "factor it, `cholesky(A)`, or pass it as `covariance`",
}


def check_domain(scope: Scope, found: Head, p: Parameter, e: Expr) -> None:
    """Reports a parameter that leaves its domain, or is another kind of matrix or vector than it should be."""
    names, report = scope.names, scope.report
    domain = SUPPORTS[p.domain]
    known = range_of(e, names)
    interval = Interval(
        -inf if domain.lower is None else domain.lower,
        inf if domain.upper is None else domain.upper,
        domain.strict and domain.lower is not None,
        domain.strict and domain.upper is not None,
    )
    where = f"`{p.name}` of `{found.combinator or found.spec.name}`"
    if (kind := _other_matrix(scope, e, domain.name)) is not None:
        report.error("E203", e.meta.span, f"this is {kind}; {where} takes {first_clause(domain)}", _MATRIX[domain.name])
        return
    if domain.event_rank > 0 and (name := _free_elements(scope, e)) is not None:
        report.error(
            "E203",
            e.meta.span,
            f"the elements of `{name}` are drawn apart from each other; {where} takes {first_clause(domain)}",
            _structure_hint(domain.name, name, e),
        )
        return
    if leaves(known, interval):
        report.error(
            "E203",
            e.meta.span,
            f"{describe(known, interval)}; {where} takes numbers {show_interval(interval)}",
            _domain_hint(scope, e, known.interval, interval),
        )
        return
    constant = known.interval.lower
    if domain.discrete and not known.depends and constant == known.interval.upper and constant % 1:
        report.error("E203", e.meta.span, f"this is {constant:g}; {where} takes whole numbers")
    elif domain.discrete and e.meta.element is Scalar.REAL and known.reaches_lower and known.depends:
        report.error(
            "E203", e.meta.span, f"this is a real number; {where} takes whole numbers", _swapped(scope, found.call, e)
        )


def _swapped(scope: Scope, call: syntax.Call, e: Expr) -> str:
    """`Binomial(p, n[obs])`: whether the next argument is what this one should be."""
    report = scope.report
    texts = [report.text(a.span) for a in call.arguments]
    here = next((n for n, a in enumerate(call.arguments) if a.name is None and a.value.span == e.meta.span), None)
    if here is None or here + 1 >= len(texts) or call.arguments[here + 1].name is not None:
        return ""
    other = call.arguments[here + 1].value
    base = other.base if isinstance(other, syntax.Index) else other
    quantity = scope.names.quantities.get(base.id) if isinstance(base, syntax.Name) else None
    whole = isinstance(other, syntax.Number) and isinstance(other.value, int)
    if not whole and (quantity is None or quantity.element not in (Scalar.COUNT, Scalar.INT)):
        return ""
    texts[here], texts[here + 1] = texts[here + 1], texts[here]
    return f"did you swap them? `{call.function.id}({', '.join(texts)})`"


def _domain_hint(scope: Scope, e: Expr, known: Interval, domain: Interval) -> str:
    if known.lower == known.upper:
        return f"write a number {show_interval(domain)}"
    if not isinstance(e, Read):
        return _link(scope, e, domain)
    quantity = scope.names.quantities[e.name]
    if quantity.role not in ("latent", "var") or domain.lower != 0:
        return ""
    text = scope.report.text(e.meta.span)
    line = scope.report.line(quantity.span)
    if domain.upper == 1:
        return f"draw `{e.name}` from a distribution on (0, 1) on line {line} (`Beta(2, 2)`), or use `sigmoid({text})`"
    return f"draw `{e.name}` from a distribution above 0 on line {line} (`HalfNormal(1)`), or use `exp({text})`"


def _link(scope: Scope, e: Expr, domain: Interval) -> str:
    """A function that brings any number into the domain."""
    text = scope.report.text(e.meta.span)
    function = {inf: "exp", 1.0: "sigmoid"}.get(domain.upper)
    if domain.lower != 0 or function is None or len(text) > 40:
        return ""
    return f"keep it {show_interval(domain)}: `{function}({text})`"


def _other_matrix(scope: Scope, e: Expr, domain: str) -> str | None:
    """What kind of matrix a latent is, where another is wanted."""
    quantity = scope.names.quantities.get(e.name) if isinstance(e, Read) else None
    if domain not in _MATRIX or quantity is None or quantity.support is None or quantity.event_rank != 2:
        return None
    kind = SUPPORTS[quantity.support.kind]
    triangular = kind.name.startswith("cholesky")
    return first_clause(kind) if triangular != domain.startswith("cholesky") else None


def _free_elements(scope: Scope, e: Expr) -> str | None:
    """The latent whose elements, drawn one by one, make up this array."""
    if isinstance(e, Lift) and isinstance(e.body, Read):
        name = e.body.name
    elif isinstance(e, Read) and e.meta.event:
        name = e.name
    else:
        return None
    quantity = scope.names.quantities.get(name)
    if quantity is None or quantity.role not in ("latent", "var") or quantity.event_rank > 0:
        return None
    return name


def _structure_hint(domain: str, name: str, e: Expr) -> str:
    dims = ", ".join(w.dim for w in e.meta.event)
    match domain:
        case "ordered":
            return f"put them in order: `{name}[{dims}] ~ ordered(Normal(0, 5))`"
        case "simplex":
            return f"draw them together: `{name}[{dims}] ~ Dirichlet(fill(1, {dims}))`, or use `softmax({name})`"
        case _:
            return ""


def first_clause(support: SupportSpec) -> str:
    """What a support is, without its bounds: `an increasing vector`."""
    return support.description.split(",", maxsplit=1)[0]
