"""Which elements of the observed quantities are observed, and of predictions predicted: results hold these alone.

`y[t] ~ ... for t in time[2:]` observes no first two elements, so the dim of `y` in the results is shorter. Where the
observed elements are no rectangle, the others are NaN, except among log-likelihoods, which then stand one after the
other: all of them are numbers, as cross-validation needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ppl.compiler.density.predictive import target_of
from ppl.compiler.lowering.assemble import place
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import Named
from ppl.graph import Prediction, Term
from ppl.results.container import Layout
from ppl.results.missing import element_labels

Array = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """The observed elements of one quantity.

    mask: of the whole array; positions: along each dim, of slices with an observed element; dims: their names in the
    results; event_rank: how many trailing dims are one event; element: the dim of log-likelihoods, one for each event,
    where the events are no rectangle.
    """

    mask: Mask
    positions: tuple[npt.NDArray[np.int64], ...]
    dims: tuple[str, ...]
    event_rank: int
    element: str | None

    @property
    def events(self) -> Mask:
        """Which events have an observed element."""
        return _events(self.mask, self.event_rank)


@dataclass(frozen=True)
class Observations:
    """Of every quantity with observed elements. `layout`: of the dims of their observed elements."""

    parts: Mapping[str, Part]
    layout: Layout

    def __contains__(self, name: str) -> bool:
        return name in self.parts

    def covers(self, name: str) -> bool:
        """Whether every element of a quantity is observed."""
        return name in self.parts and bool(self.parts[name].mask.all())

    def dims(self, events: bool = True) -> dict[str, tuple[str, ...]]:
        """Dims in the results: of quantities, or (`events` is False) of their log-likelihoods."""
        return {name: p.dims if events else _likelihood_dims(p) for name, p in self.parts.items()}

    def kept(self, name: str, values: Array) -> Array:
        """The observed elements of (..., dims) values; where they are no rectangle, NaN stands for the others."""
        part = self.parts[name]
        if self.covers(name):
            return values
        box: tuple[Any, ...] = np.ix_(*part.positions)
        mask, inside = part.mask[box], values[(..., *box)]
        return inside if mask.all() else np.where(mask, inside.astype(np.float64), np.nan)

    def likelihoods(self, name: str, values: Array) -> Array:
        """The log-likelihoods of observed events, among (..., dims without those of one event)."""
        part = self.parts[name]
        if part.element is not None:
            return values[..., part.events]
        box: tuple[Any, ...] = np.ix_(*part.positions[: part.events.ndim])
        return values[(..., *box)]


def _likelihood_dims(part: Part) -> tuple[str, ...]:
    return (part.element,) if part.element is not None else part.dims[: len(part.dims) - part.event_rank]


def _events(mask: Mask, rank: int) -> Mask:
    return np.asarray(mask.any(axis=tuple(range(mask.ndim - rank, mask.ndim))))


def find_observations(data: Lowering, layout: Layout, terms: Mapping[str, Sequence[Term]]) -> Observations:
    """What observing terms cover, by the names of what they observe. data: the lowering of expressions of data."""
    program = data.program
    masks = {name: covered(data, program.dims(name), own) for name, own in terms.items()}
    ranks = {name: max(term.distribution.event_rank for term in own) for name, own in terms.items()}
    return observations(masks, {name: program.dims(name) for name in terms}, ranks, layout)


def observations(
    masks: Mapping[str, Mask], dims_of: Mapping[str, tuple[str, ...]], ranks: Mapping[str, int], layout: Layout
) -> Observations:
    """Of quantities by the masks of their elements, their dims, and how many of these are one event.

    A shortened dim keeps its name if every observed quantity over it is shortened alike; else it gets one of its own,
    `time_y`.
    """
    positions = {name: _positions(mask) for name, mask in masks.items() if mask.any()}
    uses: dict[str, set[bytes]] = {}
    for name, along in positions.items():
        for dim, at in zip(dims_of[name], along, strict=True):
            uses.setdefault(dim, set()).add(at.tobytes())
    coordinates = dict(layout.coordinates)
    parts: dict[str, Part] = {}
    for name, along in positions.items():
        dims = []
        for dim, at in zip(dims_of[name], along, strict=True):
            labels = layout.coordinates[dim][at]
            shortened = len(labels) < len(layout.coordinates[dim])
            own = f"{dim}_{name}" if shortened and len(uses[dim]) > 1 else dim
            while own != dim and own in coordinates and not np.array_equal(coordinates[own], labels):
                own += "_"
            if shortened:
                coordinates[own] = labels
            dims.append(own)
        events = _events(masks[name], ranks[name])
        element = None
        if not events[np.ix_(*along[: events.ndim])].all():
            element = f"element_{name}"
            while element in coordinates:
                element += "_"
            own_labels = [layout.coordinates[dim] for dim in dims_of[name][: events.ndim]]
            coordinates[element] = element_labels(own_labels, list(np.nonzero(events)))
        parts[name] = Part(masks[name], along, tuple(dims), ranks[name], element)
    return Observations(parts, replace(layout, coordinates=coordinates))


def predicted_elements(data: Lowering) -> dict[str, Mask]:
    """For each prediction which of its elements its statements draw."""
    pieces: dict[str, list[Prediction]] = {}
    for prediction in data.program.graph.predictions:
        pieces.setdefault(prediction.name, []).append(prediction)
    return {name: covered(data, own[0].dims, own) for name, own in pieces.items()}


def find_predictions(data: Lowering, layout: Layout) -> Observations:
    """What the statements of predictions cover."""
    dims_of = {p.name: p.dims for p in data.program.graph.predictions}
    return observations(predicted_elements(data), dims_of, dict.fromkeys(dims_of, 0), layout)


def covered(data: Lowering, dims: tuple[str, ...], statements: Iterable[Term | Prediction]) -> Mask:
    """The elements of a quantity that its statements speak of."""
    mask: Mask = np.zeros(data.program.shape(dims), np.bool_)
    for statement in statements:
        inner, condition = data.filtered(statement.axes, statement.where, (id(statement), "where"))
        held = Named(np.ones((), np.bool_))
        subscripts = statement.subscripts if isinstance(statement, Prediction) else target_of(statement).subscripts
        mask = place(inner, mask, dims, subscripts, held, condition)
    return mask


def _positions(mask: Mask) -> tuple[npt.NDArray[np.int64], ...]:
    """Along each dim, where there is anything."""
    return tuple(
        np.flatnonzero(mask.any(axis=tuple(i for i in range(mask.ndim) if i != axis))) for axis in range(mask.ndim)
    )
