"""Latents that are given become data; of those given in part, the other values of the given elements are ruled out."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace
from math import inf

from ppl.graph import (
    Aligned,
    Apply,
    Axis,
    Clamp,
    Energy,
    Expr,
    Fixed,
    Input,
    Labelled,
    Latent,
    Literal,
    Meta,
    ModelGraph,
    Node,
    Read,
    Term,
)
from ppl.types import Scalar


def clamped(graph: ModelGraph, whole: Set[str]) -> ModelGraph:
    """The graph with what clamps say of its latents.

    A latent of `whole` is data, and its own distribution counts, but it is no observation to be predicted. Another that
    is discrete stays a latent, with an energy for each clamp that is 0 where the value is the given one, and else
    infinite. One that is continuous stays as it is, with its clamps, until the density is made
    (`ppl.compiler.passes.assembling`).
    """
    nodes = (
        _ruling_out(graph, node) if isinstance(node, Clamp) and graph[node.name].element is not Scalar.REAL else node
        for node in given_whole(graph, whole).nodes
    )
    return replace(graph, nodes=tuple(nodes))


def clamped_by_text(graph: ModelGraph) -> ModelGraph:
    """The graph before there are data, with the latents as data of which one clamp gives all elements."""
    whole = {c.name for c in graph.clamps if all(isinstance(s, Aligned) and _is_all(s.axis) for s in c.subscripts)}
    return given_whole(graph, whole)


def _is_all(axis: Axis) -> bool:
    return (axis.start, axis.stop) == (0, None)


def given_whole(graph: ModelGraph, whole: Set[str]) -> ModelGraph:
    """The graph with these latents as data, whatever clamps say of others."""
    return replace(graph, nodes=tuple(_given_whole(graph, whole)))


def _given_whole(graph: ModelGraph, whole: Set[str]) -> Iterator[Node]:
    for node in graph.nodes:
        match node:
            case Latent() if node.name in whole:
                yield Input(node.name, node.dims, node.element, None, None, False, node.span)
            case Term(target=Read(name=name)) if name in whole:
                yield replace(node, role="density")
            case Clamp() if node.name in whole:
                continue
            case _:
                yield node


def _ruling_out(graph: ModelGraph, clamp: Clamp) -> Energy:
    axes, span = clamp.axes, clamp.span
    read = Read(clamp.name, clamp.subscripts, Meta(axes, (), graph[clamp.name].element, span))
    same = Apply("equal", (read, clamp.value), Meta(axes, (), Scalar.BOOL, span))
    choices: tuple[Expr, ...] = (same, _number(0.0, clamp), _number(inf, clamp))
    return Energy(
        f"observe {_written(clamp)}", axes, None, Apply("where", choices, Meta(axes, (), Scalar.REAL, span)), span
    )


def _number(value: float, clamp: Clamp) -> Literal:
    return Literal(value, Meta((), (), Scalar.REAL, clamp.span))


def _written(clamp: Clamp) -> str:
    places = []
    for s in clamp.subscripts:
        match s:
            case Fixed(position):
                places.append(str(position))
            case Labelled(label):
                places.append(f'"{label}"')
            case _:
                places.append(":")
    return f"{clamp.name}[{', '.join(places)}]" if places else clamp.name
