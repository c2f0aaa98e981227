"""Factor graphs: random ones, small enough to be enumerated, and those of models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppl.circuits.factors import discrete_density, factor_graph
from ppl.compiler.binding.bind import Bound
from ppl.compiler.passes.preparation import prepared
from ppl.hardware.exact import product
from ppl.hardware.factors import FactorGraph, Factors, Quantity

FREE = -1


def random_graph(
    seed: int, most_states: int = 2**11, hard: bool = False, values: Sequence[int] = (2, 2, 2, 2, 3, 4)
) -> FactorGraph:
    """A few quantities of so many values, with factors of one to four sites; hard: some states are
    forbidden, but never all in their first."""
    rng = np.random.default_rng(seed)
    cardinality: list[int] = []
    while np.prod([*cardinality, 4]) <= most_states and len(cardinality) < 10:
        cardinality.append(int(rng.choice(values)))
    quantities = tuple(
        Quantity(f"q{i}", (), (), "int", np.arange(k) + int(rng.integers(3)), (), np.array([FREE]))
        for i, k in enumerate(cardinality)
    )
    factors = []
    for _ in range(2 * len(cardinality)):
        rank = int(rng.integers(1, min(4, len(cardinality)) + 1))
        sites = rng.choice(len(cardinality), rank, replace=False)
        energy = rng.normal(size=[cardinality[s] for s in sites])
        if hard and rank > 1:
            forbidden = rng.uniform(size=energy.shape) < 0.2
            forbidden.flat[0] = False
            energy = np.where(forbidden, np.inf, energy)
        factors.append(Factors(sites[None].astype(np.int64), energy[None]))
    return FactorGraph("random", quantities, tuple(factors), float(rng.normal()))


def graph_of(bound: Bound) -> FactorGraph:
    graph, dataset = prepared(bound.graph, bound.dataset)
    return factor_graph(discrete_density(graph, dataset), dataset, "m")


def law(graph: FactorGraph) -> tuple[np.ndarray, np.ndarray]:
    """All states, and -log of the unnormalised probability of each, term by term as it is written."""
    states = product(range(k) for k in graph.cardinality)
    energy = np.full(len(states), graph.offset)
    for one in graph.factors:
        for row, table in zip(one.sites, one.energy, strict=True):
            energy += np.array([table[tuple(state[row])] for state in states])
    return states, energy


def kl(p: np.ndarray, q: np.ndarray) -> float:
    """Nats."""
    there = p > 0
    return float(np.sum(p[there] * (np.log(p[there]) - np.log(q[there]))))
