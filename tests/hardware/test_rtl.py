"""SystemVerilog of netlists: what simulators of it show is what the twin computes, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppl.hardware.rtl.machine import machine
from ppl.hardware.rtl.twin import Twin
from tests.hardware.designs import NAMES, design, icarus, verilator, written

FEW = 400


@pytest.mark.parametrize("name", ["and", "multiplier", "categorical"])
def test_icarus_shows_what_the_twin_computes(name: str, tmp_path: Path) -> None:
    made = machine(design(name))
    shown = icarus(made, written(made, tmp_path), FEW, seed=3)
    np.testing.assert_array_equal(shown, Twin(made, seed=3).advance(FEW))


def test_verilator_shows_what_the_twin_computes(tmp_path: Path) -> None:
    made = machine(design("categorical"))
    shown = verilator(made, written(made, tmp_path), FEW, seed=3)
    np.testing.assert_array_equal(shown, Twin(made, seed=3).advance(FEW))


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_verilator_and_the_twin_over_many_sweeps(name: str, tmp_path: Path) -> None:
    made = machine(design(name))
    shown = verilator(made, written(made, tmp_path), 20_000, seed=1)
    np.testing.assert_array_equal(shown, Twin(made, seed=1).advance(20_000))
