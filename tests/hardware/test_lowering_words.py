"""Words of weights and thresholds: the KL divergence by enumeration is within what is claimed."""

from __future__ import annotations

import numpy as np
import pytest

from ppl.circuits.compiling import Options, lowered
from ppl.errors import PplError
from ppl.hardware.exact import enumerated
from ppl.hardware.factors import FactorGraph, Factors
from ppl.hardware.lowering import words
from ppl.hardware.lowering.direct import direct
from ppl.hardware.lowering.words import components, in_words, rounded, threshold_kl, weight_kl
from ppl.hardware.netlist.netlist import Netlist
from tests.hardware.random_graphs import kl, random_graph
from tests.hardware.test_lowering_codes import possible

SEEDS = range(30)


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_are_no_further_off_than_is_claimed(seed: int) -> None:
    netlist = direct(possible(seed, hard=seed % 3 == 0, most_states=500))
    law = enumerated(netlist)[1]
    for bits in (0, 1, 3, 6):
        made = rounded(netlist, bits, 16)
        exact = kl(law, enumerated(made)[1])
        assert exact <= weight_kl(netlist, made)
        assert made.provenance[-2].kl == weight_kl(netlist, made)
    budget = 10.0 ** -(1 + seed % 4)
    made = in_words(netlist, budget)
    assert sum(claim.kl for claim in made.provenance) <= budget
    assert kl(law, enumerated(made)[1]) <= budget
    assert made.precision is not None
    if made.precision.fraction_bits:
        fewer = rounded(netlist, made.precision.fraction_bits - 1, made.precision.threshold_bits)
        assert sum(claim.kl for claim in fewer.provenance) > budget


def in_thresholds(netlist: Netlist, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """The law of a netlist, and that of sweeps whose thresholds are rounded to so many bits, kept off 0 and 1."""
    states, law, _ = enumerated(netlist)
    sweep = np.eye(len(law))
    for unit in np.flatnonzero(netlist.clamped < 0):
        others = np.delete(states, unit, axis=1)
        same = (others[:, None] == others).all(axis=2)
        given = same * law / (same @ law)[:, None]  # (from, to)
        below = (same & (states[:, unit] < states[:, unit, None])).astype(float) @ given.T
        before = np.diagonal(below)  # thresholds are cumulative: what is below each state, given all others
        ends = [np.round(x * 2.0**bits) / 2.0**bits for x in (before, before + np.diagonal(given))]
        chances = same * np.maximum(ends[1] - ends[0], 2.0 ** -(bits + 1))
        sweep = sweep @ (chances / chances.sum(axis=1, keepdims=True))
    # The law that a sweep keeps: in its place of the equations one says that it adds up to 1.
    equations = np.eye(len(law)) - sweep.T
    equations[-1] = 1.0
    found = np.linalg.solve(equations, np.eye(len(law))[-1])
    return law, found


def clique(seed: int) -> FactorGraph:
    """Five spins in two modes, all up or all down, which only rare flips join: there errors of thresholds add up."""
    rng = np.random.default_rng(seed)
    spins = random_graph(0, 2**7, values=(2,)).quantities[:5]
    pairs = np.array([(i, j) for i in range(5) for j in range(i)])
    strength = (0.5 + seed % 3) * (1 + 0.1 * rng.normal(size=(10, 1, 1)))
    tables = Factors(pairs, strength * np.array([[-1.0, 1], [1, -1]]))
    return FactorGraph("clique", spins, (tables, Factors(np.arange(5)[:, None], 0.1 * rng.normal(size=(5, 2)))), 0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_thresholds_are_no_further_off_than_is_claimed(seed: int) -> None:
    for graph in (random_graph(seed, 60), clique(seed)):
        netlist = direct(graph)
        for bits in (4, 12, 24):
            law, found = in_thresholds(netlist, bits)
            assert kl(law, found) <= threshold_kl(netlist, bits) + 1e-12


def test_a_lost_bit_of_the_thresholds_is_seen() -> None:
    netlist = direct(clique(1))
    law, found = in_thresholds(netlist, 12)
    assert kl(law, found) > threshold_kl(netlist, 28)


def test_what_nothing_joins_adds_up() -> None:
    """Two models side by side are twice as far off as one, not four times."""
    one = direct(possible(4, hard=False, most_states=60, values=(2,)))
    beside = direct(possible(4, hard=False, most_states=60, values=(2,)))
    two = Netlist(
        "two",
        tuple(f"{n}.{i}" for i in (0, 1) for n in one.names),
        np.concatenate([one.states, beside.states]),
        np.concatenate([one.bias, beside.bias]),
        type(one.pairs)(
            np.concatenate([one.pairs.units, beside.pairs.units + one.size]), np.tile(one.pairs.coupling, 2)
        ),
        tuple(type(b)(np.concatenate([b.units, b.units + one.size]), np.tile(b.coupling, 2)) for b in one.bodies),
        (),
        0.0,
        np.full(2 * one.size, -1),
        (),
    )
    assert len(set(components(two))) == 2 * len(set(components(one)))
    assert weight_kl(two, rounded(two, 3, 16)) == pytest.approx(2 * weight_kl(one, rounded(one, 3, 16)))


@pytest.mark.parametrize("fabric", ["any", "pairwise"])
def test_the_budget_holds_for_codes_with_rejection(fabric: str) -> None:
    graph = possible(11, hard=True, most_states=30, values=(2, 3))
    options = Options(kl=1e-3, encoding="domain-wall", fabric="pairwise" if fabric == "pairwise" else "any")
    netlist = lowered(graph, options)
    assert sum(claim.kl for claim in netlist.provenance) <= 1e-3


def test_a_budget_that_cannot_be_met(monkeypatch: pytest.MonkeyPatch) -> None:
    netlist = direct(random_graph(2, 120))
    with pytest.raises(PplError, match="cannot be met"):
        in_words(netlist, 1e-30)
    monkeypatch.setattr(words, "MOST_BITS", 3)
    with pytest.raises(PplError, match="weights of 3 bits"):
        in_words(netlist, 1e-6)
