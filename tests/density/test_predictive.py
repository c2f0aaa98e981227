"""Replicated data and predictions: their shapes, their types and, over many draws, their distribution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.density.from_text import compiled

DRAWS = 20_000


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


TEXT = """
dim row, site
dim k = 3
data y[row], x[row], n[row] : count, hits[row] : count, site_of[row] : site, kind[row] : k
b[site] ~ Normal(0, 1)
s ~ Exponential(1)
w[k] ~ Dirichlet(fill(2, k))
y[row] ~ Normal(b[site_of[row]] + x[row], s)
hits[row] ~ BinomialLogit(n[row], b[site_of[row]])
kind[row] ~ Categorical(w)
predict again[row] ~ Normal(b[site_of[row]] + x[row], 2 * s)
predict pick[row] ~ Categorical(w)
predict pair[site, k] ~ MvNormal(fill(1, k), covariance=diag(w))
predict up[site] ~ truncated(Normal(b[site], s), lower=0)
"""
DATA: dict[str, Any] = {
    "y": np.array([0.1, -0.4, 0.3, 1.0]),
    "x": np.array([0.0, 1.0, -1.0, 2.0]),
    "n": np.array([3, 1, 10, 5]),
    "hits": np.array([1, 0, 4, 5]),
    "site_of": np.array([0, 1, 1, 0]),
    "kind": np.array([2, 1, 1, 0]),
}


def near(draws: Any, mean: Any, variance: Any) -> None:
    """Mean and variance over the draws within five standard errors (of a normal's, with room for heavier tails)."""
    draws = np.asarray(draws, dtype=float)
    count = draws.shape[0]
    assert np.all(np.abs(draws.mean(0) - mean) < 5 * np.sqrt(np.asarray(variance) / count))
    assert np.allclose(draws.var(0), variance, rtol=0.12)


def test_draws_have_the_distribution() -> None:
    density = compiled(TEXT, DATA)
    b, s, w = np.array([0.4, -0.7]), 0.8, np.array([0.2, 0.5, 0.3])
    u = density.unconstrain({"b": b, "s": s, "w": w})
    keys = jax.random.split(jax.random.key(3), DRAWS)
    both = jax.jit(jax.vmap(lambda key: (density.replicate(u, key), density.predict(u, key))))
    replicated, predicted = both(keys)
    mean = b[DATA["site_of"]] + DATA["x"]
    p = 1 / (1 + np.exp(-b[DATA["site_of"]]))
    assert set(replicated) == {"y", "hits", "kind"}
    near(replicated["y"], mean, np.full(4, s**2))
    near(replicated["hits"], DATA["n"] * p, DATA["n"] * p * (1 - p))
    assert replicated["hits"].dtype == np.int64
    near(predicted["again"], mean, np.full(4, 4 * s**2))
    pick = np.asarray(predicted["pick"])
    assert predicted["pick"].dtype == np.int64
    near(pick[:, 0, None] == np.arange(3), w, w * (1 - w))
    assert predicted["pair"].shape == (DRAWS, 2, 3)
    near(predicted["pair"], np.ones((2, 3)), np.broadcast_to(w, (2, 3)))
    assert np.asarray(predicted["up"]).min() >= 0
    # independent elements, and draws of different statements
    assert abs(np.corrcoef(predicted["pair"][:, 0, 0], predicted["pair"][:, 1, 0])[0, 1]) < 0.04
    assert abs(np.corrcoef(replicated["y"][:, 0], predicted["again"][:, 0])[0, 1]) < 0.04
    for name, array in {**replicated, **predicted}.items():
        assert array.shape[1:] == tuple(density.plan.program.sizes[d] for d in density.dims_of[name])


def test_a_wrong_distribution_would_be_seen() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(AssertionError):
        near(rng.normal(0.05, 1.0, size=(DRAWS, 4)), np.zeros(4), np.ones(4))
    with pytest.raises(AssertionError):
        near(rng.normal(0.0, 1.1, size=(DRAWS, 4)), np.zeros(4), np.ones(4))


def test_keys_decide() -> None:
    density = compiled(TEXT, DATA)
    u = jnp.zeros(density.size)
    draw = jax.jit(lambda key: density.predict(u, key)["again"])
    one, same, other = (np.asarray(draw(jax.random.key(seed))) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).all()
