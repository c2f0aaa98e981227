"""tempering: exchanges, temperatures, and laws with far modes, against closed forms and sums over states."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ppl
from ppl.inference.annealing.exchange import NOWHERE, REFERENCE, TARGET, Trips, exchanged, expected_rate, travelled
from ppl.inference.annealing.schedule import respaced, respaced_betas
from ppl.inference.contract import Findings
from ppl.inference.engines.tempering import Tempering
from tests.engines.factors import enumerated, grid, log_normaliser, mean_bonds, random_model
from tests.inference.densities import Broad, conjugate
from tests.inference.runs import Run, run

# Liang & Wong 2001, table 1.
MODES = np.transpose(
    [
        [
            2.18,
            8.67,
            4.24,
            8.41,
            3.93,
            3.25,
            1.7,
            4.59,
            6.91,
            6.87,
            5.41,
            2.7,
            4.98,
            1.14,
            8.33,
            4.93,
            1.83,
            2.26,
            5.54,
            1.69,
        ],
        [
            5.76,
            9.59,
            8.48,
            1.68,
            8.82,
            3.47,
            0.5,
            5.6,
            5.81,
            5.4,
            2.65,
            7.88,
            3.7,
            2.39,
            9.5,
            1.5,
            0.09,
            0.31,
            6.86,
            8.11,
        ],
    ]
)


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield


@partial(jax.tree_util.register_dataclass, data_fields=["centres", "sds", "shares", "broad"], meta_fields=[])
@dataclass(frozen=True)
class Mixture:
    """Normals at `centres` (k, n) with `sds` (k,) and `shares` (k,), of integral 1; the prior is N(0, broad²)."""

    centres: Any
    sds: Any
    shares: Any
    broad: Any

    @property
    def size(self) -> int:
        return int(self.centres.shape[1])

    def log_density(self, u: jax.Array) -> jax.Array:
        away = (u[None, :] - self.centres) / self.sds[:, None]
        each = -0.5 * jnp.sum(away**2, axis=1) - self.size * jnp.log(self.sds * np.sqrt(2 * np.pi))
        return jax.nn.logsumexp(jnp.log(self.shares) + each)

    def prior(self) -> Broad:
        return Broad(self.broad * jnp.ones(self.size))


def bimodal(size: int, apart: float, share: float, broad: float) -> Mixture:
    centres = np.zeros((2, size))
    centres[:, 0] = [-apart / 2, apart / 2]
    return Mixture(centres, np.ones(2), np.array([share, 1 - share]), np.float64(broad))


def in_errors(values: Any, expected: Any) -> Any:
    """Means over (chains, draws, ...) less what is expected, in standard errors between the chains."""
    each = values.mean(axis=1)
    return (each.mean(axis=0) - expected) / (each.std(axis=0, ddof=1) / np.sqrt(len(each)))


def verdicts(found: Findings) -> dict[str, str]:
    return {remark.name: remark.verdict for remark in found.remarks}


def evidence_error(found: Findings, exact: float) -> float:
    """In standard errors between the chains."""
    each = found.values["log_evidence"][1]
    return float((each.mean() - exact) / (each.std(ddof=1) / np.sqrt(len(each))))


# --- exchanges and temperatures ----------------------------------------------------------------------


def test_accepted_states_go_on_in_their_direction() -> None:
    """Where every exchange is accepted, a state reaches the other end in as many iterations as there are replicas."""
    every = jnp.ones(4)
    states = np.arange(5)
    seen = []
    for iteration in range(10):
        states = states[np.asarray(exchanged(every, every * 0.5, jnp.asarray(iteration)))]
        seen.append(states.tolist())
    assert seen[0] == [1, 0, 3, 2, 4]
    assert seen[1] == [1, 3, 0, 4, 2]
    assert seen[4] == [4, 3, 2, 1, 0]
    assert seen[9] == [0, 1, 2, 3, 4]


def test_round_trips_are_counted_from_the_reference_to_the_target_and_back() -> None:
    trips = Trips(jnp.array([NOWHERE, NOWHERE, NOWHERE]), jnp.asarray(0), jnp.asarray(0))
    trips = travelled(trips)
    np.testing.assert_array_equal(trips.last, [REFERENCE, NOWHERE, NOWHERE])
    trips = travelled(trips._replace(last=trips.last[jnp.array([1, 2, 0])]))
    np.testing.assert_array_equal(trips.last, [REFERENCE, NOWHERE, TARGET])
    assert (int(trips.round), int(trips.arrivals)) == (0, 1)
    trips = travelled(trips._replace(last=trips.last[jnp.array([2, 1, 0])]))
    assert (int(trips.round), int(trips.arrivals)) == (1, 2)
    # With r = 1/2 between all of 5 replicas: 1 / (2 + 2 * 4).
    assert expected_rate(np.full(4, 0.5)) == pytest.approx(0.1)


def test_temperatures_lie_where_costs_are_equal() -> None:
    """Costs whose sum grows as the square of the way."""
    points = np.linspace(0.0, 1.0, 30)
    found = respaced(points, np.diff(points**2), 9)
    np.testing.assert_allclose(found, np.sqrt(np.linspace(0, 1, 9)), atol=2e-3)
    assert respaced(points, np.zeros(29), 9) == pytest.approx(np.linspace(0, 1, 9))
    # Repeated, it finds the scale on which exchanges begin.
    betas = np.linspace(0.0, 1.0, 12)
    for _ in range(8):
        betas = respaced_betas(betas, np.diff(np.log1p(1e6 * betas)) / 20)
    np.testing.assert_allclose(np.diff(np.log1p(1e6 * betas)), np.log1p(1e6) / 11, rtol=0.3)


# --- continuous --------------------------------------------------------------------------------------


def test_two_far_modes_the_evidence_and_what_is_said() -> None:
    """Modes 20 standard deviations apart. One program for all."""
    engine = Tempering(warmup=350, draws=1000, replicas=8)
    density = bimodal(2, 20.0, 0.3, 10.0)
    made = run(engine, density, chains=8)
    right = made.positions[..., 0] > 0
    z = np.where(right, made.positions[..., 0] - 10, made.positions[..., 0] + 10)
    assert abs(in_errors(right, 0.7)) < 5
    assert right.mean(axis=1).std() < 0.1
    assert abs(in_errors(z, 0.0)) < 5
    assert abs(in_errors(z**2, 1.0)) < 5
    np.testing.assert_allclose(
        made.stats["lp"][0, :5], [density.log_density(u) for u in made.positions[0, :5]], rtol=1e-9
    )

    found = engine.findings(density, made.carry)
    assert verdicts(found) == {"round trips": "good", "log_evidence": "note"}
    assert abs(evidence_error(found, 0.0)) < 5
    assert found.values["log_evidence"][1].std() < 0.2
    # Warmup made exchanges equally frequent, and round trips are as frequent as these allow.
    accepted = found.values["swap_acceptance"][1].mean(axis=0)
    assert np.ptp(accepted) < 0.25
    trips = found.values["round_trips"][1] / 1000
    assert 0.5 < trips.mean() / expected_rate(1 - accepted) < 1.1

    again = run(engine, density, chains=8, limits=itertools.cycle([1, 90, 7]))
    np.testing.assert_array_equal(again.positions, made.positions)
    np.testing.assert_array_equal(again.carry["states"].tally.up, made.carry["states"].tally.up)

    # At β = 0 the reference is drawn from anew, whatever was there; in every second iteration that stays there.
    carry, drawn = engine.start(density, jax.random.split(jax.random.key(2), 8)), []
    for _ in range(100):
        carry, _chunk = engine.advance(density, carry, 1)
        drawn.append(carry["states"].places.position[:, 0])
    first = np.stack(drawn[1::2], axis=1) / 10
    assert np.abs(first.mean(axis=(0, 1))).max() < 5 / np.sqrt(400)
    assert np.abs((first**2).mean(axis=(0, 1)) - 1).max() < 5 * np.sqrt(2 / 400)
    assert np.abs((first[:, 1:] * first[:, :-1]).mean(axis=(0, 1))).max() < 5 / np.sqrt(392)

    # Narrower by orders of magnitude: too few replicas, which is said.
    narrow = Mixture(density.centres, density.sds * 1e-9, density.shares, density.broad)
    said = verdicts(engine.findings(narrow, run(engine, narrow, chains=8).carry))
    assert "bad" in said.values()


@pytest.mark.long
def test_the_twenty_modes_of_liang_and_wong() -> None:
    """sd 0.1 on a square of side 10, with weights that differ: all modes, each as often as its weight says."""
    shares = np.linspace(1.0, 3.0, 20)
    density = Mixture(MODES - 5, np.full(20, 0.1), shares / shares.sum(), np.float64(4.0))
    engine = Tempering(draws=4000)
    made = run(engine, density, chains=8)
    nearest = np.argmin(np.sum((made.positions[..., None, :] - (MODES - 5)) ** 2, axis=-1), axis=-1)
    each = nearest[..., None] == np.arange(20)
    assert np.abs(in_errors(each, density.shares)).max() < 5
    assert np.abs(in_errors(made.positions, density.shares @ (MODES - 5))).max() < 5
    found = engine.findings(density, made.carry)
    assert verdicts(found) == {"round trips": "good", "log_evidence": "note"}
    assert abs(evidence_error(found, 0.0)) < 5


@pytest.mark.long
def test_two_modes_in_ten_dimensions() -> None:
    density = bimodal(10, 20.0, 0.3, 8.0)
    engine = Tempering(draws=4000)
    made = run(engine, density, chains=8)
    right = made.positions[..., 0] > 0
    assert abs(in_errors(right, 0.7)) < 5
    assert right.mean(axis=1).std() < 0.15
    assert np.abs(in_errors(made.positions[..., 1:] ** 2, 1.0)).max() < 5
    found = engine.findings(density, made.carry)
    assert "bad" not in verdicts(found).values()
    assert abs(evidence_error(found, 0.0)) < 5


@pytest.mark.long
def test_from_a_fitted_gaussian_a_conjugate_model_has_its_evidence_and_moments() -> None:
    density = conjugate(10)
    mean, covariance, log_evidence = density.moments()
    engine = Tempering(reference="normal")
    made = run(engine, density, chains=6)
    found = engine.findings(density, made.carry)
    assert abs(evidence_error(found, log_evidence)) < 4
    assert found.values["log_evidence"][1].std() < 0.5
    z = (made.positions - mean) / np.sqrt(np.diag(covariance))
    assert np.abs(in_errors(z, 0.0)).max() < 6
    assert np.abs(in_errors(z**2, 1.0)).max() < 6


# --- states ------------------------------------------------------------------------------------------


def states_of(made: Run) -> Any:
    return np.concatenate([chunk.discrete for chunk in made.chunks if not chunk.warmup], axis=1).astype(np.int64)


def test_a_lattice_below_its_critical_temperature() -> None:
    """8 × 8 spins of coupling 0.6: energy and normaliser of the transfer matrix, and up as often as down."""
    side, coupling = 8, 0.6
    density = grid(side, coupling)
    engine = Tempering(warmup=350, draws=800, replicas=12)
    made = run(engine, density, chains=8)
    spins = 2 * states_of(made) - 1
    pairs = density.scopes[0]
    bonds = (spins[..., pairs[:, 0]] * spins[..., pairs[:, 1]]).sum(axis=2)
    assert abs(in_errors(bonds, mean_bonds(side, coupling))) < 5
    up = spins.sum(axis=2) > 0
    assert up.mean(axis=1).min() > 0.1
    assert up.mean(axis=1).max() < 0.9
    assert abs(in_errors(np.sign(spins.sum(axis=2)), 0.0)) < 5
    found = engine.findings(density, made.carry)
    assert verdicts(found) == {"round trips": "good", "log_evidence": "note"}
    assert abs(evidence_error(found, log_normaliser(side, coupling))) < 5


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1, 3])
def test_small_models_with_and_without_constraints_have_the_probabilities_of_a_sum(seed: int) -> None:
    model = random_model(seed)
    engine = Tempering(warmup=200, draws=1500, replicas=4)
    made = run(engine, model, chains=16)
    code = np.ravel_multi_index(tuple(np.moveaxis(states_of(made), -1, 0)), model.counts)
    probability = enumerated(model)[1]
    share = code[..., None] == np.arange(len(probability))
    often = probability * code.size > 100
    assert not share[..., probability == 0].any()
    assert np.abs(in_errors(share[..., often], probability[often])).max() < 5.5
    found = engine.findings(model, made.carry)
    hard = not all(np.isfinite(table).all() for table in model.logs)
    assert ("log_evidence" in found.values) == (not hard)


@pytest.mark.long
def test_a_model_of_states_alone_is_walked_through() -> None:
    """Three spins in a row, of which the language has the tables."""
    text = """
dim site = 3
dim bond
data left[bond] : site, right[bond] : site
var s[site] : spin
energy bonds: -0.7 * s[left[bond]] * s[right[bond]]
"""
    engine = {"engine": "tempering", "replicas": 3, "warmup": 60, "draws": 300}
    fit = ppl.compile(text).sample({"left": [0, 1], "right": [1, 2]}, chains=8, progress=False, **engine)
    each = fit["engine"]["log_evidence"].values
    exact = np.log(2) + 2 * np.log(2 * np.cosh(0.7))
    assert abs(each.mean() - exact) < 5 * each.std(ddof=1) / np.sqrt(8)
    assert set(np.unique(fit.posterior["s"])) == {-1, 1}
