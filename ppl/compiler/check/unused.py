"""Warnings from the finished graph: what nothing depends on."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.compiler.check.names import closest
from ppl.compiler.check.report import Report
from ppl.graph import (
    Clamp,
    Input,
    Latent,
    ModelGraph,
    Node,
    Read,
    Term,
    Value,
    each_read,
    node_expressions,
)


def warn_unused(report: Report, graph: ModelGraph) -> None:
    """Data that no statement reads; latents that nothing reads, in a model that observes something."""
    used = {name for node in graph.nodes for name in _used(node)}
    observed = any(term.role == "observed" for term in graph.terms)
    for node in graph.nodes:
        if isinstance(node, Input) and node.name not in used:
            report.warn("W101", node.span, f"no statement uses `{node.name}`", _meant(report, graph, node))
        if isinstance(node, Latent) and observed and node.name not in used:
            report.warn(
                "W102",
                node.span,
                f"nothing depends on `{node.name}`",
                "unless it is given a value, its draws are those of its prior; leave it out, or use it",
            )


def _meant(report: Report, graph: ModelGraph, data: Input) -> str:
    """`Y[obs] ~ ...` introduces a latent where the data `y` were meant."""
    others = {n.name: n for n in graph.nodes if isinstance(n, Latent | Value) and n.dims == data.dims}
    found = closest(data.name, others)
    if found is None:
        return "leave it out, or use it"
    return f"did you mean `{data.name}` on line {report.line(others[found].span)}, where `{found}` is introduced?"


def _used(node: Node) -> Iterator[str]:
    """What a node reads, a latent in its own terms left out; what is observed is evidence."""
    if isinstance(node, Clamp):
        yield node.name
    own = node.target.name if isinstance(node, Term) and node.role == "latent" and isinstance(node.target, Read) else ""
    yield from (read.name for expr in node_expressions(node) for read in each_read(expr) if read.name != own)
