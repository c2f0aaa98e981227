"""Where a model takes points that must increase: interpolations, and the times of differential equations."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.graph import Apply, Expr, ModelGraph, OdeSolve, children, node_expressions


def increasing_points(graph: ModelGraph) -> Iterator[tuple[Apply | OdeSolve, Expr]]:
    """Each interpolation and differential equation, with its points."""
    seen: set[int] = set()
    stack = [expr for node in graph.nodes for expr in node_expressions(node)]
    while stack:
        expr = stack.pop()
        if id(expr) not in seen:
            seen.add(id(expr))
            stack += children(expr)
            match expr:
                case Apply(function="interp", arguments=(_, points, _)) | OdeSolve(times=points):
                    yield expr, points
