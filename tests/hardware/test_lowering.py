"""Lowering against enumeration: the law of the netlist is that of the factor graph it comes from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from ppl.hardware.energies import energies
from ppl.hardware.exact import enumerated
from ppl.hardware.factors import FactorGraph, Factors, Quantity
from ppl.hardware.lowering.direct import direct
from ppl.hardware.lowering.evidence import folded
from ppl.hardware.netlist.validity import check
from tests.hardware.random_graphs import kl, law, random_graph

SEEDS = range(30)


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_one_unit_for_each_element_has_the_law_of_the_model(seed: int, hard: bool) -> None:
    graph = random_graph(seed, hard=hard)
    states, energy = law(graph)
    netlist = direct(graph)
    check(netlist)
    found, p, log_z = enumerated(netlist)
    np.testing.assert_array_equal(found, states)
    finite = np.isfinite(energy)
    np.testing.assert_allclose(energies(netlist, states)[finite], energy[finite], atol=1e-12)
    assert log_z == pytest.approx(float(logsumexp(-energy)), abs=1e-12)
    assert kl(np.exp(-energy - logsumexp(-energy)), p) < 1e-12


@pytest.mark.parametrize("seed", SEEDS)
def test_evidence_is_folded_into_what_is_left(seed: int) -> None:
    """Two sites are given by factors that forbid all other states of theirs; others may have but one state then."""
    graph = random_graph(seed, hard=seed % 2 == 0)
    rng = np.random.default_rng(seed)
    states, energy = law(graph)
    possible = rng.choice(states[np.isfinite(energy)])
    given = {int(at): int(possible[at]) for at in rng.choice(len(graph.quantities), 2, False)}
    evidence = tuple(
        Factors(np.array([[at]]), np.where(np.arange(graph.cardinality[at]) == state, 0.5, np.inf)[None])
        for at, state in given.items()
    )
    graph = replace(graph, factors=(*graph.factors, *evidence))
    states, energy = law(graph)
    less = folded(graph)
    fixed = np.array([int(q.fixed[0]) for q in less.quantities])
    assert given.items() <= dict(enumerate(fixed.tolist())).items()
    kept = np.flatnonzero(fixed < 0)
    possible = (states[:, fixed >= 0] == fixed[fixed >= 0]).all(axis=1)
    assert np.isinf(energy[~possible]).all()
    np.testing.assert_allclose(less.energies(states[possible][:, kept]), energy[possible], atol=1e-12)


def test_many_p_bits_with_small_products_have_no_table() -> None:
    """Of two factors of six p-bits one has products of three at most, the other one of all six."""
    rng = np.random.default_rng(3)
    names = [f"q{i}" for i in range(8)]
    quantities = tuple(Quantity(name, (), (), "spin", np.array([-1, 1]), (), np.array([-1])) for name in names)
    m = 2 * np.indices((2,) * 6) - 1
    products = [[0, 0, 0], [1, 2, 2], [0, 4, 4], [1, 3, 5], [2, 4, 5]]
    small = sum(rng.normal() * m[i] * m[j] * m[k] for i, j, k in products)
    sites = np.array([[0, 1, 2, 3, 4, 5], [2, 3, 4, 5, 6, 7]])
    energy = np.stack([small, small + 0.3 * np.prod(m, axis=0)])
    graph = FactorGraph("wide", quantities, (Factors(sites, energy),), 0.7)
    netlist = direct(graph)
    check(netlist)
    assert [one.units.tolist() for one in netlist.tables] == [[[2, 3, 4, 5, 6, 7]]]
    assert [(one.order, len(one.units)) for one in netlist.bodies] == [(3, 2)]
    states, wanted = law(graph)
    np.testing.assert_allclose(energies(netlist, states), wanted, atol=1e-12)


def test_without_evidence_nothing_changes() -> None:
    graph = random_graph(3)
    assert folded(graph) is graph


def test_a_flipped_sign_is_seen() -> None:
    """The comparison can fail."""
    graph = random_graph(5, values=[2])
    netlist = direct(graph)
    assert len(netlist.pairs.coupling)
    wrong = replace(netlist, pairs=replace(netlist.pairs, coupling=-netlist.pairs.coupling))
    _, energy = law(graph)
    assert kl(np.exp(-energy - logsumexp(-energy)), enumerated(wrong)[1]) > 1e-4


def test_factors_of_the_same_units_are_one_coupling() -> None:
    graph = random_graph(5, values=[2])
    pair = Factors(np.array([[0, 1], [1, 0]]), np.array([[[0.0, 1], [1, 0]], [[0.0, 2], [2, 0]]]))
    two = FactorGraph("two", tuple(replace(q, values=np.arange(2)) for q in graph.quantities[:2]), (pair,), 0.0)
    netlist = direct(two)
    np.testing.assert_array_equal(netlist.pairs.units, [[0, 1]])
    np.testing.assert_allclose(netlist.pairs.coupling, [1.5])
    assert netlist.offset == 1.5
    assert not netlist.bias.any()
    assert netlist.is_pairwise
