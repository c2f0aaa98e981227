"""The library of gates: truth tables by enumeration, words of several digits for all inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product

import numpy as np
import pytest

import ppl
from ppl.compiler.check.libraries import library
from ppl.hardware.factors import FactorGraph
from ppl.hardware.lowering.direct import direct
from tests.hardware.random_graphs import graph_of

Relation = Callable[[Sequence[int]], bool]

# Of one digit: the arguments as in the text, the relation between them as bits, and whether it takes pairs alone.
GATES: dict[str, tuple[str, Relation, bool]] = {
    "copy_gate": ("ca", lambda x: x[0] == x[1], True),
    "not_gate": ("ca", lambda x: x[0] != x[1], True),
    "and_gate": ("cab", lambda x: x[0] == x[1] & x[2], True),
    "or_gate": ("cab", lambda x: x[0] == x[1] | x[2], True),
    "nand_gate": ("cab", lambda x: x[0] != x[1] & x[2], True),
    "nor_gate": ("cab", lambda x: x[0] != x[1] | x[2], True),
    "xor_gate": ("cab", lambda x: x[0] == x[1] ^ x[2], False),
    "xnor_gate": ("cab", lambda x: x[0] != x[1] ^ x[2], False),
    "mux_gate": ("cwab", lambda x: x[0] == (x[2] if x[1] else x[3]), False),
    "majority_gate": ("cxyz", lambda x: x[0] == (sum(x[1:]) > 1), True),
    "half_adder": ("scab", lambda x: x[0] + 2 * x[1] == x[2] + x[3], True),
    "full_adder": ("scxyz", lambda x: x[0] + 2 * x[1] == sum(x[2:]), True),
    "product_adder": ("scabxy", lambda x: x[0] + 2 * x[1] == x[2] * x[3] + x[4] + x[5], False),
}


def number(digits: Sequence[int]) -> int:
    return sum(digit << i for i, digit in enumerate(digits))


# Of several digits: the dims of each argument, and the relation of the numbers that their digits make.
WORDS: dict[str, tuple[dict[str, str], Callable[..., bool]]] = {
    "adder": (dict.fromkeys(["s", "c", "a", "b"], "j"), lambda s, c, a, b: s + 8 * (c >> 2) == a + b),
    "comparator": (dict.fromkeys(["c", "a", "b"], "j"), lambda c, a, b: (c >> 2) == (a > b)),
    "multiplier": (
        {"p": "p", "s": "j, a", "c": "j, a", "a": "a", "b": "j"},
        lambda p, s, c, a, b: p == a * b,
    ),
    "multiplier_2": (
        {"p": "j", "s": "i, i", "c": "i, i", "a": "i", "b": "i"},
        lambda p, s, c, a, b: p == a * b % 8,
    ),
}
SIZES = {"i": 2, "j": 3, "a": 4, "p": 7}


def text() -> str:
    """All of them in one model, spins and truth values by turns, and names that are those inside the library."""
    lines = ["use gates", "dim " + ", ".join(f"{dim} = {size}" for dim, size in SIZES.items())]
    lines += ["var k : spin, x : bool", "energy top: copy_gate(k, x)"]
    lines += ["var whole : int in [-1, 2], digits[j] : bool", "energy low: number(digits)", "energy high: truth(whole)"]
    for n, (name, (arguments, _, _)) in enumerate(GATES.items()):
        kind = ("spin", "bool")[n % 2]
        lines.append("var " + ", ".join(f"{a}_{name} : {kind}" for a in arguments))
        lines.append(f"energy e_{name}: {name}({', '.join(f'{a}_{name}' for a in arguments)})")
    for name, (arguments, _) in WORDS.items():
        lines += [f"var {a}_{name}[{dims}] : spin" for a, dims in arguments.items()]
        called = f"{name.partition('_')[0]}({', '.join(f'{a}_{name}' for a in arguments)})"
        lines.append(f"energy e_{name}: {called}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def graph() -> FactorGraph:
    bound = ppl.compile(text()).bind()
    return graph_of(bound)


def sites_of(graph: FactorGraph, gate: str) -> np.ndarray:
    """The sites of its arguments, in their order."""
    arguments = GATES[gate][0] if gate in GATES else WORDS[gate][0]
    return np.concatenate([sites_named(graph, f"{a}_{gate}") for a in arguments])


def sites_named(graph: FactorGraph, name: str) -> np.ndarray:
    owners = np.array([q.name for q in graph.quantities for _ in q.fixed])
    return np.flatnonzero(owners == name)


def own_factors(graph: FactorGraph, sites: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The factors that are about these sites: places among them, and energies."""
    place = np.full(len(graph.cardinality), -1)
    place[sites] = np.arange(len(sites))
    found = [(row, table) for one in graph.factors for row, table in zip(place[one.sites], one.energy, strict=True)]
    return [(row, table) for row, table in found if (row >= 0).all()]


def test_every_function_is_tested_and_said_what_it_takes() -> None:
    functions = library("gates")
    assert set(functions) == {*GATES, "adder", "comparator", "multiplier", "truth", "number"}
    for name, function in functions.items():
        parameters = ", ".join(p.id for p in function.definition.parameters)
        assert function.takes.startswith(f"`{name}({parameters})`: ")


@pytest.mark.parametrize("gate", GATES)
def test_truth_table(graph: FactorGraph, gate: str) -> None:
    """0 where the relation holds, at least 1 elsewhere."""
    sites = sites_of(graph, gate)
    states = np.array(list(product((0, 1), repeat=len(sites))))
    energy = sum(table[tuple(states[:, row].T)] for row, table in own_factors(graph, sites))
    holds = np.array([GATES[gate][1](state) for state in states.tolist()])
    assert (energy[holds] == 0).all()
    assert (energy[~holds] >= 1).all()


def test_numbers_and_truth(graph: FactorGraph) -> None:
    digits = own_factors(graph, sites_named(graph, "digits"))
    assert sorted((int(row[0]), tuple(table.tolist())) for row, table in digits) == [(i, (0, 2**i)) for i in range(3)]
    ((_, table),) = own_factors(graph, sites_named(graph, "whole"))
    assert table.tolist() == [0, 0, 1, 1]  # of -1, 0, 1, 2


def states_of_no_energy(factors: list[tuple[np.ndarray, np.ndarray]], inputs: list[int]) -> Iterator[dict[int, int]]:
    """Where no factor is above 0: states of the inputs, then of what shares a factor with the fewest to choose."""
    order, waiting, due = list(inputs), list(factors), []
    while waiting:
        row, table = min(waiting, key=lambda one: len(set(one[0].tolist()) - set(order)))
        waiting = [one for one in waiting if one[0] is not row]
        order += [site for site in row.tolist() if site not in order]
        due.append((len(order), row, table))
    state: dict[int, int] = {}

    def further(count: int) -> Iterator[dict[int, int]]:
        if any(table[tuple(state[site] for site in row)] for when, row, table in due if when == count):
            return
        if count == len(order):
            yield dict(state)
            return
        for state[order[count]] in (0, 1):
            yield from further(count + 1)

    return further(0)


@pytest.mark.parametrize("gate", WORDS)
def test_words(graph: FactorGraph, gate: str) -> None:
    """The energy is a whole number, 0 for each input in one state, in which the relation holds."""
    dims, relation = WORDS[gate]
    digits = [int(np.prod([SIZES[dim] for dim in over.split(", ")])) for over in dims.values()]
    factors = own_factors(graph, sites_of(graph, gate))
    assert all((table == np.round(table)).all() and table.min() == 0 for _, table in factors)
    ends = np.cumsum([0, *digits])
    rows = [
        [number([state[site] for site in range(i, j)]) for i, j in pairwise(ends)]
        for state in states_of_no_energy(factors, list(range(ends[-3], ends[-1])))
    ]
    assert all(relation(*row) for row in rows)
    inputs = product(range(2 ** digits[-2]), range(2 ** digits[-1]))
    assert sorted(tuple(row[-2:]) for row in rows) == list(inputs)


def test_gates_of_pairs_are_lowered_to_pairs(graph: FactorGraph) -> None:
    netlist = direct(graph)
    assert [one.units.shape for one in netlist.tables] == [(1, 1)]  # of `whole`, which has four states
    assert [bodies.order for bodies in netlist.bodies] == [3]
    joined = set(netlist.bodies[0].units.ravel().tolist())
    for gate, (_, _, pairs) in GATES.items():
        assert joined.isdisjoint(sites_of(graph, gate)) == pairs
