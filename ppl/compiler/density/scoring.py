"""Log-probabilities of terms: parameters and target aligned over `[axes..., independent elements..., event...]`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.compiler.density.laws import families, law_of, named_parameters
from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.named import INT, REAL, Array, Named, aligned, broadcast, union
from ppl.graph import Axis, Distribution, Energy, Expr, Term


@dataclass(frozen=True, eq=False)
class Scored:
    """One term, element by element.

    log_prob: its event dims are the independent elements of the target; value, parameters: what it was computed from
    (of an energy the energy itself, and nothing more);
    mask: which elements count, if not all do; lowering: the one in force inside the term's filter.
    """

    log_prob: Named
    value: Named
    parameters: Mapping[str, Named]
    mask: Named | None
    lowering: Context


def is_discrete(distribution: Distribution) -> bool:
    """Whether it draws whole numbers, positions or truth values."""
    return DISTRIBUTIONS[distribution.leaf.name].discrete


def parameter_expressions(distribution: Distribution) -> dict[str, Expr]:
    """By name, those of what a combinator combines included; the bounds of `truncated` are `truncation.lower` and
    `truncation.upper`."""
    return {name: expr for name, expr, _ in named_parameters(distribution)}


def value_dtype(distribution: Distribution) -> np.dtype[np.generic]:
    """What a target is given to the density as: counts as numbers, positions as integers."""
    return INT if DISTRIBUTIONS[distribution.leaf.name].support == "categorical" else REAL


def score(lowering: Context, term: Term | Energy) -> Scored:
    """The log-probability of each element of a term, up to a constant for those of an energy."""
    inner, mask = lowering.filtered(term.axes, term.where, (id(term), "where"))
    if isinstance(term, Energy):
        energy = inner.value(term.value, REAL)
        return Scored(Named(-energy.array, energy.axes), energy, {}, mask, inner)
    distribution = term.distribution
    value = inner.value(term.target, value_dtype(distribution))
    parameters = {name: inner.value(e, REAL) for name, e in parameter_expressions(distribution).items()}
    axes = joined_axes(distribution, (value, *parameters.values()))
    arrays = aligned_parameters(inner, distribution, parameters, axes, value.rank - distribution.event_rank)
    target = aligned(inner.xp, value, axes, value.rank)
    log_prob = law_of(distribution, arrays, axes).log_prob(target)
    return Scored(without_families(Named(log_prob, axes), distribution), value, parameters, mask, inner)


def joined_axes(distribution: Distribution, values: Iterable[Named]) -> tuple[Axis, ...]:
    """All axes of a term, those along which mixtures have their components included."""
    return tuple(dict.fromkeys((*union(values), *families(distribution))))


def without_families(named: Named, distribution: Distribution) -> Named:
    """Without the axes along which mixtures have their components, where the array has size 1."""
    summed = families(distribution)
    if not summed:
        return named
    gone = tuple(i for i, axis in enumerate(named.axes) if axis in summed)
    return Named(named.array.squeeze(gone), tuple(axis for axis in named.axes if axis not in summed))


def aligned_parameters(
    lowering: Context, distribution: Distribution, parameters: Mapping[str, Named], axes: tuple[Axis, ...], batch: int
) -> dict[str, Array]:
    """Ready for the distribution: lone numbers, or of the rank of the axes, `batch` independent dims, and their own."""
    ranks = {name: rank for name, _, rank in named_parameters(distribution)}
    return {
        name: p.array if p.array.ndim == 0 else aligned(lowering.xp, p, axes, batch + ranks[name])
        for name, p in parameters.items()
    }


def total(scored: Scored, axes: tuple[Axis, ...], weight: Named | None = None) -> Array:
    """The sum over all elements of a term with these axes, each times its weight."""
    xp, lowering = scored.lowering.xp, scored.lowering
    log_prob = scored.log_prob
    if scored.mask is not None:
        joined, (held, values) = broadcast(xp, [scored.mask, log_prob])
        log_prob = Named(xp.where(held, values, np.float64(0)), joined)
    if weight is not None:
        joined, (weights, values) = broadcast(xp, [weight, log_prob])
        log_prob = Named(weights * values, joined)
    seen = dict.fromkeys(lowering.seen(axis) for axis in axes)
    repeats = math.prod(lowering.size(axis) for axis in seen if axis not in log_prob.axes)
    summed = xp.sum(log_prob.array)
    return summed if repeats == 1 else summed * np.float64(repeats)
