"""Tails and edges of combined laws: what other combinators take of them, and where their density ends."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from ppl.compiler.distributions import combinators, filled
from ppl.compiler.distributions.law import Law
from tests.catalogue.laws import log_prob_ordered, truncated


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def tails(law: Law, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(X <= x) and P(X > x)."""
    log_cdf, log_sf = law.log_cdf, law.log_sf
    assert log_cdf is not None
    assert log_sf is not None
    low, high = jax.jit(lambda x: (log_cdf(x), log_sf(x)))(jnp.asarray(at, float))
    return np.exp(np.asarray(low)), np.exp(np.asarray(high))


def test_tails_of_truncated_counts() -> None:
    """The lower bound is one of the values."""
    at, p = np.arange(1, 7), 0.3
    low, high = tails(truncated("Geometric", {"probability": p}, 2, 5), at)
    inside = np.cumsum(np.where((at >= 2) & (at <= 5), (1 - p) ** at, 0.0))
    np.testing.assert_allclose(low, inside / inside[-1], atol=1e-12)
    np.testing.assert_allclose(high, 1 - inside / inside[-1], atol=1e-12)


@pytest.mark.parametrize(
    ("name", "parameters", "of", "at"),
    [
        ("Geometric", {"probability": 0.3}, stats.geom(0.3, loc=-1), np.array([-1.0, 0.0, 1.0, 4.0])),
        ("Normal", {"mean": 0.3, "scale": 1.0}, stats.norm(0.3, 1), np.array([-1.2, 0.0, 0.4])),
    ],
)
def test_tails_with_more_zeros(
    name: str, parameters: dict[str, float], of: stats.rv_continuous, at: np.ndarray
) -> None:
    """The zeros lie at 0 itself, values below it or not."""
    law = combinators.zero_inflated(jnp.asarray(0.4), filled(name, parameters), name == "Geometric")
    low, high = tails(law, at)
    np.testing.assert_allclose(low, 0.4 * (at >= 0) + 0.6 * of.cdf(at), atol=1e-12)
    np.testing.assert_allclose(high, 0.4 * (at < 0) + 0.6 * of.sf(at), atol=1e-12)


def test_values_that_no_draw_has() -> None:
    normal = filled("Normal", {"mean": 0.0, "scale": 1.0})
    bounded = combinators.censored(normal, -1.0, 1.0, False).log_prob(jnp.asarray([-1.5, -0.5, 0.5, 1.5]))
    np.testing.assert_array_equal(np.isneginf(bounded), [True, False, False, True])
    balanced = combinators.zero_sum(normal, jnp.asarray(1.0), 1).log_prob(jnp.asarray([[1.0, -1.0], [1.0, -0.9]]))
    np.testing.assert_array_equal(np.isneginf(balanced), [False, True])
    assert np.isneginf(log_prob_ordered("Normal", jnp.asarray([0.0, 1.0, 1.0]), {"mean": 0.0, "scale": 1.0}))


def test_one_draw_for_each_key() -> None:
    """What chooses a component and what is drawn from it share no random bits."""
    apart = [filled("Normal", {"mean": mean, "scale": 1.0}) for mean in (-9.0, 9.0)]
    along = filled("Normal", {"mean": jnp.asarray([-9.0, 9.0]), "scale": 1.0})
    weights = jnp.asarray([0.5, 0.5])
    laws = {"mixture": combinators.mixture(weights, apart, 0), "family": combinators.family(weights[None], along, 0, 0)}
    keys = jax.random.split(jax.random.key(0), 2000)
    for name, law in laws.items():
        draws = np.asarray(jax.jit(jax.vmap(lambda key, law=law: law.sample(key, (1,))))(keys))[:, 0]
        centred = draws - np.where(draws > 0, 9.0, -9.0)
        assert stats.kstest(centred, stats.norm.cdf).pvalue > 1e-4, name
        assert abs(np.corrcoef(centred, draws > 0)[0, 1]) < 5 / np.sqrt(len(draws)), name
