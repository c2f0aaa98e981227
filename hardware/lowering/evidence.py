"""Evidence folded in: sites of but one possible state are gone, and factors have their energies there. Exact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.factors import FactorGraph, Factors

Array = NDArray[Any]


def folded(graph: FactorGraph) -> FactorGraph:
    """The graph without the sites that factors of one site leave a single state; itself if there are none."""
    state = _given(graph)
    if (state < 0).all():
        return graph
    number = np.cumsum(state < 0) - 1
    offset = graph.offset
    factors: list[Factors] = []
    for one in graph.factors:
        held = state[one.sites] >= 0
        for pattern in np.unique(held, axis=0):
            rows = np.flatnonzero((held == pattern).all(axis=1))
            energy = _sliced(one.energy, rows, pattern, state[one.sites[rows]])
            if energy.ndim == 1:
                offset += float(energy.sum())
            else:
                factors.append(Factors(number[one.sites[rows][:, ~pattern]], energy))
    quantities, first = [], 0
    for q in graph.quantities:
        fixed, free = q.fixed.copy(), q.fixed < 0
        fixed[free] = state[first : first + int(free.sum())]
        first += int(free.sum())
        quantities.append(replace(q, fixed=fixed))
    return FactorGraph(graph.name, tuple(quantities), tuple(factors), offset)


def _given(graph: FactorGraph) -> Array:
    """(sites,): the state of those that have but one, else -1."""
    cardinality = graph.cardinality
    most = int(cardinality.max(initial=1))
    possible = np.arange(most) < cardinality[:, None]
    for one in graph.factors:
        if one.sites.shape[1] == 1:
            k = one.energy.shape[1]
            np.logical_and.at(possible[:, :k], one.sites[:, 0], np.isfinite(one.energy))
    single = possible.sum(axis=1) == 1
    return np.where(single, np.argmax(possible, axis=1), -1)


def _sliced(energy: Array, rows: Array, pattern: Array, states: Array) -> Array:
    """Energies of some rows at the states of the sites in the pattern."""
    taken = energy[rows]
    for column in np.flatnonzero(pattern)[::-1]:
        index = states[:, column].reshape(-1, *[1] * (taken.ndim - 1))
        taken = np.take_along_axis(taken, index, axis=column + 1).squeeze(column + 1)
    return taken
