"""The elements that a prediction needs: those of the new data, and those of the fit that new ones depend on.

A random walk goes on from its last element, and a Gaussian process at new points depends on its values at the old ones.
Along such dims the elements of the fit that the new data lack come first, with their data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ppl.compiler.forward.gaussian import CONDITIONED
from ppl.compiler.forward.statements import Group, Statement
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, PplError
from ppl.graph import Input, ModelGraph
from ppl.prediction.fitted import Fitted
from ppl.prediction.matching import Match, Positions
from ppl.types import IndexOf

Array = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]
S = TypeVar("S", bound=np.generic)


@dataclass(frozen=True)
class World:
    """old, new: of each element its position in the fit and in the new data, or -1; dataset: data of all elements;
    given: of the outcomes, which elements have a value; from_fit: of the inputs, which have that of the fit."""

    old: Mapping[str, Positions]
    new: Mapping[str, Positions]
    dataset: Dataset
    given: Mapping[str, Mask]
    from_fit: Mapping[str, Mask]

    def known(self, dims: tuple[str, ...]) -> Mask:
        """Which elements of a quantity are elements of the fit."""
        return _outer([self.old[d] >= 0 for d in dims])

    def new_part(self, array: npt.NDArray[S], dims: tuple[str, ...], lead: int = 0) -> npt.NDArray[S]:
        """(*lead, *dims) restricted to the elements of the new data, in their order."""
        picks = [np.argsort(self.new[d], kind="stable")[int((self.new[d] < 0).sum()) :] for d in dims]
        for axis, pick in enumerate(picks):
            array = np.take(array, pick, axis=lead + axis)
        return array


def _outer(masks: Iterable[Mask]) -> Mask:
    whole: Mask = np.ones((), np.bool_)
    for mask in masks:
        whole = whole[..., None] & mask
    return whole


def make_world(
    graph: ModelGraph,
    groups: Iterable[Group],
    fitted: Fitted,
    data: Dataset,
    matches: Mapping[str, Match],
    outcomes: Collection[str],
) -> World:
    """graph, data: of what the new data hold; outcomes: names of observed quantities.

    Raises:
        PplError: elements of the fit and of the new data that no order puts together, or that miss data (E507).
    """
    groups = tuple(groups)
    history = _history(graph, groups, matches)
    old, new = {}, {}
    for dim, m in matches.items():
        old[dim], new[dim] = _elements(m, dim in history, graph.dims[dim].ordered)
    for group in groups:
        for dim in group.dims:
            _check_order(graph, group, dim, old[dim])
    arrays, given, from_fit = {}, {}, {}
    problems = []
    labels = {d: _labels(d, old[d], new[d], fitted, data) for d in data.labels}
    sizes = {dim: len(own) for dim, own in old.items()}
    for declared in graph.inputs:
        array, held, before = _joined(declared, fitted, data, old, new)
        arrays[declared.name], from_fit[declared.name] = array, before
        if declared.name in outcomes:
            given[declared.name] = held
        elif not held.all():
            problems.append(_lacking(declared, [d for d in declared.dims if (new[d] < 0).any()]))
    if problems:
        raise PplError(problems, graph.source)
    return World(old, new, Dataset(sizes, labels, arrays), given, from_fit)


# --- which elements -----------------------------------------------------------------------------------


def _history(graph: ModelGraph, groups: Iterable[Group], matches: Mapping[str, Match]) -> set[str]:
    """The dims of which elements that the new data lack are needed."""
    found: set[str] = set()
    for group in groups:
        joint = [d for s in (*group.whole, *group.steps) for d in _joint(s)]
        for dim in dict.fromkeys((*group.dims, *joint)):
            if not matches[dim].kept.all() and len(matches[dim].dropped):
                found.add(dim)
    grew = True
    while grew:
        more = {
            declared.element.dim
            for declared in graph.inputs
            if isinstance(declared.element, IndexOf) and set(declared.dims) & found
        }
        grew = not more <= found
        found |= more
    return {dim for dim in found if len(matches[dim].dropped)}


def _joint(statement: Statement) -> tuple[str, ...]:
    """The dims of the vectors that a statement draws with an exact conditional."""
    d = statement.distribution
    if d is None or d.name not in CONDITIONED:
        return ()
    return tuple(whole.dim for whole in statement.target.meta.event[-d.event_rank :])


def _elements(match: Match, history: bool, ordered: bool) -> tuple[Positions, Positions]:
    """Positions in the fit and in the new data: the fit's elements first where history is needed."""
    count = np.arange(len(match.old))
    if not history:
        return match.old, count
    if not ordered:
        before = match.dropped
        return np.concatenate([before, match.old]), np.concatenate([np.full(len(before), -1), count])
    place = np.full(match.size, -1)
    place[match.old[match.kept]] = count[match.kept]
    fresh = count[~match.kept]
    return np.concatenate([np.arange(match.size), np.full(len(fresh), -1)]), np.concatenate([place, fresh])


def _check_order(graph: ModelGraph, group: Group, dim: str, old: Positions) -> None:
    """Along a dim on which elements depend on earlier ones, those of the fit come first, all and in order."""
    kept = old[old >= 0]
    if (old >= 0).all() or not len(kept):
        return
    if not np.array_equal(old[: len(kept)], np.arange(len(kept))):
        statement = group.steps[0]
        title = f"`{statement.name}` cannot be continued along `{dim}`"
        words = "each element depends on earlier ones: those of the fit must come first, in their order, then new ones"
        raise PplError([Diagnostic("E507", title, statement.span, words)], graph.source)


# --- their data ---------------------------------------------------------------------------------------


def _joined(
    declared: Input,
    fitted: Fitted,
    data: Dataset,
    old: Mapping[str, Positions],
    new: Mapping[str, Positions],
) -> tuple[Array, Mask, Mask]:
    """The values of an input, of the new data where they have any, else of the fit; which elements have a value; and
    which have that of the fit."""
    name, dims = declared.name, declared.dims
    there, before = name in data.arrays, name in fitted.arrays
    source = data.arrays[name] if there else fitted.arrays[name]
    shape = tuple(len(new[d]) for d in dims)
    array = np.zeros(shape, source.dtype)
    fresh = _outer([new[d] >= 0 for d in dims]) & there
    if there:
        array[fresh] = _moved(declared, source, new)[_at(fresh, dims, new)]
        gaps = data.missing.get(name)
        fresh = fresh if gaps is None else fresh & ~_spread(gaps, fresh, dims, new)
    past = _outer([old[d] >= 0 for d in dims]) & before & ~fresh
    if past.any():
        array[past] = _moved(declared, fitted.arrays[name], old)[_at(past, dims, old)]
        gaps = fitted.unknown.get(name)
        past = past if gaps is None else past & ~_spread(gaps, past, dims, old)
    return array, fresh | past, past


def _spread(part: Mask, where: Mask, dims: tuple[str, ...], positions: Mapping[str, Positions]) -> Mask:
    """A mask of the fit's or the new data's array, as one of the world's elements."""
    found = np.zeros(where.shape, np.bool_)
    found[where] = part[_at(where, dims, positions)]
    return found


def _at(mask: Mask, dims: tuple[str, ...], positions: Mapping[str, Positions]) -> tuple[Any, ...]:
    """Where the elements of a mask lie in the array that they come from."""
    if not dims:
        return (None,)  # of a single number, its one element
    return tuple(positions[d][i] for d, i in zip(dims, np.nonzero(mask), strict=True))


def _moved(declared: Input, array: Array, positions: Mapping[str, Positions]) -> Array:
    """Positions of a dim, counted in the world instead."""
    if not isinstance(declared.element, IndexOf):
        return array
    own = positions[declared.element.dim]
    there = np.zeros(int(max(own.max(initial=-1), array.max(initial=-1))) + 1, np.int64)
    there[own[own >= 0]] = np.flatnonzero(own >= 0)
    moved: Array = there[array]
    return moved


def _labels(dim: str, old: Positions, new: Positions, fitted: Fitted, data: Dataset) -> tuple[str, ...]:
    own, theirs = data.labels[dim], fitted.labels.get(dim, ())
    return tuple(own[n] if n >= 0 else theirs[o] for o, n in zip(old, new, strict=True))


def _lacking(declared: Input, dims: list[str]) -> Diagnostic:
    title = f"`{declared.name}` is not known for all elements that the prediction needs"
    over = " and ".join(f"`{d}`" for d in dims) or "its dims"
    words = f"elements of the fit along {over} are needed too, where neither the fit nor the new data have it"
    return Diagnostic("E507", title, declared.span, words, ("give all elements of the fit in the new data",))
