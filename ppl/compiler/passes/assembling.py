"""Continuous latents of which some elements are given: a latent of the others, and the whole put together from both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ppl.catalogue.supports import joint_rank
from ppl.compiler.binding.clamps import Given, given_values
from ppl.compiler.check.sites import everything
from ppl.compiler.passes.missing.elements import Bound
from ppl.compiler.passes.plates import with_plates
from ppl.compiler.passes.substitution import substituted
from ppl.dataset import Dataset
from ppl.graph import (
    Aligned,
    Axis,
    Clamp,
    Distribution,
    Expr,
    Gather,
    Input,
    Latent,
    Meta,
    ModelGraph,
    Node,
    Piece,
    Quantity,
    Read,
    Subscript,
    Support,
    Term,
    Value,
    Whole,
    distribution_expressions,
    reads,
)
from ppl.types import Dim, IndexOf, Scalar

Array = npt.NDArray[np.generic]


def assemble_clamped(graph: ModelGraph, dataset: Dataset) -> tuple[ModelGraph, Dataset]:
    """The graph without clamps, and the data with what it needs besides; both as they are if nothing is clamped.

    A latent `x` becomes the value `x`, of the given elements and of a latent over a dim of the others. Where one
    statement draws all its elements one by one, the others are drawn by it, and it weighs the given ones; else its
    statements are further densities of all elements.
    """
    if not graph.clamps:
        return graph, dataset
    found, _ = given_values(graph, dataset, {})
    own = {given.latent.name: _own_terms(graph, dataset, given.latent) for given in found}
    split = {name for name, terms in own.items() if len(terms) == 1 and _one_by_one(graph[name], terms[0])}
    made = {given.latent.name: _assembled(given, graph, given.latent.name not in split) for given in found}
    nodes: list[Node] = []
    for node in graph.nodes:
        match node:
            case Latent() if node.name in made:
                nodes += made[node.name].nodes
            case Term(role="latent", target=Read(name=name)) if name in split:
                nodes += _split(own[name][0], made[name])
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
    the value these are, places: the positions among its subscripts; dim: of the free elements; arrays: of the inputs
    among the nodes, of which `given` has the values and `mask` says which plates are given."""

    nodes: tuple[Node, ...]
    latent: str
    given: str
    mask: str
    read: Read
    places: tuple[Subscript, ...]
    dim: Dim
    size: int
    arrays: dict[str, Array]


def _assembled(given: Given, graph: ModelGraph, flat: bool) -> _Assembled:
    latent, span = given.latent, given.latent.span
    rank, name = joint_rank(latent.support.kind), latent.name
    plates, event = latent.dims[: len(latent.dims) - rank], latent.dims[len(latent.dims) - rank :]
    free = ~given.known.any(axis=tuple(range(len(plates), len(latent.dims))))
    dim = Dim(_unused(f"{plates[0]} of free {name}", graph), span)
    axis = Axis(dim.name, dim.name)

    values, mask = f"{name} as clamped", f"{name} is clamped"
    arrays: dict[str, Array] = {values: given.values, mask: np.asarray(~free)}
    inputs = [
        Input(values, latent.dims, Scalar.REAL, None, None, False, span),
        Input(mask, plates, Scalar.BOOL, None, None, False, span),
    ]
    at: list[Subscript] = []
    for k, (plate, places) in enumerate(zip(plates, np.nonzero(free), strict=True)):
        where = f"{name} free at {k}"
        arrays[where] = places.astype(np.int64)
        inputs.append(Input(where, (dim.name,), IndexOf(plate), None, None, False, span))
        at.append(Gather(Read(where, (Aligned(axis),), Meta((axis,), (), IndexOf(plate), span))))

    by = dict(zip(latent.axes, at, strict=False))
    lower, upper = (_at(bound, by) for bound in (latent.support.lower, latent.support.upper))
    support = replace(latent.support, lower=lower, upper=upper) if rank == latent.event_rank else Support("real")
    others = Latent(f"{name} free", (dim.name, *event), Scalar.REAL, support, rank, flat, span, (axis,))

    wholes = tuple(map(Whole, event))
    meta = Meta((axis,), wholes, Scalar.REAL, span)
    freely = Read(others.name, (Aligned(axis), *wholes), meta)
    pieces = (_everything(latent, values), Piece((axis,), None, (*at, *wholes), freely, span))
    value = Value(name, latent.dims, Scalar.REAL, pieces, span)
    read = Read(name, (*at, *wholes), meta)
    made: tuple[Node, ...] = (*inputs, others, value)
    return _Assembled(made, others.name, values, mask, read, tuple(at), dim, int(free.sum()), arrays)


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


# --- terms -------------------------------------------------------------------------------------------


def _own_terms(graph: ModelGraph, dataset: Dataset, latent: Latent) -> list[Term]:
    """The statements that draw a latent, with their elements bound one by one."""
    bound = Bound(graph, dataset)
    return [
        with_plates(term, bound.span)
        for term in graph.terms
        if term.role == "latent" and isinstance(term.target, Read) and term.target.name == latent.name
    ]


def _one_by_one(latent: Quantity, term: Term) -> bool:
    """Whether each of the term's axes stands for a dim of the target and runs over all of it, and what can be given in
    part is independent."""
    assert isinstance(term.target, Read)
    assert isinstance(latent, Latent)
    if joint_rank(latent.support.kind) != latent.event_rank:
        return False
    plates = term.target.subscripts[: len(term.target.subscripts) - term.distribution.event_rank]
    whole = all(isinstance(s, Aligned) and s.shift == 0 and everything(s) for s in plates)
    own = any(term.target.name in reads(e) for e in distribution_expressions(term.distribution))
    return whole and not own and all(d.family is None for d in term.distribution.walk())


def _split(term: Term, made: _Assembled) -> list[Term]:
    """A term of the free elements, and one of the given ones."""
    target = term.target
    assert isinstance(target, Read)
    axes = tuple(s.axis for s in target.subscripts if isinstance(s, Aligned))
    by = dict(zip(axes, made.places, strict=True))
    along = made.read.meta.axes[0]
    wholes = target.subscripts[len(axes) :]
    free = Read(made.latent, (Aligned(along), *wholes), replace(target.meta, axes=(along,)))
    given = replace(target, name=made.given)
    mask = Read(made.mask, tuple(map(Aligned, axes)), Meta(axes, (), Scalar.BOOL, term.span))
    return [
        replace(term, axes=(along,), target=free, distribution=_placed(term.distribution, by)),
        replace(term, name=f"{term.name} as clamped", role="density", target=given, where=mask),
    ]


def _placed(d: Distribution, by: Mapping[Axis, Subscript]) -> Distribution:
    parameters = tuple((name, substituted(e, by, "'")) for name, e in d.parameters)
    base = None if d.base is None else _placed(d.base, by)
    return replace(d, parameters=parameters, base=base, others=tuple(_placed(o, by) for o in d.others))
