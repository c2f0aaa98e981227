"""The joint density of a model as a product of factors, with what they read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ppl import graph as g
from ppl.compiler.explain.domains import Membership, membership
from ppl.compiler.explain.formula import Big, Call, Formula, Index, Symbol
from ppl.compiler.explain.mathematics import Writer, indexed, negated


@dataclass(frozen=True)
class Equation:
    """`left = right`, once for each of these indices where the condition holds."""

    left: Formula
    right: Formula
    indices: tuple[Index, ...]
    condition: Formula | None


@dataclass(frozen=True)
class Joint:
    """p(quantities | given) as a product of factors, and the computed quantities that they read.

    proportional: the factors are no normalised density. clamps: what is given a value in the text. flat: where the
    quantities live that have no density of their own.
    """

    quantities: tuple[str, ...]
    given: tuple[str, ...]
    clamps: tuple[Equation, ...]
    proportional: bool
    factors: tuple[Formula, ...]
    flat: tuple[Membership, ...]
    values: tuple[Equation, ...]


def joint(graph: g.ModelGraph) -> Joint:
    """The joint density of a model's observed and latent quantities given the other data."""
    observed = dict.fromkeys(name for t in graph.terms if t.role == "observed" for name in list(g.reads(t.target))[:1])
    latents = [n.name for n in graph.latents]
    given = [n.name for n in graph.inputs if n.name not in observed and _used(graph, n.name)]
    return Joint(
        (*observed, *latents),
        tuple(given),
        tuple(_clamp(graph, c) for c in graph.clamps),
        bool(graph.energies) or any(n.flat for n in graph.latents),
        tuple(factor(graph, f) for f in graph.factors),
        tuple(membership(graph, n) for n in graph.latents if n.flat),
        tuple(equation for v in graph.values for equation in definitions(graph, v)),
    )


def _used(graph: g.ModelGraph, name: str) -> bool:
    return any(name in g.reads(e) for node in graph.nodes for e in g.node_expressions(node))


# --- nodes -------------------------------------------------------------------------------------------


def factor(graph: g.ModelGraph, node: g.Term | g.Energy) -> Formula:
    """One factor of the joint density, over its plates."""
    writer = Writer(graph).within(node.axes)
    condition = None if node.where is None else writer.write(node.where)
    indices = tuple(writer.index(a) for a in node.axes)
    if isinstance(node, g.Energy):
        body: Formula = Call("exp", (negated(writer.write(node.value)),))
    else:
        event = node.target.meta.event
        repeated = event[: len(event) - node.distribution.event_rank]
        at = tuple(Index(writer.fresh(w.dim), w.dim, w.start, w.stop) for w in repeated)
        indices += at
        body = writer.density(node.distribution, writer.write(node.target, at), at)
    return Big("prod", indices, condition, body) if indices else body


def definitions(graph: g.ModelGraph, node: g.Value) -> Iterator[Equation]:
    """How a computed quantity is defined: one equation a piece."""
    for piece in node.pieces:
        writer = Writer(graph).within(piece.axes)
        yield _equation(writer, node.name, piece.subscripts, piece.value, piece.axes, piece.where)


def prediction(graph: g.ModelGraph, node: g.Prediction) -> tuple[Formula, Formula]:
    """The left and right side of the `~`."""
    writer = Writer(graph).within(node.axes)
    target = indexed(Symbol(node.name), writer.subscripts(node.subscripts, node.dims))
    return target, writer.distribution(node.distribution)


def expression(graph: g.ModelGraph, expr: g.Expr) -> Formula:
    """A lone expression, as of a condition."""
    return Writer(graph).within(expr.meta.axes).write(expr)


def _clamp(graph: g.ModelGraph, node: g.Clamp) -> Equation:
    return _equation(Writer(graph).within(node.axes), node.name, node.subscripts, node.value, node.axes, None)


def _equation(
    writer: Writer,
    name: str,
    subscripts: tuple[g.Subscript, ...],
    value: g.Expr,
    axes: tuple[g.Axis, ...],
    where: g.Expr | None,
) -> Equation:
    left = indexed(Symbol(name), writer.subscripts(subscripts, writer.dims_of(name)))
    condition = None if where is None else writer.write(where)
    return Equation(left, writer.write(value), tuple(writer.index(a) for a in axes), condition)
