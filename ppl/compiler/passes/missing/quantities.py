"""The graph in which missing elements are quantities.

Of data `y` with missing elements there remain: the input `y as given`, which observing terms have as their target where
all is there; a latent for each term whose missing elements are sampled; a prediction that is not recorded for each term
whose missing elements are drawn after sampling; the value `y` put together from all these, which everything else reads;
and the value `y_missing`, the missing elements one after the other, for the results.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ppl.compiler.passes.missing.elements import Bound, Mask
from ppl.compiler.passes.missing.fates import Fates, Share, fates
from ppl.compiler.passes.missing.order import in_order
from ppl.compiler.passes.substitution import CannotSubstitute, substituted
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, PplError
from ppl.graph import (
    Aligned,
    Apply,
    Axis,
    Distribution,
    Expr,
    Gather,
    Input,
    Latent,
    Meta,
    ModelGraph,
    Node,
    Outcome,
    Piece,
    Prediction,
    Read,
    Subscript,
    Support,
    Term,
    Value,
    Whole,
)
from ppl.types import Dim, Element, IndexOf, Scalar

Array = npt.NDArray[np.generic]


def fill_missing(graph: ModelGraph, dataset: Dataset) -> tuple[ModelGraph, Dataset]:
    """The graph with missing elements as quantities, and the data with what it needs of them besides; both as they
    are where no observed element is missing.

    Raises:
        PplError: missing elements that nothing draws (E317), or that cannot be inferred (E318).
    """
    if graph.outcomes:
        return graph, dataset
    found, problems = fates(graph, dataset)
    if problems:
        raise PplError(problems, graph.source)
    found = {name: f for name, f in found.items() if f.missing.any()}
    if not found:
        return graph, dataset
    work = _Work(Bound(graph, dataset), {**dataset.sizes}, {**dataset.arrays}, {**graph.dims})
    replaced = {name: _outcome(work, f) for name, f in found.items()}
    terms = {id(old): new for made in replaced.values() for old, new in made.terms}
    nodes: list[Node] = []
    for node in graph.nodes:
        if isinstance(node, Input) and node.name in replaced:
            nodes += replaced[node.name].nodes
        elif isinstance(node, Term) and id(node) in terms:
            nodes += terms[id(node)]
        else:
            nodes.append(node)
    outcomes = {name: made.outcome for name, made in replaced.items()}
    filled = replace(graph, dims=work.dims, nodes=in_order(nodes), outcomes=outcomes)
    return filled, replace(dataset, sizes=work.sizes, arrays=work.arrays)


@dataclass
class _Work:
    """The model as it was, and what is added to it."""

    bound: Bound
    sizes: dict[str, int]
    arrays: dict[str, Array]
    dims: dict[str, Dim]

    def dim(self, name: str, size: int, like: Input) -> str:
        """A new dim, by this name or one like it."""
        while name in self.dims or name in self.bound.graph:
            name += "_"
        self.dims[name] = Dim(name, like.span)
        self.sizes[name] = size
        return name


@dataclass
class _Made:
    """What stands for one input."""

    outcome: Outcome
    nodes: list[Node]
    terms: list[tuple[Term, list[Node]]]


@dataclass
class _Parts:
    """The quantities that hold the elements of one input, as they are found."""

    work: _Work
    declared: Input
    inputs: list[Node] = field(default_factory=list)
    sources: list[Node] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    def data(self, name: str, dims: tuple[str, ...], element: Element, values: Array) -> str:
        """Data of our own, once for each name."""
        if name not in self.work.arrays:
            self.inputs.append(Input(name, dims, element, None, None, False, self.declared.span))
            self.work.arrays[name] = values
        return name

    def positions(self, name: str, dim: str, mask: Mask) -> tuple[str, ...]:
        """Data that say where the elements of a mask are, over a dim of these elements."""
        return tuple(
            self.data(f"{name} at {k}", (dim,), IndexOf(own), at.astype(np.int64))
            for k, (own, at) in enumerate(zip(self.declared.dims, np.nonzero(mask), strict=False))
        )


# --- one input ---------------------------------------------------------------------------------------


def _outcome(work: _Work, f: Fates) -> _Made:
    declared = work.bound.graph[f.name]
    assert isinstance(declared, Input)
    parts = _Parts(work, declared)
    given = parts.data(f"{f.name} as given", declared.dims, declared.element, work.arrays[f.name])
    parts.pieces.append(_whole_piece(declared, given))
    owned = np.zeros_like(f.missing)
    sampled: list[tuple[Latent, Mask]] = []
    observing: list[Term] = []
    terms: list[tuple[Term, list[Node]]] = []
    for old, share in zip(_terms(work, f), f.shares, strict=True):
        made = _split(parts, share, given)
        observing += made[:-1] if made and made[-1].role == "density" else made
        terms.append((old, list(made)))
        own = _elements(share, share.sampled, f.missing.shape) & f.missing & ~owned
        owned |= own
        if own.any():
            sampled.append((_sampled(parts, share, own), own))
        _drawn_forward(parts, share, f.missing, given)
    name = f"{f.name}_missing"
    while name in work.bound.graph:
        name += "_"
    dim = work.dim(_dim_name(declared, name), int(f.missing.sum()), declared) if declared.dims else None
    positions = parts.positions(name, dim, f.missing) if dim is not None else ()
    whole = Value(f.name, declared.dims, declared.element, tuple(parts.pieces), declared.span, recorded=False)
    missing = _missing(declared, name, dim, positions)
    found = tuple((latent.name, _within(parts, missing, f.missing, latent, own)) for latent, own in sampled)
    nodes = [*parts.inputs, *parts.sources, whole, missing]
    outcome = Outcome(tuple(observing), tuple(_terms(work, f)), name, dim, positions, found)
    return _Made(outcome, nodes, terms)


def _terms(work: _Work, f: Fates) -> list[Term]:
    """The observing terms as they were."""
    graph = work.bound.graph
    return [t for t in graph.terms if t.role == "observed" and isinstance(t.target, Read) and t.target.name == f.name]


def _dim_name(declared: Input, missing: str) -> str:
    return f"{declared.dims[0]}_{missing}" if len(declared.dims) == 1 else f"element_{missing}"


def _whole_piece(declared: Input, given: str) -> Piece:
    axes = tuple(Axis(f"{dim} #{k}", dim) for k, dim in enumerate(declared.dims))
    subscripts = tuple(map(Aligned, axes))
    value = Read(given, subscripts, Meta(axes, (), declared.element, declared.span))
    return Piece(axes, None, subscripts, value, declared.span)


def _missing(declared: Input, name: str, dim: str | None, positions: tuple[str, ...]) -> Value:
    """The missing elements, one after the other."""
    if dim is None:
        value = Read(declared.name, (), Meta((), (), declared.element, declared.span))
        return Value(name, (), declared.element, (Piece((), None, (), value, declared.span),), declared.span)
    axis = Axis(dim, dim)
    at = _gathers(declared, positions, axis)
    value = Read(declared.name, at, Meta((axis,), (), declared.element, declared.span))
    piece = Piece((axis,), None, (Aligned(axis),), value, declared.span)
    return Value(name, (dim,), declared.element, (piece,), declared.span)


def _within(parts: _Parts, missing: Value, mask: Mask, latent: Latent, own: Mask) -> Read:
    """The elements of a latent, read from the missing elements."""
    span = latent.span
    if not missing.dims:
        return Read(missing.name, (), Meta((), (), Scalar.REAL, span))
    numbers = np.cumsum(mask).reshape(mask.shape) - 1
    shape = tuple(parts.work.sizes[dim] for dim in latent.dims)
    where = parts.data(f"{latent.name} among all", latent.dims, IndexOf(missing.dims[0]), numbers[own].reshape(shape))
    axis = latent.axes[0]
    wholes = tuple(map(Whole, latent.dims[1:]))
    at = Read(where, (Aligned(axis), *wholes), Meta((axis,), wholes, IndexOf(missing.dims[0]), span))
    return Read(missing.name, (Gather(at),), Meta((axis,), wholes, Scalar.REAL, span))


def _gathers(declared: Input, positions: tuple[str, ...], axis: Axis) -> tuple[Subscript, ...]:
    """Subscripts by the data that hold positions, one for each of the first dims."""
    return tuple(
        Gather(Read(name, (Aligned(axis),), Meta((axis,), (), IndexOf(dim), declared.span)))
        for name, dim in zip(positions, declared.dims, strict=False)
    )


# --- terms -------------------------------------------------------------------------------------------


def _split(parts: _Parts, share: Share, given: str) -> list[Term]:
    """The terms of the density in the place of one: of the events that are there, of those that are there in part, and
    (last, as a further density) of those with sampled elements."""
    term = share.term
    target = term.target
    assert isinstance(target, Read)
    known = replace(term, target=replace(target, name=given))
    held = share.there | share.sampled | share.forward | share.partial
    found = []
    if share.there.any():
        found.append(_restricted(parts, known, share.there, held, "there"))
    if share.partial.any():
        name = f"{term.name} in part" if found else term.name
        partial = replace(known, name=name, distribution=_partly(parts, share, given))
        found.append(_restricted(parts, partial, share.partial, held, "in part"))
    if share.sampled.any():
        latent = replace(term, name=f"{term.name} missing", role="density")
        found.append(_restricted(parts, latent, share.sampled, held, "sampled"))
    return found


def _restricted(parts: _Parts, term: Term, events: Mask, held: Mask, which: str) -> Term:
    """The term for some of the events that its own filter holds."""
    if np.array_equal(events, held):
        return term
    return replace(term, where=_filter(parts, term, events, which))


def _filter(parts: _Parts, term: Term, events: Mask, which: str) -> Expr:
    """The filter of a term, and that its event is among these, given over the axes of its target."""
    chosen = _mask(parts, term, f"{term.name} {which}", events)
    if term.where is None:
        return chosen
    axes = tuple(dict.fromkeys((*term.where.meta.axes, *chosen.meta.axes)))
    return Apply("and", (term.where, chosen), Meta(axes, (), Scalar.BOOL, term.span))


def _mask(parts: _Parts, term: Term, name: str, events: Mask) -> Read:
    """A truth value for each event of a term, as data over the whole dims of its axes."""
    axes = term.target.meta.axes
    whole = np.zeros([parts.work.sizes[axis.dim] for axis in axes], np.bool_)
    whole[tuple(slice(*parts.work.bound.span(axis)) for axis in axes)] = events
    parts.data(name, tuple(axis.dim for axis in axes), Scalar.BOOL, whole)
    return Read(name, tuple(map(Aligned, axes)), Meta(axes, (), Scalar.BOOL, term.span))


def _partly(parts: _Parts, share: Share, given: str) -> Distribution:
    """The distribution of a Gaussian vector, conditioned on the elements that are there."""
    term = share.term
    target = term.target
    assert isinstance(target, Read)
    there = f"{term.name} elements there"
    missing = parts.work.bound.dataset.missing[parts.declared.name]
    parts.data(there, parts.declared.dims, Scalar.BOOL, ~missing)
    value = replace(target, name=given)
    present = replace(target, name=there, meta=replace(target.meta, element=Scalar.BOOL))
    own = (("present", present), ("value", value))
    return Distribution("partly", own, term.distribution, term.distribution.event_rank, term.distribution.span)


# --- quantities --------------------------------------------------------------------------------------


def _elements(share: Share, events: Mask, shape: tuple[int, ...]) -> Mask:
    """All elements of some events, as a mask of the data."""
    mask = np.zeros(shape, np.bool_)
    if events.any():
        mask[tuple(p[events] for p in share.at)] = True
    return mask


def _sampled(parts: _Parts, share: Share, own: Mask) -> Latent:
    """A latent for the elements of a mask, and the piece of the data that it is."""
    declared, term = parts.declared, share.term
    support = term.support
    assert support is not None
    name = f"{term.name} missing elements"
    joint = term.distribution.event_rank if term.distribution.name != "MvNormal" else 0
    event = declared.dims[len(declared.dims) - joint :]
    places: Mask = np.asarray(np.any(own, axis=tuple(range(own.ndim - joint, own.ndim))))
    if joint == 0 and term.distribution.event_rank:
        support = Support("real")
    if not declared.dims:
        latent = Latent(name, (), Scalar.REAL, support, 0, True, term.span)
        parts.sources.append(latent)
        value = Read(name, (), Meta((), (), Scalar.REAL, term.span))
        parts.pieces.append(Piece((), None, (), value, term.span))
        return latent
    dim = parts.work.dim(f"{declared.dims[0]} of {name}", int(places.sum()), declared)
    axis = Axis(dim, dim)
    at = _gathers(declared, parts.positions(name, dim, places), axis)
    bounds = _bounds(parts, term, support, at)
    latent = Latent(name, (dim, *event), Scalar.REAL, bounds, joint, True, term.span, (axis,))
    parts.sources.append(latent)
    wholes = tuple(map(Whole, event))
    value = Read(name, (Aligned(axis), *wholes), Meta((axis,), wholes, Scalar.REAL, term.span))
    parts.pieces.append(Piece((axis,), None, (*at, *wholes), value, term.span))
    return latent


def _bounds(parts: _Parts, term: Term, support: Support, at: tuple[Subscript, ...]) -> Support:
    """The bounds of a term's support at the elements that positions name."""
    target = term.target
    assert isinstance(target, Read)
    by = {s.axis: place for s, place in zip(target.subscripts, at, strict=False) if isinstance(s, Aligned)}
    try:
        lower, upper = (None if b is None else substituted(b, by, "'") for b in (support.lower, support.upper))
    except CannotSubstitute:
        name = target.name
        label = f"the range of missing elements of `{name}` reads other elements by sums of indices"
        problem = Diagnostic("E318", f"missing elements of `{name}` cannot be inferred", term.span, label)
        raise PplError([problem], parts.work.bound.graph.source) from None
    return replace(support, lower=lower, upper=upper)


def _drawn_forward(parts: _Parts, share: Share, missing: Mask, given: str) -> None:
    """Predictions of what one term draws after sampling, and the pieces of the data that they are."""
    term = share.term
    held = share.there | share.sampled | share.forward | share.partial
    for which, events in (("forward", share.forward), ("conditional", share.partial)):
        if not events.any():
            continue
        name = f"{term.name} drawn {which}"
        target = term.target
        assert isinstance(target, Read)
        d = term.distribution if which == "forward" else _partly(parts, share, given)
        where = term.where if np.array_equal(events, held) else _filter(parts, term, events, which)
        element = parts.declared.element
        parts.sources.append(
            Prediction(
                name, parts.declared.dims, term.axes, where, target.subscripts, d, element, term.span, recorded=False
            )
        )
        if missing.ndim:
            _piece_of(parts, name, _elements(share, events, missing.shape) & missing, element)
        else:
            value = Read(name, (), Meta((), (), element, term.span))
            parts.pieces.append(Piece((), None, (), value, term.span))


def _piece_of(parts: _Parts, name: str, mask: Mask, element: Element) -> None:
    """The elements of a mask are those of another quantity over the same dims."""
    declared = parts.declared
    dim = parts.work.dim(f"{declared.dims[0]} of {name}", int(mask.sum()), declared)
    axis = Axis(dim, dim)
    at = _gathers(declared, parts.positions(name, dim, mask), axis)
    value = Read(name, at, Meta((axis,), (), element, declared.span))
    parts.pieces.append(Piece((axis,), None, at, value, declared.span))
