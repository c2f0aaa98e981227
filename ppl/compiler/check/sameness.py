"""Whether two supports are the same set, as far as their texts tell."""

from __future__ import annotations

from ppl.catalogue.supports import SUPPORTS
from ppl.graph import Apply, Expr, Fill, Gather, Labelled, Literal, Read, Subscript, Support


def canonical(support: Support) -> tuple[str, object, object]:
    """The set that a support is: numbers above 0 are the same whether from `HalfNormal(1)` or a truncation at 0."""
    spec = SUPPORTS[support.kind]
    lower = spec.lower if support.lower is None else _bare(support.lower)
    upper = spec.upper if support.upper is None else _bare(support.upper)
    plain = spec.event_rank == 0 and support.kind != "circle"
    return "number" if plain else support.kind, lower, upper


def _bare(expr: Expr | None) -> object:
    """An expression without its places in the text."""
    match expr:
        case None:
            return None
        case Literal():
            return float(expr.value)
        case Read():
            return ("read", expr.name, tuple(map(_bare_subscript, expr.subscripts)))
        case Apply():
            return (expr.function, *map(_bare, expr.arguments))
        case Fill():
            return ("fill", expr.dims, _bare(expr.value))
        case _:
            return expr


def _bare_subscript(s: Subscript) -> object:
    match s:
        case Gather(index):
            return ("gather", _bare(index))
        case Labelled(label):
            return ("label", label)
        case _:
            return s
