"""Priors on the unconstrained space: normalised, drawn from what they say, and nothing of the data in them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import ppl
from ppl.compiler.density.compiled import compile_density
from ppl.compiler.density.prior import Conditioned, Prior, conditioned
from ppl.compiler.passes.preparation import prepared
from tests.density.from_text import evaluated

NAN = float("nan")
DRAWS = 4000


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@functools.cache
def model_of(text: str) -> ppl.Model:
    return ppl.compile(text)


def made(text: str, data: Mapping[str, Any]) -> Conditioned:
    bound = model_of(text).bind(data)
    graph, dataset = prepared(bound.graph, bound.dataset)
    return conditioned(compile_density(graph, dataset), dataset)


def prior_of(text: str, data: Mapping[str, Any]) -> Prior:
    prior = made(text, data).prior()
    assert prior is not None
    return prior


def draws(prior: Prior, count: int = DRAWS) -> Any:
    return evaluated(jax.vmap(prior.draw), jax.random.split(jax.random.key(7), count))


def integral(function: Any, dimensions: int, reach: float = 25.0, points: int = 601) -> float:
    """Of exp(function) over a cube, by the trapezoidal rule."""
    axis = np.linspace(-reach, reach, points)
    grid = np.stack(np.meshgrid(*[axis] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    values = np.exp(evaluated(lambda us: jax.lax.map(function, us, batch_size=10_000), grid))
    return float(values.sum() * (axis[1] - axis[0]) ** dimensions)


# Of each kind of statement what the prior keeps and what it leaves out: two dimensions each.
NORMALISED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "a scale and a mean, with observations": (
        "dim obs\ndata y[obs]\nmu ~ Normal(1, 2)\ns ~ HalfNormal(1.5)\ny[obs] ~ Normal(mu, s)",
        {"y": [0.5, 2.0, 1.0]},
    ),
    "flat between bounds that data give": (
        "data y, top > 0\nvar a in [-1, top]\nb ~ Normal(a, 1)\ny ~ Normal(b, 1)",
        {"y": 0.3, "top": 4.0},
    ),
    "a category that a continuous latent depends on": (
        "dim k = 3\ndata y, p[k], m[k]\nz ~ Categorical(p)\nx ~ Normal(m[z], 0.7)\nw ~ Normal(x, 1)\ny ~ Normal(w, 1)",
        {"y": 0.3, "p": [0.2, 0.5, 0.3], "m": [-2.0, 0.0, 3.0]},
    ),
    "outcomes of which one is missing": (
        "dim obs\ndata y[obs]?\nmu ~ Normal(1, 2)\ns ~ HalfNormal(1.5)\ny[obs] ~ Normal(mu, s)",
        {"y": [0.5, NAN, 1.0]},
    ),
    "a latent that is observed": (
        "data y\na, b, c ~ Normal(0, 1)\nobserve c = 0.5\ny ~ Normal(a + b * c, 1)",
        {"y": 1.0},
    ),
}


@pytest.mark.parametrize("name", NORMALISED)
def test_a_prior_integrates_to_one(name: str) -> None:
    prior = prior_of(*NORMALISED[name])
    assert prior.size == 2
    assert integral(prior.log_density, 2) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", NORMALISED)
def test_draws_have_the_density_that_they_are_said_to_have(name: str) -> None:
    """For every density E[grad] = 0 and E[u grad] = -1 (Stein), and the mean of log p is its integral."""
    prior = prior_of(*NORMALISED[name])
    us = draws(prior)
    values, gradients = evaluated(jax.vmap(jax.value_and_grad(prior.log_density)), us)
    for sample, mean in ((gradients, 0.0), (us * gradients, -1.0)):
        error = sample.std(axis=0) / np.sqrt(DRAWS)
        assert (np.abs(sample.mean(axis=0) - mean) < 5 * error + 1e-9).all()
    shifted = integral(lambda u: jnp.log(jnp.maximum(-prior.log_density(u), 1e-300)) + prior.log_density(u), 2)
    assert abs(-values.mean() - shifted) < 5 * values.std() / np.sqrt(DRAWS) + 1e-3


def test_draws_are_those_of_the_statements() -> None:
    text = "data y\nmu ~ Normal(1, 2)\ns ~ Exponential(3)\nvar q in [0, 2]\ny ~ Normal(mu, s + q)"
    whole = made(text, {"y": 0.0})
    prior = whole.prior()
    assert prior is not None
    found = evaluated(jax.vmap(whole.density.constrain), draws(prior))
    for name, law in {"mu": stats.norm(1, 2), "s": stats.expon(scale=1 / 3), "q": stats.uniform(0, 2)}.items():
        assert stats.kstest(found[name], law.cdf).pvalue > 1e-4


def test_draws_at_the_edge_of_a_support_have_a_place() -> None:
    """Of so narrow a beta that floating point has 0 and 1 for many draws, of which the logits are infinite."""
    found = draws(prior_of("data y\np ~ Beta(0.001, 0.001)\ny ~ Normal(p, 1)\n", {"y": 0.5}), 1000)
    assert np.isfinite(found).all()
    assert (found < -600).sum() > 100


def test_the_density_integrates_to_the_evidence() -> None:
    whole = made("dim obs\ndata y[obs]\nmu ~ Normal(1, 2)\ny[obs] ~ Normal(mu, 0.5)", {"y": [0.5, 2.0, 1.0]})
    covariance = 4 * np.ones((3, 3)) + 0.25 * np.eye(3)
    exact = stats.multivariate_normal(np.ones(3), covariance).logpdf([0.5, 2.0, 1.0])
    assert np.log(integral(whole.log_density, 1)) == pytest.approx(exact, abs=1e-8)


NOT_DRAWN = {
    "flat on the line": ("data y\nvar a\ny ~ Normal(a, 1)", 0.3),
    "flat on a half-line": ("data y\nvar a > 0\ny ~ Normal(a, 1)", 0.3),
    "a density beside a declaration": ("data y\nvar a in [0, 1]\na ~ Beta(2, 2)\ny ~ Normal(a, 1)", 0.3),
    "an energy": ("data y\nvar a\nenergy well: (a^2 - 1)^2\ny ~ Normal(a, 1)", 0.3),
    "missing elements between others": (
        "dim t ordered\ndata y[t]?\ns ~ Exponential(1)\ny[0] ~ Normal(0, 1)\ny[t] ~ Normal(y[t-1], s) for t in t[1:]",
        [0.1, NAN, 1.0],
    ),
}


@pytest.mark.parametrize("name", NOT_DRAWN)
def test_what_cannot_be_drawn_from_has_no_prior(name: str) -> None:
    text, y = NOT_DRAWN[name]
    assert made(text, {"y": y}).prior() is None


def test_data_of_one_shape_share_what_is_compiled() -> None:
    text = "dim obs\ndata y[obs]\nmu ~ Normal(1, 2)\ny[obs] ~ Normal(mu, 0.5)"
    one, other = (jax.tree.structure(made(text, {"y": y})) for y in ([0.5, 2.0, 1.0], [1.0, 0.0, 3.0]))
    assert one == other
