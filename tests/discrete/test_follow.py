"""What follows from a draw of a model with discrete latents: pointwise log-likelihoods, replicates, results."""

from __future__ import annotations

import jax
import numpy as np
from scipy import special, stats

import ppl
from tests.density.from_text import compiled, evaluated, points

MIXTURE = """
dim obs
dim comp = 2
data y[obs]
w[comp] ~ Dirichlet(fill(1, comp))
mu[comp] ~ ordered(Normal(0, 5))
z[obs] ~ Categorical(w)
y[obs] ~ Normal(mu[z[obs]], 1)
"""
CHAIN = """
dim time ordered
dim state = 2
data y[time], kept[time] : bool
P[k, state] ~ Dirichlet(fill(2, state)) for k in state
mu[state] ~ ordered(Normal(0, 3))
z[0] ~ Categorical(fill(0.5, state))
z[t] ~ Categorical(P[z[t-1]]) for t in time[1:]
y[t] ~ Normal(mu[z[t]], 1) for t in time if kept[t]
"""


def test_pointwise_in_a_mixture() -> None:
    y = np.array([0.3, -1.2, 60.0, -45.0])
    with jax.enable_x64(True):
        density = compiled(MIXTURE, {"y": y})
        follow = jax.jit(lambda u: (density.constrain(u), density.log_likelihood(u)["y"]))
        for u in points(density, 5):
            values, got = follow(u)
            logs = np.log(values["w"]) + stats.norm(np.asarray(values["mu"]), 1).logpdf(y[:, None])
            np.testing.assert_allclose(got, special.logsumexp(logs, axis=1), rtol=1e-9)


def test_pointwise_in_a_chain_is_given_the_others() -> None:
    y = np.array([0.3, -1.2, 2.5, 30.0])
    with jax.enable_x64(True):
        whole = compiled(CHAIN, {"y": y, "kept": np.ones(4, bool)})
        without = [compiled(CHAIN, {"y": y, "kept": np.arange(4) != t}) for t in range(4)]
        log_density = jax.jit(lambda density, u: density.log_density(u))
        pointwise = jax.jit(lambda u: whole.log_likelihood(u)["y"])
        for u in points(whole, 3):
            wanted = [log_density(whole, u) - log_density(rest, u) for rest in without]
            np.testing.assert_allclose(pointwise(u), wanted, rtol=1e-8)


def test_pointwise_where_many_share_one_latent() -> None:
    y = np.array([0.5, 2.1, 1.0, -30.0])
    model = "dim obs\ndata y[obs]\nm ~ Normal(0, 1)\nz ~ Bernoulli(0.5)\n{} ~ Normal(m + 2 * z, 1)\n"
    with jax.enable_x64(True):
        whole, each = (compiled(model.format(left), {"y": y}) for left in ("y", "y[obs]"))
        u = np.array([0.1])
        logs = stats.norm(np.array([0.1, 2.1]), 1).logpdf(y[:, None])
        wanted = [
            special.logsumexp(logs.sum(0)) - special.logsumexp(np.delete(logs, i, axis=0).sum(0)) for i in range(4)
        ]
        for density in (whole, each):
            np.testing.assert_allclose(evaluated(density.log_likelihood, u)["y"], wanted, rtol=1e-9)


def test_replicates_come_from_the_drawn_values() -> None:
    with jax.enable_x64(True):
        density = compiled(MIXTURE, {"y": np.array([-30.0, 30.0])})
        u = density.unconstrain({"w": np.array([0.5, 0.5]), "mu": np.array([-30.0, 30.0])})
        keys = jax.random.split(jax.random.key(3), 200)
        follow = evaluated(jax.vmap(lambda key: density.follow(u, key)), keys)
    np.testing.assert_array_equal(follow["values"]["z"], np.tile([0, 1], (200, 1)))
    np.testing.assert_allclose(follow["replicates"]["y"].mean(0), [-30, 30], atol=5 / np.sqrt(200))


def test_discrete_latents_alone_are_drawn_exactly() -> None:
    model = ppl.compile("data y\nz ~ Bernoulli(0.3)\ny ~ Normal(2 * z, 1)\n")
    fit = model.sample({"y": 1.0}, chains=2, draws=4000, seed=3, progress=False)
    exact = 0.3 * stats.norm.pdf(1, 2) / (0.3 * stats.norm.pdf(1, 2) + 0.7 * stats.norm.pdf(1, 0))
    drawn = fit.posterior["z"].values
    assert drawn.shape == (2, 4000)
    assert abs(drawn.mean() - exact) < 5 * np.sqrt(exact * (1 - exact) / drawn.size)
    np.testing.assert_allclose(fit.sample_stats["lp"], np.log(0.3 * stats.norm.pdf(1, 2) + 0.7 * stats.norm.pdf(1, 0)))
