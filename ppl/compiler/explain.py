"""A checked model in words: what each quantity is, over which dims, and the terms of the joint density."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ppl.catalogue.supports import SUPPORTS
from ppl.graph import Axis, Expr, Input, Latent, ModelGraph, Prediction, Read, Support, Term, Value
from ppl.types import Dim, Element, IndexOf

_ROLES = {"latent": "prior", "observed": "likelihood", "density": "density"}


def explain(graph: ModelGraph, sizes: Mapping[str, int] | None = None) -> str:
    """The model as text for `ppl explain`. sizes: of its dims, when data are bound."""
    sections = [
        ("dims", [_dim(d, sizes) for d in graph.dims.values()]),
        ("data", [_input(graph, n) for n in graph.inputs]),
        ("latent quantities", [_latent(graph, n) for n in graph.latents]),
        ("computed quantities", [_value(graph, n) for n in graph.values]),
        ("predictions", [_prediction(graph, n) for n in graph.predictions]),
        ("joint density, the product of", [_term(graph, t) for t in graph.terms]),
    ]
    blocks = [f"model {graph.title}"] if graph.title else []
    blocks += [f"{title}:\n{_table(rows)}" for title, rows in sections if rows]
    return "\n\n".join(blocks) + "\n"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Rows with their columns aligned."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join("  " + line.rstrip() for line in lines)


def _line(graph: ModelGraph, span_start: int) -> str:
    return f"line {graph.source.position(span_start)[0]}"


def _text(graph: ModelGraph, expr: Expr) -> str:
    return " ".join(graph.source.text[expr.meta.span.start : expr.meta.span.end].split())


def _named(name: str, dims: Iterable[str]) -> str:
    inside = ", ".join(dims)
    return f"{name}[{inside}]" if inside else name


# --- dims and data -----------------------------------------------------------------------------------


def _dim(dim: Dim, sizes: Mapping[str, int] | None) -> list[str]:
    if dim.labels is not None:
        size = f"{len(dim.labels)} elements: {', '.join(dim.labels)}"
    elif dim.size is not None:
        size = f"{dim.size} elements"
    elif sizes is not None and dim.name in sizes:
        size = f"{sizes[dim.name]} elements, from the data"
    else:
        size = "size from the data"
    return [dim.name, size + (", ordered" if dim.ordered else "")]


def _element(element: Element) -> str:
    if isinstance(element, IndexOf):
        return f"element of {element.dim}" + (f", counted from {element.first}" if element.first else "")
    return element.value


def _input(graph: ModelGraph, node: Input) -> list[str]:
    bounds = _bounds(graph, node.lower, node.upper, node.strict)
    kind = _element(node.element) + (f", {bounds}" if bounds else "")
    return [
        _named(node.name, node.dims),
        kind,
        "observed" if _observed(graph, node.name) else "given",
        _line(graph, node.span.start),
    ]


def _bounds(graph: ModelGraph, lower: Expr | None, upper: Expr | None, strict: bool) -> str:
    if lower is not None and upper is not None:
        return f"between {_text(graph, lower)} and {_text(graph, upper)}"
    if lower is not None:
        return f"{'above' if strict else 'not below'} {_text(graph, lower)}"
    return f"{'below' if strict else 'not above'} {_text(graph, upper)}" if upper is not None else ""


# --- quantities --------------------------------------------------------------------------------------


def _latent(graph: ModelGraph, node: Latent) -> list[str]:
    source = "flat" if node.flat else ""
    return [
        _named(node.name, node.dims),
        _support(graph, node.support),
        _layout(node.dims, node.event_rank),
        source,
        _line(graph, node.span.start),
    ]


def _support(graph: ModelGraph, support: Support) -> str:
    if support.lower is None and support.upper is None:
        return SUPPORTS[support.kind].description
    bounds = _bounds(graph, support.lower, support.upper, False)
    return bounds if support.kind == "interval" else f"{support.kind}, {bounds}"


def _layout(dims: Sequence[str], event_rank: int) -> str:
    """Plates and event dims in words."""
    plates, event = dims[: len(dims) - event_rank], dims[len(dims) - event_rank :]
    parts = []
    if event:
        parts.append(f"one value is an array over {' x '.join(event)}")
    if plates:
        parts.append(f"one for each {' x '.join(plates)}")
    return "; ".join(parts) if parts else "one value"


def _value(graph: ModelGraph, node: Value) -> list[str]:
    text = "; ".join(_text(graph, piece.value) for piece in node.pieces)
    fate = "recorded" if node.recorded else "not recorded"
    fate += ", observed" if _observed(graph, node.name) else ""
    return [_named(node.name, node.dims), f"= {text}", fate, _line(graph, node.span.start)]


def _prediction(graph: ModelGraph, node: Prediction) -> list[str]:
    text = graph.source.text[node.distribution.span.start : node.distribution.span.end]
    return [_named(node.name, node.dims), f"~ {' '.join(text.split())}", _line(graph, node.span.start)]


# --- terms -------------------------------------------------------------------------------------------


def _observed(graph: ModelGraph, name: str) -> bool:
    targets = (t.target for t in graph.terms if t.role == "observed")
    return any(isinstance(target, Read) and target.name == name for target in targets)


def _term(graph: ModelGraph, term: Term) -> list[str]:
    text = graph.source.text[term.distribution.span.start : term.distribution.span.end]
    plates = " and ".join(_range(a) for a in term.axes)
    repeated = f"for each {plates}" if plates else "once"
    whole = term.target.meta.event[: len(term.target.meta.event) - term.distribution.event_rank]
    if whole:
        each = " x ".join(w.dim for w in whole)
        repeated = f"for each {each}" if not plates else f"{repeated} and {each}"
    if term.where is not None:
        repeated += f" if {_text(graph, term.where)}"
    return [
        term.name,
        " ".join(text.split()),
        _ROLES[term.role],
        repeated,
        _line(graph, term.span.start),
    ]


def _range(axis: Axis) -> str:
    name = axis.name.partition("#")[0]
    if axis.start == 0 and axis.stop is None:
        return name if name == axis.dim else f"{name} in {axis.dim}"
    return f"{name} in {axis.dim}[{axis.start or ''}:{'' if axis.stop is None else axis.stop}]"
