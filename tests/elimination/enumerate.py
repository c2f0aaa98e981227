"""Factor graphs and their exact laws by adding up all joint states, in NumPy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from ppl.compiler.elimination import Scope, Variable

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Graph:
    variables: tuple[Variable, ...]
    scopes: tuple[Scope, ...]
    tables: tuple[Floats, ...]

    @property
    def sizes(self) -> list[int]:
        return [v.states for v in self.variables for _ in range(v.size)]


def scope(variables: Sequence[str], positions: npt.ArrayLike, name: str = "f") -> Scope:
    rows = np.asarray(positions, np.int64)
    return Scope(name, tuple(variables), rows.reshape(-1, len(variables)))


def random_tables(
    rng: np.random.Generator, variables: Sequence[Variable], scopes: Sequence[Scope], impossible: float = 0.0
) -> tuple[Floats, ...]:
    """Normal log-potentials, of which a share is −inf; one joint state, drawn first, stays possible."""
    states = {v.name: v.states for v in variables}
    possible = {v.name: rng.integers(0, v.states, v.size) for v in variables}
    tables = []
    for s in scopes:
        table = 2 * rng.normal(size=(len(s.positions), *(states[name] for name in s.variables)))
        kept = table.copy()
        table[rng.random(table.shape) < impossible] = -np.inf
        at = (np.arange(len(table)), *(possible[name][s.positions[:, i]] for i, name in enumerate(s.variables)))
        table[at] = kept[at]
        tables.append(table)
    return tuple(tables)


def joint(graph: Graph) -> Floats:
    """The log-weight of every joint state: an axis for every ground variable."""
    sizes = graph.sizes
    assert math.prod(sizes) <= 2**20
    offsets = _offsets(graph)
    total = np.zeros(sizes)
    grid = np.indices(sizes, sparse=True)
    for s, table in zip(graph.scopes, graph.tables, strict=True):
        for row, positions in enumerate(s.positions):
            numbers = [offsets[name] + p for name, p in zip(s.variables, positions, strict=True)]
            total = total + table[row][tuple(grid[n] for n in numbers)]
    return total


def log_normaliser(graph: Graph) -> float:
    return float(logsumexp(joint(graph)))


def probabilities(graph: Graph) -> Floats:
    weights = joint(graph)
    return np.asarray(np.exp(weights - logsumexp(weights)))


def marginals(graph: Graph) -> dict[str, Floats]:
    p = probabilities(graph)
    result, number = {}, 0
    for v in graph.variables:
        rows = []
        for _ in range(v.size):
            rows.append(p.sum(axis=tuple(i for i in range(p.ndim) if i != number)))
            number += 1
        result[v.name] = np.array(rows).reshape(*v.shape, v.states)
    return result


def gradients(graph: Graph) -> list[Floats]:
    """Of the log-normaliser by every table entry: the probability of the factor's states."""
    p = probabilities(graph)
    offsets = _offsets(graph)
    result = []
    for s, table in zip(graph.scopes, graph.tables, strict=True):
        gradient = np.zeros_like(table)
        for row, positions in enumerate(s.positions):
            numbers = [offsets[name] + q for name, q in zip(s.variables, positions, strict=True)]
            distinct = sorted(set(numbers))
            together = p.sum(axis=tuple(i for i in range(p.ndim) if i not in distinct))
            grid = np.indices(together.shape, sparse=True)
            gradient[row][tuple(grid[distinct.index(n)] for n in numbers)] = together
        result.append(gradient)
    return result


def _offsets(graph: Graph) -> dict[str, int]:
    sizes = [0, *itertools.accumulate(v.size for v in graph.variables)]
    return {v.name: offset for v, offset in zip(graph.variables, sizes, strict=False)}
