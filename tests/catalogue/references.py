"""Every distribution of the catalogue once more, in mpmath at high precision, with the points it is tried at.

A `Reference` holds `log_density(x, **parameters)` and, where truncation needs it, `cdf` and `sf` as probabilities; and
`cases`: (value, parameters). Values of vector distributions are tuples (of tuples). Nothing here looks at the code.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import mpmath as mp

mp.mp.dps = 50
Value = Any
Case = tuple[Value, dict[str, Any]]


@dataclass(frozen=True)
class Reference:
    log_density: Callable[..., Any]
    cases: tuple[Case, ...]
    outside: tuple[Value, ...]
    invalid: tuple[dict[str, Any], ...]
    cdf: Callable[..., Any] | None = None
    sf: Callable[..., Any] | None = None
    integers: frozenset[str] = field(default_factory=frozenset)


def grid(values: tuple[Value, ...], **parameters: tuple[Any, ...]) -> tuple[Case, ...]:
    names = list(parameters)
    return tuple(
        (x, dict(zip(names, combination, strict=True)))
        for combination in itertools.product(*parameters.values())
        for x in values
    )


def log(x: Any) -> Any:
    return mp.log(x) if x > 0 else -mp.inf


def real_line(
    log_density: Callable[..., Any],
    cdf: Callable[..., Any],
    sf: Callable[..., Any],
    values: tuple[float, ...],
    first: str = "location",
    **shapes: tuple[float, ...],
) -> Reference:
    """A location-scale family from its standard member."""

    def standard(of: Callable[..., Any]) -> Callable[..., Any]:
        def moved(x: Any, **p: Any) -> Any:
            location, scale = p.pop(first), p.pop("scale")
            return of((x - location) / scale, **p)

        return moved

    def density(x: Any, **p: Any) -> Any:
        return standard(log_density)(x, **p) - mp.log(p["scale"])

    good = {first: 0.0, "scale": 1.0} | {k: v[0] for k, v in shapes.items()}
    return Reference(
        density,
        grid(values, **shapes, **{first: (0.0, -3.7), "scale": (1.0, 0.023, 410.0)}),
        (float("inf"), float("-inf")),
        tuple(good | {name: bad} for name in ("scale", *shapes) for bad in (0.0, -1.0, float("inf"))),
        standard(cdf),
        standard(sf),
    )


WIDE = (-2.5e6, -340.0, -41.3, -8.7, -1.0, -0.013, 0.0, 1e-7, 0.4, 2.9, 17.0, 95.5, 3e4)
POSITIVE = (1e-200, 1e-12, 3e-4, 0.2, 1.0, 2.5, 19.0, 310.0, 8e5)
UNIT = (1e-200, 1e-9, 0.003, 0.31, 0.5, 0.77, 0.999, 1.0 - 1e-9)


# --- the real line -----------------------------------------------------------------------------------


def normal(z: Any) -> Any:
    return -z * z / 2 - mp.log(2 * mp.pi) / 2


def normal_cdf(z: Any) -> Any:
    return mp.erfc(-z / mp.sqrt(2)) / 2


def student(z: Any, df: Any) -> Any:
    constant = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(mp.pi * df) / 2
    return constant - (df + 1) / 2 * mp.log1p(z * z / df)


def student_sf(z: Any, df: Any) -> Any:
    if z < 0:
        return 1 - student_sf(-z, df)
    return incomplete_beta(df / 2, mp.mpf(1) / 2, df / (df + z * z)) / 2


def incomplete_beta(a: Any, b: Any, x: Any) -> Any:
    """I_x(a, b) = x^a (1 - x)^b F(1, a + b; a + 1; x) / (a B(a, b)), whose terms are all positive."""
    if x <= 0:
        return mp.mpf(0)
    if x >= 1:
        return mp.mpf(1)
    if x > 0.9 and x > a / (a + b):
        return 1 - incomplete_beta(b, a, 1 - x)
    return x**a * (1 - x) ** b / (a * mp.beta(a, b)) * mp.hyp2f1(1, a + b, a + 1, x)


def logistic(z: Any) -> Any:
    return -abs(z) - 2 * mp.log1p(mp.exp(-abs(z)))


REAL: Mapping[str, Reference] = {
    "Normal": real_line(normal, normal_cdf, lambda z: normal_cdf(-z), WIDE, first="mean"),
    "StudentT": real_line(
        student,
        lambda z, df: student_sf(-z, df),
        student_sf,
        (-2.5e6, -41.3, -1.0, 0.0, 1e-7, 0.4, 17.0, 3e4),
        df=(0.3, 1.0, 4.0, 130.0, 1e8),
    ),
    "Cauchy": real_line(
        lambda z: -mp.log(mp.pi) - mp.log1p(z * z),
        lambda z: mp.atan2(1, -z) / mp.pi,
        lambda z: mp.atan2(1, z) / mp.pi,
        (-1e100, *WIDE),
    ),
    "Laplace": real_line(
        lambda z: -abs(z) - mp.log(2),
        lambda z: mp.exp(z) / 2 if z < 0 else 1 - mp.exp(-z) / 2,
        lambda z: mp.exp(-z) / 2 if z > 0 else 1 - mp.exp(z) / 2,
        tuple(x for x in WIDE if x != 0.0),
    ),
    "Logistic": real_line(logistic, lambda z: 1 / (1 + mp.exp(-z)), lambda z: 1 / (1 + mp.exp(z)), WIDE),
    "Gumbel": real_line(
        lambda z: -z - mp.exp(-z),
        lambda z: mp.exp(-mp.exp(-z)),
        lambda z: -mp.expm1(-mp.exp(-z)),
        (-6.1, -2.0, -0.3, 0.0, 0.4, 2.9, 17.0, 95.5, 3e4),
    ),
}


# --- the positive half-line --------------------------------------------------------------------------


def upper_gamma(a: Any, x: Any) -> Any:
    """Q(a, x)."""
    return mp.gammainc(a, x, mp.inf, regularized=True)


def lower_gamma(a: Any, x: Any) -> Any:
    """P(a, x), by its series: positive terms, so exact however small."""
    if x <= 0:
        return mp.mpf(0)
    if x > 4 * a + 100:
        return 1 - upper_gamma(a, x)
    return mp.exp(a * mp.log(x) - x - mp.loggamma(a + 1)) * mp.hyp1f1(1, a + 1, x)


def gamma(x: Any, shape: Any, rate: Any) -> Any:
    return shape * mp.log(rate) + (shape - 1) * mp.log(x) - rate * x - mp.loggamma(shape)


def half(log_density: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, scale, **p: mp.log(2) + log_density(x / scale, **p) - mp.log(scale)


def bad(good: dict[str, Any], *names: str) -> tuple[dict[str, Any], ...]:
    return tuple(good | {name: value} for name in names for value in (0.0, -1.0, float("inf"), float("nan")))


BELOW = (-1.0, -1e-300, float("-inf"), float("inf"))

HALF_LINE: Mapping[str, Reference] = {
    "HalfNormal": Reference(
        half(normal),
        grid((0.0, *POSITIVE), scale=(1.0, 0.023, 410.0)),
        BELOW,
        bad({"scale": 1.0}, "scale"),
        lambda x, scale: mp.erf(x / scale / mp.sqrt(2)),
        lambda x, scale: mp.erfc(x / scale / mp.sqrt(2)),
    ),
    "HalfCauchy": Reference(
        half(lambda z: -mp.log(mp.pi) - mp.log1p(z * z)),
        grid((0.0, *POSITIVE), scale=(1.0, 0.023, 410.0)),
        BELOW,
        bad({"scale": 1.0}, "scale"),
        lambda x, scale: 2 * mp.atan2(x, scale) / mp.pi,
        lambda x, scale: 2 * mp.atan2(scale, x) / mp.pi,
    ),
    "HalfStudentT": Reference(
        half(student),
        grid((0.0, 1e-100, 3e-4, 0.2, 2.5, 310.0, 8e5), df=(0.3, 4.0, 130.0, 1e8), scale=(1.0, 0.023, 410.0)),
        BELOW,
        bad({"df": 3.0, "scale": 1.0}, "df", "scale"),
        lambda x, df, scale: incomplete_beta(mp.mpf(1) / 2, df / 2, x**2 / (df * scale**2 + x**2)),
        lambda x, df, scale: 2 * student_sf(x / scale, df),
    ),
    "Exponential": Reference(
        lambda x, rate: mp.log(rate) - rate * x,
        grid((0.0, *POSITIVE), rate=(1.0, 0.023, 410.0)),
        BELOW,
        bad({"rate": 1.0}, "rate"),
        lambda x, rate: -mp.expm1(-rate * x),
        lambda x, rate: mp.exp(-rate * x),
    ),
    "LogNormal": Reference(
        lambda x, location, scale: normal((mp.log(x) - location) / scale) - mp.log(scale) - mp.log(x),
        grid(POSITIVE, location=(0.0, -3.7), scale=(1.0, 0.23, 14.0)),
        (0.0, *BELOW),
        bad({"location": 0.0, "scale": 1.0}, "scale"),
        lambda x, location, scale: normal_cdf((mp.log(x) - location) / scale),
        lambda x, location, scale: normal_cdf((location - mp.log(x)) / scale),
    ),
    "Gamma": Reference(
        gamma,
        grid(POSITIVE, shape=(0.07, 1.0, 3.3, 240.0), rate=(1.0, 0.023, 41.0)),
        (0.0, *BELOW),
        bad({"shape": 2.0, "rate": 1.0}, "shape", "rate"),
        lambda x, shape, rate: lower_gamma(shape, rate * x),
        lambda x, shape, rate: upper_gamma(shape, rate * x),
    ),
    "ChiSquared": Reference(
        lambda x, df: gamma(x, df / 2, mp.mpf(1) / 2),
        grid(POSITIVE, df=(0.14, 1.0, 2.0, 7.5, 480.0)),
        (0.0, *BELOW),
        bad({"df": 2.0}, "df"),
        lambda x, df: lower_gamma(df / 2, x / 2),
        lambda x, df: upper_gamma(df / 2, x / 2),
    ),
    "InverseGamma": Reference(
        lambda x, shape, scale: shape * mp.log(scale) - (shape + 1) * mp.log(x) - scale / x - mp.loggamma(shape),
        grid((1e-12, 3e-4, 0.2, 1.0, 2.5, 19.0, 310.0, 8e5), shape=(0.07, 1.0, 3.3, 240.0), scale=(1.0, 0.023, 41.0)),
        (0.0, *BELOW),
        bad({"shape": 2.0, "scale": 1.0}, "shape", "scale"),
        lambda x, shape, scale: upper_gamma(shape, scale / x),
        lambda x, shape, scale: lower_gamma(shape, scale / x),
    ),
    "Weibull": Reference(
        lambda x, shape, scale: (
            mp.log(shape / scale) + (shape - 1) * mp.log(x / scale) - mp.exp(shape * mp.log(x / scale))
        ),
        grid((1e-200, 1e-12, 3e-4, 0.2, 1.0, 2.5, 19.0), shape=(0.3, 1.0, 3.3, 24.0), scale=(1.0, 0.6, 41.0)),
        (0.0, *BELOW),
        bad({"shape": 2.0, "scale": 1.0}, "shape", "scale"),
        lambda x, shape, scale: -mp.expm1(-((x / scale) ** shape)),
        lambda x, shape, scale: mp.exp(-((x / scale) ** shape)),
    ),
    "Pareto": Reference(
        lambda x, minimum, shape: mp.log(shape) + shape * mp.log(minimum) - (shape + 1) * mp.log(x),
        grid((41.1, 43.0, 310.0, 8e5, 1e200), minimum=(1.0, 0.023, 41.0), shape=(0.2, 1.0, 12.5)),
        (0.5, *BELOW),
        bad({"minimum": 1.0, "shape": 2.0}, "minimum", "shape"),
        lambda x, minimum, shape: 1 - (minimum / x) ** shape,
        lambda x, minimum, shape: (minimum / x) ** shape,
    ),
}


# --- intervals ---------------------------------------------------------------------------------------

INTERVALS: Mapping[str, Reference] = {
    "Beta": Reference(
        lambda x, alpha, beta: (alpha - 1) * mp.log(x) + (beta - 1) * mp.log1p(-x) - mp.log(mp.beta(alpha, beta)),
        grid(UNIT, alpha=(0.07, 1.0, 3.3, 240.0), beta=(0.4, 1.0, 5.0, 3100.0)),
        (0.0, 1.0, -0.1, 1.1, float("inf")),
        bad({"alpha": 2.0, "beta": 1.0}, "alpha", "beta"),
        lambda x, alpha, beta: incomplete_beta(alpha, beta, x),
        lambda x, alpha, beta: incomplete_beta(beta, alpha, 1 - x),
    ),
    "Uniform": Reference(
        lambda x, lower, upper: -mp.log(upper - lower),
        grid((0.1, 0.4, 0.9), lower=(0.0, -17.0, 0.05), upper=(1.0, 1e9)),
        (-20.0, 2e9, float("inf"), float("-inf")),
        ({"lower": 1.0, "upper": 1.0}, {"lower": 2.0, "upper": 1.0}),
        lambda x, lower, upper: (x - lower) / (upper - lower),
        lambda x, lower, upper: (upper - x) / (upper - lower),
    ),
    "VonMises": Reference(
        lambda x, location, concentration: (
            concentration * mp.cos(x - location) - mp.log(2 * mp.pi * mp.besseli(0, concentration))
        ),
        grid((-3.1, -1.2, 0.0, 1e-5, 2.0, 3.14), location=(0.0, 2.9, -11.0), concentration=(1e-3, 0.8, 9.0, 7000.0)),
        (-3.2, 3.2, float("inf")),
        bad({"location": 0.0, "concentration": 1.0}, "concentration"),
    ),
}


# --- whole numbers -----------------------------------------------------------------------------------


def log_choose(n: Any, k: Any) -> Any:
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


def times(count: Any, log_probability: Any) -> Any:
    return mp.mpf(0) if count == 0 else count * log_probability


def binomial(x: Any, trials: Any, probability: Any) -> Any:
    return log_choose(trials, x) + times(x, log(probability)) + times(trials - x, log(1 - probability))


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def binomial_logit(x: Any, trials: Any, logit: Any) -> Any:
    return log_choose(trials, x) + x * mp.log(sigmoid(logit)) + (trials - x) * mp.log(sigmoid(-logit))


def poisson(x: Any, rate: Any) -> Any:
    return times(x, log(rate)) - rate - mp.loggamma(x + 1)


def zero_inflated(x: Any, gate: Any, rate: Any) -> Any:
    if x == 0:
        return mp.log(gate + (1 - gate) * mp.exp(-rate))
    return log(1 - gate) + poisson(x, rate)


def binomial_cdf(x: Any, trials: Any, p: Any, q: Any) -> Any:
    k = mp.floor(x)
    return mp.mpf(0) if k < 0 else mp.mpf(1) if k >= trials else incomplete_beta(trials - k, k + 1, q)


def binomial_sf(x: Any, trials: Any, p: Any, q: Any) -> Any:
    k = mp.floor(x)
    return mp.mpf(1) if k < 0 else mp.mpf(0) if k >= trials else incomplete_beta(k + 1, trials - k, p)


NOT_COUNTS = (-1.0, 0.5, float("inf"), float("nan"))
NOT_BITS = (-1.0, 0.5, 2.0, float("nan"))
COUNTS = (0.0, 1.0, 2.0, 7.0, 41.0, 900.0)
BAD_P = (-0.1, 1.1, float("nan"))
TRIALS = frozenset({"trials"})

WHOLE: Mapping[str, Reference] = {
    "Bernoulli": Reference(
        lambda x, probability: log(probability) if x == 1 else log(1 - probability),
        grid((0.0, 1.0), probability=(1e-200, 1e-9, 0.31, 0.999)) + grid((1.0,), probability=(1.0,)),
        NOT_BITS,
        tuple({"probability": p} for p in BAD_P),
    ),
    "BernoulliLogit": Reference(
        lambda x, logit: mp.log(sigmoid(logit if x == 1 else -logit)),
        grid((0.0, 1.0), logit=(-800.0, -37.0, -1.2, 0.0, 1e-9, 0.4, 22.0, 700.0)),
        NOT_BITS,
        (),
    ),
    "Binomial": Reference(
        binomial,
        grid((0.0, 1.0, 2.0, 7.0), trials=(7.0, 41.0, 9000.0), probability=(1e-9, 0.31, 0.999))
        + grid((41.0,), trials=(41.0, 300.0), probability=(1e-9, 0.31, 0.999)),
        (*NOT_COUNTS, 10_000.0),
        (*tuple({"trials": 3.0, "probability": p} for p in BAD_P), {"trials": -1.0, "probability": 0.3}),
        lambda x, trials, probability: binomial_cdf(x, trials, probability, 1 - probability),
        lambda x, trials, probability: binomial_sf(x, trials, probability, 1 - probability),
        integers=TRIALS,
    ),
    "BinomialLogit": Reference(
        binomial_logit,
        grid((0.0, 1.0, 7.0), trials=(7.0, 41.0, 9000.0), logit=(-300.0, -37.0, -1.2, 0.0, 0.4, 22.0)),
        (*NOT_COUNTS, 10_000.0),
        ({"trials": -1.0, "logit": 0.3}, {"trials": 2.5, "logit": 0.3}),
        lambda x, trials, logit: binomial_cdf(x, trials, sigmoid(logit), sigmoid(-logit)),
        lambda x, trials, logit: binomial_sf(x, trials, sigmoid(logit), sigmoid(-logit)),
        integers=TRIALS,
    ),
    "BetaBinomial": Reference(
        lambda x, trials, alpha, beta: (
            log_choose(trials, x) + mp.log(mp.beta(x + alpha, trials - x + beta)) - mp.log(mp.beta(alpha, beta))
        ),
        grid((0.0, 1.0, 7.0), trials=(7.0, 900.0), alpha=(0.07, 1.0, 33.0, 1e7), beta=(0.4, 5.0, 1e9)),
        (*NOT_COUNTS, 10_000.0),
        bad({"trials": 3.0, "alpha": 2.0, "beta": 1.0}, "alpha", "beta"),
        integers=TRIALS,
    ),
    "Poisson": Reference(
        poisson,
        grid(COUNTS, rate=(1e-9, 0.023, 1.0, 7.5, 410.0)) + grid((0.0,), rate=(0.0,)),
        NOT_COUNTS,
        tuple({"rate": r} for r in (-1.0, float("inf"), float("nan"))),
        lambda x, rate: upper_gamma(mp.floor(x) + 1, rate),
        lambda x, rate: lower_gamma(mp.floor(x) + 1, rate),
    ),
    "PoissonLog": Reference(
        lambda x, log_rate: x * log_rate - mp.exp(log_rate) - mp.loggamma(x + 1),
        grid(COUNTS, log_rate=(-300.0, -20.0, -1.0, 0.0, 2.2, 6.0)),
        NOT_COUNTS,
        (),
        lambda x, log_rate: upper_gamma(mp.floor(x) + 1, mp.exp(log_rate)),
        lambda x, log_rate: lower_gamma(mp.floor(x) + 1, mp.exp(log_rate)),
    ),
    "ZeroInflatedPoisson": Reference(
        zero_inflated,
        grid(COUNTS, gate=(0.0, 1e-9, 0.31, 0.999), rate=(1e-9, 0.023, 7.5, 410.0))
        + grid((0.0,), gate=(0.0, 0.2, 1.0), rate=(0.5, 900.0)),
        NOT_COUNTS,
        (*tuple({"gate": g, "rate": 1.0} for g in BAD_P), {"gate": 0.2, "rate": -1.0}),
    ),
    "NegativeBinomial2": Reference(
        lambda x, mean, concentration: (
            mp.loggamma(x + concentration)
            - mp.loggamma(concentration)
            - mp.loggamma(x + 1)
            + x * mp.log(mean / (mean + concentration))
            + concentration * mp.log(concentration / (mean + concentration))
        ),
        grid(COUNTS, mean=(1e-9, 0.31, 41.0, 9e3), concentration=(1e-4, 0.8, 12.0, 4e5, 1e11)),
        NOT_COUNTS,
        bad({"mean": 2.0, "concentration": 1.0}, "mean", "concentration"),
        lambda x, mean, concentration: incomplete_beta(
            concentration, mp.floor(x) + 1, concentration / (mean + concentration)
        ),
        lambda x, mean, concentration: incomplete_beta(mp.floor(x) + 1, concentration, mean / (mean + concentration)),
    ),
    "Geometric": Reference(
        lambda x, probability: times(x, log(1 - probability)) + mp.log(probability),
        grid(COUNTS, probability=(1e-200, 1e-9, 0.31, 0.999)) + grid((0.0,), probability=(1.0,)),
        NOT_COUNTS,
        tuple({"probability": p} for p in (*BAD_P, 0.0)),
        lambda x, probability: -mp.expm1((mp.floor(x) + 1) * mp.log(1 - probability)),
        lambda x, probability: (1 - probability) ** (mp.floor(x) + 1),
    ),
}


# --- categories --------------------------------------------------------------------------------------


def ordered_logistic(x: Any, predictor: Any, cutpoints: Any) -> Any:
    k = int(x)
    with mp.workdps(600):
        above = sigmoid(cutpoints[k] - predictor) if k < len(cutpoints) else mp.mpf(1)
        below = sigmoid(cutpoints[k - 1] - predictor) if k > 0 else mp.mpf(0)
        return mp.log(above - below)


def multinomial(x: Any, trials: Any, probabilities: Any) -> Any:
    terms = [times(n, log(p)) - mp.loggamma(n + 1) for n, p in zip(x, probabilities, strict=True)]
    return mp.loggamma(trials + 1) + mp.fsum(terms)


NOT_POSITIONS = (-1.0, 3.0, 0.5, float("nan"))

CATEGORIES: Mapping[str, Reference] = {
    "Categorical": Reference(
        lambda x, probabilities: log(probabilities[int(x)]),
        grid((0.0, 1.0, 2.0), probabilities=((0.2, 0.3, 0.5), (1e-200, 1e-9, 1.0))),
        NOT_POSITIONS,
        (),
    ),
    "CategoricalLogit": Reference(
        lambda x, logits: logits[int(x)] - mp.log(mp.fsum(mp.exp(t) for t in logits)),
        grid((0.0, 1.0, 2.0), logits=((0.2, 0.3, -0.5), (-700.0, 0.0, 2.0), (1e4, 1e4, -1e4))),
        NOT_POSITIONS,
        (),
    ),
    "OrderedLogistic": Reference(
        ordered_logistic,
        grid(
            (0.0, 1.0, 2.0),
            predictor=(-400.0, -3.0, 0.0, 0.4, 37.0),
            cutpoints=((-1.0, 2.0), (0.0, 1e-7), (3.0, 500.0)),
        ),
        NOT_POSITIONS,
        ({"predictor": 0.0, "cutpoints": (1.0, 0.0)}, {"predictor": 0.0, "cutpoints": (1.0, 1.0)}),
    ),
    "Multinomial": Reference(
        multinomial,
        (
            ((2.0, 0.0, 5.0), {"trials": 7.0, "probabilities": (0.2, 0.3, 0.5)}),
            ((0.0, 0.0, 7.0), {"trials": 7.0, "probabilities": (0.2, 0.3, 0.5)}),
            ((100.0, 300.0, 0.0), {"trials": 400.0, "probabilities": (1e-9, 1.0 - 1e-9, 0.0)}),
        ),
        ((2.0, 1.0, 5.0), (-1.0, 3.0, 5.0), (1.5, 0.5, 5.0)),
        (),
        integers=TRIALS,
    ),
}


# --- vectors and matrices ----------------------------------------------------------------------------


def dirichlet(x: Any, concentration: Any) -> Any:
    constant = mp.loggamma(mp.fsum(concentration)) - mp.fsum(mp.loggamma(a) for a in concentration)
    return constant + mp.fsum((a - 1) * mp.log(t) for a, t in zip(concentration, x, strict=True))


def mv_normal(x: Any, mean: Any, **matrix: Any) -> Any:
    ((kind, rows),) = matrix.items()
    m = mp.matrix([list(r) for r in rows])
    covariance = {"covariance": lambda: m, "precision": lambda: m**-1, "cholesky": lambda: m * m.T}[kind]()
    means = mean if isinstance(mean, tuple) else (mean,) * len(x)
    d = mp.matrix([a - b for a, b in zip(x, means, strict=True)])
    quadratic = (d.T * mp.lu_solve(covariance, d))[0]
    return -quadratic / 2 - mp.log(mp.det(covariance)) / 2 - len(x) * mp.log(2 * mp.pi) / 2


def lkj_cholesky(x: Any, concentration: Any) -> Any:
    """Row k has k - 1 free entries w with density proportional to (1 - |w|^2)^((n - k) / 2 + concentration - 1)."""
    n = len(x)
    total = mp.mpf(0)
    for k in range(2, n + 1):
        power = mp.mpf(n - k) / 2 + concentration - 1
        m = k - 1
        # integral over the unit ball: the surface of the sphere times a radial integral, which is a beta function
        sphere = 2 * mp.pi ** (mp.mpf(m) / 2) / mp.gamma(mp.mpf(m) / 2)
        total += 2 * power * mp.log(x[k - 1][k - 1]) - mp.log(sphere * mp.beta(mp.mpf(m) / 2, power + 1) / 2)
    return total


SPD = ((2.0, 0.3, -0.4), (0.3, 1.5, 0.2), (-0.4, 0.2, 0.7))
LOWER = ((1.3, 0.0, 0.0), (0.3, 0.02, 0.0), (-0.4, 0.2, 7.0))
NEAR = ((1.0, 0.999, 0.998), (0.999, 1.0, 0.999), (0.998, 0.999, 1.0))
FACTOR = ((1.0, 0.0, 0.0), (0.6, 0.8, 0.0), (-0.48, 0.6, 0.64))

VECTORS: Mapping[str, Reference] = {
    "Dirichlet": Reference(
        dirichlet,
        grid(
            ((0.2, 0.3, 0.5), (1e-200, 1e-9, 1.0 - 1e-9)),
            concentration=((1.0, 1.0, 1.0), (0.07, 3.3, 240.0), (1e-3, 1e4, 0.5)),
        ),
        ((0.2, 0.3, 0.4), (0.0, 0.5, 0.5), (-0.1, 0.5, 0.6)),
        tuple({"concentration": (1.0, b, 2.0)} for b in (0.0, -1.0, float("inf"), float("nan"))),
    ),
    "MvNormal": Reference(
        mv_normal,
        tuple(
            (x, {"mean": mean, kind: matrix})
            for x in ((0.0, 0.0, 0.0), (0.4, -1.2, 300.0))
            for mean in (0.0, (0.4, -1.0, 2.0))
            for kind, matrix in (
                ("covariance", SPD),
                ("covariance", NEAR),
                ("precision", SPD),
                ("precision", NEAR),
                ("cholesky", LOWER),
            )
        ),
        ((float("inf"), 0.0, 0.0),),
        (
            {"mean": 0.0, "covariance": ((1.0, 2.0, 0.0), (2.0, 1.0, 0.0), (0.0, 0.0, 1.0))},
            {"mean": 0.0, "precision": ((1.0, 2.0, 0.0), (2.0, 1.0, 0.0), (0.0, 0.0, 1.0))},
            {"mean": 0.0, "cholesky": ((1.0, 0.0, 0.0), (2.0, -1.0, 0.0), (0.0, 0.0, 1.0))},
        ),
    ),
    "LKJCholesky": Reference(
        lkj_cholesky,
        grid((FACTOR, ((1.0, 0.0), (-0.6, 0.8))), concentration=(0.3, 1.0, 2.5, 80.0)),
        (
            ((1.0, 0.0, 0.0), (0.6, 0.7, 0.0), (-0.48, 0.6, 0.64)),
            ((1.0, 0.0, 0.0), (0.6, -0.8, 0.0), (-0.48, 0.6, 0.64)),
        ),
        tuple({"concentration": b} for b in (0.0, -1.0, float("inf"))),
    ),
}

REFERENCES: Mapping[str, Reference] = {**REAL, **HALF_LINE, **INTERVALS, **WHOLE, **CATEGORIES, **VECTORS}


# --- exact numbers -----------------------------------------------------------------------------------


def exact(value: Value) -> Any:
    """Floating numbers as they are, in mpmath; tuples elementwise."""
    return tuple(exact(v) for v in value) if isinstance(value, tuple) else mp.mpf(value)


def perturbed(value: Any, path: tuple[int, ...], step: Any) -> Any:
    """The value with `step` added at one place of its nest of tuples."""
    if not path:
        return value + step
    return tuple(perturbed(v, path[1:], step) if i == path[0] else v for i, v in enumerate(value))


def paths(value: Any) -> list[tuple[int, ...]]:
    """Every place in a nest of tuples."""
    if not isinstance(value, tuple):
        return [()]
    return [(i, *rest) for i, v in enumerate(value) for rest in paths(v)]


def derivative(function: Callable[[Any], Any], at: Any) -> Any:
    """Central difference at high precision: exact to more digits than a double has."""
    with mp.workdps(300 if 0 < abs(at) < 1e-20 else mp.mp.dps):
        step = mp.mpf(10) ** -18 * (abs(at) if at != 0 else mp.mpf(1))
        return (function(at + step) - function(at - step)) / (2 * step)
