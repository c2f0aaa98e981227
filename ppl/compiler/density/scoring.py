"""Log-probabilities of terms: parameters and target aligned over `[axes..., independent elements..., event...]`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.compiler import distributions
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


def base_of(distribution: Distribution) -> Distribution:
    """The distribution of the catalogue inside combinators."""
    return distribution if distribution.base is None else base_of(distribution.base)


def is_discrete(distribution: Distribution) -> bool:
    """Whether it draws whole numbers, positions or truth values."""
    return DISTRIBUTIONS[base_of(distribution).name].discrete


def parameter_expressions(distribution: Distribution) -> dict[str, Expr]:
    """By name, those of the base included; the bounds of `truncated` are `truncation.lower` and `truncation.upper`."""
    inner = parameter_expressions(distribution.base) if distribution.base is not None else {}
    prefix = "truncation." if distribution.name == "truncated" else ""
    return {**inner, **{prefix + name: expr for name, expr in distribution.parameters}}


def parameter_rank(distribution: Distribution, name: str) -> int:
    """Of one value of the parameter; those of `ordered(d)` are one for each element of its event, or one for all."""
    spec = DISTRIBUTIONS[base_of(distribution).name]
    own = next((p.rank for p in spec.parameters if p.name == name), 0)
    return own + (distribution.event_rank if distribution.name == "ordered" else 0)


def value_dtype(distribution: Distribution) -> np.dtype[np.generic]:
    """What a target is given to the density as: counts as numbers, positions as integers."""
    return INT if DISTRIBUTIONS[base_of(distribution).name].support == "categorical" else REAL


def score(lowering: Context, term: Term | Energy) -> Scored:
    """The log-probability of each element of a term, up to a constant for those of an energy."""
    inner, mask = lowering.filtered(term.axes, term.where, (id(term), "where"))
    if isinstance(term, Energy):
        energy = inner.value(term.value, REAL)
        return Scored(Named(-energy.array, energy.axes), energy, {}, mask, inner)
    distribution = term.distribution
    value = inner.value(term.target, value_dtype(distribution))
    parameters = {name: inner.value(e, REAL) for name, e in parameter_expressions(distribution).items()}
    axes = union((value, *parameters.values()))
    arrays = aligned_parameters(inner, distribution, parameters, axes, value.rank - distribution.event_rank)
    target = aligned(inner.xp, value, axes, value.rank)
    return Scored(Named(log_prob_of(distribution, target, arrays), axes), value, parameters, mask, inner)


def aligned_parameters(
    lowering: Context, distribution: Distribution, parameters: Mapping[str, Named], axes: tuple[Axis, ...], batch: int
) -> dict[str, Array]:
    """Ready for the distribution: lone numbers, or of the rank of the axes, `batch` independent dims, and their own."""
    return {
        name: p.array
        if p.array.ndim == 0
        else aligned(lowering.xp, p, axes, batch + parameter_rank(distribution, name))
        for name, p in parameters.items()
    }


def log_prob_of(distribution: Distribution, value: Array, parameters: Mapping[str, Array]) -> Array:
    """(batch..., event...) -> (batch...)."""
    base = distribution.base
    if base is None:
        return distributions.log_prob(distribution.name, value, parameters)
    if distribution.name == "ordered":
        return distributions.log_prob_ordered(log_prob_of(base, value, parameters), value)
    inner, lower, upper = _truncation(parameters)
    return distributions.log_prob_truncated(base.name, value, inner, lower, upper)


def draw(distribution: Distribution, key: Array, parameters: Mapping[str, Array], shape: tuple[int, ...]) -> Array:
    """A value of the whole shape (batch..., event...)."""
    base = distribution.base
    if base is None:
        return distributions.sample(distribution.name, key, parameters, shape)
    if distribution.name == "ordered":
        return distributions.sample_ordered(draw(base, key, parameters, shape))
    inner, lower, upper = _truncation(parameters)
    return distributions.sample_truncated(base.name, key, inner, shape, lower, upper)


def _truncation(parameters: Mapping[str, Array]) -> tuple[dict[str, Array], Array | None, Array | None]:
    inner = {name: p for name, p in parameters.items() if not name.startswith("truncation.")}
    return inner, parameters.get("truncation.lower"), parameters.get("truncation.upper")


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
