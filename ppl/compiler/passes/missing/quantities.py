"""The graph in which missing elements are quantities.

Of data `y` with missing elements there remain: the input `y as given`, which observing terms have as their target where
all is there; a latent for each term whose missing elements are sampled; a prediction that is not recorded for each term
whose missing elements are drawn after sampling; the value `y` put together from all these, which everything else reads;
and the value `y_missing`, the missing elements one after the other, for the results. Where the elements that would be
sampled are discrete, `y` is a latent instead, to be summed out, whose elements that are there cannot have other values.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ppl.compiler.passes.inlining import inlined
from ppl.compiler.passes.missing.elements import Bound, Mask
from ppl.compiler.passes.missing.fates import Fates, Share, fates
from ppl.compiler.passes.missing.order import in_order
from ppl.compiler.passes.missing.parts import Made, Parts, Work, gathers, missing_value, observing_terms
from ppl.compiler.passes.substitution import CannotSubstitute, substituted
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, PplError
from ppl.graph import (
    Aligned,
    Apply,
    Axis,
    Distribution,
    Energy,
    Expr,
    Gather,
    Input,
    Latent,
    Literal,
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
from ppl.types import Element, IndexOf, Scalar

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
    work = Work(Bound(graph, dataset), {**dataset.sizes}, {**dataset.arrays}, {**graph.dims})
    replaced = {name: _summed(work, f) if f.summed else _outcome(work, f) for name, f in found.items()}
    terms = {id(old): new for made in replaced.values() for old, new in made.terms}
    nodes: list[Node] = []
    for node in graph.nodes:
        if isinstance(node, Input) and node.name in replaced:
            nodes += replaced[node.name].nodes
        elif isinstance(node, Term) and id(node) in terms:
            nodes += terms[id(node)]
        else:
            nodes.append(node)
    filled = inlined(replace(graph, dims=work.dims, nodes=in_order(nodes)))
    by_name = {term.name: term for term in filled.terms}
    outcomes = {
        name: replace(made.outcome, observing=tuple(by_name[t.name] for t in made.outcome.observing))
        for name, made in replaced.items()
    }
    return replace(filled, outcomes=outcomes), replace(dataset, sizes=work.sizes, arrays=work.arrays)


# --- one input ---------------------------------------------------------------------------------------


def _outcome(work: Work, f: Fates) -> Made:
    declared = work.bound.graph[f.name]
    assert isinstance(declared, Input)
    parts = Parts(work, declared)
    given = parts.data(f"{f.name} as given", declared.dims, declared.element, work.arrays[f.name])
    parts.pieces.append(_whole_piece(declared, given))
    owned = np.zeros_like(f.missing)
    sampled: list[tuple[Latent, Mask]] = []
    observing: list[Term] = []
    terms: list[tuple[Term, list[Node]]] = []
    for old, share in zip(observing_terms(work, f), f.shares, strict=True):
        made = _split(parts, share, given)
        observing += made[:-1] if made and made[-1].role == "density" else made
        terms.append((old, list(made)))
        own = _elements(share, share.sampled, f.missing.shape) & f.missing & ~owned
        owned |= own
        if own.any():
            sampled.append((_sampled(parts, share, own), own))
        _drawn_forward(parts, share, f.missing, given)
    missing, positions = missing_value(parts, f)
    whole = Value(f.name, declared.dims, declared.element, tuple(parts.pieces), declared.span, recorded=False)
    found = tuple((latent.name, _within(parts, missing, f.missing, latent, own)) for latent, own in sampled)
    nodes = [*parts.inputs, *parts.sources, whole, missing]
    dim = missing.dims[0] if missing.dims else None
    outcome = Outcome(tuple(observing), tuple(observing_terms(work, f)), missing.name, dim, positions, found)
    return Made(outcome, nodes, terms)


def _summed(work: Work, f: Fates) -> Made:
    """Discrete data of which some elements are summed out: a latent of all, of which those that are there have no
    other value than their own. What draws them weighs what is there, and says what the others are drawn from."""
    declared = work.bound.graph[f.name]
    assert isinstance(declared, Input)
    parts = Parts(work, declared)
    given = parts.data(f"{f.name} as given", declared.dims, declared.element, work.arrays[f.name])
    there = parts.data(f"{f.name} there", declared.dims, Scalar.BOOL, ~work.bound.dataset.missing[f.name])
    observing: list[Term] = []
    terms: list[tuple[Term, list[Node]]] = []
    for old, share in zip(observing_terms(work, f), f.shares, strict=True):
        made = [replace(t, role="latent") if t.role == "density" else t for t in _split(parts, share, given)]
        observing += [t for t in made if t.role == "observed"]
        terms.append((old, list(made)))
    support = f.shares[0].term.support
    assert support is not None
    latent = Latent(f.name, declared.dims, declared.element, support, 0, False, declared.span)
    missing, positions = missing_value(parts, f)
    nodes = [*parts.inputs, latent, _as_given(declared, given, there), missing]
    dim = missing.dims[0] if missing.dims else None
    return Made(
        Outcome(tuple(observing), tuple(observing_terms(work, f)), missing.name, dim, positions, ()), nodes, terms
    )


def _as_given(declared: Input, given: str, there: str) -> Energy:
    """Infinite where an element that is there has another value than it has."""
    axes = tuple(Axis(f"{dim} #{k}", dim) for k, dim in enumerate(declared.dims))
    at, span = tuple(map(Aligned, axes)), declared.span
    own, other = (Read(name, at, Meta(axes, (), declared.element, span)) for name in (declared.name, given))
    same = Apply("equal", (own, other), Meta(axes, (), Scalar.BOOL, span))
    nothing, never = (Literal(x, Meta((), (), Scalar.REAL, span)) for x in (0.0, math.inf))
    value = Apply("where", (same, nothing, never), Meta(axes, (), Scalar.REAL, span))
    return Energy(given, axes, Read(there, at, Meta(axes, (), Scalar.BOOL, span)), value, span)


def _whole_piece(declared: Input, given: str) -> Piece:
    axes = tuple(Axis(f"{dim} #{k}", dim) for k, dim in enumerate(declared.dims))
    subscripts = tuple(map(Aligned, axes))
    value = Read(given, subscripts, Meta(axes, (), declared.element, declared.span))
    return Piece(axes, None, subscripts, value, declared.span)


def _within(parts: Parts, missing: Value, mask: Mask, latent: Latent, own: Mask) -> Read:
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


# --- terms -------------------------------------------------------------------------------------------


def _split(parts: Parts, share: Share, given: str) -> list[Term]:
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


def _restricted(parts: Parts, term: Term, events: Mask, held: Mask, which: str) -> Term:
    """The term for some of the events that its own filter holds."""
    if np.array_equal(events, held):
        return term
    return replace(term, where=_filter(parts, term, events, which))


def _filter(parts: Parts, term: Term, events: Mask, which: str) -> Expr:
    """The filter of a term, and that its event is among these, given over the axes of its target."""
    chosen = _mask(parts, term, f"{term.name} {which}", events)
    if term.where is None:
        return chosen
    axes = tuple(dict.fromkeys((*term.where.meta.axes, *chosen.meta.axes)))
    return Apply("and", (term.where, chosen), Meta(axes, (), Scalar.BOOL, term.span))


def _mask(parts: Parts, term: Term, name: str, events: Mask) -> Read:
    """A truth value for each event of a term, as data over the whole dims of its axes."""
    axes = term.target.meta.axes
    whole = np.zeros([parts.work.sizes[axis.dim] for axis in axes], np.bool_)
    whole[tuple(slice(*parts.work.bound.span(axis)) for axis in axes)] = events
    parts.data(name, tuple(axis.dim for axis in axes), Scalar.BOOL, whole)
    return Read(name, tuple(map(Aligned, axes)), Meta(axes, (), Scalar.BOOL, term.span))


def _partly(parts: Parts, share: Share, given: str) -> Distribution:
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


def _sampled(parts: Parts, share: Share, own: Mask) -> Latent:
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
    at = gathers(declared, parts.positions(name, dim, places), axis)
    bounds = _bounds(parts, term, support, at)
    latent = Latent(name, (dim, *event), Scalar.REAL, bounds, joint, True, term.span, (axis,))
    parts.sources.append(latent)
    wholes = tuple(map(Whole, event))
    value = Read(name, (Aligned(axis), *wholes), Meta((axis,), wholes, Scalar.REAL, term.span))
    parts.pieces.append(Piece((axis,), None, (*at, *wholes), value, term.span))
    return latent


def _bounds(parts: Parts, term: Term, support: Support, at: tuple[Subscript, ...]) -> Support:
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


def _drawn_forward(parts: Parts, share: Share, missing: Mask, given: str) -> None:
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


def _piece_of(parts: Parts, name: str, mask: Mask, element: Element) -> None:
    """The elements of a mask are those of another quantity over the same dims."""
    declared = parts.declared
    dim = parts.work.dim(f"{declared.dims[0]} of {name}", int(mask.sum()), declared)
    axis = Axis(dim, dim)
    at = gathers(declared, parts.positions(name, dim, mask), axis)
    value = Read(name, at, Meta((axis,), (), element, declared.span))
    parts.pieces.append(Piece((axis,), None, at, value, declared.span))
