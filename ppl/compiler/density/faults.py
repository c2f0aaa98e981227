"""Which elements of which terms have no finite log-probability, with what they were computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import jax.numpy as jnp
import numpy as np

from ppl.compiler.density.elimination import Elimination
from ppl.compiler.density.evaluation import Evaluation
from ppl.compiler.density.scoring import Scored, score
from ppl.compiler.density.summation import best_scores
from ppl.compiler.lowering.named import Array, Named, aligned
from ppl.graph import Axis, Energy, Term
from ppl.source import Span

Numbers: TypeAlias = "float | list[Numbers]"


@dataclass(frozen=True)
class Fault:
    """One element whose log-probability is not finite.

    term: as in `terms`; span: of its statement; positions: of the element, by the name of the dim (a number is added
    where one dim stands twice); value, parameters: what the log-probability was computed from; others: how many more
    elements of the term are at fault.
    """

    term: str
    span: Span
    positions: Mapping[str, int]
    log_prob: float
    value: Numbers
    parameters: Mapping[str, Numbers]
    others: int


@dataclass(frozen=True, eq=False)
class Elements:
    """A term element by element, as arrays over its axes and independent dims."""

    term: Term | Energy
    dims: tuple[str, ...]
    positions: tuple[Array, ...]
    log_prob: Array
    value: Array
    parameters: dict[str, Array]


def elements(evaluation: Evaluation, elimination: Elimination | None) -> list[Elements]:
    """Every term element by element; one that discrete latents are summed out of, at their most probable values."""
    best = {} if elimination is None else best_scores(elimination, evaluation.lowering)
    terms = evaluation.program.graph.factors
    return [_elements(term, best.get(id(term)) or score(evaluation.lowering, term)) for term in terms]


def _elements(term: Term | Energy, scored: Scored) -> Elements:
    lowering, log_prob = scored.lowering, scored.log_prob
    axes = log_prob.axes
    array = log_prob.array
    if scored.mask is not None:
        held = aligned(jnp, scored.mask, axes, log_prob.rank)
        array = jnp.where(held, array, np.float64(0))
    wholes = term.target.meta.event[: log_prob.rank] if isinstance(term, Term) else ()
    dims, positions = [], []
    for axis in axes:
        bound = [a for a in term.axes if lowering.seen(a) == axis]
        for each in bound:
            at = Named(lowering.positions_along(each), (axis,))
            dims.append(each.dim)
            positions.append(_spread(aligned(jnp, at, axes, log_prob.rank), array.shape))
    for k, whole in enumerate(wholes):
        start, stop = lowering.program.span(whole)
        along = jnp.arange(start, stop, dtype=np.int64)
        shape = [1] * array.ndim
        shape[len(axes) + k] = stop - start
        dims.append(whole.dim)
        positions.append(_spread(jnp.reshape(along, shape), array.shape))
    event = term.distribution.event_rank if isinstance(term, Term) else 0
    value = _batch(scored.value, axes, log_prob.rank, event, array.shape)
    parameters = {
        name: _batch(p, axes, log_prob.rank, max(0, p.rank - log_prob.rank), array.shape)
        for name, p in scored.parameters.items()
        # those of a family of components are not one for each element; those of gaps are not the author's
        if set(p.axes) <= set(axes) and not name.startswith("part.")
    }
    return Elements(term, tuple(dims), tuple(positions), array, value, parameters)


def _spread(array: Array, shape: tuple[int, ...]) -> Array:
    return jnp.broadcast_to(array, shape)


def _batch(value: Named, axes: tuple[Axis, ...], rank: int, event: int, shape: tuple[int, ...]) -> Array:
    """The value with the leading dims of the log-probability, so that one element of it can be shown."""
    array = aligned(jnp, value, axes, max(rank + event, value.rank))
    return jnp.broadcast_to(array, (*shape, *array.shape[len(shape) :]))


def faults(found: list[Elements], names: Mapping[int, str], most: int) -> list[Fault]:
    """The first `most` elements at fault of each term, on the host."""
    out: list[Fault] = []
    for item in found:
        log_prob = np.asarray(item.log_prob)
        wrong = np.argwhere(~np.isfinite(log_prob))
        for where in wrong[:most]:
            at = tuple(int(i) for i in where)
            seen: dict[str, int] = {}
            for dim, positions in zip(item.dims, item.positions, strict=True):
                name = dim if dim not in seen else f"{dim} {1 + sum(d.split(' ')[0] == dim for d in seen)}"
                seen[name] = int(np.asarray(positions)[at])
            out.append(
                Fault(
                    names[id(item.term)],
                    item.term.span,
                    seen,
                    float(log_prob[at]),
                    np.asarray(item.value)[at].tolist(),
                    {name: np.asarray(p)[at].tolist() for name, p in item.parameters.items()},
                    len(wrong) - 1,
                )
            )
    return out
