"""Data against the distributions that observe them: elements outside the support, before anything is compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ppl.compiler.binding.constants import evaluate, positions, spread
from ppl.compiler.binding.possible import possible
from ppl.dataset import Dataset
from ppl.errors import Diagnostic
from ppl.graph import Distribution, Expr, ModelGraph, Read, Term

Array = npt.NDArray[np.generic]

_SHOWN = 4


def outside_supports(graph: ModelGraph, dataset: Dataset) -> list[Diagnostic]:
    """One diagnostic for each observing term some of whose data its distribution can never give."""
    found = []
    for term in graph.terms:
        target = term.target
        if term.role == "observed" and isinstance(target, Read) and target.name in dataset.arrays:
            problem = _check(graph, term, target, dataset)
            if problem is not None:
                found.append(problem)
    return found


def _check(graph: ModelGraph, term: Term, target: Read, dataset: Dataset) -> Diagnostic | None:
    if term.where is not None:
        return None
    where = positions(target, dataset.sizes, dataset.arrays, dataset.labels)
    if where is None:
        return None
    values = dataset.arrays[target.name][where]
    found = possible(
        term.distribution,
        values,
        lambda bound: _limit(bound, target, dataset),
        lambda expr: _size(expr, dataset),
    )
    wrong = found.wrong
    if target.name in dataset.missing:
        gone = dataset.missing[target.name][where]
        wrong = wrong & ~gone.any(axis=tuple(range(wrong.ndim, gone.ndim)))
    if not wrong.any():
        return None
    listed, allowed = [], ""
    for at in np.argwhere(wrong)[:_SHOWN]:
        element = tuple(int(i) for i in at)
        own = [int(np.broadcast_to(w, values.shape)[(*element, *(0,) * found.event_rank)]) for w in where]
        own = own[: len(own) - found.event_rank]
        dims = _dims(graph, target)
        labels = [dataset.labels[d][i] for d, i in zip(dims, own, strict=False) if d in dataset.labels]
        index = f"[{', '.join(map(str, own))}]" if own else ""
        named = f" ({', '.join(labels)})" if labels else ""
        value = np.asarray(values[element], dtype=np.float64)
        shown = ", ".join(f"{x:.10g}" for x in value.ravel()[:_SHOWN])
        shown = shown if value.ndim == 0 else f"[{shown}{', ...' if value.size > _SHOWN else ''}]"
        gives = found.words(element)
        allowed = allowed or gives
        listed.append(f"`{target.name}{index}`{named} is {shown}{'' if gives == allowed else f' ({gives})'}")
    count = int(wrong.sum())
    hints = []
    if count > 1:
        more = f", and {count - _SHOWN} more" if count > _SHOWN else ""
        hints.append(f"also {', '.join(listed[1:])}{more} ({count} of {wrong.size})")
    if found.support == "categorical" and found.upper is not None and _count_from_one(values, found.upper):
        size = int(np.max(np.asarray(found.upper, dtype=np.float64))) + 1
        hints.append(
            f"if they count from 1, say so: `dim level = {size}`, and "
            f"`data {target.name}[{', '.join(_dims(graph, target))}] : level from 1`"
        )
    return Diagnostic(
        "E310",
        f"`{_name(term.distribution)}` can never give these data",
        term.distribution.span,
        f"{listed[0]}, but here it gives {allowed}",
        tuple(hints),
    )


def _count_from_one(values: Array, upper: Array) -> bool:
    """Whether positions go from 1 to one more than the last."""
    numbers, last = np.asarray(values, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    return bool(numbers.min() == 1 and np.all(numbers <= last + 1))


def _dims(graph: ModelGraph, target: Read) -> tuple[str, ...]:
    return graph[target.name].dims


def _name(distribution: Distribution) -> str:
    """Of the distribution itself; truncated or in order it is still that one."""
    plain = distribution.name in ("truncated", "ordered") and distribution.base is not None
    return _name(distribution.base) if plain and distribution.base is not None else distribution.name


def _size(expr: Expr, dataset: Dataset) -> int:
    """How many elements the last event dim of an expression has."""
    whole = expr.meta.event[-1]
    return len(range(*slice(whole.start, whole.stop).indices(dataset.sizes[whole.dim])))


def _limit(bound: Expr | None, target: Read, dataset: Dataset) -> Array | None:
    """A bound that data alone determine, over the axes of the target."""
    if bound is None or not set(bound.meta.axes) <= set(target.meta.axes):
        return None
    value = evaluate(bound, dataset.arrays, dataset.sizes, dataset.labels)
    return None if value is None else spread(value, bound.meta.axes, target.meta.axes)
