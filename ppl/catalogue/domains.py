"""The domains of the parameters of a distribution in a model, combinators included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ppl.catalogue.distributions import DISTRIBUTIONS, Parameter
from ppl.graph import Distribution, Expr

NUMBERS: Mapping[str, Parameter] = {
    p.name: p
    for p in (
        Parameter("lower", "real"),
        Parameter("upper", "real"),
        Parameter("probability", "unit_interval"),
        Parameter("weight", "unit_interval"),
        Parameter("weights", "simplex", rank=1),
        Parameter("present", "real", rank=1),
        Parameter("value", "real", rank=1),
    )
}
"""The parameters of combinators, by name."""


def domains_of(distribution: Distribution) -> Iterator[tuple[str, str, Expr]]:
    """Of each of its own parameters: the support that is its domain, its name, its expression."""
    known = NUMBERS
    if not distribution.parts:
        known = {p.name: p for p in DISTRIBUTIONS[distribution.name].parameters}
    for name, expr in distribution.parameters:
        yield known[name].domain, name, expr
