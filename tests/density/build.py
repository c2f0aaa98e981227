"""Model graphs written by hand, and data sets, in few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ppl.dataset import Dataset
from ppl.graph import (
    Aligned,
    Apply,
    Axis,
    Distribution,
    Expr,
    Gather,
    Input,
    Latent,
    Literal,
    Meta,
    ModelGraph,
    Node,
    Piece,
    Read,
    Reduce,
    Subscript,
    Support,
    Term,
    Value,
    Whole,
)
from ppl.source import Source, Span
from ppl.types import Dim, Element, Scalar

SPAN = Span(0, 1)
SOURCE = Source("<test>", "model\n")


def meta(axes: Sequence[Axis] = (), event: Sequence[str] = (), element: Element = Scalar.REAL) -> Meta:
    return Meta(tuple(axes), tuple(Whole(dim) for dim in event), element, SPAN)


def number(value: float | int | bool) -> Literal:
    element = Scalar.BOOL if isinstance(value, bool) else Scalar.INT if isinstance(value, int) else Scalar.REAL
    return Literal(value, meta(element=element))


def expression(value: Expr | float | int) -> Expr:
    return number(value) if isinstance(value, int | float) else value


def axes_of(*exprs: Expr) -> tuple[Axis, ...]:
    return tuple(dict.fromkeys(axis for e in exprs for axis in e.meta.axes))


def read(
    name: str, *subscripts: Axis | Subscript | Expr, event: Sequence[str] = (), element: Element = Scalar.REAL
) -> Read:
    """`name[...]`: by an axis, a subscript, or an expression (a gather)."""
    out: list[Subscript] = []
    axes: list[Axis] = []
    for s in subscripts:
        match s:
            case Axis():
                out.append(Aligned(s))
                axes.append(s)
            case Aligned():
                out.append(s)
                axes.append(s.axis)
            case Read() | Apply():
                out.append(Gather(s))
                axes += s.meta.axes
            case _:
                out.append(s)
    return Read(name, tuple(out), meta(dict.fromkeys(axes), event, element))


def call(function: str, *arguments: Expr | float, event: Sequence[str] = (), element: Element = Scalar.REAL) -> Apply:
    exprs = tuple(expression(a) for a in arguments)
    events = list(event) or [w.dim for e in exprs for w in e.meta.event][:1]
    return Apply(function, exprs, meta(axes_of(*exprs), events, element))


def add(*parts: Expr | float) -> Expr:
    total = expression(parts[0])
    for part in parts[1:]:
        total = call("add", total, part)
    return total


def mul(a: Expr | float, b: Expr | float) -> Expr:
    return call("multiply", a, b)


def sum_over(body: Expr, *axes: Axis, operation: str = "sum", where: Expr | None = None) -> Reduce:
    kept = [axis for axis in body.meta.axes if axis not in axes]
    return Reduce(operation, body, axes, where, Meta(tuple(kept), body.meta.event, body.meta.element, SPAN))


def dist(name: str, *, rank: int = 0, base: Distribution | None = None, **parameters: Expr | float) -> Distribution:
    return Distribution(name, tuple((k, expression(v)) for k, v in parameters.items()), base, rank, SPAN)


def data(name: str, *dims: str, element: Element = Scalar.REAL) -> Input:
    return Input(name, dims, element, None, None, False, SPAN)


def latent(
    name: str, *dims: str, support: str = "real", rank: int = 0, lower: Expr | None = None, upper: Expr | None = None
) -> Latent:
    return Latent(name, dims, Scalar.REAL, Support(support, lower, upper), rank, False, SPAN)


def term(target: Read, distribution: Distribution, role: str = "latent", where: Expr | None = None) -> Term:
    return Term(target.name, role, target.meta.axes, where, target, distribution, SPAN)


def observe(target: Read, distribution: Distribution, where: Expr | None = None) -> Term:
    return term(target, distribution, "observed", where)


def value(
    name: str, dims: Sequence[str], subscripts: Sequence[Subscript], expr: Expr, *, recorded: bool = True
) -> Value:
    axes = tuple(s.axis for s in subscripts if isinstance(s, Aligned))
    piece = Piece(axes, None, tuple(subscripts), expr, SPAN)
    return Value(name, tuple(dims), expr.meta.element, (piece,), SPAN, recorded)


def graph(dims: Sequence[str], *nodes: Node) -> ModelGraph:
    return ModelGraph(None, SOURCE, {d: Dim(d, SPAN) for d in dims}, nodes)


def dataset(sizes: Mapping[str, int], labels: Mapping[str, tuple[str, ...]] | None = None, **arrays: Any) -> Dataset:
    return Dataset(dict(sizes), dict(labels or {}), {k: np.asarray(v) for k, v in arrays.items()})


def eight_schools() -> ModelGraph:
    s = Axis("school", "school")
    return graph(
        ["school"],
        data("y", "school"),
        data("sigma", "school"),
        latent("mu"),
        term(read("mu"), dist("Normal", mean=0, scale=5)),
        latent("tau", support="positive"),
        term(read("tau"), dist("HalfCauchy", scale=5)),
        latent("theta", "school"),
        term(read("theta", s), dist("Normal", mean=read("mu"), scale=read("tau"))),
        observe(read("y", s), dist("Normal", mean=read("theta", s), scale=read("sigma", s))),
    )


SCHOOLS = {
    "y": np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]),
    "sigma": np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]),
}
