"""Discrete energies summed out: partition functions, marginals, draws, against every state one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import jax
import numpy as np
import pytest

import ppl
from tests.energies.models import AND_GATE, POTTS, SPIN_GLASS, log_sum, potts, probabilities, spin_glass

NOTHING = np.zeros(0)


def log_partition(text: str, data: Any = None) -> float:
    with jax.enable_x64(True):
        density = ppl.compile(text).log_density(data)
        assert density.size == 0
        return float(jax.jit(lambda d: d.log_density(NOTHING))(density))


def marginals(text: str, data: Any, name: str) -> Any:
    with jax.enable_x64(True):
        density = ppl.compile(text).log_density(data)
        return np.asarray(jax.jit(lambda d: d.marginals(NOTHING))(density)[name])


def gate_energy(a: float, b: float, c: float) -> float:
    return a * b - 2 * a * c - 2 * b * c - a - b + 2 * c


def test_boltzmann_machine() -> None:
    data, states, weights = spin_glass(8)
    assert log_partition(SPIN_GLASS, data) == pytest.approx(log_sum(weights), rel=1e-12)
    up = marginals(SPIN_GLASS, data, "s")[:, 1]
    np.testing.assert_allclose(up, probabilities(weights) @ (states > 0), rtol=1e-10)


def test_sums_inside_an_energy_are_its_plates() -> None:
    data, _, weights = spin_glass(6)
    summed = """
dim site ordered, edge
data src[edge] : site, dst[edge] : site, J[edge], h[site]
var s[site] : spin
dim twice = 2
def of(e) = J[e] * s[src[e]] * s[dst[e]]
def all(x) = sum(x[i] for i in x)
for k in twice if k > 0 {
    energy pairs: 3 - 2 * (sum(of(e) for e in edge if J[e] > 0) / 2 - sum(-of(e) / 2 for e in edge if J[e] <= 0)) + s[0]
}
energy field: -sum(h[site] * s[site], site)
energy first: all(h) - s[0]
"""
    expected = log_sum(weights) - 3 - data["h"].sum()
    assert log_partition(summed, data) == pytest.approx(expected, rel=1e-12)


def test_potts_model_on_a_ring() -> None:
    data, states, weights = potts(6)
    assert log_partition(POTTS, data) == pytest.approx(log_sum(weights), rel=1e-12)
    expected = np.stack([probabilities(weights) @ (states == colour) for colour in range(3)], axis=1)
    np.testing.assert_allclose(marginals(POTTS, data, "c"), expected, rtol=1e-10)


def test_values_of_finite_types() -> None:
    """A spin is -1 or 1, a bool 0 or 1; whole numbers go from bound to bound, counts and elements of a dim from 0."""
    text = """
dim k = 3
data most : int
var s : spin, b : bool, n : int in [-1, 2], m : count <= most, z : k, q : count < 2
energy all: 0.3 * s + 0.5 * b * n + 0.1 * n * m + 0.2 * s * m + 0.7 * z - 0.4 * z * b + q
"""
    grids = product((-1, 1), (0, 1), (-1, 0, 1, 2), (0, 1, 2, 3), (0, 1, 2), (0, 1))
    energies = [
        0.3 * s + 0.5 * b * n + 0.1 * n * m + 0.2 * s * m + 0.7 * z - 0.4 * z * b + q for s, b, n, m, z, q in grids
    ]
    assert log_partition(text, {"most": 3}) == pytest.approx(log_sum(-np.array(energies)), rel=1e-12)


def test_an_energy_joins_discrete_and_continuous() -> None:
    """A spin in a field that is itself flat: the density of x sums over both spins, its gradient is the mean spin."""
    text = """
var x, s : spin
energy field: -x * s
energy trap: 0.5 * x^2
"""
    with jax.enable_x64(True):
        density = ppl.compile(text).log_density()
        both = jax.jit(jax.value_and_grad(density.log_density))
        for x in (-1.3, 0.2, 2.0):
            value, gradient = both(np.array([x]))
            assert float(value) == pytest.approx(np.log(2 * np.cosh(x)) - 0.5 * x**2, rel=1e-12)
            assert float(gradient[0]) == pytest.approx(np.tanh(x) - x, rel=1e-12)


def test_discrete_variables_with_distributions_too() -> None:
    text = """
dim i = 3
var s[i] : spin
p ~ Beta(2, 3)
z[i] ~ Bernoulli(p)
energy couple unnormalised: -0.8 * s[i] * z[i] + 0.2 * s[i]
"""
    with jax.enable_x64(True):
        density = ppl.compile(text).log_density()
        found, values = jax.jit(lambda u: (density.log_density(u), density.constrain(u)))(np.array([0.3]))
        p = float(values["p"])
        site = sum(np.exp(0.8 * s * z - 0.2 * s) * (p if z else 1 - p) for s, z in product((-1, 1), (0, 1)))
        prior = np.log(12 * p * (1 - p) ** 2) + np.log(p * (1 - p))
        assert float(found) == pytest.approx(prior + 3 * np.log(site), rel=1e-10)


def frequencies(fit: Any, names: tuple[str, ...]) -> dict[tuple[int, ...], float]:
    draws = np.stack([np.asarray(fit.posterior[name].values).ravel() for name in names], axis=1)
    states, counts = np.unique(draws, axis=0, return_counts=True)
    return {tuple(map(int, s)): float(c) / len(draws) for s, c in zip(states, counts, strict=True)}


def test_the_gate_runs_forward_and_backward() -> None:
    """Exact draws: the frequency of every state within 5 standard errors of its probability."""
    model = ppl.compile(AND_GATE)
    for clamped in ({}, {"c": 1}):
        free = [name for name in "abc" if name not in clamped]
        states = list(product((-1, 1), repeat=len(free)))
        weights = np.array([-gate_energy(**{**clamped, **dict(zip(free, s, strict=True))}) for s in states])
        fit = model.sample(chains=2, draws=2000, seed=1, set=clamped, progress=False)
        assert fit.attrs["draws_are"] == "independent"
        found = frequencies(fit, tuple(free))
        for state, p in zip(states, probabilities(weights), strict=True):
            assert found.get(state, 0.0) == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / 4000)), (clamped, state)


def test_too_wide_is_refused_with_who_and_how_wide() -> None:
    n = 40
    pairs = [(i, j) for i in range(n) for j in range(i)]
    data = {
        "src": [i for i, _ in pairs],
        "dst": [j for _, j in pairs],
        "J": np.ones(len(pairs)),
        "h": np.zeros(n),
    }
    model = ppl.compile(SPIN_GLASS)
    assert "`--engine gibbs`" in model.explain(data)
    with pytest.raises(ppl.PplError) as error:
        model.sample(data, progress=False)
    said = str(error.value)
    assert "E402" in said
    assert "`s`" in said
    assert "40 of their elements" in said
    assert "`--engine gibbs`" in said
