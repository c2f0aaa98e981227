"""Evidence folded in, exactly: sites of but one possible state are gone, and factors have their energies there; so are
the sites of a factor that make no difference to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.errors import Diagnostic, PplError
from ppl.hardware.factors import FactorGraph, Factors

Array = NDArray[Any]


def folded(graph: FactorGraph) -> FactorGraph:
    """The graph without the sites that have a single possible state, and without couplings that are none.

    Raises:
        PplError: a site has no possible state (E723).
    """
    state = _given(graph)
    if (state < 0).all():
        return slimmed(graph)
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
    return slimmed(FactorGraph(graph.name, tuple(quantities), tuple(factors), offset))


def slimmed(graph: FactorGraph) -> FactorGraph:
    """Without what does not depend on a site: such factors lose it, those of none go to the offset."""
    offset = graph.offset
    factors: list[Factors] = []
    slimmer = False
    for one in graph.factors:
        axes = range(1, one.energy.ndim)
        first = [np.take(one.energy, [0], axis=axis) for axis in axes]
        idle = np.stack([(one.energy == f).reshape(len(one.sites), -1).all(axis=1) for f in first], axis=1)
        if not idle.any():
            factors.append(one)
            continue
        slimmer = True
        for pattern in np.unique(idle, axis=0):
            rows = np.flatnonzero((idle == pattern).all(axis=1))
            energy = one.energy[(rows, *(0 if out else slice(None) for out in pattern))]
            if energy.ndim == 1:
                offset += float(energy.sum())
            else:
                factors.append(Factors(one.sites[rows][:, ~pattern], energy))
    if not slimmer:
        return graph
    return FactorGraph(graph.name, graph.quantities, tuple(factors), offset)


def _given(graph: FactorGraph) -> Array:
    """(sites,): the state of those that have but one, else -1.

    A state is out where every energy with it is infinite, or has another state that is out (arc consistency,
    Mackworth 1977), until no more are.

    Raises:
        PplError: a site has no state left (E723).
    """
    cardinality = graph.cardinality
    possible = np.arange(int(cardinality.max(initial=1))) < cardinality[:, None]
    forbidding = [one for one in graph.factors if np.isinf(one.energy).any()]
    before = -1
    while (now := int(possible.sum())) != before:
        before = now
        for one in forbidding:
            open_ = np.isfinite(one.energy)
            for axis, column in enumerate(one.sites.T, start=1):
                mask = possible[column, : one.energy.shape[axis]]
                open_ = open_ & mask.reshape([len(mask), *(-1 if i == axis else 1 for i in range(1, open_.ndim))])
            for axis, column in enumerate(one.sites.T, start=1):
                others = tuple(i for i in range(1, open_.ndim) if i != axis)
                np.logical_and.at(possible[:, : one.energy.shape[axis]], column, open_.any(axis=others))
    left = possible.sum(axis=1)
    if (left == 0).any():
        raise _contradiction(graph, int(np.argmax(left == 0)))
    return np.where(left == 1, np.argmax(possible, axis=1), -1)


def _contradiction(graph: FactorGraph, site: int) -> PplError:
    names = [n for q in graph.quantities for n, held in zip(q.element_names(), q.fixed, strict=True) if held < 0]
    title = f"`{names[site]}` has no state that the model allows"
    return PplError([Diagnostic("E723", title, hints=("look at the data and at what is clamped: they contradict it",))])


def _sliced(energy: Array, rows: Array, pattern: Array, states: Array) -> Array:
    """Energies of some rows at the states of the sites in the pattern."""
    taken = energy[rows]
    for column in np.flatnonzero(pattern)[::-1]:
        index = states[:, column].reshape(-1, *[1] * (taken.ndim - 1))
        taken = np.take_along_axis(taken, index, axis=column + 1).squeeze(column + 1)
    return taken
