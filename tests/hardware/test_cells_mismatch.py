"""Components that differ from their values: what is expected of arrays, and what arrays show."""

from __future__ import annotations

import numpy as np
import pytest

from ppl.errors import PplError
from ppl.hardware.analogue.band import banded_law
from ppl.hardware.analogue.cells import KINDS, Kind, Wish, cells
from ppl.hardware.analogue.components import Ranges
from ppl.hardware.analogue.mismatch import Mismatch, count, expected, mismatched
from ppl.hardware.analogue.spice.deck import transient
from tests.hardware import eda
from tests.hardware.arrays import Floats, gaussian, random_gaussian
from tests.hardware.test_spice import agrees, read, twice

ROOMY = Ranges(resistance=(1e2, 1e9), capacitance=(1e-14, 1e-5), inductance=(1e-7, 1e2))


@pytest.mark.parametrize("kind", ["rc", *(pytest.param(kind, marks=pytest.mark.long) for kind in KINDS[1:])])
def test_what_is_expected_is_the_spread_of_arrays(kind: Kind) -> None:
    """Of 150 of them standard deviations have relative standard errors of 1 / √300."""
    made = cells(random_gaussian(2, 2), kind, Wish(ranges=ROOMY))
    step, arrays = 1e-6, 150
    told = expected(made, Mismatch(0.003, 0.002), step)
    laws = [banded_law(mismatched(made, Mismatch(0.003, 0.002, seed)), step) for seed in range(arrays)]
    for found, predicted in (
        (np.std([law.mean for law in laws], axis=0), told.mean),
        (np.std([law.covariance for law in laws], axis=0), told.covariance),
    ):
        assert (predicted > 0).all()
        assert np.abs(found / predicted - 1).max() < 4 / np.sqrt(2 * arrays)


def test_a_seed_is_an_array() -> None:
    made = cells(gaussian([[2.0, -0.5], [-0.5, 1.0]]), "rc")
    one, same, other = (mismatched(made, Mismatch(0.01, 0.001, seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.conductance.values, same.conductance.values)
    np.testing.assert_array_equal(one.location, same.location)
    assert (one.conductance.values != other.conductance.values).all()
    assert count(made) == 5
    assert mismatched(made, Mismatch(0.0)).conductance.values == pytest.approx(made.conductance.values, rel=1e-15)
    with pytest.raises(PplError) as error:
        Mismatch(1.0)
    assert error.value.diagnostics[0].code == "E608"


@pytest.mark.long
@pytest.mark.parametrize("kind", ["rc", "rlc"])
def test_an_array_shows_what_its_components_say(kind: Kind) -> None:
    """And not what they should say, from which parts of a tenth are far."""
    eda.need("ngspice")
    made = cells(random_gaussian(4, 3), kind, Wish(ranges=ROOMY))
    settings = transient(made, 400, fine=1.0)
    array = mismatched(made, Mismatch(0.1, 0.05, seed=1))
    seen: list[Floats] = []

    def check() -> bool:
        seen.append(read(array, settings))
        return agrees(seen[-1], banded_law(array, settings.step))

    assert twice(check)
    assert not agrees(seen[-1], banded_law(made, settings.step))
