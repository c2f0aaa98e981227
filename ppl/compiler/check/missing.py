"""Data that may have missing elements: whatever reads them needs to know how they are distributed."""

from __future__ import annotations

from ppl.compiler.check.report import Report
from ppl.graph import Input, ModelGraph, Read, Value, each_read, node_expressions


def check_missing(report: Report, graph: ModelGraph) -> None:
    """Reports data declared with `?` that something reads, but no statement draws."""
    drawn = {t.target.name for t in graph.terms if t.role == "observed" and isinstance(t.target, Read)}
    for declared in graph.inputs:
        if declared.optional and declared.name not in drawn and _is_read(graph, declared.name):
            report.error(
                "E317",
                declared.span,
                f"`{declared.name}` may have missing elements, and no `~` says how they are distributed",
                *_mends(graph, declared, drawn),
            )


def _is_read(graph: ModelGraph, name: str) -> bool:
    return any(read.name == name for node in graph.nodes for e in node_expressions(node) for read in each_read(e))


def _mends(graph: ModelGraph, declared: Input, drawn: set[str]) -> tuple[str, ...]:
    for value in graph.values:
        if value.name in drawn and value.dims == declared.dims and _reads(value, declared.name):
            return (f"`{value.name}` is what is drawn: give that as data, `data {_element(value.name, value.dims)}?`",)
    whole = _element(declared.name, declared.dims)
    return (
        f"give it a distribution of its own, with parameters to infer: `{whole} ~ Normal(m, s)`",
        f"or remove the `?`, and leave out what misses `{declared.name}`",
    )


def _reads(value: Value, name: str) -> bool:
    return any(read.name == name for e in node_expressions(value) for read in each_read(e))


def _element(name: str, dims: tuple[str, ...]) -> str:
    return f"{name}[{', '.join(dims)}]" if dims else name
