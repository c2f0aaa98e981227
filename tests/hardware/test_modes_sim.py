"""Simulated modes against closed forms: stationary laws, their biases, what regulators do to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import linalg

from ppl.hardware.analogue.dynamics import Dynamics, Overdamped, Regulator, Underdamped
from ppl.hardware.analogue.law import Builder
from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.analogue.sim.bias import regulated_law
from ppl.hardware.analogue.sim.exact import Exact
from ppl.hardware.analogue.sim.scheme import Replicas, Scheme
from ppl.hardware.analogue.sim.transitions import transition

PRECISION = np.array([[2.0, 0.5], [0.5, 1.0]])
BIAS = np.array([1.0, -1.0])
OVERDAMPED, UNDERDAMPED = Overdamped(np.array([1.0, 2.0])), Underdamped(np.array([1.0, 2.0]), 0.7)


def gaussian(dynamics: Dynamics, regulator: Regulator | None = None) -> Modes:
    readout = Builder(2).law([])
    return Modes("m", ("a", "b"), PRECISION, BIAS, 0.0, None, None, (), readout, dynamics, regulator)


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
    found, _ = drawn(modes, scheme, 4000, 150, 20, 20)
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
