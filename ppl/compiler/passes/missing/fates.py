"""What becomes of each missing element, told by which terms of the model read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.compiler.passes.missing.elements import Bound, Mask, Positions, filtered_reads, held, places, touched
from ppl.compiler.passes.plates import with_plates
from ppl.compiler.passes.substitution import structure
from ppl.dataset import Dataset
from ppl.errors import Diagnostic
from ppl.graph import (
    Clamp,
    Energy,
    Expr,
    Input,
    Latent,
    ModelGraph,
    Prediction,
    Read,
    Term,
    Value,
    distribution_expressions,
    node_expressions,
    reads,
)
from ppl.types import IndexOf, Scalar

_SHOWN = 4


@dataclass(frozen=True, eq=False)
class Share:
    """What one observing term says of data with missing elements.

    term: with its elements bound one by one; at: for each dim of the data the positions, over the axes of the target
    and its event dims. Of its events, over the axes of the target: there: nothing is missing; sampled: the missing
    elements are latents; forward: everything is missing, and drawn after sampling; partial: what is there counts by its
    marginal density, the rest is drawn after sampling.
    """

    term: Term
    at: tuple[Positions, ...]
    there: Mask
    sampled: Mask
    forward: Mask
    partial: Mask


@dataclass(frozen=True, eq=False)
class Fates:
    """Of one input with missing elements. missing: those that a term draws; of them, sampled: latents; forward: drawn
    after sampling; conditional: drawn after sampling given the rest of their event."""

    name: str
    missing: Mask
    sampled: Mask
    forward: Mask
    conditional: Mask
    shares: tuple[Share, ...]

    @property
    def summed(self) -> bool:
        """Whether the elements that are sampled are discrete, so that they are summed out."""
        return bool(self.sampled.any()) and _is_discrete(self.shares[0].term)


def fates(graph: ModelGraph, dataset: Dataset) -> tuple[dict[str, Fates], list[Diagnostic]]:
    """Of every input with missing elements that something draws, and what is wrong with missing elements."""
    bound = Bound(graph, dataset)
    found: dict[str, Fates] = {}
    problems: list[Diagnostic] = []
    for name, missing in dataset.missing.items():
        if missing.any():
            _fates_of(bound, name, missing, found, problems)
    return found, problems


def _fates_of(bound: Bound, name: str, missing: Mask, found: dict[str, Fates], problems: list[Diagnostic]) -> None:
    declared = bound.graph[name]
    assert isinstance(declared, Input)
    terms = [with_plates(t, bound.span) for t in bound.graph.terms if t.role == "observed" and _target(t).name == name]
    covered = [_coverage(bound, term) for term in terms]
    if any(c is None for c in covered):
        problems += [_unclear(term) for term, c in zip(terms, covered, strict=True) if c is None]
        return
    counts = np.zeros(missing.shape, np.int64)
    for c in covered:
        if c is not None:
            np.add.at(counts, tuple(p[c.held] for p in c.at) if missing.shape else (), c.repeats)
    weighed, anywhere, filters = _touched(bound, name)
    for filter_ in filters:
        problems.append(_in_a_filter(name, filter_))
    lost = missing & (counts == 0) & anywhere
    if lost.any():
        problems.append(_undrawn(bound, declared, lost, bool(terms)))
    shares = []
    masks = {
        "sampled": np.zeros_like(missing),
        "forward": np.zeros_like(missing),
        "conditional": np.zeros_like(missing),
    }
    needed = weighed | (counts > 1)
    if terms and _is_discrete(terms[0]) and (missing & needed & (counts > 0)).any():
        needed = np.ones_like(missing)  # what is summed out in part is summed out as a whole
    for term, c in zip(terms, covered, strict=True):
        if c is None:
            continue
        share = _share(term, c, missing, needed)
        problem = _impossible(bound, declared, share, missing)
        if problem is not None:
            problems.append(problem)
        shares.append(share)
        for key, events in (("sampled", share.sampled), ("forward", share.forward), ("conditional", share.partial)):
            mask = np.zeros_like(missing)
            if events.any():
                mask[tuple(p[events] for p in share.at)] = True
            masks[key] |= mask & missing
    problems += _unlike_supports(shares)
    found[name] = Fates(name, missing & (counts > 0), **masks, shares=tuple(shares))


def _is_discrete(term: Term) -> bool:
    return DISTRIBUTIONS[term.distribution.leaf.name].discrete


def _target(term: Term) -> Read:
    assert isinstance(term.target, Read)
    return term.target


# --- coverage ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Coverage:
    """at: positions, [axes of the target..., event...]; held: for which axes the term's filter holds, (axes...);
    repeats: how often the term draws the same element."""

    at: tuple[Positions, ...]
    held: Mask
    repeats: int


def _coverage(bound: Bound, term: Term) -> _Coverage | None:
    target = _target(term)
    axes = target.meta.axes
    at = places(bound, target, axes)
    where = held(bound, () if term.where is None else (term.where,), axes)
    if at is None or where is None:
        return None
    others = [stop - start for start, stop in (bound.span(a) for a in term.axes if a not in axes)]
    return _Coverage(at, where, int(np.prod(others, dtype=np.int64)))


def _share(term: Term, c: _Coverage, missing: Mask, needed: Mask) -> Share:
    """needed: the elements that must be sampled if they are missing."""
    events = tuple(range(c.held.ndim, c.held.ndim + term.distribution.event_rank))
    gone = missing[c.at]
    some, every = gone.any(axis=events), gone.all(axis=events)
    sampled = (gone & needed[c.at]).any(axis=events)
    return Share(
        term,
        c.at,
        there=c.held & ~some,
        sampled=c.held & sampled,
        forward=c.held & every & ~sampled,
        partial=c.held & some & ~every & ~sampled,
    )


# --- reads -------------------------------------------------------------------------------------------


def _touched(bound: Bound, name: str) -> tuple[Mask, Mask, list[Expr]]:
    """The elements of an input that weigh in the density besides being drawn, those that anything reads, and the
    filters that read it."""
    graph = bound.graph
    needed = _needed(graph)
    weighed = np.zeros(bound.shape(name), np.bool_)
    anywhere = weighed.copy()
    filters: list[Expr] = []
    for node in graph.nodes:
        if isinstance(node, Input):
            continue
        matters = isinstance(node, Term | Energy | Latent | Clamp) or (isinstance(node, Value) and node.name in needed)
        for expr, conditions in _expressions(node):
            for condition in conditions:
                if name in reads(condition):
                    filters.append(condition)
            for read, inside in filtered_reads(expr, conditions):
                if read.name == name:
                    mask = touched(bound, read, inside)
                    anywhere |= mask
                    weighed |= mask & matters
    return weighed, anywhere, list(dict.fromkeys(filters))


def _expressions(node: Term | Energy | Latent | Clamp | Value | Prediction) -> Iterator[tuple[Expr, tuple[Expr, ...]]]:
    """What a node reads, without the target of a term, and the filters that choose its elements."""
    match node:
        case Term():
            chosen = () if node.where is None else (node.where,)
            for expr in distribution_expressions(node.distribution):
                yield expr, chosen
        case Value():
            for piece in node.pieces:
                yield piece.value, () if piece.where is None else (piece.where,)
        case Energy() | Prediction():
            chosen = () if node.where is None else (node.where,)
            for expr in node_expressions(node):
                if expr is not node.where:
                    yield expr, chosen
        case _:
            for expr in node_expressions(node):
                yield expr, ()


def _needed(graph: ModelGraph) -> set[str]:
    """The values that the density is computed from."""
    values = {value.name: value for value in graph.values}
    waiting = [
        name
        for node in graph.nodes
        if isinstance(node, Term | Energy | Latent | Clamp)
        for expr in node_expressions(node)
        for name in reads(expr)
    ]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in values and name not in found:
            found.add(name)
            waiting += [other for expr in node_expressions(values[name]) for other in reads(expr)]
    return found


# --- refusals ----------------------------------------------------------------------------------------


def _impossible(bound: Bound, declared: Input, share: Share, missing: Mask) -> Diagnostic | None:
    """Why the missing elements of a term cannot be inferred, if so."""
    d = share.term.distribution
    spec = DISTRIBUTIONS[d.leaf.name]
    gaussian = d.name == "MvNormal"
    events = tuple(range(share.there.ndim, share.there.ndim + d.event_rank))
    gone = missing[share.at]
    whole = gone.all(axis=events)
    part = share.partial | (share.sampled & ~whole)
    element = _first(bound, declared, share, share.sampled if share.sampled.any() else part, gone)
    if d.event_rank and not gaussian and part.any():
        label = f"{element} is missing, but not the whole draw of `{d.name}` that it is part of"
        hint = "a draw is there or missing as a whole; of `MvNormal` alone may parts be missing"
        return _refusal(declared, share.term, label, hint)
    if not share.sampled.any():
        return None
    if spec.discrete:
        if _is_finite(bound, declared, share.term):
            return None
        label = f"{element} is missing and other terms depend on it, but `{d.name}` has too many values to sum it out"
        hint = "give its value, or leave out what depends on it"
        return _refusal(declared, share.term, label, hint)
    if share.term.support is None:
        label = f"{element} is missing and other terms depend on it, but no latent can have this distribution"
        return _refusal(declared, share.term, label, "give its value, or leave out what depends on it")
    bounds = [b for b in (share.term.support.lower, share.term.support.upper) if b is not None]
    if any(declared.name in _closure(bound.graph, b) for b in bounds):
        label = f"{element} is missing, and its range depends on other elements of `{declared.name}`"
        return _refusal(declared, share.term, label, "give its value, or a distribution with a fixed range")
    return None


def _is_finite(bound: Bound, declared: Input, term: Term) -> bool:
    """Whether an element of discrete data has finitely many values, which the data tell."""
    if term.distribution.event_rank:
        return False
    if declared.element is Scalar.BOOL or isinstance(declared.element, IndexOf):
        return True
    upper = None if term.support is None else term.support.upper
    return upper is not None and bound.value(upper) is not None


def _closure(graph: ModelGraph, expr: Expr) -> set[str]:
    """The names that an expression is computed from."""
    found: set[str] = set()
    waiting = list(reads(expr))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            node = graph[name]
            if isinstance(node, Value):
                waiting += [other for e in node_expressions(node) for other in reads(e)]
    return found


def _unlike_supports(shares: list[Share]) -> list[Diagnostic]:
    """Terms that draw the same latent elements from different ranges."""
    sampled = [s for s in shares if s.sampled.any() and s.term.support is not None]
    for i, second in enumerate(sampled):
        for first in sampled[:i]:
            if structure(first.term.support) != structure(second.term.support) and _overlap(first, second):
                name = _target(second.term).name
                label = f"missing elements of `{name}` are drawn twice, from different ranges"
                return [Diagnostic("E318", f"missing elements of `{name}` cannot be inferred", second.term.span, label)]
    return []


def _overlap(first: Share, second: Share) -> bool:
    a, b = (set(zip(*(p[s.sampled].ravel().tolist() for p in s.at), strict=True)) for s in (first, second))
    return bool(a & b)


def _refusal(declared: Input, term: Term, label: str, hint: str) -> Diagnostic:
    return Diagnostic("E318", f"missing elements of `{declared.name}` cannot be inferred", term.span, label, (hint,))


def _unclear(term: Term) -> Diagnostic:
    name = _target(term).name
    label = f"which elements of `{name}` this draws depends on more than plain arithmetic of data"
    hint = "compute the filter or the positions outside, and give them as data"
    return Diagnostic("E318", f"missing elements of `{name}` cannot be inferred", term.span, label, (hint,))


def _in_a_filter(name: str, condition: Expr) -> Diagnostic:
    label = f"this filter depends on `{name}`, some elements of which are missing"
    hint = "a filter needs values that are all there"
    return Diagnostic("E318", f"missing elements of `{name}` cannot be inferred", condition.meta.span, label, (hint,))


def _undrawn(bound: Bound, declared: Input, lost: Mask, others: bool) -> Diagnostic:
    at = [tuple(int(i) for i in p) for p in np.argwhere(lost)]
    shown = ", ".join(_element(bound, declared, p) for p in at[:_SHOWN])
    more = f", and {len(at) - _SHOWN} more" if len(at) > _SHOWN else ""
    verb = "is" if len(at) == 1 else "are"
    label = f"{shown}{more} {verb} missing, and no `~` draws {'it' if len(at) == 1 else 'them'}"
    if others:
        hint = (
            f"the model reads elements of `{declared.name}` that it does not draw: give them a `~` too, or their values"
        )
    else:
        over = f"[{', '.join(declared.dims)}]" if declared.dims else ""
        hint = f"give it a distribution of its own: `{declared.name}{over} ~ Normal(m, s)`, with `m` and `s` to infer"
    return Diagnostic(
        "E317", f"missing elements of `{declared.name}` have no distribution", declared.span, label, (hint,)
    )


def _first(bound: Bound, declared: Input, share: Share, events: Mask, gone: Mask) -> str:
    """The first missing element among some events."""
    inside = gone & events.reshape((*events.shape, *([1] * (gone.ndim - events.ndim))))
    places_ = np.argwhere(inside)
    if not len(places_):
        return f"`{declared.name}`"
    here = tuple(places_[0])
    return _element(bound, declared, tuple(int(p[here]) for p in share.at))


def _element(bound: Bound, declared: Input, position: tuple[int, ...]) -> str:
    """`y[3]` (Choate)."""
    if not position:
        return f"`{declared.name}`"
    labels = bound.dataset.labels
    named = [labels[d][i] for d, i in zip(declared.dims, position, strict=True) if d in labels]
    text = f"`{declared.name}[{', '.join(map(str, position))}]`"
    return f"{text} ({', '.join(named)})" if named else text
