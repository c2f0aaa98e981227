"""What one observation says of the parameter that predicts it: a number it stands for, and with what precision.

Each observation is turned into a normal one of the linear predictor: response z and precision W (the Fisher
information), as in a step of iteratively reweighted least squares (McCullagh & Nelder 1989, section 2.5), started from
the observation itself drawn a little towards the mean of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rule = Callable[[Array, Mapping[str, Array]], tuple[Array, Array]]


@dataclass(frozen=True)
class Response:
    """parameter: which one predicts; link: the scale on which it is predicted (`identity`, `log`, `logit`);
    rule: (observations, parameters) -> (z, W), elementwise, z on that scale; scale: the parameter in units of which z
    is measured, so that W goes with 1 / scale², if there is one."""

    parameter: str
    link: str
    rule: Rule
    scale: str = ""


def _located(location: str, information: Callable[[Mapping[str, Array]], Array | float], shift: float = 0.0) -> Rule:
    def rule(y: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
        return y - shift * p["scale"], information(p) / p["scale"] ** 2

    return rule


def _of_student(p: Mapping[str, Array]) -> Array:
    return (p["df"] + 1) / (p["df"] + 3)


def _log_normal(y: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    return np.log(y), 1 / p["scale"] ** 2


def _spread_of(location: str) -> Rule:
    """E log |x - m| is log s - 0.635 for a normal x."""

    def rule(y: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
        distance = np.abs(y - p[location])
        return np.log(np.maximum(distance, 1e-3 * p["scale"])) + 0.635, np.full_like(distance, 2.0)

    return rule


def _count(y: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    rate = (y + 0.5) / (1 + 0.5 / max(float(np.nanmean(y)), 0.05))
    return np.log(rate) + (y - rate) / rate, rate


def _inflated(y: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    z, w = _count(y, p)
    return z, np.where(y > 0, w, 0.0)


def _overdispersed(y: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    z, rate = _count(y, p)
    return z, rate / (1 + rate / p["concentration"])


def _share(y: Array, trials: Array) -> tuple[Array, Array]:
    """Of successes among trials."""
    total = max(float(np.nansum(trials)), 1.0)
    overall = min(max(float(np.nansum(y)) / total, 0.5 / total), 1 - 0.5 / total)
    share = (y + 4 * overall) / (trials + 4)
    precision = trials * share * (1 - share)
    return np.log(share / (1 - share)) + (y - trials * share) / np.maximum(precision, 1e-12), precision


def _of_trials(y: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    return _share(y, p["trials"])


def _of_one(y: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    return _share(y, np.ones_like(y))


def _waiting(y: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    """A rate on the log scale, from Gamma(shape, rate) times: information is the shape."""
    shape = p.get("shape", np.ones_like(y))
    typical = (y + 0.5 * max(float(np.nanmean(y)), 1e-300)) / 1.5
    return np.log(shape / typical) + 1 - y / typical, shape


def _ordered(y: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    return np.full_like(y, np.nan), np.full_like(y, 0.25)


_LINE = {
    "Normal": _located("mean", lambda p: 1.0),
    "StudentT": _located("location", _of_student),
    "Cauchy": _located("location", lambda p: 0.5),
    "Laplace": _located("location", lambda p: 1.0),
    "Logistic": _located("location", lambda p: 1 / 3),
    "Gumbel": _located("location", lambda p: 1.0, 0.577),
}

RESPONSES: Mapping[str, tuple[Response, ...]] = {
    **{
        name: (
            Response("mean" if name == "Normal" else "location", "identity", rule, "scale"),
            Response("scale", "log", _spread_of("mean" if name == "Normal" else "location")),
        )
        for name, rule in _LINE.items()
    },
    "LogNormal": (Response("location", "identity", _log_normal, "scale"),),
    "Poisson": (Response("rate", "log", _count),),
    "PoissonLog": (Response("log_rate", "identity", _count),),
    "ZeroInflatedPoisson": (Response("rate", "log", _inflated),),
    "NegativeBinomial2": (Response("mean", "log", _overdispersed),),
    "Bernoulli": (Response("probability", "logit", _of_one),),
    "BernoulliLogit": (Response("logit", "identity", _of_one),),
    "Binomial": (Response("probability", "logit", _of_trials),),
    "BinomialLogit": (Response("logit", "identity", _of_trials),),
    "Exponential": (Response("rate", "log", _waiting),),
    "Gamma": (Response("rate", "log", _waiting),),
    "OrderedLogistic": (Response("predictor", "identity", _ordered),),
}

LINKS: Mapping[str, Callable[[Array], Array]] = {
    "identity": lambda x: x,
    "log": np.log,
    "logit": lambda x: np.log(x) - np.log1p(-x),
}
