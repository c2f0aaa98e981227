"""Codes, gadgets and copies against enumeration: valid readouts have the law of the model, at any strength."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from ppl.circuits.compiling import Options, lowered
from ppl.errors import PplError
from ppl.hardware.energies import energies
from ppl.hardware.exact import enumerated, product
from ppl.hardware.factors import FactorGraph, Factors
from ppl.hardware.fidelity import fidelity
from ppl.hardware.lowering import codes, copies, gadgets, rosenberg
from ppl.hardware.lowering.copies import with_degree
from ppl.hardware.lowering.encoding import encoded
from ppl.hardware.lowering.evidence import folded
from ppl.hardware.lowering.gadgets import constants, with_gadgets
from ppl.hardware.lowering.rosenberg import reduced
from ppl.hardware.lowering.strength import STRENGTHS, best, effective, rejects
from ppl.hardware.netlist.netlist import Encoding, Netlist
from ppl.hardware.netlist.reading import from_text
from ppl.hardware.netlist.validity import check
from ppl.hardware.netlist.writing import to_text
from ppl.hardware.readout import decoded
from tests.hardware.random_graphs import law, random_graph

SEEDS = range(30)


def possible(seed: int, hard: bool, most_states: int = 100, values: tuple[int, ...] = (2, 3, 3, 4, 5)) -> FactorGraph:
    """A random graph of which something is possible, without what evidence gives."""
    while True:
        graph = random_graph(seed, most_states, hard, values)
        if np.isfinite(law(graph)[1]).any():
            return folded(graph)
        seed += 1000


def compared(graph: FactorGraph, netlist: Netlist) -> float:
    """The largest difference of energies, of valid readouts with ancillas summed out and of the model; those of what is
    forbidden are invalid. Ancillas of gadgets are summed out by their fields, all other units are enumerated."""
    check(netlist)
    stars = np.array([name.startswith("star(") for name in netlist.names], np.bool_)
    low = product((0,) if star else range(2) for star in stars)
    total = -energies(netlist, low)
    for unit in np.flatnonzero(stars):  # no two of them are joined, so that each one's field is one of the others
        high = low.copy()
        high[:, unit] = 1
        total += np.logaddexp(0.0, energies(netlist, low) - energies(netlist, high))
    found, valid = decoded(netlist, low)
    free = [found[v.name][:, v.fixed < 0] for v in netlist.variables]
    shown = np.concatenate([np.zeros((len(low), 0), np.int64), *free], axis=1)
    wanted = product(range(k) for k in graph.cardinality)
    energy = graph.energies(wanted)
    strides = np.append(np.cumprod(graph.cardinality[:0:-1])[::-1], 1)[: len(graph.cardinality)]
    at = shown @ strides
    assert np.isfinite(energy[at[valid]]).all()
    marginal = np.full(len(wanted), -np.inf)
    np.logaddexp.at(marginal, at[valid], total[valid])
    there = np.isfinite(energy)
    assert there[at[valid]].all()
    assert set(at[valid]) == set(np.flatnonzero(there))
    return float(np.abs(marginal[there] + energy[there]).max())


@pytest.mark.parametrize("encoding", ["one-hot", "domain-wall", "binary"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_code_has_the_law_of_the_model_where_it_is_valid(encoding: Encoding, seed: int) -> None:
    graph = possible(seed, hard=seed % 2 == 0, most_states=60)
    netlist = encoded(graph, encoding, strength=(1.0, 0.2, 0.0)[seed % 3], tables=seed % 4 < 2)
    if not netlist.tables:
        assert compared(graph, netlist) < 1e-11
    exact = fidelity(netlist, graph)
    assert exact.exact_kl is not None
    assert exact.exact_kl < 1e-12
    assert to_text(from_text(to_text(netlist), "n")) == to_text(netlist)


@pytest.mark.parametrize("most", [2, 3, 4])
@pytest.mark.parametrize("seed", SEEDS)
def test_products_on_a_pairwise_fabric_have_the_law_of_the_model(most: int, seed: int) -> None:
    """Products of up to five spins, by ancillas for pairs alone (2), or with gadgets."""
    rng = np.random.default_rng(seed)
    spins = random_graph(seed, 2**6, values=(2,)).quantities[:5]
    sites = [rng.choice(5, rank, replace=False)[None] for rank in (3, 5 if seed % 5 == 0 else 4, 2)]
    hard = [np.where(rng.uniform(size=[1, *[2] * s.shape[1]]) < 0.1 * (seed % 2), np.inf, 0.0) for s in sites]
    factors = [Factors(s, 2 * rng.normal(size=h.shape) + h) for s, h in zip(sites, hard, strict=True)]
    graph = folded(FactorGraph("spins", spins, tuple(factors), 0.3))
    netlist = with_gadgets(reduced(encoded(graph, "direct", tables=False), most))
    assert netlist.is_pairwise
    assert compared(graph, netlist) < 1e-10


@pytest.mark.parametrize("degree", [3, 4])
@pytest.mark.parametrize("seed", SEEDS)
def test_copies_have_the_law_of_the_model(degree: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spins = random_graph(seed, 2**7, values=(2,)).quantities[: degree + 2]
    pairs = np.array([(i, j) for i in range(degree + 2) for j in range(i)])
    graph = FactorGraph("glass", spins, (Factors(pairs, rng.normal(size=(len(pairs), 2, 2))),), 0.0)
    netlist = with_degree(encoded(graph, "direct"), degree, strength=0.1 + seed % 3)
    degrees = np.bincount(netlist.pairs.units.ravel())
    assert netlist.size > len(spins)
    assert degrees.max() <= degree
    assert compared(graph, netlist) < 1e-11


def test_the_constants_of_a_gadget() -> None:
    """From couplings that hardly matter to those beyond which exp(-8 K) is 0."""
    k = np.array([1e-12, 1e-6, 0.1, 1.0, 5.0, 200.0])
    a, p, c = constants(k)
    for total, product_of in {0: 1, 2: -1, 4: 1}.items():
        np.testing.assert_allclose(c + p * total**2 + np.logaddexp(a * total, -a * total), -k * product_of, atol=1e-12)


def test_a_fabric_that_cannot_hold_a_model() -> None:
    graph = possible(1, hard=False, values=(3, 4))
    with pytest.raises(PplError, match="a pairwise fabric has p-bits alone"):
        lowered(graph, Options(fabric="pairwise"))
    with pytest.raises(PplError, match="--fabric pairwise"):
        lowered(graph, Options(degree=4))


def test_effective_samples_of_units_that_nothing_joins() -> None:
    """Of two units in random order one is kept at an update with probability 1/2: τ = (1 + 1/2) / (1 - 1/2)."""
    quantities = random_graph(0, 2**6, values=(2,)).quantities[:2]
    field = Factors(np.array([[0]]), np.array([[0.0, 0.7]]))
    assert effective(encoded(FactorGraph("one", quantities[:1], (field,), 0.0), "direct")) == pytest.approx(1)
    assert effective(encoded(FactorGraph("two", quantities, (field,), 0.0), "direct")) == pytest.approx(2 / 3)


@pytest.mark.parametrize("encoding", ["one-hot", "domain-wall"])
def test_the_strength_is_what_gives_the_most_samples(encoding: Encoding) -> None:
    graph = possible(4, hard=False, most_states=13, values=(3, 4))
    scores = {s: effective(encoded(graph, encoding, s)) for s in STRENGTHS}
    chosen = best(lambda strength: encoded(graph, encoding, strength))
    assert rejects(chosen)
    assert effective(chosen) == max(scores.values())
    assert scores[1.0] > 0.3 * max(scores.values())  # the rule that larger netlists have
    assert all(v.strength is not None and v.strength > 0 for v in chosen.variables)


ONE_HOT, DOMAIN_WALL = codes._one_hot, codes._domain_wall
FAULTS: dict[str, tuple[object, str, object]] = {
    "states of one-hot": (codes, "_one_hot", lambda k: _changed(ONE_HOT(k), "indicator")),
    "words of the wall": (codes, "_domain_wall", lambda k: _changed(DOMAIN_WALL(k), "words")),
    "sign of a gadget": (gadgets, "constants", lambda k: (*constants(k)[:1], -constants(k)[1], constants(k)[2])),
    "a pair of a gadget": (gadgets, "combinations", lambda *_: [(0, 1)]),
    "a wrong ancilla": (rosenberg, "_WRONG", rosenberg._WRONG[:3]),
    "copies apart": (copies, "of_one_width", lambda _: ()),
}


def _changed(code: codes.Code, part: str) -> codes.Code:
    return replace(code, **{part: getattr(code, part)[::-1]})


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_rule_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons can fail."""
    rng = np.random.default_rng(1)
    states = possible(3, hard=True, most_states=40, values=(3, 3, 4))
    spins = random_graph(3, 2**6, values=(2,)).quantities[:5]
    four = FactorGraph("four", spins[:4], (Factors(np.arange(4)[None], rng.normal(size=(1, 2, 2, 2, 2))),), 0.0)
    pairs = np.array([(i, j) for i in range(5) for j in range(i)])
    glass = FactorGraph("glass", spins, (Factors(pairs, rng.normal(size=(10, 2, 2))),), 0.0)
    ways: dict[object, tuple[FactorGraph, Callable[[FactorGraph], Netlist]]] = {
        codes: (states, lambda g: encoded(g, "one-hot" if "one-hot" in fault else "domain-wall", tables=False)),
        gadgets: (four, lambda g: with_gadgets(encoded(g, "direct"))),
        rosenberg: (four, lambda g: reduced(encoded(g, "direct"), 2)),
        copies: (glass, lambda g: with_degree(encoded(g, "direct"), 3)),
    }
    module, name, changed = FAULTS[fault]
    graph, way = ways[module]
    assert not is_wrong(graph, way(graph))
    monkeypatch.setattr(module, name, changed)
    assert is_wrong(graph, way(graph))


def is_wrong(graph: FactorGraph, netlist: Netlist) -> bool:
    try:
        return compared(graph, netlist) > 1e-3
    except AssertionError:  # what is forbidden is valid
        return True


def test_log_z_is_that_of_the_model_given_valid_readouts() -> None:
    graph = possible(7, hard=True, most_states=60)
    states, _, log_z = enumerated(encoded(graph, "domain-wall", tables=False))
    netlist = encoded(graph, "domain-wall", tables=False)
    share = np.exp(-energies(netlist, states) - log_z) @ decoded(netlist, states)[1]
    energy = graph.energies(product(range(k) for k in graph.cardinality))
    assert log_z + np.log(share) == pytest.approx(float(logsumexp(-energy)), abs=1e-11)
