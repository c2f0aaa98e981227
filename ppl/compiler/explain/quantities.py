"""Tables of what a model holds: dims, data, latent and computed quantities, predictions, terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.explain.mathematics import expression, prediction
from ppl.compiler.explain.sections import Section, table
from ppl.compiler.explain.text import formula_text
from ppl.graph import Axis, Energy, Expr, Input, Latent, ModelGraph, Prediction, Read, Support, Term, Value
from ppl.types import Dim, Element, IndexOf

_ROLES = {"latent": "prior", "observed": "likelihood", "density": "density"}


def sections(graph: ModelGraph, sizes: Mapping[str, int] | None) -> Iterator[Section]:
    """One table for each kind of statement that the model has. sizes: of its dims, when data are bound."""
    tables = (
        table("dims", [_dim(d, sizes) for d in graph.dims.values()]),
        table("data", [_input(graph, n) for n in graph.inputs]),
        table("latent quantities", [_latent(graph, n) for n in graph.latents]),
        table("computed quantities", [_value(graph, n) for n in graph.values]),
        table("predictions", [_prediction(graph, n) for n in graph.predictions]),
        table("terms", [_term(graph, f) for f in graph.factors]),
    )
    yield from (t for t in tables if t is not None)


def line_of(graph: ModelGraph, start: int) -> int:
    """The line of an offset, counted from 1."""
    return graph.source.position(start)[0]


def _line(graph: ModelGraph, start: int) -> str:
    return f"line {line_of(graph, start)}"


def _text(expr: Expr) -> str:
    return formula_text(expression(expr))


def named(name: str, dims: Iterable[str]) -> str:
    """`theta[school]`."""
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
    bounds = _bounds(node.lower, node.upper, node.strict)
    kind = _element(node.element) + (f", {bounds}" if bounds else "")
    kind += ", elements may be missing" if node.optional else ""
    fate = "observed" if observed(graph, node.name) else "given"
    return [named(node.name, node.dims), kind, fate, _line(graph, node.span.start)]


def _bounds(lower: Expr | None, upper: Expr | None, strict: bool) -> str:
    if lower is not None and upper is not None:
        return f"between {_text(lower)} and {_text(upper)}"
    if lower is not None:
        return f"{'above' if strict else 'not below'} {_text(lower)}"
    return f"{'below' if strict else 'not above'} {_text(upper)}" if upper is not None else ""


# --- quantities --------------------------------------------------------------------------------------


def _latent(graph: ModelGraph, node: Latent) -> list[str]:
    return [
        named(node.name, node.dims),
        support_text(node),
        _layout(node.dims, node.event_rank),
        "flat" if node.flat else "",
        _line(graph, node.span.start),
    ]


def support_text(node: Latent) -> str:
    """Where a latent lives, in words."""
    if isinstance(node.element, IndexOf):
        return f"an element of {node.element.dim}"
    support: Support = node.support
    if support.lower is None and support.upper is None:
        return SUPPORTS[support.kind].description
    bounds = _bounds(support.lower, support.upper, False)
    return f"a number {bounds}" if support.kind == "interval" else f"{support.kind}, {bounds}"


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
    fate = "recorded" if node.recorded else "not recorded"
    fate += ", observed" if observed(graph, node.name) else ""
    pieces = "" if len(node.pieces) == 1 else f"{len(node.pieces)} pieces"
    return [named(node.name, node.dims), _element(node.element), pieces, fate, _line(graph, node.span.start)]


def _prediction(graph: ModelGraph, node: Prediction) -> list[str]:
    left, right = prediction(node)
    return [f"{formula_text(left)} ~ {formula_text(right)}", _line(graph, node.span.start)]


# --- terms -------------------------------------------------------------------------------------------


def observed(graph: ModelGraph, name: str) -> bool:
    """Whether a term observes the quantity."""
    targets = (t.target for t in graph.terms if t.role == "observed")
    return any(isinstance(target, Read) and target.name == name for target in targets)


def _term(graph: ModelGraph, term: Term | Energy) -> list[str]:
    role = "energy" if isinstance(term, Energy) else _ROLES[term.role]
    return [term.name, role, _repeated(term), _line(graph, term.span.start)]


def _repeated(term: Term | Energy) -> str:
    plates = [_range(a) for a in term.axes]
    if isinstance(term, Term):
        event = term.target.meta.event
        plates += [w.dim for w in event[: len(event) - term.distribution.event_rank]]
    condition = "" if term.where is None else f" if {_text(term.where)}"
    return (f"for each {' and '.join(plates)}" if plates else "once") + condition


def _range(axis: Axis) -> str:
    name = axis.name.partition("#")[0]
    if axis.start == 0 and axis.stop is None:
        return name if name == axis.dim else f"{name} in {axis.dim}"
    return f"{name} in {axis.dim}[{axis.start or ''}:{'' if axis.stop is None else axis.stop}]"
