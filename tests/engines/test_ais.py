"""ais against closed forms: work both ways, evidence, moments, shares of modes; what it says of itself."""

from __future__ import annotations

import dataclasses
import itertools
import pickle
from typing import Any

import jax
import numpy as np
import pytest

from ppl.inference.annealing.work import bennett, jarzynski
from ppl.inference.engines.ais import AIS
from tests.engines.annealed import Peaks, evidence_error, moment_errors, shares, verdicts
from tests.inference.densities import conjugate
from tests.inference.runs import run

ENGINE = AIS(draws=200)


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield


# --- work --------------------------------------------------------------------------------------------


def test_free_energies_from_normal_work() -> None:
    """If ℓ is normal one way, with variance s² and mean log Z - s²/2, Crooks has it at log Z + s²/2 the other way."""
    rng, log_z, s = np.random.default_rng(0), -300.0, 1.5
    forward = log_z - s**2 / 2 + s * rng.normal(size=(400, 500))
    reverse = log_z + s**2 / 2 + s * rng.normal(size=(400, 500))
    ways = {
        "forward": [jarzynski(row) for row in forward],
        "reverse": [jarzynski(-row) for row in reverse],
        "both": [bennett(*rows) for rows in zip(forward, reverse, strict=True)],
    }
    spread = {}
    for name, found in ways.items():
        values = np.array([each.log_z for each in found]) * (-1 if name == "reverse" else 1)
        spread[name] = values.std(ddof=1)
        # To first order in the variance, half of which the logarithm of a mean is too low.
        assert abs(values.mean() - log_z) < 4 * spread[name] / 20 + spread[name] ** 2, name
        assert np.sqrt(np.mean([each.variance for each in found])) == pytest.approx(spread[name], rel=0.15), name
    assert spread["both"] < 0.5 * min(spread["forward"], spread["reverse"])


def test_trajectories_that_arrive_nowhere_or_all_alike() -> None:
    nowhere = np.full(10, -np.inf)
    assert jarzynski(nowhere).log_z == -np.inf
    assert not np.isfinite(bennett(nowhere, nowhere).log_z)
    # All alike: nothing was done to them, and rounding makes no variance of it.
    for count in range(5, 50):
        alike = np.full(count, -0.1)
        for found in (jarzynski(alike), bennett(alike, alike)):
            assert found.log_z == pytest.approx(-0.1)
            assert 0 <= found.variance < 1e-12
    # Those that do not count as nothing.
    half = jarzynski(np.concatenate([np.zeros(10), nowhere]))
    assert half.log_z == pytest.approx(-np.log(2))


# --- runs --------------------------------------------------------------------------------------------


def test_a_conjugate_model() -> None:
    """Evidence both ways and moments; too few temperatures are told of; and it goes on from any carry."""
    density = conjugate(5)
    exact = density.moments()[2]
    made = run(ENGINE, density, chains=8)
    findings = ENGINE.findings(density, made.carry)
    assert abs(evidence_error(findings, exact)) < 3
    assert np.max(np.abs(moment_errors(made, density))) < 5
    assert {"log_evidence": "note", "bounds": "good"}.items() <= verdicts(findings).items()
    for name in ("log_evidence_forward", "log_evidence_reverse"):
        ways = findings.values[name][1]
        assert abs(ways.mean() - exact) < 4 * ways.std(ddof=1) / np.sqrt(8) + ways.var(), name
    assert findings.values["dissipated_forward"][1].min() > 0.2
    assert findings.values["dissipated_reverse"][1].min() > 0.2

    fast = dataclasses.replace(ENGINE, temperatures=2)
    told = fast.findings(density, run(fast, density).carry)
    assert verdicts(told)["bounds"] == "bad"
    assert verdicts(told)["pareto_k"] == "bad"
    assert np.all(told.values["log_evidence_forward"][1] < told.values["log_evidence_reverse"][1])

    carry = ENGINE.start(density, jax.random.split(jax.random.key(1), 8), None)
    kept, steps = [], []
    for limit in itertools.cycle([1, 9, 50]):
        carry, chunk = ENGINE.advance(density, pickle.loads(pickle.dumps(carry)), limit)
        kept.append(chunk.positions)
        steps.append(ENGINE.progress(carry))
        if ENGINE.done(carry):
            break
    assert np.all(np.diff([done for done, _ in steps]) > 0)
    assert all(done < total for done, total in steps[:-1])
    assert steps[-1][0] == steps[-1][1]
    np.testing.assert_array_equal(np.concatenate(kept, axis=1), made.positions)


@pytest.mark.long
@pytest.mark.parametrize("size", [2, 10, 50])
def test_moments_in_other_dimensions(size: int) -> None:
    density, engine = conjugate(size), AIS(draws=100)
    made = run(engine, density, chains=8)
    findings = engine.findings(density, made.carry)
    assert abs(evidence_error(findings, density.moments()[2])) < 3
    assert np.max(np.abs(moment_errors(made, density))) < 5


@pytest.mark.long
@pytest.mark.parametrize(("apart", "size"), [(3.0, 2), (2.0, 10)])
def test_shares_of_peaks_that_the_prior_covers(apart: float, size: int) -> None:
    density = Peaks(apart, 0.3, 0.3, 3.0, size=size)
    engine = AIS(draws=300)
    made = run(engine, density, chains=8)
    found = shares(made)
    assert abs(found.mean() - 0.3) < 5 * found.std(ddof=1) / np.sqrt(8)
    assert abs(evidence_error(engine.findings(density, made.carry), 0.0)) < 3


@pytest.mark.long
def test_too_few_temperatures_for_peaks_are_told_of() -> None:
    engine, density = AIS(draws=200, temperatures=3), Peaks(2.0, 0.3, 0.3, 3.0, size=10)
    said = verdicts(engine.findings(density, run(engine, density).carry))
    assert "bad" in (said["bounds"], said["pareto_k"])
