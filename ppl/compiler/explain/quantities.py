"""Tables of what a model holds: dims, data, latent and computed quantities, predictions, terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ppl.compiler.explain.domains import Domain, bounds, domain
from ppl.compiler.explain.joint import prediction
from ppl.compiler.explain.mathematics import Writer
from ppl.compiler.explain.sections import Section, table
from ppl.compiler.explain.text import domain_text, formula_text
from ppl.graph import Axis, Energy, Expr, Input, Latent, ModelGraph, Prediction, Read, Term, Value
from ppl.types import Dim, Element, IndexOf

_ARRAYS = {1: "a vector", 2: "a matrix"}
_ROLES = {"latent": "prior", "observed": "likelihood", "density": "density"}


def sections(graph: ModelGraph, sizes: Mapping[str, int] | None) -> Iterator[Section]:
    """One table for each kind of statement that the model has. sizes: of its dims, when data are bound."""
    tables = (
        table("dims", [_dim(d, sizes) for d in graph.dims.values()]),
        table("data", [_input(graph, n) for n in graph.inputs]),
        table("latent quantities", [_latent(graph, n, sizes) for n in graph.latents]),
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


def _text(graph: ModelGraph, expr: Expr) -> str:
    return formula_text(Writer(graph).within(expr.meta.axes).write(expr))


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
    kind = domain_text(Domain(_element(node.element), *bounds(graph, node.lower, node.upper, node.axes), node.strict))
    kind += ", elements may be missing" if node.optional else ""
    fate = "observed" if observed(graph, node.name) else "given"
    return [named(node.name, node.dims), kind, fate, _line(graph, node.span.start)]


# --- quantities --------------------------------------------------------------------------------------


def _latent(graph: ModelGraph, node: Latent, sizes: Mapping[str, int] | None) -> list[str]:
    return [
        named(node.name, node.dims),
        domain_text(domain(graph, node, sizes)),
        _layout(node.dims, node.event_rank),
        "flat" if node.flat else "",
        _line(graph, node.span.start),
    ]


def _layout(dims: Sequence[str], event_rank: int) -> str:
    """Plates and event dims in words."""
    plates, event = dims[: len(dims) - event_rank], dims[len(dims) - event_rank :]
    parts = [f"{_ARRAYS[len(event)]} over {' × '.join(event)}"] if event else []
    if plates:
        parts.append(f"one for each {' × '.join(plates)}")
    return ", ".join(parts) if parts else "one value"


def _value(graph: ModelGraph, node: Value) -> list[str]:
    fate = "recorded" if node.recorded else "not recorded"
    fate += ", observed" if observed(graph, node.name) else ""
    pieces = "" if len(node.pieces) == 1 else f"{len(node.pieces)} pieces"
    return [named(node.name, node.dims), _element(node.element), pieces, fate, _line(graph, node.span.start)]


def _prediction(graph: ModelGraph, node: Prediction) -> list[str]:
    left, right = prediction(graph, node)
    return [f"{formula_text(left)} ~ {formula_text(right)}", _line(graph, node.span.start)]


# --- terms -------------------------------------------------------------------------------------------


def observed(graph: ModelGraph, name: str) -> bool:
    """Whether a term observes the quantity."""
    targets = (t.target for t in graph.terms if t.role == "observed")
    return any(isinstance(target, Read) and target.name == name for target in targets)


def _term(graph: ModelGraph, term: Term | Energy) -> list[str]:
    role = "energy" if isinstance(term, Energy) else _ROLES[term.role]
    return [term.name, role, _repeated(graph, term), _line(graph, term.span.start)]


def _repeated(graph: ModelGraph, term: Term | Energy) -> str:
    plates = [_range(a) for a in term.axes]
    if isinstance(term, Term):
        event = term.target.meta.event
        plates += [w.dim for w in event[: len(event) - term.distribution.event_rank]]
    condition = "" if term.where is None else f" if {_text(graph, term.where)}"
    return (f"for each {' and '.join(plates)}" if plates else "once") + condition


def _range(axis: Axis) -> str:
    name = axis.name.partition("#")[0]
    if axis.start == 0 and axis.stop is None:
        return name if name == axis.dim else f"{name} in {axis.dim}"
    return f"{name} in {axis.dim}[{axis.start or ''}:{'' if axis.stop is None else axis.stop}]"
