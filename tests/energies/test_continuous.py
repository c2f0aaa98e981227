"""Continuous energies: the density is minus their sum, and what is sampled has the moments of quadrature."""

from __future__ import annotations

from typing import Any

import arviz as az
import jax
import numpy as np
import pytest

import ppl
from tests.energies.models import CONTINUOUS, PRECISION, SITES, continuous_terms

DATA = {"P": PRECISION, "site": SITES}


def test_terms_are_minus_the_energies() -> None:
    model = ppl.compile(CONTINUOUS)
    with jax.enable_x64(True):
        density = model.log_density(DATA)
        assert density.size == 3 + SITES + 3
        everything = jax.jit(lambda u: (density.terms(u), density.constrain(u), density.log_density(u)))
        for u in np.random.default_rng(0).normal(size=(5, density.size)):
            terms, values, log_density = everything(u)
            found = {name: float(value) for name, value in terms.items()}
            expected = continuous_terms({name: np.asarray(v) for name, v in values.items()})
            assert found.pop("jacobian") == 0
            assert found == pytest.approx({name: -value for name, value in expected.items()}, rel=1e-12)
            assert float(log_density) == pytest.approx(-sum(expected.values()), rel=1e-12)


def test_an_energy_counts_once_for_each_element_of_its_plates() -> None:
    text = """
dim i = 3
dim j = 4
data keep[i] : bool, x[i]
var a[i], b[j]
def cost(u) = u^2 * a[i]
energy named: a[i] * b[j]
energy bound: 1 + a[q]  for q in i, p in j
energy filtered: a[q]  for q in i if keep[q]
energy reduced: a[i] * sum(b[j], j)
energy called: cost(x[i])
energy lone: a[0] * b[-1]
for q in i if not keep[q] {
    energy block: x[q] * a[q]
}
"""
    keep, x = np.array([True, False, True]), np.array([0.5, -1.0, 2.0])
    a, b = np.array([0.3, -0.7, 1.1]), np.array([1.0, 2.0, -0.5, 0.25])
    with jax.enable_x64(True):
        density = ppl.compile(text).log_density({"keep": keep, "x": x})
        found = {k: -float(v) for k, v in jax.jit(density.terms)(np.concatenate([a, b])).items()}
    expected = {
        "named": a.sum() * b.sum(),
        "bound": 4 * (3 + a.sum()),
        "filtered": a[keep].sum(),
        "reduced": a.sum() * b.sum(),
        "called": (x**2 * a).sum(),
        "lone": a[0] * b[-1],
        "block": (x * a)[~keep].sum(),
        "jacobian": 0,
    }
    assert found == pytest.approx(expected, rel=1e-12)


def test_energies_and_distributions_add_up() -> None:
    text = """
dim obs
data y[obs]
mu    ~ Normal(0, 2)
sigma ~ HalfNormal(1)
y[obs] ~ Normal(mu, sigma)
energy pull: 3 * (mu - 1)^2 + log(sigma)
"""
    plain = text.replace("energy", "#")
    y = np.array([0.3, -1.0, 2.0])
    u = np.array([0.4, -0.3])
    with jax.enable_x64(True):
        with_energy, without = (ppl.compile(t).log_density({"y": y}) for t in (text, plain))
        difference = float(with_energy.log_density(u) - without.log_density(u))
    assert difference == pytest.approx(-(3 * (0.4 - 1) ** 2 - 0.3), rel=1e-12)


# --- sampling ----------------------------------------------------------------------------------------


def grid_moments(energy: Any, powers: tuple[int, ...], reach: float = 6.0) -> list[float]:
    x = np.linspace(-reach, reach, 20_001)
    weight = np.exp(-energy(x))
    return [float((x**p * weight).sum() / weight.sum()) for p in powers]


def chain_second_moments(quartic: float) -> np.ndarray:
    """⟨φ_t²⟩ of the open chain by the transfer matrix on a grid."""
    x = np.linspace(-5, 5, 401)
    step = np.exp(-0.5 * (x[:, None] - x[None, :]) ** 2)
    site = np.exp(-(quartic * x**4 - 0.5 * x**2))
    left = [np.ones_like(x)]
    for _ in range(SITES - 1):
        left.append(step @ (site * left[-1]))
    weight = [left[t] * site * left[SITES - 1 - t] for t in range(SITES)]
    return np.array([(x**2 * w).sum() / w.sum() for w in weight])


def expected_moments(quartic: float = 0.25) -> dict[str, float]:
    well = grid_moments(lambda x: 1.5 * (x**2 - 1) ** 2, (1, 2, 4))
    covariance = np.linalg.inv(PRECISION)
    return {
        "a": 1.0,
        "a a": 2.0,
        "b": 2.0,
        "b b": 10.0 + 0.25,  # E a⁴ of a Normal(1, 1) is 10
        "w": well[0],
        "w w": well[1],
        "w w w w": well[2],
        **{f"phi{t} phi{t}": value for t, value in enumerate(chain_second_moments(quartic))},
        **{f"g{i} g{j}": covariance[i, j] for i in range(3) for j in range(i + 1)},
    }


def z_scores(posterior: Any, expected: dict[str, float]) -> dict[str, float]:
    scalars = {name: posterior[name].values for name in ("a", "b", "w")}
    for name, count in (("phi", SITES), ("g", 3)):
        scalars |= {f"{name}{n}": posterior[name].values[..., n] for n in range(count)}
    scores = {}
    for label, wanted in expected.items():
        draws = np.prod([scalars[name] for name in label.split()], axis=0)
        scores[label] = float((draws.mean() - wanted) / az.mcse(draws))
    return scores


@pytest.mark.parametrize("engine", ["nuts", pytest.param("hmc", marks=pytest.mark.long)])
def test_moments_against_quadrature(engine: str) -> None:
    fit = ppl.compile(CONTINUOUS).sample(DATA, engine=engine, chains=4, draws=2000, seed=1, progress=False)
    scores = z_scores(fit.posterior, expected_moments())
    assert max(map(abs, scores.values())) < 4.5, scores
    wrong = z_scores(fit.posterior, expected_moments(quartic=0.3))
    assert max(abs(score) for label, score in wrong.items() if "phi" in label) > 4.5  # the test can fail


# --- minibatches, faults -----------------------------------------------------------------------------


def test_minibatches_are_unbiased() -> None:
    text = """
dim obs
data x[obs]
var m, s > 0
energy fit: 0.5 * ((x[obs] - m) / s)^2 + log(s)
energy prior: 0.5 * m^2 + s
"""
    x = np.random.default_rng(2).normal(size=8)
    u = np.array([0.3, 0.1])
    with jax.enable_x64(True):
        density = ppl.compile(text).log_density({"x": x})
        halves = [density.log_density_on(u, {"obs": np.arange(4) + 4 * half}) for half in (0, 1)]
        assert float(sum(halves)) / 2 == pytest.approx(float(density.log_density(u)), rel=1e-12)
        assert float(halves[0]) != pytest.approx(float(halves[1]))


def test_pairs_are_not_subsampled() -> None:
    text = """
dim obs
var x[obs]
energy repel: exp(-(x[i] - x[j])^2) + x[i]^2  for i in obs, j in obs
"""
    with jax.enable_x64(True):
        density = ppl.compile(text).log_density({"obs": 4})
        with pytest.raises(ppl.PplError) as error:
            density.log_density_on(np.zeros(4), {"obs": np.arange(2)})
    assert error.value.diagnostics[0].code == "E551"
    assert "pairs" in error.value.diagnostics[0].label


def test_faults_name_the_energy_and_its_element() -> None:
    text = """
dim i = 3
var x[i]
energy wall: (x[i] - 1)^2 if x[i] > 0 else exp(1000 * x[i]^2)
"""
    with jax.enable_x64(True):
        density = ppl.compile(text).log_density()
        faults = density.diagnose(np.array([1.0, -2.0, 3.0]))
    assert [(f.term, f.positions, f.log_prob) for f in faults] == [("wall", {"i": 1}, -np.inf)]


def test_a_start_that_cannot_be_found_is_explained_by_the_energy() -> None:
    text = "var x\nenergy nowhere: x^2 + exp(1000 + x)\n"
    with pytest.raises(ppl.PplError) as error:
        ppl.compile(text).sample(chains=2, progress=False)
    diagnostic = error.value.diagnostics[0]
    assert diagnostic.code == "E502"
    assert diagnostic.span is not None
    assert text[diagnostic.span.start :].startswith("energy nowhere")
