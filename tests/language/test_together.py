"""Combinators next to the other things a model can have: discrete latents, missing data, minibatches, prior draws."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

import ppl
from ppl.errors import PplError
from tests.density.from_text import compiled

Y = np.array([-1.2, 0.4, 2.7, 5.0])


def summed(text: str, data: dict[str, Any], values: dict[str, Any]) -> float:
    """The log density without its Jacobian."""
    with jax.enable_x64(True):
        density = compiled(text, data)
        u = density.unconstrain({k: jnp.asarray(v, jnp.float64) for k, v in values.items()})
        terms = jax.jit(density.terms)(u)
    return sum(float(t) for name, t in terms.items() if name != "jacobian")


@pytest.mark.parametrize(
    ("drawn", "probabilities"),
    [
        ("truncated(Poisson(2), upper=3)", stats.poisson(2).pmf(np.arange(4)) / stats.poisson(2).cdf(3)),
        (
            "mixture(0.3, Binomial(3, 0.5), Binomial(3, 0.1))",
            0.3 * stats.binom(3, 0.5).pmf(np.arange(4)) + 0.7 * stats.binom(3, 0.1).pmf(np.arange(4)),
        ),
        (
            "zeroinflated(0.4, truncated(Poisson(2), lower=1, upper=3))",
            np.where(
                np.arange(4) == 0, 0.4, 0.6 * stats.poisson(2).pmf(np.arange(4)) / stats.poisson(2).pmf([1, 2, 3]).sum()
            ),
        ),
    ],
)
def test_discrete_latents_with_combinators(drawn: str, probabilities: Any) -> None:
    text = f"dim obs\ndata y[obs]\na ~ Normal(0, 1)\nz[obs] ~ {drawn}\ny[obs] ~ Normal(a + z[obs], 1)\n"
    each = np.log(probabilities) + stats.norm(0.3 + np.arange(4), 1).logpdf(Y[:, None])
    wanted = stats.norm().logpdf(0.3) + special.logsumexp(each, 1).sum()
    assert summed(text, {"y": Y}, {"a": 0.3}) == pytest.approx(wanted, rel=1e-10)


def test_mixtures_that_read_discrete_latents() -> None:
    text = """
dim obs
dim k = 2
dim comp = 3
data y[obs]
m[k] ~ Normal(0, 3)
c[comp] ~ Normal(0, 3)
z[obs] ~ Categorical(fill(0.5, k))
y[obs] ~ mixture(fill(1 / 3, comp), Normal(m[z[obs]] + c[comp], 1))
"""
    m, c = np.array([-1.0, 2.0]), np.array([0.0, 0.5, -3.0])
    parts = stats.norm(m[:, None] + c, 1).pdf(Y[:, None, None]).mean(-1)
    wanted = stats.norm(0, 3).logpdf([*m, *c]).sum() + np.log(parts.mean(-1)).sum()
    assert summed(text, {"y": Y}, {"m": m, "c": c}) == pytest.approx(wanted, rel=1e-10)


MISSING = "dim obs\ndata y[obs]?, x[obs]\na ~ Normal(0, 1)\ny[obs] ~ {}\nx[obs] ~ Normal(y[obs], 1)\n"


def test_missing_outcomes_of_a_mixture() -> None:
    y, x = np.array([1.0, np.nan, 2.0]), np.array([0.0, 1.5, 3.0])
    with jax.enable_x64(True):
        density = compiled(MISSING.format("mixture(0.3, Normal(a, 1), Normal(5, 2))"), {"y": y, "x": x})
        u = jnp.asarray([0.4, 0.9])
        found, a = jax.jit(lambda u: (density.log_density(u), density.constrain(u)["a"]))(u)
    whole = np.array([1.0, 1.3 - float(a), 2.0])
    mixture = 0.3 * stats.norm(a, 1).pdf(whole) + 0.7 * stats.norm(5, 2).pdf(whole)
    wanted = stats.norm().logpdf(a) + np.log(mixture).sum() + stats.norm(whole, 1).logpdf(x).sum()
    assert float(found) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("drawn", ["censored(Normal(a, 1), upper=3)", "zeroinflated(0.5, Gamma(2, exp(a)))"])
def test_missing_outcomes_that_no_latent_can_have(drawn: str) -> None:
    with pytest.raises(PplError) as caught:
        compiled(MISSING.format(drawn), {"y": np.array([1.0, np.nan, 2.0]), "x": np.zeros(3)})
    assert drawn.partition("(")[0] in str(caught.value)


def test_minibatches() -> None:
    text = """
dim obs
dim comp = 2
data y[obs], w[obs, comp]
m[comp] ~ Normal(0, 3)
y[obs] ~ mixture(w[obs, comp], Normal(m[comp], 1))
"""
    weights = np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1], [0.3, 0.7]])
    with jax.enable_x64(True):
        density = compiled(text, {"y": Y, "w": weights})
        u = jnp.asarray([0.3, -1.0])
        whole = float(jax.jit(density.log_density)(u))
        estimate = jax.jit(lambda positions: density.log_density_on(u, {"obs": positions}))
        mixed = float(estimate(np.array([2, 0, 3, 1])))
        parts = [float(estimate(np.array([i]))) for i in range(4)]
    assert mixed == pytest.approx(whole, rel=1e-12)
    assert np.mean(parts) == pytest.approx(whole, rel=1e-12)


def test_prior_draws() -> None:
    text = """
dim obs
dim k = 3
data y[obs]
x ~ mixture(0.25, Normal(-4, 1), Normal(4, 1))
e[k] ~ zerosum(Normal(0, 1))
y[obs] ~ censored(Normal(x + e[0], 1), upper=1)
"""
    prior = ppl.compile(text).prior({"y": np.zeros(5)}, draws=4000, seed=3)
    x, e = prior.prior["x"].values.ravel(), prior.prior["e"].values.reshape(-1, 3)
    assert np.mean(x < 0) == pytest.approx(0.25, abs=5 * np.sqrt(0.19 / len(x)))
    assert np.abs(e.sum(-1)).max() < 1e-12
    assert prior.prior_predictive["y"].values.max() == 1.0
