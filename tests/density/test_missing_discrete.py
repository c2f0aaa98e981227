"""Missing discrete elements that other terms read: summed out, against sums over all their values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import jax
import numpy as np
import pytest
from scipy import stats

from tests.density.from_text import compare, compiled, evaluated


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


TEXT = """
dim time ordered
data wet[time]? : bool, n[time]? : count
p[time] = 0.7 if wet[time] else 0.2
stay ~ Beta(2, 2)
wet[0] ~ Bernoulli(0.5)
wet[t] ~ Bernoulli(stay if wet[t-1] else 1 - stay) for t in time[1:]
n[t] ~ Binomial(3, 0.7 if wet[t] else 0.2) for t in time[:-1]
"""
WET, N = [1, None, None, 0, 1, None], [2, 3, 0, None, 2, 1]


def joint(stay: float, wet: np.ndarray) -> float:
    """The log density of one way to fill the gaps; the missing count integrates out."""
    chance = np.where(wet[:-1] == 1, stay, 1 - stay)
    seen = [i for i, n in enumerate(N[:-1]) if n is not None]
    counts = stats.binom.logpmf([N[i] for i in seen], 3, np.where(wet[seen] == 1, 0.7, 0.2)).sum()
    return float(np.log(0.5) + stats.bernoulli.logpmf(wet[1:], chance).sum() + counts + stats.beta.logpdf(stay, 2, 2))


def ways() -> Iterator[np.ndarray]:
    for a, b, c in itertools.product((0, 1), repeat=3):
        yield np.array([1, a, b, 0, 1, c])


def test_they_are_summed_out() -> None:
    density = compiled(TEXT, {"wet": WET, "n": N})
    assert density.size == 1
    compare(density, lambda v: float(np.logaddexp.reduce([joint(v["stay"], w) for w in ways()])), lambda v: [v["stay"]])


def test_they_are_drawn_from_their_joint_posterior() -> None:
    density = compiled(TEXT, {"wet": WET, "n": N})
    u = density.unconstrain({"stay": 0.8})
    draws = 20_000
    keys = jax.random.split(jax.random.key(1), draws)
    values, likelihood = evaluated(
        lambda u: (jax.vmap(lambda key: density.reconstruct(u, key))(keys), density.log_likelihood(u)["wet"]), u
    )
    assert set(values) == {"stay", "p", "wet_missing", "n_missing"}
    weights = np.exp([joint(0.8, w) for w in ways()])
    found = values["wet_missing"].astype(int) @ np.array([4, 2, 1])
    expected = weights / weights.sum()
    error = np.sqrt(expected * (1 - expected) / draws)
    assert np.all(np.abs(np.bincount(found, minlength=8) / draws - expected) < 5 * error)
    np.testing.assert_array_equal(values["p"][:, [1, 2, 5]], np.where(values["wet_missing"], 0.7, 0.2))
    assert np.isnan(likelihood[[1, 2, 5]]).all()
    assert np.isfinite(likelihood[[0, 3, 4]]).all()


def test_pieces_of_one_name_all_count() -> None:
    """What one statement draws is there in part and missing in part; a latent is called as the Jacobian is."""
    text = """
    dim obs
    data y[obs], x[obs]? : bool
    jacobian ~ HalfNormal(2)
    x[obs] ~ Bernoulli(0.3)
    y[obs] ~ Normal(jacobian * x[obs], 1)
    """
    density = compiled(text, {"x": [None, 1, 0], "y": [1.0, 2.0, 3.0]})
    a = 0.8
    seen = stats.norm.logpdf([2.0, 3.0], [a, 0]).sum() + np.log(0.3 * 0.7)
    missing = np.log(0.3 * stats.norm.pdf(1 - a) + 0.7 * stats.norm.pdf(1))
    expected = stats.halfnorm.logpdf(a, scale=2) + seen + missing + np.log(a)
    found = jax.jit(lambda density, u: density.log_density(u))(density, np.log([a]))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
