"""Where a model takes points that must increase: interpolations, and the times of differential equations."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.graph import Apply, Expr, ModelGraph, OdeSolve, each_part, node_expressions


def increasing_points(graph: ModelGraph) -> Iterator[tuple[Apply | OdeSolve, Expr]]:
    """Each interpolation and differential equation, with its points."""
    for expr in each_part(*(root for node in graph.nodes for root in node_expressions(node))):
        match expr:
            case Apply(function="interp", arguments=(_, points, _)) | OdeSolve(times=points):
                yield expr, points
