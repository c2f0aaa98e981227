"""Walking expressions and nodes."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.graph.expressions import (
    Affine,
    Aligned,
    Apply,
    Axis,
    Expr,
    Fill,
    Fixed,
    Gather,
    Labelled,
    Lift,
    Literal,
    Local,
    OdeSolve,
    Position,
    Read,
    Reduce,
    Select,
    Stack,
    Subscript,
    Whole,
)
from ppl.graph.nodes import Clamp, Distribution, Energy, Input, Latent, Node, Prediction, Term, Value


def subscript_children(subscripts: tuple[Subscript, ...]) -> Iterator[Expr]:
    """The expressions of positions among subscripts."""
    for s in subscripts:
        if isinstance(s, Gather):
            yield s.index


def subscript_axes(s: Subscript) -> tuple[Axis, ...]:
    """The bound indices that a subscript brings."""
    match s:
        case Aligned():
            return (s.axis,)
        case Affine():
            return tuple(axis for axis, _ in s.terms)
        case Gather():
            return s.index.meta.axes
        case Fixed() | Labelled() | Whole():
            return ()


def children(expr: Expr) -> Iterator[Expr]:
    """The direct sub-expressions."""
    match expr:
        case Read():
            yield from subscript_children(expr.subscripts)
        case Apply():
            yield from expr.arguments
        case Reduce():
            yield expr.body
            if expr.where is not None:
                yield expr.where
        case Lift():
            yield expr.body
        case Fill():
            yield expr.value
        case Stack():
            yield from expr.items
        case Select():
            yield expr.value
            yield from subscript_children(expr.subscripts)
        case OdeSolve():
            yield from (expr.rate, expr.initial, expr.start, expr.times)
        case Literal() | Position() | Local():
            return


def each_part(*exprs: Expr) -> Iterator[Expr]:
    """Expressions and all their sub-expressions, which they may share: each object once."""
    seen: set[int] = set()
    stack = list(reversed(exprs))
    while stack:
        part = stack.pop()
        if id(part) not in seen:
            seen.add(id(part))
            yield part
            stack.extend(reversed(list(children(part))))


def each_read(*exprs: Expr) -> Iterator[Read]:
    """The reads among all parts of expressions, each object once."""
    return (part for part in each_part(*exprs) if isinstance(part, Read))


def reads(expr: Expr) -> Iterator[str]:
    """Names of the quantities an expression touches, with repeats."""
    if isinstance(expr, Read):
        yield expr.name
    for child in children(expr):
        yield from reads(child)


def distribution_expressions(distribution: Distribution) -> Iterator[Expr]:
    """All parameter expressions, those of the bases included."""
    for part in distribution.walk():
        for _, expr in part.parameters:
            yield expr


def node_expressions(node: Node) -> Iterator[Expr]:
    """The outermost expressions that a node holds."""
    match node:
        case Input():
            yield from _present(node.lower, node.upper)
        case Latent():
            yield from _present(node.support.lower, node.support.upper)
        case Value():
            for piece in node.pieces:
                yield from (piece.value, *_present(piece.where), *subscript_children(piece.subscripts))
        case Term():
            yield from (node.target, *distribution_expressions(node.distribution), *_present(node.where))
        case Energy():
            yield from (node.value, *_present(node.where))
        case Clamp():
            yield from (node.value, *subscript_children(node.subscripts))
        case Prediction():
            yield from (*distribution_expressions(node.distribution), *_present(node.where))
            yield from subscript_children(node.subscripts)


def _present(*exprs: Expr | None) -> Iterator[Expr]:
    return (expr for expr in exprs if expr is not None)
