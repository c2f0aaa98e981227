"""The part of a model that evidence bears on: without latents that are drawn forward after sampling."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ppl.compiler.passes.roles import Role, names_in, roles, target_name
from ppl.graph import Latent, ModelGraph, Node, Prediction, Term, Value


def drawn_forward_latents(graph: ModelGraph) -> frozenset[str]:
    """The latents that nothing observed depends on."""
    return frozenset(name for name, role in roles(graph).items() if role is Role.SIMULATED)


def relevant(graph: ModelGraph) -> ModelGraph:
    """The graph without these latents, their terms, and what is computed or predicted from them; itself if there are
    none."""
    gone = set(drawn_forward_latents(graph))
    if not gone:
        return graph
    kept = []
    for node in graph.nodes:
        if _goes(node, gone):
            gone |= {node.name} if isinstance(node, Value | Prediction) else set()
        else:
            kept.append(node)
    return replace(graph, nodes=tuple(kept))


def _goes(node: Node, gone: Collection[str]) -> bool:
    match node:
        case Latent():
            return node.name in gone
        case Term(role="latent"):
            return target_name(node) in gone
        case Prediction() if not node.recorded:  # of missing elements: drawn when all else is known
            return False
        case Value() | Prediction():
            return node.name in gone or any(name in gone for name in names_in(node))
        case _:
            return False
