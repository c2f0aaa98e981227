"""smc against closed forms: evidence, moments, shares of modes; what it says of itself."""

from __future__ import annotations

import dataclasses
import itertools
import pickle
from typing import Any

import jax
import numpy as np
import pytest

from ppl.inference.annealing.particles import Rung, drawn, travel
from ppl.inference.annealing.pilot import next_beta
from ppl.inference.annealing.weights import weighed
from ppl.inference.contract import InitialisationError
from ppl.inference.engines.smc import SMC
from tests.engines.annealed import FunnelOfPrior, Peaks, evidence_error, moment_errors, shares, verdicts
from tests.inference.densities import Broad, Conjugate, conjugate, gaussian
from tests.inference.runs import run

# As many as the pilot has: so runs with fewer have the same program.
ENGINE = SMC(draws=200)


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield


# --- weights -----------------------------------------------------------------------------------------


def test_weights_and_the_temperature_where_they_are_worth_a_share() -> None:
    gain = 5 * np.random.default_rng(0).normal(size=20000) - 1e6
    found = weighed(gain, 0.1)
    # Log-normal weights: the log of the mean is half the variance, and their worth exp(-variance).
    assert found.log_mean == pytest.approx(-1e5 + 0.125, abs=0.02)
    assert found.ess / len(gain) == pytest.approx(np.exp(-0.25), abs=0.02)
    assert np.exp(found.log_weights).sum() == pytest.approx(1)
    beta = next_beta(gain, 0.25, 0.5)
    assert weighed(gain, beta - 0.25).ess == pytest.approx(10000, rel=1e-4)
    assert beta == pytest.approx(0.25 + np.sqrt(np.log(2)) / 5, rel=0.03)
    assert next_beta(1e-3 * gain, 0.25, 0.5) == 1
    # Those without a density count in the mean, and are not waited for.
    half = np.concatenate([gain, np.full(20000, -np.inf)])
    assert next_beta(half, 0.25, 0.5) == pytest.approx(beta)
    assert weighed(half, 0.1).log_mean == pytest.approx(found.log_mean - np.log(2))


def test_moves_leave_the_law_as_it_is() -> None:
    """That of independent draws of the reference, which is the target here; by steps of which many are refused."""
    density = Peaks(0.0, 1.0, 0.5, 1.0, size=2)
    keys, count = np.array([[1, 2]], np.uint32), 20000
    place = drawn(density, None, keys, count, count)
    one = np.ones((1, 1))
    rungs = Rung(one, 0 * one, 1.6 * one, np.full((1, 1), 2, np.int32), np.ones((1, 1, 2)))
    way = travel(density, None, keys, place, rungs, np.zeros(1), count)
    assert 0.3 < way.acceptance[0, 0] < 0.9
    for x in (place.position[0], way.place.position[0]):
        assert np.max(np.abs(x.mean(0))) < 4 / np.sqrt(count)
        assert np.max(np.abs((x**2).mean(0) - 1)) < 4 * np.sqrt(2 / count)
        assert abs((x[:, 0] * x[:, 1]).mean()) < 4 / np.sqrt(count)


# --- runs --------------------------------------------------------------------------------------------


def test_a_conjugate_model() -> None:
    """Evidence and moments; the mean of Z over small populations; and it goes on from any carry."""
    density = conjugate(5)
    exact = density.moments()[2]
    made = run(ENGINE, density, chains=8)
    findings = ENGINE.findings(density, made.carry)
    assert abs(evidence_error(findings, exact)) < 3
    assert np.max(np.abs(moment_errors(made, density))) < 5
    assert verdicts(findings) == {"log_evidence": "note"}
    lp = [float(density.log_density(u)) for u in made.positions[0, :3]]
    np.testing.assert_allclose(made.stats["lp"][0, :3], lp, rtol=1e-12)

    small = dataclasses.replace(ENGINE, draws=20)
    log_z = small.findings(density, run(small, density, chains=40).carry).values["log_evidence"][1]
    ratios = np.exp(log_z - exact)
    assert ratios.std(ddof=1) > 0.2
    assert abs(ratios.mean() - 1) < 4 * ratios.std(ddof=1) / np.sqrt(40)

    carry = ENGINE.start(density, jax.random.split(jax.random.key(1), 8), None)
    kept, steps = [], []
    for limit in itertools.cycle([1, 3, 50]):
        carry, chunk = ENGINE.advance(density, pickle.loads(pickle.dumps(carry)), limit)
        assert chunk.draws <= limit
        kept.append(chunk.positions)
        steps.append(ENGINE.progress(carry))
        if ENGINE.done(carry):
            break
    assert np.all(np.diff([done for done, _ in steps]) > 0)
    assert all(done < total for done, total in steps[:-1])
    assert steps[-1][0] == steps[-1][1]
    np.testing.assert_array_equal(np.concatenate(kept, axis=1), made.positions)


def test_a_path_from_a_gaussian() -> None:
    """Where there is no prior: the log of the integral, and a note."""
    density = gaussian([[4.0, 1.9], [1.9, 1.0]], [30.0, -10.0])
    made = run(ENGINE, density)
    findings = ENGINE.findings(density, made.carry)
    assert verdicts(findings) == {"log_evidence": "note", "reference": "note"}
    exact = np.log(2 * np.pi) + 0.5 * np.log(4 - 1.9**2)
    assert abs(evidence_error(findings, exact)) < 3
    sd = np.array([2.0, 1.0])
    assert np.all(np.abs(made.positions.mean((0, 1)) - density.mean) < 0.3 * sd)
    np.testing.assert_allclose(made.positions.std((0, 1)), sd, rtol=0.15)


@pytest.mark.long
@pytest.mark.parametrize("size", [2, 10, 50])
def test_moments_in_other_dimensions(size: int) -> None:
    density = conjugate(size)
    engine = SMC(draws=500)
    made = run(engine, density, chains=8)
    findings = engine.findings(density, made.carry)
    assert abs(evidence_error(findings, density.moments()[2])) < 3
    assert np.max(np.abs(moment_errors(made, density))) < 5
    assert verdicts(findings) == {"log_evidence": "note"}


@pytest.mark.long
def test_shares_of_peaks_that_the_prior_covers() -> None:
    density = Peaks(3.0, 0.3, 0.3, 3.0, size=2)
    engine = SMC()
    made = run(engine, density, chains=8)
    found = shares(made)
    assert abs(found.mean() - 0.3) < 5 * found.std(ddof=1) / np.sqrt(8)
    assert found.std() < 0.05
    findings = engine.findings(density, made.carry)
    assert abs(evidence_error(findings, 0.0)) < 3
    # Half of nothing: moves do not part what comes from one particle, and it says how many there are.
    assert findings.values["families"][1].max() < 300


# --- failures ----------------------------------------------------------------------------------------


@pytest.mark.long
def test_few_particles_far_from_the_prior_are_told_of() -> None:
    engine, density = SMC(draws=20), Peaks(8.0, 0.05, 0.3, 1.0, size=10)
    said = verdicts(engine.findings(density, run(engine, density).carry))
    assert "bad" in said.values()


@pytest.mark.long
def test_a_funnel_is_told_of() -> None:
    engine, density = SMC(), FunnelOfPrior(5.0, size=10)
    said = verdicts(engine.findings(density, run(engine, density).carry))
    assert "bad" in said.values()


@dataclasses.dataclass(frozen=True)
class Impossible(Conjugate):
    def log_density(self, u: jax.Array) -> jax.Array:
        return -jax.numpy.inf * jax.numpy.ones(())

    def prior(self) -> Broad:
        return Broad(np.ones(self.size))


jax.tree_util.register_dataclass(Impossible, ["x", "y"], [])


def test_a_likelihood_of_nothing_is_refused() -> None:
    with pytest.raises(InitialisationError):
        run(ENGINE, Impossible(**vars(conjugate(2))))
