"""What clamps give: values of latents, from `observe` statements and from outside, checked against their supports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ppl.catalogue.membership import outside
from ppl.catalogue.supports import in_words, joint_rank
from ppl.compiler.binding.constants import evaluate, spread
from ppl.compiler.binding.outside import from_outside
from ppl.compiler.passes.clamping import clamped, given_whole
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, PplError
from ppl.graph import Aligned, Clamp, Expr, Fixed, Labelled, Latent, ModelGraph
from ppl.source import Span
from ppl.types import IndexOf, Scalar

Array = npt.NDArray[np.generic]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Given:
    """values: of the latent's declared shape, which count where `known`."""

    latent: Latent
    values: Numbers
    known: npt.NDArray[np.bool_]

    def as_data(self) -> Array:
        """The values in the type of their elements."""
        element = self.latent.element
        if element is Scalar.REAL:
            return self.values
        return self.values.astype(np.bool_ if element is Scalar.BOOL else np.int64)


@dataclass(frozen=True, eq=False)
class Clamped:
    """A model with some latents among its data. done: what was made of the graph, equal if the graph is; empty if it
    is as it was."""

    graph: ModelGraph
    dataset: Dataset
    done: tuple[str, ...]


def clamp(graph: ModelGraph, dataset: Dataset, given: Mapping[str, Any]) -> Clamped:
    """A model and its data with what `observe` statements give, and `given` from outside, as data.

    Raises:
        PplError: entries from outside that name no latent or element; elements clamped twice; values outside supports.
    """
    outer, problems = from_outside(graph, dataset, given)
    if not (graph.clamps or outer.clamps or outer.arrays or problems):
        return Clamped(graph, dataset, ())
    graph = replace(graph, nodes=(*graph.nodes, *outer.clamps))
    found, wrong = given_values(graph, dataset, outer.arrays)
    problems += wrong
    if problems:
        raise PplError(problems, graph.source)
    whole = {one.latent.name: one.as_data() for one in found if one.known.all()}
    parts = [f"{c.name} {c.subscripts} {c.value}" for c in outer.clamps if c.name not in whole]
    arrays = {**dataset.arrays, **whole}
    return Clamped(clamped(graph, whole.keys()), replace(dataset, arrays=arrays), (*whole, "", *parts))


def clamp_without_data(graph: ModelGraph, given: Mapping[str, Any]) -> ModelGraph:
    """The model with what is given from outside among its own clamps, or among its data if it is an array; checked as
    far as the text alone goes.

    Raises:
        PplError: as of `clamp`.
    """
    sizes = {dim.name: len(dim.labels or ()) or dim.size for dim in graph.dims.values()}
    labels = {dim.name: dim.labels for dim in graph.dims.values() if dim.labels is not None}
    known = Dataset({name: size for name, size in sizes.items() if size is not None}, labels, {})
    outer, problems = from_outside(graph, known, given)
    latents = [node for node in graph.latents if {*node.dims, *_values_in(node)} <= known.sizes.keys()]
    arrays = {node.name: outer.arrays[node.name] for node in latents if node.name in outer.arrays}
    problems += given_values(replace(graph, nodes=(*latents, *outer.clamps)), known, arrays)[1]
    if problems:
        raise PplError(problems, graph.source)
    return given_whole(replace(graph, nodes=(*graph.nodes, *outer.clamps)), outer.arrays.keys())


def _values_in(latent: Latent) -> tuple[str, ...]:
    """The dim whose elements its values are, if they are."""
    return (latent.element.dim,) if isinstance(latent.element, IndexOf) else ()


def given_values(
    graph: ModelGraph, dataset: Dataset, arrays: Mapping[str, Numbers]
) -> tuple[list[Given], list[Diagnostic]]:
    """The values that clamps, and arrays for whole latents, give; and what is wrong with them."""
    found, problems = [], []
    for latent in graph.latents:
        clamps = [c for c in graph.clamps if c.name == latent.name]
        if clamps or latent.name in arrays:
            given, wrong = _given(graph, dataset, latent, clamps, arrays.get(latent.name))
            found.append(given)
            problems += wrong
    return found, problems


def _given(
    graph: ModelGraph, dataset: Dataset, latent: Latent, clamps: Sequence[Clamp], array: Numbers | None
) -> tuple[Given, list[Diagnostic]]:
    shape = tuple(dataset.sizes[dim] for dim in latent.dims)
    values = np.zeros(shape) if array is None else array.copy()
    known = np.full(shape, array is not None)
    owner = np.full(shape, -1)
    problems = []
    for n, clamp in enumerate(clamps):
        where = _positions(clamp, latent, dataset)
        again = known[where]
        if again.any():
            problems.append(_twice(graph, clamp, int(owner[where][again].min()), clamps))
        known[where], owner[where] = True, n
        values[where] = _values(clamp, graph, dataset)
    given = Given(latent, values, known)
    beyond = outside_support(given, dataset)
    if beyond.any():
        places = np.argwhere(beyond)
        at = tuple(int(i) for i in places[0])
        last = int(np.max(owner[at]))
        problems.append(_beyond(given, dataset, at, len(places), clamps[last].span if last >= 0 else latent.span))
    return given, problems


def _twice(graph: ModelGraph, clamp: Clamp, first: int, clamps: Sequence[Clamp]) -> Diagnostic:
    own = graph.latents[[latent.name for latent in graph.latents].index(clamp.name)].span
    span = clamps[first].span if first >= 0 else own
    where = "from outside" if span == own else f"on line {graph.source.position(span.start)[0]}"
    title = f"an element of `{clamp.name}` is clamped twice"
    return Diagnostic("E213", title, clamp.span, f"it is clamped {where} already", ("leave one of them out",))


def _positions(clamp: Clamp, latent: Latent, dataset: Dataset) -> tuple[npt.NDArray[np.int64], ...]:
    """For each dim the positions that are clamped, as arrays that broadcast over the axes of the clamp."""
    found = []
    for dim, s in zip(latent.dims, clamp.subscripts, strict=True):
        match s:
            case Aligned(axis):
                start, stop, _ = slice(axis.start, axis.stop).indices(dataset.sizes[dim])
                along = [1] * len(clamp.axes)
                along[clamp.axes.index(axis)] = -1
                found.append(np.arange(start, stop).reshape(along))
            case Fixed(position):
                found.append(np.asarray(position))
            case Labelled(label):
                found.append(np.asarray(dataset.labels[dim].index(label)))
    return tuple(np.broadcast_arrays(*found)) if found else ()


def _values(clamp: Clamp, graph: ModelGraph, dataset: Dataset) -> Numbers:
    """Over the axes of the clamp, or with size 1 along some of them."""
    plain = evaluate(clamp.value, dataset.arrays, dataset.sizes, dataset.labels)
    if plain is not None:
        return spread(np.asarray(plain, np.float64), clamp.value.meta.axes, clamp.axes)
    return _computed(clamp.value, clamp, graph, dataset)


def _computed(value: Expr, clamp: Clamp, graph: ModelGraph, dataset: Dataset) -> Numbers:
    from ppl.compiler.density.evaluation import data_lowering  # these import JAX
    from ppl.compiler.lowering.named import REAL, aligned
    from ppl.compiler.passes.program import make_program

    lowered = data_lowering(make_program(graph, dataset), dataset).value(value, REAL)
    return np.asarray(aligned(np, lowered, clamp.axes, 0), np.float64)


# --- supports ----------------------------------------------------------------------------------------


def outside_support(given: Given, dataset: Dataset) -> npt.NDArray[np.bool_]:
    """Which given values are outside the support: one truth value an event."""
    latent = given.latent
    rank = joint_rank(latent.support.kind)
    kind = latent.support.kind if rank == latent.event_rank else "real"
    known = given.known.all(axis=tuple(range(given.known.ndim - rank, given.known.ndim)))
    lower, upper = bounds(latent, dataset)
    return np.asarray(known & outside(kind, given.values, lower, upper))


def bounds(latent: Latent, dataset: Dataset) -> tuple[Numbers | None, Numbers | None]:
    """Of the values of a latent, as far as data alone determine them, over its axes."""
    if isinstance(latent.element, IndexOf):
        return np.asarray(0.0), np.asarray(dataset.sizes[latent.element.dim] - 1.0)
    return _bound(latent.support.lower, latent, dataset), _bound(latent.support.upper, latent, dataset)


def _bound(expr: Expr | None, latent: Latent, dataset: Dataset) -> Numbers | None:
    if expr is None:
        return None
    value = evaluate(expr, dataset.arrays, dataset.sizes, dataset.labels)
    return None if value is None else spread(value, expr.meta.axes, latent.axes)


def _beyond(given: Given, dataset: Dataset, at: tuple[int, ...], count: int, span: Span) -> Diagnostic:
    latent = given.latent
    name = f"{latent.name}[{', '.join(map(str, at))}]" if at else latent.name
    value = given.values[at]
    shown = f"{value:.6g}" if np.ndim(value) == 0 else f"[{', '.join(f'{x:.6g}' for x in np.ravel(value)[:4])}, ...]"
    limits = (
        None if b is None else float(b if b.ndim == 0 else np.broadcast_to(b, given.values.shape)[at])
        for b in bounds(latent, dataset)
    )
    support = in_words(latent.support.kind, *limits)
    more = (f"and {count - 1} more",) if count > 1 else ()
    title = f"a value that `{latent.name}` cannot have"
    return Diagnostic("E214", title, span, f"`{name}` would be {shown}, but it must be {support}", more)
