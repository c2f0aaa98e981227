"""Modes as components: their law, their passivity, their ranges; and the law under noise as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ppl.errors import PplError
from ppl.hardware.analogue.band import banded_law, ideal_law, linear, times
from ppl.hardware.analogue.cells import KINDS, Kind, Wish, cells, usual
from ppl.hardware.analogue.components import Ranges, quantity
from ppl.hardware.analogue.dynamics import Overdamped, Regulator, Underdamped
from ppl.hardware.laws.law import Law
from tests.hardware.arrays import gaussian, random_gaussian

CHAIN = np.diag([2.0, 2, 2, 1.1]) - np.eye(4, k=1) - np.eye(4, k=-1)
ROOMY = Ranges(resistance=(1e2, 1e9), capacitance=(1e-14, 1e-5), inductance=(1e-7, 1e2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 2, 5, 16])
def test_the_law_of_the_components_is_that_of_the_modes(kind: Kind, size: int) -> None:
    modes = random_gaussian(size, 1)
    made = cells(modes, kind, Wish(ranges=ROOMY))
    mean, covariance = ideal_law(made)
    exact = np.linalg.inv(modes.precision)
    np.testing.assert_allclose(mean, exact @ modes.bias, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(covariance, exact, rtol=1e-9, atol=1e-9 * np.abs(exact).max())
    volts = np.sqrt(np.diag(exact)) / np.abs(made.scale)
    assert ((volts > 0.0999) & (volts < 1.001)).all()


@pytest.mark.parametrize("kind", ["rc", "series"])
def test_where_the_means_are_not_the_locations_sources_bring_them(kind: Kind) -> None:
    modes = random_gaussian(3, 1)
    made = cells(modes, kind, Wish(location=np.array([1.0, -2.0, 0.0]), ranges=ROOMY))
    assert made.bias.all()
    np.testing.assert_allclose(ideal_law(made).mean, np.linalg.solve(modes.precision, modes.bias), rtol=1e-9)


@pytest.mark.parametrize("kind", ["rc", "rlc"])
def test_what_can_be_passive_is(kind: Kind) -> None:
    """Signs in the way, rows that are not dominant, and both."""
    flips, stretch = np.array([1.0, -1, -1, 1]), np.array([1.0, 4, 1, 3])
    for scale in (np.ones(4), flips, stretch, flips * stretch):
        made = cells(gaussian(scale[:, None] * CHAIN * scale), kind, Wish(ranges=ROOMY))
        assert made.active == 0
        assert (made.conductance.values > 0).all()
        np.testing.assert_array_equal(np.sign(made.scale * scale), np.full(4, np.sign(made.scale[0] * scale[0])))
    steep = np.array([[1.0, -0.98, 0], [-0.98, 1.9, -0.95], [0, -0.95, 1.0]])
    made = cells(gaussian(steep), kind, Wish(ranges=ROOMY))
    assert made.active == 0
    assert (steep.sum(axis=1) < 0).any()


def test_what_cannot_be_is_counted() -> None:
    """A triangle of which no signs make all couplings of one sign has one that is driven."""
    triangle = np.array([[1.0, -0.4, -0.3], [-0.4, 1.0, 0.2], [-0.3, 0.2, 1.0]])
    made = cells(gaussian(triangle), "rc")
    assert made.active == 1
    driven = made.conductance.ends[made.conductance.values < 0]
    np.testing.assert_array_equal(driven, [[1, 2]])


def test_components_lie_within_their_ranges() -> None:
    ranges = Ranges()
    rc, rlc = cells(gaussian(CHAIN), "rc"), cells(gaussian(CHAIN), "rlc")
    for values, (low, high) in (
        (1 / rc.conductance.values, ranges.resistance),
        (rc.capacitance.values, ranges.capacitance),
        (1 / rlc.conductance.values, ranges.resistance),
        (rlc.capacitance.values, ranges.capacitance),
        (rlc.inductance, ranges.inductance),
    ):
        assert values is not None
        assert (low <= values).all()
        assert (values <= high).all()


def test_couplings_too_weak_for_a_component_are_left_out_within_a_budget() -> None:
    """And counted, with what they are worth."""
    at = np.linspace(0, 3, 8)
    precision = np.linalg.inv(np.exp(-np.abs(at[:, None] - at))) + 1e-7 * np.ones((8, 8))
    modes = gaussian(precision, np.arange(8.0))
    made = cells(modes, "rc")
    law = ideal_law(made)
    own = np.linalg.inv(law.covariance)
    assert made.left_out == 8 * 7 // 2 - 7
    assert 0 < made.lost < 1e-6
    ratio = np.linalg.eigvals(own @ np.linalg.inv(precision)).real
    assert made.lost == pytest.approx(0.5 * np.sum(ratio - 1 - np.log(ratio)), rel=1e-3)
    np.testing.assert_allclose(law.mean, np.linalg.solve(precision, modes.bias), rtol=1e-9)
    with pytest.raises(PplError, match="E732"):
        cells(modes, "rc", Wish(budget=0.0))


def test_the_motion_is_recorded() -> None:
    """An RC array in the model's time, with the mobility that it tells of, and one with a given mobility."""
    for dynamics in (None, Overdamped(np.array([1.0, 4.0]))):
        modes = replace(gaussian([[2.0, -0.5], [-0.5, 1.0]], [1.0, 0.0]), dynamics=dynamics)
        made = cells(modes, usual(modes))
        assert isinstance(made.dynamics, Overdamped)
        if dynamics is not None:
            np.testing.assert_allclose(made.dynamics.mobility, dynamics.mobility)
        elastance = np.linalg.inv(made.capacitance.matrix(2))
        drift = made.tau * (made.scale[:, None] * elastance @ made.conductance.matrix(2) / made.scale)
        np.testing.assert_allclose(drift, made.dynamics.mobility[:, None] * modes.precision, atol=1e-12)
        heat = made.tau * (made.scale * np.diag(elastance)) ** 2 * made.noise
        np.testing.assert_allclose(heat, 2 * made.dynamics.mobility)


def test_a_loop_has_the_mass_and_the_friction_of_its_mode() -> None:
    modes = replace(gaussian([[3.0]]), dynamics=Underdamped(np.array([0.7]), 0.3))
    made = cells(modes, usual(modes))
    assert made.inductance is not None
    assert made.resistance is not None
    beat = made.tau**2 / (made.inductance * made.capacitance.values)
    np.testing.assert_allclose(beat, 3.0 / 0.7)
    np.testing.assert_allclose(made.tau * made.resistance / made.inductance, 0.3 / 0.7)


def test_one_cell_under_noise_of_straight_lines() -> None:
    """Weights of the noise's values, which are a geometric series."""
    made = cells(gaussian([[4.0]], [2.0]), "rc")
    ohms, farads = 1 / made.conductance.values[0], made.capacitance.values[0]
    for share in (0.01, 0.5, 3.0):
        step = share * ohms * farads
        left = np.exp(-share)
        new, old = ohms * (1 - (1 - left) / share), ohms * ((1 - left) / share - left)
        volts = (new**2 + (left * new + old) ** 2 / (1 - left**2)) * made.noise[0] / step
        mean, covariance = banded_law(made, step)
        np.testing.assert_allclose(mean, [0.5])
        np.testing.assert_allclose(covariance, [[made.scale[0] ** 2 * volts]], rtol=1e-10)
    np.testing.assert_allclose(banded_law(made, 1e-4 * ohms * farads).covariance, [[0.25]], rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_law_under_such_noise_is_that_of_its_motion(kind: Kind) -> None:
    """What each value of the noise does to voltages: the response of the circuit to a triangle, by quadrature."""
    made = cells(random_gaussian(3, 4), kind, Wish(ranges=ROOMY))
    circuit, parts = linear(made), 40
    slowest, fastest = times(made)
    step = 0.8 * fastest
    at = np.arange(parts * int(20 * slowest / step)) + 0.5  # midpoints, in `parts` of a step
    rates, vectors = np.linalg.eig(circuit.drift)
    entries = np.linalg.solve(vectors, circuit.inlet)
    response = np.einsum("vr,tr,rn->tvn", vectors[:3], np.exp(np.outer(at * step / parts, rates)), entries).real
    response = response.reshape(-1, parts, 3, 3) * step / parts
    up = (np.arange(parts) + 0.5) / parts
    rising, falling = (np.einsum("p,kpvn->kvn", side, response) for side in (up, 1 - up))
    weights = np.concatenate([falling, np.zeros((1, 3, 3))])
    weights[1:] += rising
    volts = np.einsum("kvn,n,kwn->vw", weights, circuit.density / step, weights)
    exact = made.scale[:, None] * volts * made.scale
    np.testing.assert_allclose(banded_law(made, step).covariance, exact, rtol=3e-4, atol=3e-4 * np.abs(exact).max())
    assert np.abs(ideal_law(made).covariance / exact - 1).max() > 0.005


def test_refusals() -> None:
    with pytest.raises(PplError) as error:
        cells(gaussian([[1.0, 1.0], [1.0, 1.0]]), "rc")
    assert error.value.diagnostics[0].code == "E731"
    with pytest.raises(PplError) as error:
        cells(gaussian([[1.0, 1e-6], [1e-6, 1.0]]), "rc", Wish(budget=0.0))
    assert error.value.diagnostics[0].code == "E732"
    assert "resistors" in error.value.diagnostics[0].hints[0]
    with pytest.raises(PplError) as error:
        cells(replace(gaussian(np.diag([1.0, 1e-6])), dynamics=Overdamped(np.ones(2))), "rc")
    assert error.value.diagnostics[0].code == "E732"
    assert "capacitors" in error.value.diagnostics[0].hints[0]
    law = Law(1, (), (0,))
    with pytest.raises(PplError) as error:
        cells(replace(gaussian(np.eye(1)), force=law, energy=law), "rlc")
    assert error.value.diagnostics[0].code == "E734"
    with pytest.raises(PplError) as error:
        cells(replace(gaussian(np.eye(1)), regulator=Regulator(0.1)), "rc")
    assert error.value.diagnostics[0].code == "E734"


def test_quantities() -> None:
    assert quantity(2.2e3, "Ω") == "2.2 kΩ"
    assert quantity(-4.7e-11, "F") == "-47 pF"
    assert quantity(0.0, "V") == "0 V"
