"""G11 of Gset, a grid of 100 x 8 spins around a torus: its greatest cut and its energies, by transfer matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ppl.circuits.files import read_netlist
from ppl.hardware.energies import energies
from ppl.hardware.formats import gset
from ppl.hardware.formats.gset import MINUS_CUT
from ppl.hardware.lowering.words import rounded
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.sim.annealing import Annealed
from ppl.hardware.sim.packed import Packed

FILE = Path(__file__).parents[2] / "models" / "data" / "G11.txt"
HEIGHT, WIDTH = 100, 8
ROWS = 2 * ((np.arange(2**WIDTH)[:, None] >> np.arange(WIDTH)) & 1) - 1
BEST_CUT = 564


@pytest.fixture(scope="module")
def netlist() -> Netlist:
    return read_netlist(FILE)


def strips(netlist: Netlist) -> NDArray[np.float64]:
    """(height, 2^w, 2^w): minus the energy of a row in one state, and of what joins it with the next in another."""
    J = np.zeros((netlist.size, netlist.size))
    J[tuple(netlist.pairs.units.T)] = netlist.pairs.coupling
    J += J.T
    found = []
    for y in range(HEIGHT):
        own, following = (WIDTH * (at % HEIGHT) + np.arange(WIDTH) for at in (y, y + 1))
        within = 0.5 * np.einsum("si,ij,sj->s", ROWS, J[np.ix_(own, own)], ROWS)
        found.append(within[:, None] + (ROWS * np.diag(J[np.ix_(own, following)])) @ ROWS.T)
    return np.array(found)


def log_z(strips: NDArray[np.float64], beta: float) -> float:
    total, product = 0.0, np.eye(2**WIDTH)
    for strip in strips:
        product = product @ np.exp(beta * strip)
        scale = product.max()
        product, total = product / scale, total + np.log(scale)
    return float(total + np.log(np.trace(product)))


def test_annealing_finds_the_greatest_cut(netlist: Netlist) -> None:
    search = Annealed(netlist, 512, 1, np.ones(1))
    search.advance(1000)
    assert energies(netlist, search.states()).min() == pytest.approx(-BEST_CUT)


@pytest.mark.long
def test_the_greatest_cut(netlist: Netlist) -> None:
    """By the best way round from each state of the first row."""
    own = strips(netlist)
    best = own[0]
    for strip in own[1:]:
        best = np.stack([(row[:, None] + strip).max(axis=0) for row in best])
    least = -float(np.diag(best).max())
    assert netlist.offset + least == -BEST_CUT


@pytest.mark.long
def test_the_mean_energy_is_the_exact_one(netlist: Netlist) -> None:
    own, beta = strips(netlist), 1.2
    exact = netlist.offset - (log_z(own, beta + 1e-4) - log_z(own, beta - 1e-4)) / 2e-4
    simulator = Packed(netlist, 512, 1, np.array([beta]))
    simulator.advance(2000)
    shown = []
    for _ in range(20):
        simulator.advance(20)
        shown.append(energies(netlist, simulator.states()))
    found = np.mean(shown, axis=0)
    assert abs(found.mean() - exact) < 4 * found.std(ddof=1) / np.sqrt(len(found))


def test_a_rounded_netlist_speaks_of_no_cut(netlist: Netlist) -> None:
    """Of weights that words do not hold the energy is a cut no longer; of those of G11 it still is."""
    assert rounded(netlist, 1).source["energy"] == MINUS_CUT
    other = gset.read("3 2\n1 2 1.37\n2 3 -0.61\n", "other")
    assert other.source["energy"] == MINUS_CUT
    assert "energy" not in rounded(other, 1).source
