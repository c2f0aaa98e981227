"""Where latent quantities live: what kind of value, and between which bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ppl import graph as g
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.explain.formula import Formula, Number, Prefix, Symbol
from ppl.compiler.explain.mathematics import Writer, indexed
from ppl.types import IndexOf

_WORDS = {
    "circle": "angle",
    "simplex": "simplex",
    "open_simplex": "simplex",
    "ordered": "increasing",
    "positive_ordered": "increasing",
    "cholesky_corr": "Cholesky factor of a correlation matrix",
    "corr": "correlation matrix",
    "cholesky_cov": "Cholesky factor of a covariance matrix",
    "positive_definite": "positive-definite matrix",
    "zero_sum": "sums to 0",
    "zero_sum_matrix": "rows and columns sum to 0",
    "int": "integer",
    "count": "integer",
    "bool": "true or false",
    "spin": "-1 or +1",
    "categorical": "integer",
}
"""Supports of which the range of an element does not say all."""

_RANGED = ("positive", "nonnegative", "unit_interval", "open_unit_interval", "circle", "positive_ordered", "count")
"""Supports whose fixed range is to be told."""


@dataclass(frozen=True)
class Domain:
    """words: the kind of value, if the range of an element does not say it; the range; strict: without its ends."""

    words: str
    lower: Formula | None = None
    upper: Formula | None = None
    strict: bool = False


@dataclass(frozen=True)
class Membership:
    """What lives in a domain."""

    left: Formula
    domain: Domain


def membership(graph: g.ModelGraph, node: g.Latent) -> Membership:
    """A latent and its domain; its plates have the names of their dims."""
    writer = Writer(graph).along_dims(node.axes)
    return Membership(
        indexed(Symbol(node.name), tuple(Symbol(writer.names[a]) for a in node.axes)), domain(graph, node)
    )


def domain(graph: g.ModelGraph, node: g.Latent, sizes: Mapping[str, int] | None = None) -> Domain:
    """Where a latent lives, its bounds in terms of its dims. sizes: of the dims, when data are bound."""
    kind = node.support.kind
    if isinstance(node.element, IndexOf):
        size = _size(graph, node.element.dim, sizes)
        return Domain(f"element of {node.element.dim}" + ("" if size is None else f", one of {size}"))
    spec, words = SUPPORTS[kind], _WORDS.get(kind, "")
    if words == "simplex":
        size = _size(graph, node.dims[-1], sizes)
        return Domain(words if size is None else f"{words} of {size}")
    lower, upper = bounds(graph, node.support.lower, node.support.upper, node.axes)
    if kind in _RANGED or (kind == "categorical" and upper is not None):
        lower = _fixed(spec.lower) if lower is None else lower
        upper = _fixed(spec.upper) if upper is None else upper
    if lower is None and upper is None:
        return Domain(words or "real")
    return Domain(words, lower, upper, spec.strict)


def bounds(
    graph: g.ModelGraph, lower: g.Expr | None, upper: g.Expr | None, axes: tuple[g.Axis, ...]
) -> tuple[Formula | None, Formula | None]:
    """Bounds over these axes, which have the names of their dims."""
    writer = Writer(graph).along_dims(axes)
    return None if lower is None else writer.write(lower), None if upper is None else writer.write(upper)


def _fixed(end: float | None) -> Formula | None:
    if end is None:
        return None
    if abs(end) == math.pi:
        return Symbol("pi") if end > 0 else Prefix("-", Symbol("pi"))
    return Number(end)


def _size(graph: g.ModelGraph, dim: str, sizes: Mapping[str, int] | None) -> int | None:
    declared = graph.dims[dim]
    if declared.labels is not None:
        return len(declared.labels)
    return declared.size if declared.size is not None or sizes is None else sizes.get(dim)
