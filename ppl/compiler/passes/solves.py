"""Where a model solves differential equations."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.graph import Energy, ModelGraph, OdeSolve, Prediction, Term, Value, each_part, node_expressions


def solves(graph: ModelGraph) -> Iterator[tuple[str, OdeSolve]]:
    """Each differential equation once, with the name of the first quantity or term that has it."""
    seen: set[int] = set()
    for node in graph.nodes:
        if isinstance(node, Value | Term | Energy | Prediction):
            for expr in each_part(*node_expressions(node)):
                if isinstance(expr, OdeSolve) and id(expr) not in seen:
                    seen.add(id(expr))
                    yield node.name, expr
