"""Modes and the Gaussians fitted on the way to them, against closed forms.

One density serves most tests: normals, banana, funnel and two peaks are values of its data, so that programs are
compiled once.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import partial
from typing import Any

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from ppl.inference import importance
from ppl.inference.contract import Findings
from ppl.inference.engines.laplace import Laplace
from ppl.inference.engines.map import MAP
from ppl.inference.engines.nuts import NUTS
from ppl.inference.engines.pathfinder import Pathfinder
from ppl.inference.modes.climbing import climb
from ppl.inference.modes.factors import Memory
from ppl.inference.modes.gaussian import Gaussian
from ppl.inference.modes.mapping import ModeLife
from ppl.inference.modes.pathfinder import pathfinder_positions
from ppl.inference.modes.search import PeakSearch
from ppl.inference.settings import SettingsError
from tests.engines.common import COVARIANCE, LOG_EVIDENCE, MEAN, Shape, shape
from tests.inference.densities import EightSchools, LogisticRegression, eight_schools
from tests.inference.runs import Run, run


def fitted(engine: Any, density: Any, **given: Any) -> tuple[Run, Findings]:
    result = run(engine, density, **given)
    return result, engine.findings(density, result.carry)


def verdicts(findings: Findings) -> dict[str, str]:
    return {remark.name: remark.verdict for remark in findings.remarks}


# --- importance ratios -------------------------------------------------------------------------------


@pytest.mark.parametrize(("tail", "count"), [(0.3, 1000), (0.9, 1000), (0.5, 47), (-0.4, 200)])
def test_smoothing_is_that_of_arviz(tail: float, count: int) -> None:
    ratios = np.log(scipy.stats.genpareto(tail).rvs(count, random_state=1))
    smoothed = importance.pareto_smoothed(ratios)
    wanted, k = az.psislw(ratios)
    np.testing.assert_allclose(smoothed.log_weights, wanted, atol=1e-9)
    np.testing.assert_allclose(smoothed.k, float(k), atol=1e-9)
    assert smoothed.log_mean == pytest.approx(np.log(np.mean(np.exp(ratios))), abs=0.3)


def test_ratios_that_say_nothing() -> None:
    assert importance.pareto_smoothed(np.full(100, 3.0)).log_mean == pytest.approx(3.0)
    assert importance.pareto_smoothed(np.full(100, 3.0)).k == 0
    assert importance.pareto_smoothed(np.full(100, -np.inf)).k == np.inf
    assert importance.pareto_smoothed(np.array([0.0, -1.0])).k == np.inf
    # The median judges, and a chain whose ratios have no mean: see the numbers in the docstring.
    draw = np.random.default_rng(2)

    def verdict(*shapes: float) -> str:
        found = [importance.pareto_smoothed(-k * np.log(draw.uniform(size=1000))).k for k in shapes]
        return importance.tail_remark(np.array(found), 1000, "it", ()).verdict

    assert "bad" not in [verdict(*[0.5] * 16) for _ in range(20)]
    assert [verdict(*[0.4] * 15, 2.0) for _ in range(5)] == ["bad"] * 5
    assert [verdict(*[1.0] * 4) for _ in range(5)] == ["bad"] * 5
    told = importance.tail_remark(np.array([0.3, 0.85, 0.2, 0.4]), 1000, "it", ())
    assert (told.verdict, told.remedies[0].settings) == ("note", {"draws": 4000})
    assert "chain 1's is 0.85" in told.title

    few = importance.tail_remark(np.array([np.inf]), 5, "it", ())
    assert few.verdict == "bad"
    assert "too few" in few.title


def test_resampling_gives_each_its_share() -> None:
    weights = np.array([0.5, 0.3, 0.15, 0.05])
    chosen = importance.resampled(np.log(weights), 100, np.random.default_rng(0).random(105))
    np.testing.assert_array_equal(np.bincount(chosen), [50, 30, 15, 5])
    assert (np.diff(chosen) < 0).any()  # in no order
    # A period in the weights that is the comb's own.
    weights = np.tile([2.0, 1.0, 1.0, 0.0], 250) / 1000
    chosen = importance.resampled(np.log(weights + 1e-300), 250, np.random.default_rng(1).random(1251))
    np.testing.assert_allclose(np.mean(chosen % 4 == 0), 0.5, atol=0.1)


# --- Gaussians ---------------------------------------------------------------------------------------


def dense(gaussian: Gaussian) -> Any:
    """The covariance, from the root that `sample` applies to the unit vectors."""
    root = np.array([gaussian.sample(z) - gaussian.mean for z in np.eye(len(gaussian.mean))]).T
    return root @ root.T


@pytest.mark.parametrize("size", [3, 20])
def test_the_estimate_is_the_update_of_bfgs(size: int) -> None:
    """Nocedal & Wright 2006, equation 6.17, pair by pair from the same diagonal; more pairs came than are kept."""
    rng = np.random.default_rng(size)
    root = rng.normal(size=(size, size)) + 2 * np.eye(size)
    memory = Memory(size, 3)
    for _ in range(5):
        step = rng.normal(size=size)
        memory.add(step, root @ root.T @ step)
    memory.add(step, -step)  # a pair that curves the other way is not kept
    wanted = np.diag(memory.diagonal)
    for s, z in zip(memory.steps, memory.changes, strict=True):
        left = np.eye(size) - np.outer(s, z) / (s @ z)
        wanted = left @ wanted @ left.T + np.outer(s, s) / (s @ z)
    position, gradient = rng.normal(size=(2, size))
    with jax.enable_x64(True):
        found = memory.gaussian(position, gradient)
        assert found is not None
        np.testing.assert_allclose(dense(found), wanted, rtol=1e-8, atol=1e-10 * np.abs(wanted).max())
        np.testing.assert_allclose(found.mean, position + wanted @ gradient, rtol=1e-8)
        u = rng.normal(size=size)
        law = scipy.stats.multivariate_normal(found.mean, wanted)
        np.testing.assert_allclose(found.log_density(u), law.logpdf(u), rtol=1e-7)


def test_the_diagonal_satisfies_the_secant_equation_where_the_target_is_diagonal() -> None:
    memory = Memory(2, 3)
    memory.add(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    assert memory.diagonal[0] == pytest.approx(0.25)


def test_a_climb_turns_back_where_there_is_no_density() -> None:
    def evaluate(u: Any) -> Any:  # log u - u, u > 0
        inside = u[0] > 0
        return (float(np.log(u[0]) - u[0]) if inside else np.nan), 1 / u - 1

    path = climb(evaluate, np.array([50.0]), 100, 5)
    assert path.ended
    assert np.isfinite(path.log_densities).all()
    assert path.positions[-1, 0] == pytest.approx(1.0, abs=1e-6)


# --- engines -----------------------------------------------------------------------------------------


def test_a_normal_is_found_exactly() -> None:
    density = shape()
    mode, said = fitted(MAP(), density)
    assert mode.positions.shape == (4, 1, 3)
    np.testing.assert_allclose(mode.positions[:, 0], np.tile(MEAN, (4, 1)), atol=1e-10)
    np.testing.assert_allclose(mode.stats["lp"], 0, atol=1e-12)
    assert verdicts(said) == {"modes": "good", "point": "note"}

    engine = Laplace(draws=300)
    draws, said = fitted(engine, density)
    life: Any = engine.life
    with jax.enable_x64(True):
        mixture = life.fitter.mixture(draws.carry["fit"])
        part = jax.tree.map(lambda leaf: leaf[0, 0], mixture)
        np.testing.assert_allclose(dense(part), COVARIANCE, atol=1e-8)
    np.testing.assert_allclose(said.values["log_evidence"][1], LOG_EVIDENCE, atol=1e-8)
    np.testing.assert_allclose(said.values["log_evidence_laplace"][1], LOG_EVIDENCE, atol=1e-8)
    assert verdicts(said) == {"modes": "good", "pareto_k": "good"}
    flat = (draws.positions - MEAN).reshape(-1, 3)
    assert np.abs(flat.mean(axis=0) / np.sqrt(np.diag(COVARIANCE) / 1200)).max() < 4
    errors = np.sqrt((COVARIANCE**2 + np.outer(np.diag(COVARIANCE), np.diag(COVARIANCE))) / 1200)
    assert np.abs((flat.T @ flat / 1200 - COVARIANCE) / errors).max() < 4


def test_runs_do_not_depend_on_how_they_are_cut() -> None:
    density = shape(bend=0.3)
    for engine in (Pathfinder(draws=40), Laplace(draws=40)):
        whole = run(engine, density, chains=2)
        carry, cut = engine.start(density, jax.random.split(jax.random.key(1), 2)), []
        structure = jax.tree.structure(carry)
        while not engine.done(carry):
            done, total = engine.progress(carry)
            carry, chunk = engine.advance(density, carry, 7)
            carry = pickle.loads(pickle.dumps(carry))
            assert jax.tree.structure(carry) == structure
            assert done < engine.progress(carry)[0] <= total
            assert chunk.draws <= 7
            cut.append(chunk)
        np.testing.assert_array_equal(np.concatenate([chunk.positions for chunk in cut], axis=1), whole.positions)
        np.testing.assert_array_equal(engine.findings(density, carry).values["pareto_k"][1].shape, (2,))
        for name, sums in whole.carry["sums"].items():
            np.testing.assert_array_equal(carry["sums"][name], sums)


def test_draws_that_weights_would_move_are_told() -> None:
    """k̂ is fine where weights would mend the draws, whether or not they are asked to. Of the log of a scale, given n
    squares of mean 1 (2 log s is minus the log of a gamma variable), the mode is 0.24 sd off the mean for n = 10."""
    few, many = Scale(10.0), Scale(200.0)
    plain, said = fitted(Laplace(draws=1000), few)
    assert verdicts(said) == {"modes": "good", "pareto_k": "good", "bias": "bad"}
    mean = (np.log(few.n / 2) - scipy.special.digamma(few.n / 2)) / 2
    sd = np.sqrt(scipy.special.polygamma(1, few.n / 2)) / 2
    (bias,) = (one for one in said.remarks if one.name == "bias")
    assert bias.values["mean"] == pytest.approx(abs(plain.positions.mean() - mean) / sd, abs=0.06)
    assert "bias" not in verdicts(fitted(Laplace(draws=1000, resample="yes"), few)[1])
    assert "bias" not in verdicts(fitted(Laplace(draws=1000), many)[1])


@partial(jax.tree_util.register_dataclass, data_fields=["n"], meta_fields=[])
@dataclass(frozen=True)
class Scale:
    """log s with n squares of mean 1 for data, and no prior."""

    n: float

    @property
    def size(self) -> int:
        return 1

    def log_density(self, u: jax.Array) -> jax.Array:
        return jnp.sum(-self.n * u - self.n * jnp.exp(-2 * u) / 2)


def test_weights_mend_a_gentle_banana() -> None:
    """u2 has the mean 0.5 + 0.1 E u0² and more spread than at the mode; the evidence is that of the normal."""
    result, said = fitted(Pathfinder(draws=1000), shape(bend=0.1))
    assert verdicts(said) == {"pareto_k": "good"}
    error = 4 / np.sqrt(said.values["effective_draws"][1])
    assert (np.abs(said.values["log_evidence"][1] - LOG_EVIDENCE) < error).all()
    mean, variance = 0.5 + 0.1 * 2.0, 0.25 + 0.01 * (2 + 4)  # of u0²: mean 2, variance 2 + 4
    u2 = result.positions[..., 2]
    assert abs(u2.mean() - mean) < 4 * np.sqrt(variance / u2.size) + 2 * np.sqrt(variance / 1000)
    assert u2.std() == pytest.approx(np.sqrt(variance), rel=0.1)


@pytest.mark.parametrize("density", [shape(bend=1.5), shape(neck=1.5)], ids=["banana", "funnel"])
def test_what_is_no_normal_is_said_to_be_none(density: Shape) -> None:
    for engine in (Laplace(draws=1000), Pathfinder(draws=1000)):
        said = fitted(engine, density)[1]
        assert verdicts(said)["pareto_k"] == "bad"


def test_two_peaks_are_told() -> None:
    for engine in (MAP(), Laplace(draws=50)):
        result, said = fitted(engine, shape(apart=6.0), chains=6)
        assert len(np.unique(result.positions[:, 0, 0] > 0)) == 2
        assert verdicts(said)["modes"] == "bad"
    single = run(Pathfinder(draws=200, paths=1), shape(apart=6.0), chains=6)
    assert np.ptp(single.positions[..., 0].mean(axis=1)) > 6  # chains disagree, which the diagnosis says
    several, said = fitted(Pathfinder(draws=1000), shape(apart=6.0))
    share = (several.positions[..., 0] > 0).mean(axis=1)
    both = (share > 0) & (share < 1)
    assert both.any()
    # However many paths went to each: the ratio to the mixture counts each peak once.
    np.testing.assert_allclose(share[both], 0.5, atol=0.07)
    missing = np.where(both, 0.0, np.log(2.0))
    np.testing.assert_allclose(said.values["log_evidence"][1], LOG_EVIDENCE - missing, atol=0.1)


def test_a_density_without_a_highest_point_has_no_mode() -> None:
    """The centred hierarchy's grows without bound towards a scale of 0."""
    density: EightSchools = eight_schools(True)
    said = fitted(MAP(), density, chains=2)[1]
    assert verdicts(said) == {"no mode": "bad", "point": "note"}
    without = ModeLife(PeakSearch(2000, most=2))
    assert verdicts(fitted(without, density, chains=2)[1]) == {"no mode": "bad", "curvature": "note", "point": "note"}
    said = fitted(without, shape(), chains=2)[1]
    assert verdicts(said) == {"modes": "good", "curvature": "note", "point": "note"}
    result, said = fitted(ModeLife(PeakSearch(1, most=2)), shape(), chains=2)
    assert result.positions.shape == (2, 1, 3)
    assert "iterations" in said.remarks[0].remedies[0].settings


def test_a_setting_takes_what_it_says() -> None:
    with pytest.raises(SettingsError):
        Laplace(resample="maybe")


def test_starts_for_chains_are_near_the_mass() -> None:
    positions, found = pathfinder_positions(shape(), jax.random.split(jax.random.key(3), 4))
    assert found.all()
    away = positions - MEAN
    assert (np.einsum("ci,ij,cj->c", away, np.linalg.inv(COVARIANCE), away) < 30).all()
    assert len(np.unique(positions[:, 0])) == 4


@pytest.mark.long
def test_chains_from_there_sample_the_density() -> None:
    keys = jax.random.split(jax.random.key(5), 4)
    result = run(NUTS(), shape(), positions=pathfinder_positions(shape(), keys).positions)
    centred = result.positions - MEAN
    for i in range(3):
        for values in (centred[..., i], centred[..., i] ** 2 - COVARIANCE[i, i]):
            assert abs(values.mean() / float(az.mcse(values))) < 4


@pytest.mark.long
def test_logistic_regression() -> None:
    """Means and deviations by importance sampling from a wide t at the mode, 10⁵ draws."""
    draw = np.random.default_rng(0)
    x = np.column_stack([np.ones(60), draw.normal(size=(60, 2))])
    y = (draw.random(60) < 1 / (1 + np.exp(-x @ np.array([0.5, 1.0, -1.0])))).astype(float)
    density = LogisticRegression(x, y)
    mode = run(MAP(), density, chains=1).positions[0, 0]
    z = draw.standard_t(8, size=(100_000, 3))
    beta = mode + 0.5 * z
    eta = beta @ x.T
    log_target = eta @ y - np.logaddexp(0, eta).sum(axis=1) - 0.5 * (beta**2).sum(axis=1)
    weight = np.exp(log_target + 4.5 * np.log1p(z**2 / 8).sum(axis=1) - log_target.max())
    weight /= weight.sum()
    mean = weight @ beta
    deviation = np.sqrt(weight @ (beta - mean) ** 2)
    for engine in (Laplace(), Laplace(resample="yes"), Pathfinder()):
        result, said = fitted(engine, density)
        assert verdicts(said)["pareto_k"] == "good"
        found = result.positions.reshape(-1, 3)
        assert (np.abs(found.mean(axis=0) - mean) < 0.2 * deviation).all()
        assert ((found.std(axis=0) / deviation > 0.8) & (found.std(axis=0) / deviation < 1.25)).all()
