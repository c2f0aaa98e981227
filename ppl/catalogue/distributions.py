"""The distributions of the language, as a table. No JAX here: the densities are in `ppl.compiler.distributions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    """name: canonical; domain: a key of SUPPORTS (`real`, `positive`, `unit_interval`, `simplex`, ...);
    rank: event rank of one parameter value; default: used when left out."""

    name: str
    domain: str
    rank: int = 0
    default: float | None = None


@dataclass(frozen=True)
class DistributionSpec:
    """One row of the catalogue.

    support: a key of SUPPORTS; `lower`/`upper`: names of the parameters that bound it, if any (Uniform, Binomial).
    one_of: groups of parameters of which exactly one is given (MvNormal: covariance, precision, cholesky).
    numpyro: the class behind it. formula: density in plain mathematics, for the reference and `ppl explain`.
    """

    name: str
    parameters: tuple[Parameter, ...]
    support: str
    event_rank: int = 0
    discrete: bool = False
    lower: str | None = None
    upper: str | None = None
    one_of: tuple[tuple[str, ...], ...] = ()
    numpyro: str = ""
    formula: str = ""


DISTRIBUTIONS: Mapping[str, DistributionSpec] = {
    spec.name: spec
    for spec in (
        DistributionSpec(
            "Normal",
            (Parameter("mean", "real", default=0.0), Parameter("scale", "positive", default=1.0)),
            "real",
            numpyro="Normal",
            formula="exp(-((x - mean) / scale)^2 / 2) / (scale sqrt(2 pi))",
        ),
    )
}
