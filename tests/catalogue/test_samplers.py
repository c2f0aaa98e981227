"""Draws against the exact laws: Kolmogorov-Smirnov and chi-square tests at fixed seeds, and moments.

Each test would reject a right sampler once in 10^4 seeds; the seeds are the first ones tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.membership import outside
from ppl.compiler.distributions import combinators, filled, log_cdf, log_prob, sample
from tests.catalogue.laws import log_prob_truncated, truncated

DRAWS = 5_000
LEVEL = 1e-4

# Three sets of parameters for each distribution, so that a sampler also shows that it broadcasts.
PARAMETERS: dict[str, dict[str, Any]] = {
    "Normal": {"mean": [0.0, -3.0, 40.0], "scale": [1.0, 0.02, 7.0]},
    "StudentT": {"df": [0.7, 4.0, 60.0], "location": [0.0, -3.0, 40.0], "scale": [1.0, 0.02, 7.0]},
    "Cauchy": {"location": [0.0, -3.0, 40.0], "scale": [1.0, 0.02, 7.0]},
    "Laplace": {"location": [0.0, -3.0, 40.0], "scale": [1.0, 0.02, 7.0]},
    "Logistic": {"location": [0.0, -3.0, 40.0], "scale": [1.0, 0.02, 7.0]},
    "Gumbel": {"location": [0.0, -3.0, 40.0], "scale": [1.0, 0.02, 7.0]},
    "LogNormal": {"location": [0.0, -3.0, 4.0], "scale": [1.0, 0.02, 3.0]},
    "HalfNormal": {"scale": [1.0, 0.02, 7.0]},
    "HalfCauchy": {"scale": [1.0, 0.02, 7.0]},
    "HalfStudentT": {"df": [0.7, 4.0, 60.0], "scale": [1.0, 0.02, 7.0]},
    "Exponential": {"rate": [1.0, 0.02, 7.0]},
    "Gamma": {"shape": [0.3, 1.0, 30.0], "rate": [1.0, 0.02, 7.0]},
    "ChiSquared": {"df": [0.3, 1.0, 30.0]},
    "InverseGamma": {"shape": [0.3, 1.0, 30.0], "scale": [1.0, 0.02, 7.0]},
    "Weibull": {"shape": [0.3, 1.0, 30.0], "scale": [1.0, 0.02, 7.0]},
    "Pareto": {"minimum": [1.0, 0.02, 7.0], "shape": [0.3, 1.0, 30.0]},
    "Beta": {"alpha": [0.3, 1.0, 30.0], "beta": [0.4, 3.0, 7.0]},
    "Uniform": {"lower": [0.0, -3.0, 4.0], "upper": [1.0, 5.0, 4.01]},
    "VonMises": {"location": [0.0, -3.0, 2.0], "concentration": [0.01, 1.3, 60.0]},
    "Bernoulli": {"probability": [0.3, 0.01, 0.9]},
    "BernoulliLogit": {"logit": [0.3, -4.0, 2.0]},
    "Binomial": {"trials": [5.0, 40.0, 300.0], "probability": [0.3, 0.01, 0.9]},
    "BinomialLogit": {"trials": [5.0, 40.0, 300.0], "logit": [0.3, -4.0, 2.0]},
    "BetaBinomial": {"trials": [5.0, 40.0, 300.0], "alpha": [0.3, 1.0, 30.0], "beta": [0.4, 3.0, 7.0]},
    "Poisson": {"rate": [0.1, 3.0, 80.0]},
    "PoissonLog": {"log_rate": [-2.0, 1.0, 4.0]},
    "ZeroInflatedPoisson": {"gate": [0.1, 0.5, 0.9], "rate": [0.1, 3.0, 80.0]},
    "NegativeBinomial2": {"mean": [0.1, 3.0, 80.0], "concentration": [0.3, 1.0, 30.0]},
    "Geometric": {"probability": [0.3, 0.05, 0.9]},
    "Categorical": {"probabilities": [[0.2, 0.3, 0.5], [0.01, 0.98, 0.01], [0.0, 0.5, 0.5]]},
    "CategoricalLogit": {"logits": [[0.2, 0.3, 0.5], [-3.0, 0.0, 2.0], [0.0, 0.0, 0.0]]},
    "OrderedLogistic": {"predictor": [0.0, -2.0, 3.0], "cutpoints": [[-1.0, 0.5], [-1.0, 2.0], [0.0, 0.1]]},
    "Multinomial": {
        "trials": [7.0, 30.0, 200.0],
        "probabilities": [[0.2, 0.3, 0.5], [0.01, 0.98, 0.01], [0.0, 0.5, 0.5]],
    },
    "Dirichlet": {"concentration": [[0.3, 1.0, 5.0], [1.0, 1.0, 1.0], [20.0, 0.1, 3.0]]},
    "LKJCholesky": {"concentration": [0.4, 1.0, 6.0]},
    "MvNormal": {
        "mean": [[0.0, 1.0, 2.0]] * 3,
        "covariance": [[[2.0, 0.3, -0.4], [0.3, 1.5, 0.2], [-0.4, 0.2, 0.7]]] * 3,
    },
}
# log_cdf of these iterates to convergence over all draws
SLOW = ("StudentT", "HalfStudentT", "Gamma", "ChiSquared", "InverseGamma", "Beta", "BetaBinomial")
UNIVARIATE = [
    pytest.param(name, marks=pytest.mark.long if name in SLOW else ())
    for name, spec in DISTRIBUTIONS.items()
    if spec.event_rank == 0
]


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def parameters_of(name: str) -> dict[str, jax.Array]:
    return {k: jnp.asarray(np.array(v, np.float64)) for k, v in PARAMETERS[name].items()}


def draws_of(name: str) -> np.ndarray:
    """(DRAWS, 3, event...)"""
    event = {0: (), 1: (3,), 2: (3, 3)}[DISTRIBUTIONS[name].event_rank]
    run = jax.jit(lambda key, p: sample(name, key, p, (DRAWS, 3, *event)))
    return np.asarray(run(jax.random.key(20), parameters_of(name)))


def test_every_distribution_is_drawn_from() -> None:
    assert set(PARAMETERS) == set(DISTRIBUTIONS)


def uniform_p_value(u: np.ndarray) -> float:
    return float(scipy.stats.kstest(u, "uniform").pvalue)


def counts_p_value(draws: np.ndarray, log_mass: np.ndarray, values: np.ndarray) -> float:
    """Chi-square of whole draws against masses; what is expected fewer than 8 times goes into one cell."""
    expected = np.exp(log_mass) * len(draws)
    observed = np.array([(draws == v).sum() for v in values], np.float64)
    rare = expected < 8
    expected = np.append(expected[~rare], max(len(draws) - expected[~rare].sum(), 0.0))
    observed = np.append(observed[~rare], len(draws) - observed[~rare].sum())
    if expected[-1] < 8:  # too few for a cell of their own
        assert observed[-1] <= expected[-1] + 8 * np.sqrt(expected[-1] + 1)
        expected, observed = expected[:-1], observed[:-1]
    statistic = float(np.sum((observed - expected) ** 2 / expected))
    return float(scipy.stats.chi2.sf(statistic, max(len(expected) - 1, 1)))


@pytest.mark.parametrize("name", UNIVARIATE)
def test_draws(name: str) -> None:
    spec, draws, parameters = DISTRIBUTIONS[name], draws_of(name), parameters_of(name)
    assert draws.shape == (DRAWS, 3)
    assert np.issubdtype(draws.dtype, np.integer if spec.discrete else np.floating)
    bounds = [None if end is None else np.asarray(parameters[end]) for end in (spec.lower, spec.upper)]
    assert not outside(spec.support, draws, *bounds).any()
    if spec.discrete:
        values = np.arange(draws.max() + 1)
        masses = np.asarray(jax.jit(lambda v, p: log_prob(name, v, p))(values[:, None], parameters))
        for j in range(3):
            assert counts_p_value(draws[:, j], masses[:, j], values) > LEVEL, j
        return
    if name == "VonMises":
        location, kappa = (np.asarray(parameters[k]) for k in ("location", "concentration"))
        u = np.stack([scipy.stats.vonmises.cdf(draws[:, j], kappa[j], location[j]) % 1.0 for j in range(3)], -1)
    else:
        u = np.exp(np.asarray(jax.jit(lambda x, p: log_cdf(name, x, p))(draws, parameters)))
    for j in range(3):
        assert uniform_p_value(u[:, j]) > LEVEL, j


def test_draws_of_vectors() -> None:
    """Multinomial: each count is binomial. Dirichlet: each share is beta. MvNormal: whitened draws are normal."""
    draws, given = draws_of("Multinomial"), PARAMETERS["Multinomial"]
    for j, (trials, probabilities) in enumerate(zip(given["trials"], given["probabilities"], strict=True)):
        assert np.all(draws[:, j].sum(-1) == trials)
        for k, p in enumerate(probabilities):
            values = np.arange(trials + 1)
            masses = scipy.stats.binom.logpmf(values, trials, p)
            assert counts_p_value(draws[:, j, k], masses, values) > LEVEL
        pair = np.cov(draws[:, j].T)[1, 2]
        assert pair == pytest.approx(-trials * probabilities[1] * probabilities[2], rel=0.15, abs=0.04)
    shares = draws_of("Dirichlet")
    assert np.allclose(shares.sum(-1), 1.0)
    for j, alpha in enumerate(np.array(PARAMETERS["Dirichlet"]["concentration"])):
        for k in range(3):
            law = scipy.stats.beta(alpha[k], alpha.sum() - alpha[k])
            assert uniform_p_value(law.cdf(shares[:, j, k])) > LEVEL
    whiten = np.linalg.inv(np.linalg.cholesky(np.array(PARAMETERS["MvNormal"]["covariance"][0])))
    z = (draws_of("MvNormal")[:, 0] - np.array([0.0, 1.0, 2.0])) @ whiten.T
    for k in range(3):
        assert uniform_p_value(scipy.stats.norm.cdf(z[:, k])) > LEVEL
    assert np.allclose(np.cov(z.T), np.eye(3), atol=0.08)


@pytest.mark.parametrize("kind", ["precision", "cholesky"])
def test_draws_of_other_parameterisations(kind: str) -> None:
    covariance = np.array(PARAMETERS["MvNormal"]["covariance"][0])
    matrix = np.linalg.inv(covariance) if kind == "precision" else np.linalg.cholesky(covariance)
    draws = np.asarray(sample("MvNormal", jax.random.key(1), {"mean": 0.5, kind: matrix}, (DRAWS, 3)))
    z = (draws - 0.5) @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    assert np.allclose(np.cov(z.T), np.eye(3), atol=0.08)
    assert uniform_p_value(scipy.stats.norm.cdf(z[:, 2])) > LEVEL


def test_draws_of_correlation_factors() -> None:
    """Every correlation r of an LKJ matrix of order n has (1 + r) / 2 ~ Beta(b, b), b = concentration + n / 2 - 1."""
    factors = draws_of("LKJCholesky")
    assert not outside("cholesky_corr", factors).any()
    matrices = factors @ factors.swapaxes(-1, -2)
    for j, concentration in enumerate(PARAMETERS["LKJCholesky"]["concentration"]):
        b = concentration + 0.5
        for row, column in ((1, 0), (2, 0), (2, 1)):
            u = scipy.stats.beta(b, b).cdf(0.5 * (1.0 + matrices[:, j, row, column]))
            assert uniform_p_value(u) > LEVEL, (concentration, row, column)


# --- truncated and ordered draws ---------------------------------------------------------------------

TRUNCATED = (
    ("Normal", {"mean": 0.3, "scale": 1.2}, -1.0, 2.0),
    ("Normal", {"mean": 0.3, "scale": 1.2}, 30.0, None),
    ("Normal", {"mean": 0.3, "scale": 1.2}, None, -30.0),
    ("StudentT", {"df": 3.0, "location": 0.0, "scale": 1.0}, 0.0, 5.0),
    ("Cauchy", {"location": 0.0, "scale": 1.0}, 1e4, None),
    ("HalfNormal", {"scale": 1.5}, None, 0.3),
    ("Gamma", {"shape": 2.0, "rate": 1.0}, 0.5, 1.5),
    ("Beta", {"alpha": 2.0, "beta": 5.0}, 0.3, None),
    ("Uniform", {"lower": -1.0, "upper": 4.0}, 0.5, 1.5),
    ("LogNormal", {"location": 0.0, "scale": 1.0}, None, 2.0),
)
TRUNCATED_COUNTS = (
    ("Poisson", {"rate": 3.0}, 1.0, None),
    ("Poisson", {"rate": 3.0}, 20.0, 24.0),
    ("NegativeBinomial2", {"mean": 3.0, "concentration": 1.3}, None, 4.0),
    ("Binomial", {"trials": 9.0, "probability": 0.3}, 2.0, 7.0),
    ("Geometric", {"probability": 0.3}, 1.0, 5.0),
)


def truncated_draws(name: str, parameters: dict[str, float], lower: float | None, upper: float | None) -> np.ndarray:
    run = jax.jit(lambda key: truncated(name, parameters, lower, upper).sample(key, (4000,)))
    draws = np.asarray(run(jax.random.key(5)))
    assert lower is None or (draws >= lower).all()
    assert upper is None or (draws <= upper).all()
    return draws


@pytest.mark.long
@pytest.mark.parametrize(("name", "parameters", "lower", "upper"), TRUNCATED[3:])
def test_truncated_draws_of_others(
    name: str, parameters: dict[str, float], lower: float | None, upper: float | None
) -> None:
    test_truncated_draws(name, parameters, lower, upper)


@pytest.mark.parametrize(("name", "parameters", "lower", "upper"), TRUNCATED[:3])
def test_truncated_draws(name: str, parameters: dict[str, float], lower: float | None, upper: float | None) -> None:
    """The share of the mass below each draw is uniform; it is integrated from the density."""
    draws = np.sort(truncated_draws(name, parameters, lower, upper))
    support = DISTRIBUTIONS[name].support
    start = lower if lower is not None else (0.0 if support in ("positive", "open_unit_interval") else draws[0] - 3.0)
    nodes, weights = np.polynomial.legendre.leggauss(12)
    ends = np.concatenate([[start], draws])
    half = 0.5 * np.diff(ends)
    if name == "Cauchy":  # draws reach far: integrate over log x
        ends, half = np.log(ends), 0.5 * np.diff(np.log(ends))
    at = ends[:-1, None] + half[:, None] * (nodes + 1.0)
    x = np.exp(at) if name == "Cauchy" else at
    density = np.exp(np.asarray(jax.jit(lambda v: log_prob_truncated(name, v, parameters, lower, upper))(x)))
    u = np.cumsum(np.sum((density * x if name == "Cauchy" else density) * weights, -1) * half)
    assert uniform_p_value(u) > LEVEL


@pytest.mark.parametrize(("name", "parameters", "lower", "upper"), TRUNCATED_COUNTS)
def test_truncated_counts(name: str, parameters: dict[str, float], lower: float | None, upper: float | None) -> None:
    draws = truncated_draws(name, parameters, lower, upper)
    values = np.arange(0, draws.max() + 40)
    masses = np.asarray(jax.jit(lambda v: log_prob_truncated(name, v, parameters, lower, upper))(values))
    assert np.exp(masses).sum() == pytest.approx(1.0, abs=1e-9)
    assert counts_p_value(draws, masses, values) > LEVEL


def test_ordered_draws() -> None:
    """The smallest of three exponentials is exponential of three times the rate."""
    law = combinators.ordered(filled("Exponential", {"rate": 1.0}))
    draws = np.asarray(law.sample(jax.random.key(2), (DRAWS, 3)))
    assert np.all(np.diff(draws, axis=-1) > 0)
    assert uniform_p_value(scipy.stats.expon(scale=1 / 3).cdf(draws[:, 0])) > LEVEL
