"""Simulated modes against closed forms: stationary laws, their biases, what regulators do to them."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy import linalg

from ppl.hardware.analogue.band import banded_law
from ppl.hardware.analogue.cells import Kind, cells
from ppl.hardware.analogue.dynamics import Dynamics, Overdamped, Regulator, Underdamped
from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.analogue.sim.banded import Banded
from ppl.hardware.analogue.sim.bias import regulated_law
from ppl.hardware.analogue.sim.exact import Exact
from ppl.hardware.analogue.sim.moved import moved
from ppl.hardware.analogue.sim.scales import drift, times
from ppl.hardware.analogue.sim.scheme import Replicas, Scheme
from ppl.hardware.analogue.sim.schemes import stepwise
from ppl.hardware.analogue.sim.transitions import inputs, transition
from ppl.hardware.laws.evaluation import function, numbers
from ppl.hardware.laws.law import BINARY, UNARY, Builder
from ppl.hardware.laws.readout import Readout

PRECISION = np.array([[2.0, 0.5], [0.5, 1.0]])
BIAS = np.array([1.0, -1.0])
OVERDAMPED, UNDERDAMPED = Overdamped(np.array([1.0, 2.0])), Underdamped(np.array([1.0, 2.0]), 0.7)


def gaussian(dynamics: Dynamics, regulator: Regulator | None = None) -> Modes:
    readout = Readout((), Builder(2).law([]))
    return Modes("m", ("a", "b"), PRECISION, BIAS, 0.0, None, None, readout, dynamics, regulator)


def drawn(modes: Modes, scheme: Scheme, replicas: int, first: int, then: int, draws: int) -> tuple[Floats, Replicas]:
    """(draws, replicas, n): positions after `first` steps and every `then` from there."""
    made = Replicas(modes, scheme, np.zeros((replicas, modes.size)), 1)
    made.advance(first)
    found = []
    for _ in range(draws):
        made.advance(then)
        found.append(made.positions())
    return np.array(found), made


def near(by_replica: Floats, exact: float) -> bool:
    """Whether the mean of independent numbers is within 4 standard errors."""
    return bool(abs(by_replica.mean() - exact) < 4 * by_replica.std(ddof=1) / np.sqrt(by_replica.size) + 1e-12)


def has_law(found: Floats, mean: Floats, covariance: Floats) -> bool:
    """Every mean and second moment of (draws, replicas, n)."""
    left = found - mean
    moments = [near(left[..., i].mean(axis=0), 0.0) for i in range(len(mean))]
    moments += [
        near((left[..., i] * left[..., j]).mean(axis=0), covariance[i, j])
        for i in range(len(mean))
        for j in range(i + 1)
    ]
    return all(moments)


@pytest.mark.parametrize("dynamics", [OVERDAMPED, UNDERDAMPED])
def test_transitions_are_those_of_the_linear_motion(dynamics: Dynamics) -> None:
    """Against quadrature; two of them are one of both times; a long one is the stationary law."""
    short, rest, both = (transition(dynamics, PRECISION, t) for t in (0.3, 0.5, 0.8))
    for one, other in zip(short.then(rest), both, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-13)
    if isinstance(dynamics, Overdamped):
        drift, noise = -dynamics.mobility[:, None] * PRECISION, np.diag(2 * dynamics.mobility)
    else:
        inverse = np.diag(1 / dynamics.mass)
        drift = np.block([[np.zeros((2, 2)), inverse], [-PRECISION, -dynamics.friction * inverse]])
        noise = np.diag([0, 0, 1.4, 1.4])
    times, weights = np.polynomial.legendre.leggauss(20)
    grown = [linalg.expm(drift * 0.15 * (1 + t)) for t in times]
    exact = sum(0.15 * w * g @ noise @ g.T for w, g in zip(weights, grown, strict=True))
    np.testing.assert_allclose(short.covariance, exact, atol=1e-13)
    long = transition(dynamics, PRECISION, 500.0)
    np.testing.assert_allclose(long.covariance[:2, :2], np.linalg.inv(PRECISION), atol=1e-12)
    np.testing.assert_allclose(long.drive[:2] @ BIAS, np.linalg.solve(PRECISION, BIAS), atol=1e-12)
    np.testing.assert_allclose(long.covariance[2:, 2:], np.diag(getattr(dynamics, "mass", [])), atol=1e-12)
    assert not transition(dynamics, PRECISION, 0.0).covariance.any()


# Latencies below, at and above a period.
REGULATORS = [
    None,
    Regulator(0.3, 0.0, "all"),
    Regulator(0.3, 0.1, "couplings"),
    Regulator(0.2, 0.2, "couplings"),
    Regulator(0.2, 0.5, "couplings"),
]


@pytest.mark.parametrize(
    ("dynamics", "regulator"),
    [
        pytest.param(d, r, marks=() if i in (0, 9) else pytest.mark.long)
        for i, (d, r) in enumerate((d, r) for d in (OVERDAMPED, UNDERDAMPED) for r in REGULATORS)
    ],
)
def test_a_linear_array_has_its_law(dynamics: Dynamics, regulator: Regulator | None) -> None:
    """That of a regulator is the predicted one, and far from that without."""
    modes = gaussian(dynamics, regulator)
    scheme = Exact(modes, 1.0 if regulator is None else regulator.period)
    found, _ = drawn(modes, scheme, 2000, 150, 10, 10)
    ideal = np.linalg.inv(PRECISION)
    law = None if regulator is None else regulated_law(modes, PRECISION)
    mean = np.linalg.solve(PRECISION, BIAS)
    assert has_law(found, mean, ideal if law is None else law.covariance)
    assert law is None or not has_law(found, mean, ideal)


def test_what_a_regulator_does_vanishes_with_its_period() -> None:
    """To first order: half of the period, half of the bias."""
    for dynamics in (OVERDAMPED, UNDERDAMPED):
        laws = [regulated_law(gaussian(dynamics, Regulator(t, t / 3, "couplings")), PRECISION) for t in (0.01, 0.005)]
        biases = [law.covariance - np.linalg.inv(PRECISION) for law in laws if law is not None]
        np.testing.assert_allclose(biases[0], 2 * biases[1], rtol=0.03, atol=1e-5)
    assert regulated_law(gaussian(OVERDAMPED, Regulator(2.0, 0.0, "all")), PRECISION) is None


def test_work_goes_into_heat() -> None:
    """At rest without driving none flows; with it all of the work does, and none without an observation's delay."""
    still = gaussian(OVERDAMPED)
    replicas = drawn(still, Exact(still, 0.5), 4000, 100, 1, 1)[1]
    before = replicas.heat
    replicas.advance(40)
    assert near(replicas.heat - before, 0.0)
    assert not replicas.work.any()
    driven = replace(still, regulator=Regulator(0.3, 0.1, "couplings"))
    replicas = drawn(driven, Exact(driven, 0.3), 4000, 100, 1, 1)[1]
    heat, work = replicas.heat, replicas.work
    replicas.advance(100)
    assert near(replicas.heat - heat + replicas.work - work, 0.0)
    assert not near(replicas.work - work, 0.0)


@pytest.mark.parametrize("dynamics", [OVERDAMPED, UNDERDAMPED])
def test_steps_of_a_linear_motion_have_their_own_law(dynamics: Dynamics) -> None:
    """By `euler` the solution of a discrete Lyapunov equation; by `second-order` that of the modes, at any step."""
    modes = gaussian(dynamics)
    mean, ideal = np.linalg.solve(PRECISION, BIAS), np.linalg.inv(PRECISION)
    h = 0.15
    step = np.eye(2 if isinstance(dynamics, Overdamped) else 4) + h * drift(dynamics, PRECISION)
    noise = np.diag(h * inputs(dynamics)[1])
    wide = np.asarray(linalg.solve_discrete_lyapunov(step, noise), np.float64)[:2, :2]
    for name, law in (("euler", wide), ("second-order", ideal)):
        found, _ = drawn(modes, stepwise(modes, name, h), 4000, 300, 30, 10)
        assert has_law(found, mean, law)
        assert has_law(found, mean, ideal) == (name == "second-order")


def rippled(dynamics: Dynamics) -> Modes:
    """E = x² / 2 + cos(2 x) / 2."""
    builder = Builder(1)
    twice = builder.combine([(2.0, 0)])
    force = builder.law([builder.apply("sin", twice)])
    terms = [(0.5, builder.apply("multiply", 0, 0)), (0.5, builder.apply("cos", twice))]
    energy = builder.law([builder.combine(terms)])
    readout = Readout((), builder.law([]))
    return Modes("m", ("x",), np.ones((1, 1)), np.zeros(1), 0.0, force, energy, readout, dynamics)


@pytest.mark.long
@pytest.mark.parametrize("dynamics", [Overdamped(np.ones(1)), Underdamped(np.ones(1), 1.0)])
@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("second-order", 2)])
def test_schemes_have_their_weak_order(dynamics: Dynamics, name: str, order: int) -> None:
    """The bias of <cos 2x>, which is far above its error, falls as the step to the power of the order."""
    x = np.linspace(-9, 9, 6001)
    p = np.exp(-(x**2) / 2 - np.cos(2 * x) / 2)
    exact = (p * np.cos(2 * x)).sum() / p.sum()
    # A step of underdamped motion is as long as √(2 h) of the other.
    longest = 0.08 if name == "euler" else 0.3 if isinstance(dynamics, Overdamped) else 0.8
    biases, errors = [], []
    for h in (longest, longest / 2):
        modes = rippled(dynamics)
        found, _ = drawn(modes, stepwise(modes, name, h), 40_000, int(10 / h), max(1, int(0.6 / h)), 300)
        by_replica = np.cos(2 * found[..., 0]).mean(axis=0) - exact
        biases.append(by_replica.mean())
        errors.append(by_replica.std(ddof=1) / np.sqrt(by_replica.size))
    slope = np.log2(biases[0] / biases[1])
    error = np.hypot(errors[0] / biases[0], errors[1] / biases[1]) / np.log(2)
    assert error < 0.15
    # Besides, what is left of the next order.
    assert abs(slope - order) < 3 * error + 0.25, (slope, error, biases)


@pytest.mark.parametrize("dynamics", [OVERDAMPED, UNDERDAMPED])
def test_a_trap_that_is_moved_obeys_jarzynski_and_crooks(dynamics: Dynamics) -> None:
    """Its work is Gaussian, whose variance is twice what it dissipates (Mazonka & Jarzynski 1999), one way and back."""
    modes = gaussian(dynamics)
    biases = np.linspace([1.0, -1.0], [2.0, 0.5], 11)
    there, back = (moved(modes, path, 0.3, 20_000, 1) for path in (biases, biases[::-1]))
    mean = [np.linalg.solve(PRECISION, biases[at]) for at in (0, -1)]
    change = -0.5 * (biases[-1] @ mean[1] - biases[0] @ mean[0])
    assert there.free_energy == pytest.approx(change)
    assert back.free_energy == pytest.approx(-change)
    for way in (there, back):
        assert near(np.exp(way.free_energy - way.work), 1.0)
        dissipated = way.work - way.free_energy
        assert not near(dissipated, 0.0)
        assert near(dissipated - 0.5 * (way.work - way.work.mean()) ** 2, 0.0)
    # Crooks (1999): the probability of W there is exp(W - ΔF) times that of -W back.
    for at in (0.2, 0.8):
        near_at = [np.abs(one - change - at) < 0.3 for one in (there.work, -back.work)]
        weighted = near_at[1] * np.exp(-back.work - change)
        assert near(near_at[0] - weighted[np.random.default_rng(1).permutation(20_000)], 0.0)


@pytest.mark.parametrize("kind", ["rc", "series"])
def test_band_limited_noise_has_the_law_of_the_circuit(kind: Kind) -> None:
    """The one that is computed for its components; not that under white noise."""
    dynamics = OVERDAMPED if kind == "rc" else UNDERDAMPED
    made = cells(gaussian(dynamics), kind)
    assert made.dynamics is not None
    modes = gaussian(made.dynamics)
    every = 0.6 * times(made.dynamics, PRECISION).fastest
    found, _ = drawn(modes, Banded(modes, every, times(made.dynamics, PRECISION).fastest), 3000, 150, 10, 8)
    law, ideal = banded_law(made, every * made.tau), np.linalg.inv(PRECISION)
    assert has_law(found, law.mean, law.covariance)
    assert not has_law(found, law.mean, ideal)


def test_laws_are_the_same_in_numpy() -> None:
    """At places, operation by operation."""
    builder = Builder(2)
    made = [builder.apply(name, 0) for name in UNARY]
    made += [builder.apply(name, 0, 1) for name in BINARY] + [builder.apply("select", 0, 0, 1)]
    law = builder.law([*made, builder.combine([(2.0, made[0]), (-1.0, 1)], 0.5)])
    x = np.random.default_rng(1).uniform(0.1, 0.9, size=(7, 2))
    with jax.enable_x64(True):
        np.testing.assert_allclose(numbers(law)(x), function(law)(jax.numpy.asarray(x)), rtol=1e-12)
