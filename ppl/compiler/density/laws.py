"""Distributions as they stand in a model, combinators included, as laws with their parameters filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import jax.numpy as jnp

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.compiler import distributions
from ppl.compiler.distributions import combinators
from ppl.compiler.distributions.law import Law
from ppl.compiler.distributions.partial import partly
from ppl.compiler.lowering.named import Array
from ppl.graph import Axis, Distribution, Expr

# What the own parameters of a combinator are called beside those of its base.
_OWN = {
    "truncated": "truncation.",
    "censored": "censoring.",
    "mixture": "mixture.",
    "zeroinflated": "zeros.",
    "ordered": "",
    "zerosum": "",
    "partly": "part.",
}


def named_parameters(distribution: Distribution, path: str = "", shared: int = 0) -> Iterator[tuple[str, Expr, int]]:
    """Every parameter inside: a name of its own, its expression, and the rank of one value.

    shared: the event dims of the combinator around it, if that draws whole arrays of like elements."""
    if not distribution.parts:
        ranks = {p.name: p.rank for p in DISTRIBUTIONS[distribution.name].parameters}
        for name, expr in distribution.parameters:
            yield path + name, expr, ranks[name] + shared
        return
    for name, expr in distribution.parameters:
        own = distribution.event_rank if distribution.name == "partly" else 1 if name == "weights" else 0
        yield path + _OWN[distribution.name] + name, expr, own + shared
    if distribution.name in ("ordered", "zerosum"):
        shared += distribution.event_rank
    for part, inside in zip(distribution.parts, _paths(distribution, path), strict=True):
        yield from named_parameters(part, inside, shared)


def _paths(distribution: Distribution, path: str) -> list[str]:
    """Where the parameters of each part lie."""
    if distribution.others:
        return [f"{path}component {k + 1}." for k in range(len(distribution.parts))]
    assert distribution.base is not None
    return [path if distribution.base.base is None else path + "base."]


def families(distribution: Distribution) -> tuple[Axis, ...]:
    """The axes along which mixtures have their components."""
    return tuple(part.family for part in distribution.walk() if part.family is not None)


def law_of(distribution: Distribution, parameters: Mapping[str, Array], axes: tuple[Axis, ...], path: str = "") -> Law:
    """The law at these parameters, by the names of `named_parameters`, each a lone number or over [axes..., batch...,
    its own dims]. Along the axes of families, values and results have size 1."""
    if not distribution.parts:
        return distributions.filled(distribution.name, {n: parameters[path + n] for n, _ in distribution.parameters})
    own = {name: parameters[path + _OWN[distribution.name] + name] for name, _ in distribution.parameters}
    paths = _paths(distribution, path)
    laws = [law_of(part, parameters, axes, at) for part, at in zip(distribution.parts, paths, strict=True)]
    discrete = DISTRIBUTIONS[distribution.leaf.name].discrete
    lower, upper = own.get("lower"), own.get("upper")
    match distribution.name:
        case "truncated":
            return combinators.truncated(laws[0], lower, upper, discrete)
        case "censored":
            return combinators.censored(laws[0], lower, upper, discrete)
        case "ordered":
            return combinators.ordered(laws[0])
        case "zerosum":
            return combinators.zero_sum(laws[0], parameters[paths[0] + "scale"], distribution.event_rank)
        case "partly":
            assert distribution.base is not None
            base = {name: jnp.asarray(parameters[paths[0] + name]) for name, _ in distribution.base.parameters}
            return partly(jnp.asarray(own["value"]), jnp.asarray(own["present"]), base)
        case "zeroinflated":
            return combinators.zero_inflated(jnp.asarray(own["probability"]), laws[0], discrete)
        case _:
            return _mixture(distribution, own, laws, axes)


def _mixture(distribution: Distribution, own: Mapping[str, Array], laws: list[Law], axes: tuple[Axis, ...]) -> Law:
    if distribution.family is not None:
        at = axes.index(distribution.family)
        return combinators.family(own["weights"], laws[0], at, distribution.event_rank)
    weights = own["weights"] if "weights" in own else combinators.shares_of_two(jnp.asarray(own["weight"]))
    return combinators.mixture(weights, laws, distribution.event_rank)
