"""Data against the distributions that observe them: elements outside the support, before anything is compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.membership import outside
from ppl.catalogue.supports import SUPPORTS, in_words
from ppl.compiler.binding.constants import evaluate, positions, spread
from ppl.dataset import Dataset
from ppl.errors import Diagnostic
from ppl.graph import Distribution, Energy, Expr, ModelGraph, Read, Term

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
    base = term.distribution
    while base.base is not None:
        base = base.base
    if term.where is not None or base.name not in DISTRIBUTIONS:
        return None
    where = positions(target, dataset.sizes, dataset.arrays, dataset.labels)
    if where is None:
        return None
    values = dataset.arrays[target.name][where]
    support = DISTRIBUTIONS[base.name].observable
    kind = SUPPORTS[support]
    lower, upper = _bounds(term.distribution, base, target, dataset)
    shape = values.shape[: values.ndim - kind.event_rank]
    limits = [None if b is None else np.broadcast_to(b, shape) for b in (lower, upper)]
    wrong = outside(support, values, *limits)
    if target.name in dataset.missing:
        gone = dataset.missing[target.name][where]
        wrong = wrong & ~gone.any(axis=tuple(range(len(shape), gone.ndim)))
    if not wrong.any():
        return None
    listed, allowed = [], ""
    for at in np.argwhere(wrong)[:_SHOWN]:
        element = tuple(int(i) for i in at)
        own = [int(np.broadcast_to(w, values.shape)[(*element, *(0,) * kind.event_rank)]) for w in where]
        own = own[: len(own) - kind.event_rank]
        dims = _dims(graph, target)
        labels = [dataset.labels[d][i] for d, i in zip(dims, own, strict=False) if d in dataset.labels]
        index = f"[{', '.join(map(str, own))}]" if own else ""
        named = f" ({', '.join(labels)})" if labels else ""
        value = np.asarray(values[element], dtype=np.float64)
        shown = ", ".join(f"{x:.10g}" for x in value.ravel()[:_SHOWN])
        shown = shown if value.ndim == 0 else f"[{shown}{', ...' if value.size > _SHOWN else ''}]"
        gives = in_words(support, *(None if b is None else float(b[element]) for b in limits))
        allowed = allowed or gives
        listed.append(f"`{target.name}{index}`{named} is {shown}{'' if gives == allowed else f' ({gives})'}")
    count = int(wrong.sum())
    hints = []
    if count > 1:
        more = f", and {count - _SHOWN} more" if count > _SHOWN else ""
        hints.append(f"also {', '.join(listed[1:])}{more} ({count} of {wrong.size})")
    if support == "categorical" and limits[1] is not None and _count_from_one(values, limits[1]):
        size = int(limits[1].max()) + 1
        hints.append(
            f"if they count from 1, say so: `dim level = {size}`, and "
            f"`data {target.name}[{', '.join(_dims(graph, target))}] : level from 1`"
        )
    return Diagnostic(
        "E310",
        f"`{base.name}` can never give these data",
        term.distribution.span,
        f"{listed[0]}, but here it gives {allowed}",
        tuple(hints),
    )


def _count_from_one(values: Array, upper: Array) -> bool:
    """Whether positions go from 1 to one more than the last."""
    numbers, last = np.asarray(values, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    return bool(numbers.min() == 1 and np.all(numbers <= last + 1))


def _dims(graph: ModelGraph, target: Read) -> tuple[str, ...]:
    node = graph[target.name]
    return () if isinstance(node, Term | Energy) else node.dims


def _bounds(
    distribution: Distribution, base: Distribution, target: Read, dataset: Dataset
) -> tuple[Array | None, Array | None]:
    """Bounds that data alone determine, over the axes of the target."""
    spec = DISTRIBUTIONS[base.name]
    lower = base.parameter(spec.lower) if spec.lower else None
    upper = base.parameter(spec.upper) if spec.upper else None
    if distribution.name == "truncated":
        lower, upper = distribution.parameter("lower") or lower, distribution.parameter("upper") or upper
    low, high = (_limit(bound, target, dataset) for bound in (lower, upper))
    if spec.observable == "categorical" and high is None:
        sized = next((p for _, p in base.parameters if p.meta.event), None)
        if sized is not None:
            whole = sized.meta.event[-1]
            start, stop, _ = slice(whole.start, whole.stop).indices(dataset.sizes[whole.dim])
            cutpoints = base.name == "OrderedLogistic"  # one fewer than there are categories
            high = np.asarray(stop - start - (0 if cutpoints else 1))
    return low, high


def _limit(bound: Expr | None, target: Read, dataset: Dataset) -> Array | None:
    if bound is None or not set(bound.meta.axes) <= set(target.meta.axes):
        return None
    value = evaluate(bound, dataset.arrays, dataset.sizes, dataset.labels)
    return None if value is None else spread(value, bound.meta.axes, target.meta.axes)
