"""Continuous latents of which some elements are given: a latent of the others, and the whole put together from both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ppl.compiler.binding.clamps import Given, given_values
from ppl.compiler.passes.substitution import substituted
from ppl.dataset import Dataset
from ppl.graph import (
    Aligned,
    Axis,
    Clamp,
    Expr,
    Gather,
    Input,
    Latent,
    Meta,
    ModelGraph,
    Node,
    Piece,
    Read,
    Subscript,
    Term,
    Value,
    Whole,
)
from ppl.types import Dim, IndexOf, Scalar

Array = npt.NDArray[np.generic]


def assemble_clamped(graph: ModelGraph, dataset: Dataset) -> tuple[ModelGraph, Dataset]:
    """The graph without clamps, and the data with what it needs besides; both as they are if nothing is clamped.

    A latent `x` becomes the value `x`, of the given elements and of a latent over a dim of the others; its densities
    are further densities, of all its elements.
    """
    if not graph.clamps:
        return graph, dataset
    found, _ = given_values(graph, dataset, {})
    made = {given.latent.name: _assembled(given, graph, dataset) for given in found}
    nodes: list[Node] = []
    for node in graph.nodes:
        match node:
            case Latent() if node.name in made:
                nodes += made[node.name].nodes
            case Term(role="latent", target=Read(name=name)) if name in made:
                nodes.append(replace(node, role="density"))
            case Clamp():
                continue
            case _:
                nodes.append(node)
    dims = {**graph.dims, **{one.dim.name: one.dim for one in made.values()}}
    assembled = {**graph.assembled, **{one.latent: one.read for one in made.values()}}
    sizes = {**dataset.sizes, **{one.dim.name: one.size for one in made.values()}}
    arrays = dict(dataset.arrays)
    for one in made.values():
        arrays |= one.arrays
    return (
        replace(graph, dims=dims, nodes=tuple(nodes), assembled=assembled),
        replace(dataset, sizes=sizes, arrays=arrays),
    )


@dataclass(frozen=True)
class _Assembled:
    """What stands for one latent. nodes: in its place; latent: the name of the one of the free elements, read: where in
    the value these are; dim: of the free elements; arrays: of the inputs among the nodes."""

    nodes: tuple[Node, ...]
    latent: str
    read: Read
    dim: Dim
    size: int
    arrays: dict[str, Array]


def _assembled(given: Given, graph: ModelGraph, dataset: Dataset) -> _Assembled:
    latent, span = given.latent, given.latent.span
    rank, name = latent.event_rank, latent.name
    plates, event = latent.dims[: len(latent.dims) - rank], latent.dims[len(latent.dims) - rank :]
    free = ~given.known.any(axis=tuple(range(len(plates), len(latent.dims))))
    dim = Dim(_unused(f"{plates[0]} of free {name}", graph), span)
    axis = Axis(dim.name, dim.name)

    arrays: dict[str, Array] = {f"{name} as clamped": given.values}
    inputs = [Input(f"{name} as clamped", latent.dims, Scalar.REAL, None, None, False, span)]
    at: list[Subscript] = []
    for k, (plate, places) in enumerate(zip(plates, np.nonzero(free), strict=True)):
        where = f"{name} free at {k}"
        arrays[where] = places.astype(np.int64)
        inputs.append(Input(where, (dim.name,), IndexOf(plate), None, None, False, span))
        at.append(Gather(Read(where, (Aligned(axis),), Meta((axis,), (), IndexOf(plate), span))))

    by = dict(zip(latent.axes, at, strict=True))
    lower, upper = (_at(bound, by) for bound in (latent.support.lower, latent.support.upper))
    support = replace(latent.support, lower=lower, upper=upper)
    others = Latent(f"{name} free", (dim.name, *event), Scalar.REAL, support, rank, True, span, (axis,))

    wholes = tuple(map(Whole, event))
    meta = Meta((axis,), wholes, Scalar.REAL, span)
    freely = Read(others.name, (Aligned(axis), *wholes), meta)
    pieces = (_everything(latent, inputs[0].name), Piece((axis,), None, (*at, *wholes), freely, span))
    value = Value(name, latent.dims, Scalar.REAL, pieces, span)
    read = Read(name, (*at, *wholes), meta)
    return _Assembled((*inputs, others, value), others.name, read, dim, int(free.sum()), arrays)


def _at(bound: Expr | None, by: dict[Axis, Subscript]) -> Expr | None:
    return None if bound is None else substituted(bound, by, "'")


def _everything(latent: Latent, source: str) -> Piece:
    axes = tuple(Axis(f"{dim} #{k}", dim) for k, dim in enumerate(latent.dims))
    subscripts = tuple(map(Aligned, axes))
    value = Read(source, subscripts, Meta(axes, (), Scalar.REAL, latent.span))
    return Piece(axes, None, subscripts, value, latent.span)


def _unused(name: str, graph: ModelGraph) -> str:
    while name in graph.dims:
        name += "'"
    return name
