"""What missing elements of one input are made into: data, quantities and pieces, as they are found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ppl.compiler.passes.missing.elements import Bound, Mask
from ppl.compiler.passes.missing.fates import Fates
from ppl.graph import Aligned, Axis, Gather, Input, Meta, Node, Outcome, Piece, Read, Subscript, Term, Value
from ppl.types import Dim, Element, IndexOf

Array = npt.NDArray[np.generic]


@dataclass
class Work:
    """The model as it was, and what is added to it."""

    bound: Bound
    sizes: dict[str, int]
    arrays: dict[str, Array]
    dims: dict[str, Dim]

    def dim(self, name: str, size: int, like: Input) -> str:
        """A new dim, by this name or one like it."""
        while name in self.dims or name in self.bound.graph:
            name += "_"
        self.dims[name] = Dim(name, like.span)
        self.sizes[name] = size
        return name


@dataclass
class Made:
    """What stands for one input."""

    outcome: Outcome
    nodes: list[Node]
    terms: list[tuple[Term, list[Node]]]


@dataclass
class Parts:
    """The quantities that hold the elements of one input, as they are found."""

    work: Work
    declared: Input
    inputs: list[Node] = field(default_factory=list)
    sources: list[Node] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    def data(self, name: str, dims: tuple[str, ...], element: Element, values: Array) -> str:
        """Data of our own, once for each name."""
        if name not in self.work.arrays:
            self.inputs.append(Input(name, dims, element, None, None, False, self.declared.span))
            self.work.arrays[name] = values
        return name

    def positions(self, name: str, dim: str, mask: Mask) -> tuple[str, ...]:
        """Data that say where the elements of a mask are, over a dim of these elements."""
        return tuple(
            self.data(f"{name} at {k}", (dim,), IndexOf(own), at.astype(np.int64))
            for k, (own, at) in enumerate(zip(self.declared.dims, np.nonzero(mask), strict=False))
        )


def observing_terms(work: Work, f: Fates) -> list[Term]:
    """The observing terms as they were."""
    graph = work.bound.graph
    return [t for t in graph.terms if t.role == "observed" and isinstance(t.target, Read) and t.target.name == f.name]


def _dim_name(declared: Input, missing: str) -> str:
    return f"{declared.dims[0]}_{missing}" if len(declared.dims) == 1 else f"element_{missing}"


def missing_value(parts: Parts, f: Fates) -> tuple[Value, tuple[str, ...]]:
    """The missing elements for the results, and the data that say where they are."""
    work, declared = parts.work, parts.declared
    name = f"{f.name}_missing"
    while name in work.bound.graph:
        name += "_"
    dim = work.dim(_dim_name(declared, name), int(f.missing.sum()), declared) if declared.dims else None
    positions = parts.positions(name, dim, f.missing) if dim is not None else ()
    return _missing(declared, name, dim, positions), positions


def _missing(declared: Input, name: str, dim: str | None, positions: tuple[str, ...]) -> Value:
    """The missing elements, one after the other."""
    if dim is None:
        value = Read(declared.name, (), Meta((), (), declared.element, declared.span))
        return Value(name, (), declared.element, (Piece((), None, (), value, declared.span),), declared.span)
    axis = Axis(dim, dim)
    at = gathers(declared, positions, axis)
    value = Read(declared.name, at, Meta((axis,), (), declared.element, declared.span))
    piece = Piece((axis,), None, (Aligned(axis),), value, declared.span)
    return Value(name, (dim,), declared.element, (piece,), declared.span)


def gathers(declared: Input, positions: tuple[str, ...], axis: Axis) -> tuple[Subscript, ...]:
    """Subscripts by the data that hold positions, one for each of the first dims."""
    return tuple(
        Gather(Read(name, (Aligned(axis),), Meta((axis,), (), IndexOf(dim), declared.span)))
        for name, dim in zip(positions, declared.dims, strict=False)
    )
