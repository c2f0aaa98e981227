"""A model read as a program that makes data: what it observes becomes a quantity that it draws.

`y[obs] ~ Normal(mu, s)` with data `y` draws `y`; an observed quantity that is computed from data
(`log_earn = log(earn)`) is drawn itself, and its data are no longer needed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
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


def generative(graph: ModelGraph) -> ModelGraph:
    """The graph with every observed quantity as a latent, and its observing terms as what defines it."""
    observed = outcomes(graph)
    nodes = (_as_latent(node) if _is_named(node, observed) else node for node in graph.nodes)
    made = (replace(n, role="latent") if isinstance(n, Term) and n.role == "observed" else n for n in nodes)
    return replace(graph, nodes=tuple(made))


def _is_named(node: Node, names: Collection[str]) -> bool:
    return isinstance(node, Input | Value) and node.name in names


def _as_latent(node: Node) -> Node:
    assert isinstance(node, Input | Value)
    return Latent(node.name, node.dims, node.element, Support("real"), 0, False, node.span)


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


def depends(graph: ModelGraph, names: Iterable[str], through: Callable[[str], bool] = lambda _: True) -> set[str]:
    """The values computed from one of `names`, directly or through other values; `through`: which of these count."""
    found = set(names)
    passed = set(found)
    read_by = [(value.name, set(names_in(value))) for value in graph.values]
    while passed:
        new = {name for name, read in read_by if name not in found and read & passed}
        found |= new
        passed = {name for name in new if through(name)}
    return found - set(names)


def without(graph: ModelGraph, absent: Collection[str]) -> ModelGraph:
    """The graph where some inputs that it can do without (`optional_inputs`) are not there: outcomes among them, or
    computed from them, have no values (they are latents that terms observe, until `generative` makes these their
    own), and what else is computed from them is left out."""
    observed = outcomes(graph)
    given = {name for name in absent if name not in observed}
    lost = depends(graph, given, lambda name: name not in observed) | given
    gone = lost - observed.keys()
    unknown = (lost | set(absent)) & observed.keys()
    kept = (n for n in graph.nodes if isinstance(n, Term | Energy) or n.name not in gone)
    return replace(graph, nodes=tuple(_as_latent(n) if _is_named(n, unknown) else n for n in kept))
