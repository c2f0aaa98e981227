"""The integer twin of the hardware against the law of the netlist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from ppl.circuits.compiling import ready
from ppl.errors import PplError
from ppl.hardware.energies import energies
from ppl.hardware.exact import enumerated
from ppl.hardware.lowering.colours import coloured
from ppl.hardware.lowering.direct import direct
from ppl.hardware.lowering.words import rounded
from ppl.hardware.netlist.netlist import Bodies, Netlist, Precision
from ppl.hardware.readout import decoded
from ppl.hardware.rtl.emit import emit
from ppl.hardware.rtl.generator import Generator
from ppl.hardware.rtl.machine import Machine, machine
from ppl.hardware.rtl.twin import Twin
from tests.hardware.designs import NAMES, design
from tests.hardware.random_graphs import random_graph

# The p-value that is too small.
LEAST = 1e-4


def p_value(netlist: Netlist, shown: np.ndarray, beta: float = 1.0) -> float:
    """shown: (readouts, n), independent. Of Pearson's test of states against the law, the rare ones taken together."""
    states, p, _ = enumerated(netlist, beta)
    place = np.ravel_multi_index(tuple(states.T), tuple(netlist.states))
    expected = np.zeros(int(np.prod(netlist.states)))
    expected[place] = p * len(shown)
    found = np.bincount(np.ravel_multi_index(tuple(shown.T), tuple(netlist.states)), minlength=len(expected))
    assert not found[expected == 0].any()
    rare = expected < 5
    expected, found = (np.append(x[~rare], x[rare].sum()) for x in (expected, found))
    there = expected > 0
    statistic = float((((found - expected) ** 2)[there] / expected[there]).sum())
    return float(chi2.sf(statistic, np.count_nonzero(there) - 1))


def run(made: Machine, sweeps: int = 60, seeds: int = 5_000) -> np.ndarray:
    """(seeds, n): states at the end."""
    twin = Twin(made, range(seeds))
    for _ in range(sweeps):
        twin.advance(1)
    return twin.states


@pytest.mark.parametrize("name", ["adder", "categorical", pytest.param("rbm", marks=pytest.mark.long)])
def test_states_have_the_law_of_the_netlist(name: str) -> None:
    netlist = design(name)
    assert p_value(netlist, run(machine(netlist), 200 if name == "rbm" else 60)) > LEAST


@pytest.mark.long
@pytest.mark.parametrize("seed", [seed for seed in range(12) if seed != 9])
def test_states_of_any_netlist_have_its_law(seed: int) -> None:
    """Pdits, products and tables at random, some with forbidden states, and both disciplines. In the ninth a state is
    left out that no update of one unit leads to."""
    netlist = coloured(rounded(direct(random_graph(seed, most_states=200, hard=seed % 3 == 0)), 8, 20))
    assert netlist.schedule is not None
    if seed % 2:
        netlist = replace(netlist, schedule=replace(netlist.schedule, discipline="sequential"))
    assert p_value(netlist, run(machine(netlist), 200)) > LEAST


def test_the_multiplier_run_backwards_factors() -> None:
    """5 · 7 and 7 · 5 are what most seeds show, and both of them are."""
    netlist = design("multiplier")
    shown, _ = decoded(netlist, run(machine(netlist), 1_000, 300))
    first, second = (shown["n"][:, at : at + 3] @ [1, 2, 4] for at in (0, 3))
    assert np.mean(first * second == 35) > 0.5
    assert {5, 7} <= set(first.tolist())


def flipped_sign(netlist: Netlist) -> Machine:
    pairs = netlist.pairs
    turned = Bodies(pairs.units, pairs.coupling * np.where(np.arange(len(pairs.units)) == 0, -1, 1))
    return machine(replace(netlist, pairs=turned))


def flipped_bit(netlist: Netlist) -> Machine:
    made = machine(netlist)
    thresholds = made.cells[0].thresholds.copy()
    states, p, _ = enumerated(netlist)
    thresholds[0, address(made, 0, states[np.argmax(p)]), 0] ^= np.uint64(1 << (made.threshold_bits - 1))
    return replace(made, cells=(replace(made.cells[0], thresholds=thresholds), *made.cells[1:]))


def merged_colours(netlist: Netlist) -> Machine:
    assert netlist.schedule is not None
    colours = np.minimum(netlist.schedule.colours, 2)
    return machine(replace(netlist, schedule=replace(netlist.schedule, colours=colours)))


@pytest.mark.parametrize("fault", [flipped_sign, flipped_bit, merged_colours])
def test_faults_are_seen(fault: Callable[[Netlist], Machine]) -> None:
    netlist = design("adder")
    assert p_value(netlist, run(fault(netlist))) < 1e-12


class Register:
    """Shift registers that are stepped once a clock, in the place of Streams, each from a state of its own."""

    def __init__(self, _: Generator, begin: np.ndarray, seeds: Sequence[int]) -> None:
        self._state = np.random.default_rng(1).integers(1, 2**32, (len(seeds), begin.shape[1]), np.uint32)

    def next(self) -> np.ndarray:
        found = self._state
        self._state = (found >> np.uint32(1)) ^ ((found & np.uint32(1)) * np.uint32(0x80200003))
        return found


def test_a_shift_register_that_is_stepped_once_a_clock_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppl.hardware.rtl.twin.Streams", Register)
    netlist = design("adder")
    assert p_value(netlist, run(machine(netlist))) < 1e-12


def address(made: Machine, unit: int, states: np.ndarray) -> int:
    cell = made.cells[unit]
    terms = np.array([np.bitwise_xor.reduce(states[list(term)]) for term in cell.terms], np.int64)
    return int((cell.weights * (terms ^ cell.flips)).sum())


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.long) if n == "rbm" else n for n in NAMES])
def test_thresholds_are_probabilities_by_energies(name: str) -> None:
    """Of every unit in states at random: those of its neighbours lead to 2^w P(state > z), to half a step."""
    netlist = design(name)
    made = machine(netlist)
    rng = np.random.default_rng(2)
    for unit in range(0, netlist.size, max(netlist.size // 8, 1)):
        for _ in range(4):
            states = rng.integers(0, netlist.states)
            each = np.repeat(states[None], netlist.states[unit], axis=0)
            each[:, unit] = np.arange(netlist.states[unit])
            energy = energies(netlist, each)
            if np.isinf(energy).all():
                continue
            weights = np.exp(energy.min() - energy)
            above = 1 - np.cumsum(weights)[:-1] / weights.sum()
            found = made.cells[unit].thresholds[0, address(made, unit, states)]
            assert np.abs(found - above * 2.0**made.threshold_bits).max() < 0.5 + 1e-6


def test_both_styles_are_taken_and_hard_states_never_left() -> None:
    styles = [cell.style for cell in machine(design("multiplier")).cells]
    assert {"table", "adder"} <= set(styles)
    made = machine(design("categorical"))
    assert any((cell.thresholds == 2**made.threshold_bits).any() for cell in made.cells)
    shown = run(made)
    assert not ((shown[:, :-1] == 0) & (shown[:, 1:] == 2)).any()


def test_units_that_are_held_and_the_schedule_of_beta() -> None:
    netlist = design("adder")
    assert netlist.schedule is not None
    betas = np.array([0.0] * 5 + [2.0] * 3 + [0.5])
    made = machine(replace(netlist, schedule=replace(netlist.schedule, betas=betas)))
    assert made.ends.tolist() == [5, 8]
    twin = Twin(made, range(5_000))
    stages = [int(twin.stage) for _ in range(10) if len(twin.advance(1))]
    assert stages == [0] * 4 + [1] * 3 + [2] * 3
    twin.held[2], twin.states[:, 2] = 1, 1
    twin.advance(60)
    clamped = np.where(np.arange(netlist.size) == 2, 1, -1)
    assert p_value(replace(netlist, clamped=clamped), twin.states, 0.5) > LEAST


def wide() -> Netlist:
    """A unit with 21 neighbours in products of three, whose weights are all different."""
    units = np.array([[0, i, i + 1] for i in range(1, 21)])
    netlist = replace(design("and"), names=tuple(f"s{i}" for i in range(22)), states=np.full(22, 2), bias=np.zeros(22))
    empty = Bodies(np.zeros((0, 2), np.int64), np.zeros(0))
    made = replace(netlist, pairs=empty, bodies=(Bodies(units, 1 + np.arange(20) / 4096),), clamped=np.full(22, -1))
    return coloured(replace(made, variables=(), schedule=None, precision=Precision(12, 16)))


def hub(neighbours: int, units: int) -> Netlist:
    """One unit with neighbours of different weights, and others with a bias alone; they take turns."""
    rng = np.random.default_rng(0)
    pairs = Bodies(np.array([[0, i] for i in range(1, neighbours + 1)]), np.arange(1, neighbours + 1) ** 3 / 4096)
    netlist = replace(design("and"), names=tuple(f"s{i}" for i in range(units)), states=np.full(units, 2))
    netlist = replace(netlist, bias=rng.normal(size=units), pairs=pairs, clamped=np.full(units, -1), variables=())
    made = coloured(replace(netlist, schedule=None, precision=Precision(12, 16)))
    assert made.schedule is not None
    return replace(made, schedule=replace(made.schedule, discipline="sequential"))


def test_a_unit_of_many_neighbours_has_a_slot_of_its_own() -> None:
    """In the slot of the others, all of them would have as many thresholds."""
    made = machine(hub(9, 100))
    assert made.phases == 100
    assert [np.count_nonzero(slot.units >= 0) for slot in made.slots] == [99, 1]
    assert made.memory_bits == sum(cell.thresholds.size for cell in made.cells) * 17


def test_memories_are_counted_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unit's thresholds fit, and what slots make of them does not."""
    made = machine(hub(3, 15))
    least = sum(cell.thresholds.size for cell in made.cells) * 17
    assert made.memory_bits > 2 * least
    monkeypatch.setattr("ppl.hardware.rtl.machine.MOST_MEMORY_BITS", made.memory_bits)
    machine(hub(3, 15))
    monkeypatch.setattr("ppl.hardware.rtl.machine.MOST_MEMORY_BITS", 2 * least)
    with pytest.raises(PplError, match="Mbit of thresholds"):
        machine(hub(3, 15))


def heavy(weight: float, beta: float, fraction: int = 0) -> Netlist:
    netlist = design("and")
    assert netlist.schedule is not None
    assert netlist.precision is not None
    schedule = replace(netlist.schedule, betas=np.array([0.0, beta]))
    pairs = replace(netlist.pairs, coupling=np.full(len(netlist.pairs.units), weight))
    precision = replace(netlist.precision, fraction_bits=fraction, threshold_bits=16)
    return replace(netlist, pairs=pairs, bias=np.zeros(3), schedule=schedule, precision=precision)


def test_huge_weights_are_hard_and_none_at_beta_0() -> None:
    for cell in machine(heavy(1e305, 1e10)).cells:
        assert set(cell.thresholds[0].ravel()) <= {0, 2**15}
        assert set(cell.thresholds[1].ravel()) == {0, 2**15, 2**16}


def betas(count: int) -> Netlist:
    netlist = design("rbm")
    assert netlist.schedule is not None
    return replace(netlist, schedule=replace(netlist.schedule, betas=np.linspace(0, 1, count)))


def discipline(name: str) -> Netlist:
    netlist = design("and")
    assert netlist.schedule is not None
    return replace(netlist, schedule=replace(netlist.schedule, discipline=name))  # type: ignore[arg-type]


def words(fraction: int, threshold: int) -> Netlist:
    netlist = design("and")
    assert netlist.precision is not None
    return replace(netlist, precision=replace(netlist.precision, fraction_bits=fraction, threshold_bits=threshold))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (wide, "`s0` has 21 neighbours"),
        (lambda: betas(8000), "Mbit of thresholds"),
        (lambda: discipline("synchronous"), "all units at once"),
        (lambda: words(8, 49), "thresholds of 49 bits"),
        (lambda: words(0, 16), "no words of 0 bits"),
        (lambda: heavy(1e305, 1.0, 30), "weights are too large"),
        (lambda: heavy(1e308, 1.0), "weights are too large"),
        (lambda: replace(design("and"), precision=None), "no words"),
        (lambda: replace(wide(), states=np.full(22, 300), bodies=()), "300 states"),
        (lambda: ready(direct_nothing(), 1e-3, words=True), "nothing to update"),
    ],
)
def test_what_cannot_be_hardware_is_refused(make: Callable[[], Netlist], said: str) -> None:
    with pytest.raises(PplError) as caught:
        emit(make())
    assert caught.value.diagnostics[0].code == "E712"
    assert said in caught.value.diagnostics[0].title
    assert caught.value.diagnostics[0].hints


def direct_nothing() -> Netlist:
    netlist = design("and")
    nothing, none = np.zeros(0), np.zeros(0, np.int64)
    empty = Bodies(np.zeros((0, 2), np.int64), nothing)
    small = replace(netlist, names=(), states=none, bias=nothing, pairs=empty, bodies=(), clamped=none)
    return replace(small, variables=(), schedule=None)
