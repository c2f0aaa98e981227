"""A model read as a program that makes data: what it observes becomes a quantity that it draws.

`y[obs] ~ Normal(mu, s)` with data `y` draws `y`; an observed quantity that is computed from data
(`log_earn = log(earn)`) is drawn itself, and its data are no longer needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ppl.compiler.passes.roles import names_in, target_name
from ppl.graph import (
    Energy,
    Input,
    Latent,
    ModelGraph,
    Node,
    Support,
    Term,
    Value,
)


def outcomes(graph: ModelGraph) -> Mapping[str, tuple[Term, ...]]:
    """The observing terms of every observed quantity, in the order of the text."""
    found: dict[str, tuple[Term, ...]] = {}
    for term in graph.terms:
        if term.role == "observed":
            found[target_name(term)] = (*found.get(target_name(term), ()), term)
    return found


def generative(graph: ModelGraph, names: Collection[str] | None = None) -> ModelGraph:
    """The graph with observed quantities (all, or those in `names`) as latents, and their observing terms as what
    defines them."""
    observed = outcomes(graph)
    chosen = observed if names is None else observed.keys() & set(names)
    return replace(graph, nodes=tuple(_as_drawn(node, chosen) for node in graph.nodes))


def _as_drawn(node: Node, chosen: Collection[str]) -> Node:
    match node:
        case Input() | Value() if node.name in chosen:
            return Latent(node.name, node.dims, node.element, Support("real"), 0, False, node.span)
        case Term(role="observed") if target_name(node) in chosen:
            return replace(node, role="latent")
        case _:
            return node


def optional_inputs(graph: ModelGraph) -> frozenset[str]:
    """The inputs that drawing forward does not need: outcomes, and what only computed outcomes are computed from."""
    drawn = generative(graph)
    values = {value.name: value for value in drawn.values}
    live = depends(graph, [latent.name for latent in graph.latents])
    roots = [n for n in drawn.nodes if not isinstance(n, Input) and (n.name in live or not isinstance(n, Value))]
    needed: set[str] = set()
    waiting = [name for node in roots for name in names_in(node)]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += names_in(values[name]) if name in values else []
    observed = outcomes(graph)
    return frozenset(i.name for i in graph.inputs if i.name in observed or i.name not in needed)


def depends(graph: ModelGraph, names: Iterable[str]) -> set[str]:
    """The values computed from one of `names`, directly or through other values."""
    found = set(names)
    read_by = [(value.name, set(names_in(value))) for value in graph.values]
    grew = True
    while grew:
        new = {name for name, read in read_by if name not in found and read & found}
        found |= new
        grew = bool(new)
    return found - set(names)


def without(graph: ModelGraph, absent: Collection[str]) -> ModelGraph:
    """The graph where some inputs that it can do without (`optional_inputs`) are not there: outcomes among them, or
    computed from them, are drawn, and what else is computed from them is left out."""
    derived = {*absent} | depends(graph, absent)
    observed = outcomes(graph)
    drawn = generative(graph, derived)
    kept = (n for n in drawn.nodes if isinstance(n, Term | Energy) or n.name in observed or n.name not in derived)
    return replace(graph, nodes=tuple(kept))
