"""Lowerings of models that nobody enumerates: energies at random states, and marginals by elimination along a chain."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ppl.circuits.compiling import Options, lowered
from ppl.hardware.energies import energies
from ppl.hardware.factors import FactorGraph, Factors, Quantity
from ppl.hardware.netlist.netlist import Encoding, Netlist
from ppl.hardware.readout import decoded
from ppl.hardware.sim.chromatic import Chromatic

LENGTH = 40
ERRORS = 5.0


def chain(values: tuple[int, ...], seed: int = 0) -> FactorGraph:
    """Quantities one after the other, with a factor for each, for each two and for each three that are neighbours."""
    rng = np.random.default_rng(seed)
    cardinality = rng.choice(values, LENGTH)
    quantities = tuple(
        Quantity(f"q{i}", (), (), "int", np.arange(k), (), np.array([-1])) for i, k in enumerate(cardinality)
    )
    factors = [
        Factors(np.arange(at, at + rank)[None], 0.7 * rng.normal(size=(1, *cardinality[at : at + rank])))
        for rank in (1, 2, 3)
        for at in range(LENGTH - rank + 1)
    ]
    return FactorGraph("chain", quantities, tuple(factors), 0.25)


def total(graph: FactorGraph, states: NDArray[np.int64]) -> NDArray[np.float64]:
    """(s, n) -> (s,), term by term."""
    found = np.full(len(states), graph.offset)
    for one in graph.factors:
        found += one.energy[0][tuple(states[:, one.sites[0]].T)]
    return found


def marginals(graph: FactorGraph) -> list[NDArray[np.float64]]:
    """Of each quantity, by messages over the states of two neighbours."""
    k = graph.cardinality
    weight = [np.ones((k[i], k[i + 1], k[i + 2])) for i in range(LENGTH - 2)]
    for one in graph.factors:
        sites = one.sites[0]
        at = min(int(sites[0]), LENGTH - 3)
        shape = [k[s] if s in sites else 1 for s in range(at, at + 3)]
        weight[at] = weight[at] * np.exp(-one.energy[0]).reshape(shape)
    left = [np.ones((k[0], k[1]))]
    for w in weight:
        message = np.einsum("ab,abc->bc", left[-1], w)
        left.append(message / message.sum())
    right = [np.ones((k[-2], k[-1]))]
    for w in reversed(weight):
        message = np.einsum("abc,bc->ab", w, right[0])
        right.insert(0, message / message.sum())
    both = [a * b for a, b in zip(left, right, strict=True)]  # of quantities i and i + 1
    single = [pair.sum(axis=1) for pair in both] + [both[-1].sum(axis=0)]
    return [p / p.sum() for p in single]


def words(netlist: Netlist, states: NDArray[np.int64]) -> NDArray[np.int64]:
    """(s, n) states of the quantities -> (s, units), by the definitions of the codes; ancillas are 0."""
    units = np.zeros((len(states), netlist.size), np.int64)
    for z, variable in zip(states.T, netlist.variables, strict=True):
        own = variable.units[0]
        place = np.arange(len(own))
        if len(own) == 1:
            units[:, own[0]] = z
        elif variable.encoding == "one-hot":
            units[:, own] = z[:, None] == place
        elif variable.encoding == "domain-wall":
            units[:, own] = z[:, None] > place
        else:
            units[:, own] = (z[:, None] >> place) & 1
    return units


@pytest.mark.parametrize("encoding", ["direct", "one-hot", "domain-wall", "binary"])
def test_energies_are_those_of_the_model(encoding: Encoding) -> None:
    graph = chain((2, 3, 4))
    netlist = lowered(graph, Options(encoding=encoding))
    states = np.random.default_rng(1).integers(0, graph.cardinality, (300, LENGTH))
    units = words(netlist, states)
    found, valid = decoded(netlist, units)
    assert valid.all()
    np.testing.assert_array_equal(np.concatenate([found[f"q{i}"] for i in range(LENGTH)], axis=1), states)
    np.testing.assert_allclose(energies(netlist, units), total(graph, states), rtol=1e-12, atol=1e-10)


def test_ancillas_summed_out_leave_the_energies_of_the_model() -> None:
    """None of the ancillas of gadgets is joined with another: each leaves log(1 + exp(-what it costs))."""
    graph = chain((2,))
    netlist = lowered(graph, Options(fabric="pairwise"))
    ancillas = np.arange(LENGTH, netlist.size)
    assert netlist.is_pairwise
    assert len(ancillas) == LENGTH - 2
    states = np.random.default_rng(1).integers(0, 2, (50, LENGTH))
    units = words(netlist, states)
    base = energies(netlist, units)
    left = base.copy()
    for one in ancillas:
        turned = units.copy()
        turned[:, one] = 1
        left -= np.logaddexp(0.0, base - energies(netlist, turned))
    np.testing.assert_allclose(left, total(graph, states), rtol=1e-12, atol=1e-10)


@pytest.mark.long
@pytest.mark.parametrize(("encoding", "fabric"), [("direct", "any"), ("domain-wall", "any"), ("direct", "pairwise")])
def test_marginals_are_those_of_the_model(encoding: Encoding, fabric: str) -> None:
    """Of valid readouts, by the spread of replicas; of all states of all quantities, the worst."""
    graph = chain((2,) if fabric == "pairwise" else (2, 3), seed=3)
    netlist = lowered(graph, Options(encoding=encoding, fabric="pairwise" if fabric == "pairwise" else "any"))
    simulator = Chromatic(netlist, 256, 1, np.ones(1))
    simulator.advance(300)
    seen = np.zeros((256, LENGTH, max(graph.cardinality)))
    count = np.zeros(256)
    for _ in range(60):
        simulator.advance(10)
        found, valid = decoded(netlist, simulator.states())
        count += valid
        for i in range(LENGTH):
            seen[np.flatnonzero(valid), i, found[f"q{i}"][valid, 0]] += 1
    shares = seen / count[:, None, None]
    worst = 0.0
    for i, exact in enumerate(marginals(graph)):
        own = shares[:, i, : len(exact)]
        worst = max(worst, float((np.abs(own.mean(0) - exact) / (own.std(0, ddof=1) / 16)).max()))
    assert worst < ERRORS
