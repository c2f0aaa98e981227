"""How each latent quantity is inferred: sampled by the engine, summed out, or drawn forward afterwards.

A latent whose descendants are all unobserved does not matter to the posterior of the others (its density integrates to
1 whatever they are), and is drawn from its distribution after sampling, given the draws of what it depends on. A model
that observes nothing is what its author asked to be sampled, so there the engine samples everything but discrete
latents that cannot be summed out, since their values are infinitely many, and what depends on those.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from ppl.compiler.passes.finiteness import is_finite
from ppl.graph import Clamp, Energy, Latent, ModelGraph, Node, Term, Value, node_expressions, reads
from ppl.types import Scalar


class Role(enum.Enum):
    """Of a latent quantity."""

    SAMPLED = "sampled"
    ELIMINATED = "summed out"
    SIMULATED = "drawn forward"


def is_discrete(latent: Latent) -> bool:
    """Whether its values are whole numbers, truth values, spins or elements of a dim."""
    return latent.element is not Scalar.REAL


def roles(graph: ModelGraph) -> Mapping[str, Role]:
    """The role of every latent, by name."""
    needed = _needed(graph)
    found = {}
    for latent in graph.latents:
        if latent.name not in needed:
            found[latent.name] = Role.SIMULATED
        else:
            found[latent.name] = Role.ELIMINATED if is_discrete(latent) else Role.SAMPLED
    return found


def _needed(graph: ModelGraph) -> set[str]:
    """The latents that evidence depends on, directly or through what it depends on."""
    waiting = [latent.name for latent in graph.latents if latent.flat]
    evidence = [node for node in graph.nodes if _is_evidence(node)]
    waiting += [name for node in evidence for name in ([node.name] if isinstance(node, Clamp) else names_in(node))]
    if not evidence:
        waiting += _tractable(graph)
    defined = _defining(graph)
    needed: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [other for node in defined.get(name, ()) for other in names_in(node)]
    return {latent.name for latent in graph.latents if latent.name in needed}


def _tractable(graph: ModelGraph) -> list[str]:
    """The latents that depend on no discrete latent with infinitely many values."""
    defined = _defining(graph)
    read = {name: {other for node in nodes for other in names_in(node)} for name, nodes in defined.items()}
    out = {latent.name for latent in graph.latents if is_discrete(latent) and not is_finite(graph, latent)}
    grew = bool(out)
    while grew:
        more = {name for name, names in read.items() if name not in out and names & out}
        out |= more
        grew = bool(more)
    return [latent.name for latent in graph.latents if latent.name not in out]


def _defining(graph: ModelGraph) -> dict[str, list[Node]]:
    """What gives each latent and value its own: its declaration and the terms that draw it."""
    defined: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if isinstance(node, Term) and node.role == "latent":
            defined.setdefault(target_name(node), []).append(node)
        elif isinstance(node, Value | Latent):
            defined.setdefault(node.name, []).append(node)
    return defined


def _is_evidence(node: Node) -> bool:
    """Whether a node weighs what it reads: whatever adds to the energy and is not just the distribution of a latent, or
    gives a latent a value."""
    if isinstance(node, Term):
        return node.role != "latent"
    return isinstance(node, Energy | Clamp)


def names_in(node: Node) -> list[str]:
    """The quantities that a node reads, with repeats."""
    return [name for expr in node_expressions(node) for name in reads(expr)]


def target_name(term: Term) -> str:
    """The quantity that a term is about."""
    return next(reads(term.target))
