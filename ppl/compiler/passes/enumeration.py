"""Which terms a discrete latent is summed out of, and at which of its elements each reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ppl.compiler.passes.roles import is_discrete
from ppl.compiler.passes.substitution import structure
from ppl.graph import (
    Axis,
    Energy,
    Expr,
    Latent,
    ModelGraph,
    Read,
    Term,
    Whole,
    children,
    node_expressions,
    subscript_axes,
)


@dataclass(frozen=True, eq=False)
class Reading:
    """An element of a discrete latent that a term reads; or many, one for each of the indices `bound` inside the term
    and of the elements of whole dims."""

    read: Read
    bound: tuple[Axis, ...]
    wholes: tuple[Whole, ...]


@dataclass(frozen=True, eq=False)
class Site:
    """A term that reads discrete latents. readings: its different reads of them."""

    node: Term | Energy
    readings: tuple[Reading, ...]


def discrete_latents(graph: ModelGraph) -> tuple[Latent, ...]:
    """The latents without a place in the unconstrained vector."""
    return tuple(latent for latent in graph.latents if is_discrete(latent))


def sites(graph: ModelGraph) -> tuple[Site, ...]:
    """The terms that read a discrete latent."""
    names = {latent.name for latent in discrete_latents(graph)}
    if not names:
        return ()
    found = []
    for node in graph.factors:
        different: dict[object, Reading] = {}
        for read in (read for expr in node_expressions(node) for read in reads_of(expr, names)):
            inside = dict.fromkeys(axis for s in read.subscripts for axis in subscript_axes(s) if axis not in node.axes)
            different.setdefault(structure((read.name, read.subscripts)), Reading(read, tuple(inside), read.meta.event))
        if different:
            found.append(Site(node, tuple(different.values())))
    return tuple(found)


def reads_of(expr: Expr, names: set[str]) -> Iterator[Read]:
    """The reads of these quantities in an expression, with repeats."""
    if isinstance(expr, Read) and expr.name in names:
        yield expr
    for child in children(expr):
        yield from reads_of(child, names)
