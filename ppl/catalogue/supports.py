"""The supports of the language, as a table: names, ranges, event ranks. See `ppl.compiler.density.transforms`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SupportSpec:
    """event_rank: trailing dims that make one value; bounded: takes `lower` and/or `upper` expressions;
    lower/upper: the fixed range of each element, for interval analysis; strict: the ends are excluded;
    discrete: has no transform to the unconstrained space; ordered: the support of an increasing vector of such
    elements (`ordered(d)`), empty if there is none."""

    name: str
    event_rank: int = 0
    bounded: bool = False
    lower: float | None = None
    upper: float | None = None
    strict: bool = False
    discrete: bool = False
    ordered: str = ""
    description: str = ""


SUPPORTS: Mapping[str, SupportSpec] = {
    s.name: s
    for s in (
        SupportSpec("real", ordered="ordered", description="any real number"),
        SupportSpec("positive", lower=0.0, strict=True, ordered="positive_ordered", description="a number above 0"),
        SupportSpec("nonnegative", lower=0.0, ordered="positive_ordered", description="a number not below 0"),
        SupportSpec(
            "interval",
            bounded=True,
            ordered="ordered",
            description="a number between `lower` and `upper` (either may be absent)",
        ),
        SupportSpec("unit_interval", lower=0.0, upper=1.0, description="a number between 0 and 1"),
        SupportSpec(
            "open_unit_interval",
            lower=0.0,
            upper=1.0,
            strict=True,
            description="a number between 0 and 1, ends excluded",
        ),
        SupportSpec("circle", lower=-math.pi, upper=math.pi, description="an angle from -pi to pi, whose ends meet"),
        SupportSpec("real_vector", event_rank=1, description="a vector of real numbers"),
        SupportSpec(
            "simplex",
            event_rank=1,
            lower=0.0,
            upper=1.0,
            strict=True,
            description="a vector of numbers that sum to 1, above 0 (as a parameter they may be 0)",
        ),
        SupportSpec(
            "open_simplex",
            event_rank=1,
            lower=0.0,
            upper=1.0,
            strict=True,
            description="a vector of numbers above 0 that sum to 1",
        ),
        SupportSpec(
            "ordered",
            event_rank=1,
            bounded=True,
            description="an increasing vector, between `lower` and `upper` if they are given",
        ),
        SupportSpec(
            "positive_ordered",
            event_rank=1,
            lower=0.0,
            strict=True,
            description="an increasing vector of numbers above 0",
        ),
        SupportSpec(
            "cholesky_corr",
            event_rank=2,
            lower=-1.0,
            upper=1.0,
            description="the lower-triangular Cholesky factor of a correlation matrix",
        ),
        SupportSpec(
            "corr",
            event_rank=2,
            lower=-1.0,
            upper=1.0,
            description="a correlation matrix: positive definite with a diagonal of 1",
        ),
        SupportSpec(
            "cholesky_cov", event_rank=2, description="a lower-triangular matrix with a diagonal of numbers above 0"
        ),
        SupportSpec("positive_definite", event_rank=2, description="a symmetric positive-definite matrix"),
        SupportSpec("zero_sum", event_rank=1, description="a vector of numbers that sum to 0"),
        SupportSpec("zero_sum_matrix", event_rank=2, description="a matrix each of whose rows and columns sums to 0"),
        SupportSpec("int", discrete=True, bounded=True, description="a whole number"),
        SupportSpec(
            "count",
            lower=0.0,
            discrete=True,
            bounded=True,
            description="a whole number not below 0, nor above `upper` if that is given",
        ),
        SupportSpec("bool", lower=0.0, upper=1.0, discrete=True, description="true or false (1 or 0)"),
        SupportSpec("spin", lower=-1.0, upper=1.0, discrete=True, description="-1 or +1"),
        SupportSpec(
            "categorical",
            lower=0.0,
            discrete=True,
            bounded=True,
            description="a position 0, 1, ... of a finite dim, up to `upper` if that is given",
        ),
        SupportSpec(
            "count_vector",
            event_rank=1,
            lower=0.0,
            discrete=True,
            bounded=True,
            description="a vector of whole numbers not below 0 that sum to `upper`",
        ),
    )
}


def joint_rank(support: str) -> int:
    """How many trailing dims hold elements that bear on each other's supports; those of a vector of reals do not."""
    return 0 if support == "real_vector" else SUPPORTS[support].event_rank


def in_words(support: str, lower: float | None = None, upper: float | None = None) -> str:
    """What a support is, with its bounds as far as they are known: `a position from 0 to 3`."""
    spec = SUPPORTS[support]
    if not spec.bounded:
        return spec.description
    if spec.name == "count_vector":
        return "a vector of whole numbers not below 0" + ("" if upper is None else f" that sum to {upper:.10g}")
    what = {"int": "a whole number", "count": "a whole number", "categorical": "a position"}.get(spec.name, "a number")
    if spec.name == "ordered":
        what = "an increasing vector of numbers"
    low = spec.lower if lower is None else lower
    if low is not None and upper is not None:
        return f"{what} from {low:.10g} to {upper:.10g}"
    if spec.name == "categorical":
        return f"{what} counted from 0"
    if low is not None:
        return f"{what} not below {low:.10g}"
    if upper is not None:
        return f"{what} not above {upper:.10g}"
    return what if spec.name in ("int", "ordered") else "any real number"
