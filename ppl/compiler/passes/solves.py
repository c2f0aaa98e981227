"""Where a model solves differential equations."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.graph import Energy, Expr, ModelGraph, Node, OdeSolve, Prediction, Term, Value, children, node_expressions


def solves(graph: ModelGraph) -> Iterator[tuple[str, OdeSolve]]:
    """Each differential equation, with the name of the quantity or term that has it."""
    seen: set[int] = set()
    for node in graph.nodes:
        if isinstance(node, Value | Term | Energy | Prediction):
            for expr in _within(node, seen):
                yield node.name, expr


def _within(node: Node, seen: set[int]) -> Iterator[OdeSolve]:
    stack: list[Expr] = list(node_expressions(node))
    while stack:
        expr = stack.pop()
        if id(expr) not in seen:
            seen.add(id(expr))
            stack += children(expr)
            if isinstance(expr, OdeSolve):
                yield expr
