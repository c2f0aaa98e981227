"""Gibbs sweeps between gradient moves, against the same models with their discrete latents summed out."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import arviz as az
import jax
import numpy as np
import pytest

import ppl
from ppl.compiler.density.compiled import CompiledDensity, compile_density
from ppl.inference.engines.mixed import Mixed
from ppl.inference.engines.nuts import NUTS
from tests.engines.test_gibbs import discrete_run
from tests.inference.runs import run


@dataclass(frozen=True)
class Case:
    text: str
    data: dict[str, Any]


def densities(case: Case) -> tuple[CompiledDensity, CompiledDensity]:
    """With discrete latents summed out, and with them left in."""
    bound = ppl.compile(case.text).bind(case.data)
    with jax.enable_x64(True):
        return tuple(compile_density(bound.graph, bound.dataset, summed=summed) for summed in (True, False))


def lattice(side: int) -> Case:
    """Ising's model with a latent coupling: its energy alone defines the joint law."""
    at = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate([[at[:, :-1].ravel(), at[:, 1:].ravel()], [at[:-1].ravel(), at[1:].ravel()]], axis=1).T
    text = """
dim site, bond
data left[bond] : site, right[bond] : site, field[site]
var J in [0, 1]
var s[site] : spin
energy bonds:  -J * s[left[bond]] * s[right[bond]]
energy fields: -field[site] * s[site]
energy weight: 8 * J
"""
    field = 0.3 * np.random.default_rng(1).normal(size=side * side)
    return Case(text, {"left": [int(i) for i, _ in pairs], "right": [int(j) for _, j in pairs], "field": field})


def mixture() -> Case:
    text = """
dim obs
data y[obs]
w    ~ Beta(6, 6)
low  ~ Normal(-1, 0.5)
high ~ Normal(1, 0.5)
z[obs] ~ Bernoulli(w)
y[obs] ~ Normal(high if z[obs] else low, 0.8)
"""
    rng = np.random.default_rng(2)
    return Case(text, {"y": np.concatenate([rng.normal(-1, 0.8, 12), rng.normal(1, 0.8, 8)])})


def chain() -> Case:
    text = """
dim time ordered
dim state = 2
data y[time]
P[k, state] ~ Dirichlet(fill(4, state)) for k in state
mu[state]   ~ ordered(Normal(0, 2))
z[0]        ~ Categorical(fill(1/2, state))
z[t]        ~ Categorical(P[z[t-1]]) for t in time[1:]
y[time]     ~ Normal(mu[z[time]], 1)
"""
    rng = np.random.default_rng(3)
    states = np.cumsum(rng.random(40) < 0.15) % 2
    return Case(text, {"y": rng.normal(np.where(states, 1.5, -1.5), 1.0)})


def test_a_latent_coupling_has_the_law_of_the_sum() -> None:
    """One dimension: against quadrature of the density that is summed out, and of its probabilities of the states."""
    summed, walked = densities(lattice(3))
    states, positions, _ = discrete_run(Mixed(warmup=300, draws=400, sweeps=2), walked, chains=20)
    with jax.enable_x64(True):
        grid = np.linspace(-12, 9, 421)
        logs, up = jax.jit(lambda d, us: jax.vmap(lambda u: (d.log_density(u[None]), d.marginals(u[None])["s"]))(us))(
            summed, grid
        )
    weight = np.exp(np.asarray(logs) - np.asarray(logs).max())
    weight /= weight.sum()
    for found, expected in (
        (positions, weight @ grid),
        (positions**2, weight @ grid**2),
        (states.astype(float), weight @ np.asarray(up)[:, :, 1]),
    ):
        means = found.mean(axis=1)
        error = means.std(axis=0, ddof=1) / np.sqrt(len(means))
        assert (error < 0.1 * found.std(axis=(0, 1))).all()
        assert (np.abs(means.mean(axis=0) - expected) < 5 * error).all()


def test_interruptions_change_nothing() -> None:
    _, walked = densities(lattice(3))
    engine = Mixed(warmup=300, draws=400, sweeps=2)
    whole = discrete_run(engine, walked, chains=2)
    pieces = discrete_run(engine, walked, chains=2, limits=itertools.cycle([1, 7, 90]))
    np.testing.assert_array_equal(whole[0], pieces[0])
    np.testing.assert_array_equal(whole[1], pieces[1])


@pytest.mark.long
@pytest.mark.parametrize("moves", ["nuts", "hmc"])
@pytest.mark.parametrize("case", [mixture, chain])
def test_the_law_is_that_of_the_model_with_its_states_summed_out(case: Any, moves: str) -> None:
    summed, walked = densities(case())
    reference = run(NUTS(draws=2000), summed).positions
    found = run(Mixed(draws=3000, moves=moves, sweeps=2), walked).positions
    for power in (1, 2):
        one, other = reference**power, found**power
        for i in range(one.shape[2]):
            error = np.hypot(*(a[:, :, i].std() / np.sqrt(float(az.ess(a[:, :, i]))) for a in (one, other)))
            assert abs(one[:, :, i].mean() - other[:, :, i].mean()) < 5 * error, (i, power)


def test_a_run_gives_named_draws_of_both_kinds() -> None:
    """Types and dims as elimination's draws have them; likelihoods given the states."""
    case = mixture()
    fit = ppl.compile(case.text).sample(case.data, engine="mixed", warmup=100, draws=50, chains=2, progress=False)
    z, low, high = (fit.posterior[name].values for name in ("z", "low", "high"))
    assert z.shape == (2, 50, 20)
    assert z.dtype == np.bool_
    assert 0 < z.mean() < 1
    mean = np.where(z, high[..., None], low[..., None])
    expected = -0.5 * ((case.data["y"] - mean) / 0.8) ** 2 - np.log(0.8 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(fit.log_likelihood["y"].values, expected, rtol=1e-9)
    assert fit.sample_stats["flips"].values.max() > 0
    assert (fit.sample_stats["n_steps"].values > 0).all()
