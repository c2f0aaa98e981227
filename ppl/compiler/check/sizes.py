"""Checks that wait for the data: sizes of all dims, and their labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ppl.codes import CODES
from ppl.compiler.check.extents import outside
from ppl.compiler.check.names import closest, quoted
from ppl.compiler.check.tiling import flaw
from ppl.errors import Diagnostic
from ppl.graph import (
    Axis,
    Clamp,
    Energy,
    Expr,
    Labelled,
    ModelGraph,
    Node,
    Prediction,
    Read,
    Reduce,
    Select,
    Stack,
    Subscript,
    Term,
    Value,
    Whole,
    each_part,
    node_expressions,
)
from ppl.source import Span


def check_sizes(
    graph: ModelGraph, sizes: Mapping[str, int], labels: Mapping[str, Sequence[str]] | None = None
) -> list[Diagnostic]:
    """What is wrong with the model now that the sizes of its dims are known: positions, lags and ranges outside their
    dims, pieces that do not tile, labels that do not exist (of the dims in `labels`)."""
    found: dict[tuple[str, Span], Diagnostic] = {}

    def add(code: str, span: Span, label: str, hint: str = "") -> None:
        found.setdefault((code, span), Diagnostic(code, CODES[code], span, label, (hint,) if hint else ()))

    for node in graph.nodes:
        for axis in _axes(node):
            problem = outside(Whole(axis.dim, axis.start, axis.stop), axis.dim, sizes)
            if problem is not None:
                add("E109", node.span, f"`{axis.name.partition('#')[0]}`: {problem[0]}", problem[1])
        for dim, subscript, span in _subscripts(graph, node):
            problem = outside(subscript, dim, sizes)
            if problem is not None:
                add("E109", span, *problem)
            elif isinstance(subscript, Labelled) and labels is not None:
                known = labels.get(dim, ())
                if subscript.label not in known:
                    near = closest(subscript.label, known)
                    hint = f"did you mean `{near}`?" if near else f"its labels are {quoted(known)}" if known else ""
                    add("E112", subscript.span, f"`{subscript.label}` is not a label of `{dim}`", hint)
        for expr, components, size in _weights(node, sizes):
            add("E202", expr.meta.span, f"here are {size} weights for {components} distributions")
        for expr in each_part(*node_expressions(node)):
            if isinstance(expr, Stack) and sizes.get(expr.dim, len(expr.items)) != len(expr.items):
                add(
                    "E111",
                    expr.meta.span,
                    f"`{expr.dim}` has {sizes[expr.dim]} elements, and here are {len(expr.items)}",
                )
    for name, dims, parts, span in _in_pieces(graph):
        if any(d.span == span for d in found.values()):
            continue
        wrong = flaw(name, dims, parts, sizes)
        if wrong is not None:
            told = "is defined twice" if wrong.owners else "is not defined"
            over = ", ".join(f"`{d}` has {sizes[d]} elements" for d in dims if d in sizes)
            add("E110", span, f"`{wrong.element}` {told}: {over}")
    return list(found.values())


def _weights(node: Node, sizes: Mapping[str, int]) -> Iterator[tuple[Expr, int, int]]:
    """Weights of mixtures that are not one for each component, with both numbers."""
    for part in node.distribution.walk() if isinstance(node, (Term, Prediction)) else ():
        weights = part.parameter("weights")
        if weights is not None and part.family is None:
            whole = weights.meta.event[-1]
            size = len(range(*slice(whole.start, whole.stop).indices(sizes.get(whole.dim, len(part.parts)))))
            if size != len(part.parts):
                yield weights, len(part.parts), size


def _in_pieces(
    graph: ModelGraph,
) -> Iterator[tuple[str, tuple[str, ...], list[tuple[Subscript, ...]], Span]]:
    for value in graph.values:
        yield value.name, value.dims, [p.subscripts for p in value.pieces], value.span
    for latent in graph.latents:
        parts = [
            t.target.subscripts
            for t in graph.terms
            if t.role == "latent" and isinstance(t.target, Read) and t.target.name == latent.name
        ]
        if parts:
            yield latent.name, latent.dims, parts, latent.span


def _axes(node: Node) -> Iterator[Axis]:
    if isinstance(node, (Term, Energy, Clamp, Prediction)):
        yield from node.axes
    if isinstance(node, Value):
        for piece in node.pieces:
            yield from piece.axes
    for expr in each_part(*node_expressions(node)):
        if isinstance(expr, Reduce):
            yield from expr.axes


def _subscripts(graph: ModelGraph, node: Node) -> Iterator[tuple[str, Subscript, Span]]:
    """Every subscript, with the dim it belongs to."""
    if isinstance(node, Value):
        for piece in node.pieces:
            for dim, s in zip(node.dims, piece.subscripts, strict=True):
                yield dim, s, piece.span
    if isinstance(node, Clamp):
        for dim, s in zip(graph[node.name].dims, node.subscripts, strict=True):
            yield dim, s, node.span
    for expr in each_part(*node_expressions(node)):
        if isinstance(expr, Read):
            for dim, s in zip(graph[expr.name].dims, expr.subscripts, strict=True):
                yield dim, s, expr.meta.span
        elif isinstance(expr, Select):
            for whole, s in zip(expr.value.meta.event, expr.subscripts, strict=False):
                if whole == Whole(whole.dim):
                    yield whole.dim, s, expr.meta.span
