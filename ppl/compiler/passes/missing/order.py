"""The order of a graph's nodes once missing elements are among its quantities."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.graph import Latent, Node, Prediction, Quantity, Value, node_expressions, reads


def in_order(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """With every quantity after those it reads, otherwise in the order of the text. What is drawn after sampling needs
    nothing before: it is drawn when all else is known."""
    named = {node.name for node in nodes if isinstance(node, Quantity)}
    done: set[str] = set()
    ordered: list[Node] = []
    waiting = [(node, _needs(node) & named) for node in nodes]
    circular = False
    while waiting:
        later = []
        for node, needs in waiting:
            if needs <= done or circular:  # of quantities that look back at each other the first one goes on
                circular = False
                ordered.append(node)
                done |= {node.name} if isinstance(node, Quantity) else set()
            else:
                later.append((node, needs))
        circular = len(later) == len(waiting)
        waiting = later
    return tuple(ordered)


def _needs(node: Node) -> set[str]:
    if isinstance(node, Prediction) and not node.recorded:
        return set()
    own = {node.name} if isinstance(node, Value | Latent) else set()
    return {name for expr in node_expressions(node) for name in reads(expr)} - own
