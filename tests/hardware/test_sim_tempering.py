"""Parallel tempering with cluster moves, and annealing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ppl.hardware.energies import energies
from ppl.hardware.exact import enumerated
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.sim import tempering
from ppl.hardware.sim.annealing import Annealed
from ppl.hardware.sim.chromatic import Chromatic
from ppl.hardware.sim.schedules import annealing
from ppl.hardware.sim.tempering import Tempered, differing_clusters, joined_pairs
from tests.hardware.test_sim import ERRORS, NETLISTS, ising, products, worst


def wells() -> Netlist:
    """Two rings of four whose spins agree, and which agree with each other a little: cold, they hardly turn."""
    pairs = [[i, (i + 1) % 4] for i in range(4)] + [[4 + i, 4 + (i + 1) % 4] for i in range(4)] + [[0, 4]]
    return ising(8, np.array(pairs), np.array([2.5] * 8 + [0.3]), np.array([0.2] + [0.0] * 7))


def tempered(readouts: int, netlist: Netlist | None = None) -> np.ndarray:
    simulator = Tempered(netlist or wells(), 24, 1, np.ones(1))
    simulator.advance(50)
    shown = []
    for _ in range(readouts):
        simulator.advance(5)
        shown.append(simulator.states())
    assert (simulator.exchanged > 0.1 * simulator.tried).all()
    return np.stack(shown)


def test_the_law_behind_barriers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which Gibbs sampling alone does not have; and exchanges that look the wrong way have neither."""
    alone = Chromatic(wells(), 24, 1, np.ones(1))
    alone.advance(800)
    m = 2.0 * alone.states() - 1
    assert (np.abs(m[:, :4].sum(axis=1)) == 4).mean() > 0.9
    assert worst(wells(), tempered(100)) < ERRORS
    right = tempering.energies
    monkeypatch.setattr(tempering, "energies", lambda netlist, states: 0.5 * right(netlist, states))
    assert worst(wells(), tempered(100)) > ERRORS


@pytest.mark.parametrize("name", NETLISTS)
def test_the_law_of_any_netlist(name: str) -> None:
    netlist = NETLISTS[name]()
    assert worst(netlist, tempered(100, netlist)) < ERRORS


def glass() -> Netlist:
    rng = np.random.default_rng(1)
    at = np.arange(36).reshape(6, 6)
    pairs = np.concatenate([np.stack([at.ravel(), np.roll(at, -1, axis).ravel()], 1) for axis in (0, 1)])
    return ising(36, pairs, rng.normal(size=len(pairs)), rng.normal(size=36))


@pytest.mark.parametrize("make", [glass, NETLISTS["products"], NETLISTS["tables"]])
def test_cluster_moves_keep_the_energy_of_two(make: Callable[[], Netlist]) -> None:
    """And those that leave one unit of the cluster behind do not."""
    netlist, rng = make(), np.random.default_rng(2)
    ends = joined_pairs(netlist)
    moved = broken = 0
    for _ in range(50):
        one, other = rng.integers(0, netlist.states, (2, netlist.size))
        before = energies(netlist, np.stack([one, other])).sum()
        cluster = np.flatnonzero(differing_clusters(ends, (one != other)[None], rng)[0])
        moved += len(cluster)
        part = np.stack([one, other])
        part[:, cluster[1:]] = part[::-1, cluster[1:]]
        broken += abs(energies(netlist, part).sum() - before) > 1e-6
        one[cluster], other[cluster] = other[cluster], one[cluster].copy()
        assert abs(energies(netlist, np.stack([one, other])).sum() - before) < 1e-9
    assert moved > 50
    assert broken > 20
    assert not differing_clusters(ends, np.zeros((1, netlist.size), bool), rng).any()


@pytest.mark.parametrize("scale", [1.0, np.pi])
def test_annealing_finds_the_least_energy(scale: float) -> None:
    """Of a small glass, by the bit-packed simulator and by the other one."""
    rng = np.random.default_rng(4)
    at = np.arange(16).reshape(4, 4)
    pairs = np.concatenate([np.stack([at.ravel(), np.roll(at, -1, axis).ravel()], 1) for axis in (0, 1)])
    coupling = rng.choice([-1.0, 1.0], len(pairs)) * scale
    bias = np.zeros(16) if scale == 1 else rng.normal(size=16)
    netlist = ising(16, pairs, coupling, bias)
    simulator = Annealed(netlist, 32, 1, np.ones(1))
    simulator.advance(200)
    found = energies(netlist, simulator.states())
    least = energies(netlist, enumerated(netlist)[0]).min()
    assert found.min() == pytest.approx(least)
    assert (found < least + 1e-9).mean() > 0.5
    first = simulator.states()
    simulator.advance(200)
    assert not np.array_equal(first, simulator.states())


def test_schedules_go_from_hot_to_cold() -> None:
    betas = annealing(products(1), 100)
    assert len(betas) == 100
    assert (np.diff(betas) >= 0).all()
    assert betas[0] < 1 < betas[85] < betas[-1]
