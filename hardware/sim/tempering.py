"""Parallel tempering, with isoenergetic cluster moves.

Each system is at every β of a ladder once. After some sweeps neighbours on the ladder exchange their states with
probability min(1, exp((β' - β)(E' - E))) (Hukushima & Nemoto 1996, eq. 8). Then, at each β, systems meet in twos:
among the units at which they differ, those that are joined with one of them, chosen at random, change places (Houdayer
2001; in any dimension, Zhu, Ochoa & Katzgraber 2015). What is joined with such a cluster from outside is equal in both
systems, so that the sum of their energies stays, and the joint law at one β with it: each coupling and each table sees
in one system what it saw in the other, however many units it joins and however many states they have.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ppl.hardware.energies import energies
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.sim.chromatic import Chromatic
from ppl.hardware.sim.schedules import ladder, span

States = NDArray[np.integer]
_FEWEST, _MOST = 8, 32
# Sweeps between two exchanges.
_EVERY = 5


class Tempered:
    """`systems` replicas at the coldest β, each with a ladder of its own above it.

    betas: the last of them is the coldest β.
    """

    def __init__(self, netlist: Netlist, systems: int, seed: int, betas: NDArray[np.float64]) -> None:
        cold = float(betas[-1])
        hot = min(span(netlist)[0], cold)
        # Neighbours must share energies, whose deviation goes with the root of the number of units.
        levels = int(np.clip(np.sqrt(netlist.size), _FEWEST, _MOST)) if hot < cold else 1
        self.betas = ladder(hot, cold, levels)
        self._netlist, self._systems = netlist, systems
        self._ends = joined_pairs(netlist)
        self._simulator = Chromatic(netlist, systems * levels, seed, betas)
        self._rng = np.random.default_rng([seed, 1])
        self._level = np.tile(np.arange(levels), (systems, 1))  # (systems, copies): where each copy is
        self.exchanged = np.zeros(levels - 1)
        self.tried = np.zeros(levels - 1)
        self._since = 0

    def advance(self, sweeps: int) -> None:
        """So many sweeps of all copies, with exchanges and cluster moves after every few."""
        while sweeps:
            step = min(sweeps, _EVERY - self._since)
            self._simulator.set_betas(self.betas[self._level].reshape(1, -1))
            self._simulator.advance(step)
            sweeps, self._since = sweeps - step, (self._since + step) % _EVERY
            if not self._since:
                self._meet()

    def states(self) -> States:
        """(systems, n): those at the coldest β."""
        copies = self._simulator.states().reshape(self._systems, len(self.betas), self._netlist.size)
        return np.asarray(copies[np.arange(self._systems), self._level.argmax(axis=1)])

    def _meet(self) -> None:
        copies = self._simulator.states().reshape(self._systems, len(self.betas), self._netlist.size).copy()
        self._exchange(energies(self._netlist, copies))
        self._move_clusters(copies)
        self._simulator.set_states(copies.reshape(copies.shape[0] * copies.shape[1], self._netlist.size))

    def _exchange(self, energy: NDArray[np.float64]) -> None:
        """energy: (systems, copies). Copies keep their states and change their β."""
        at = np.argsort(self._level, axis=1)  # (systems, levels): which copy is there
        system = np.arange(self._systems)
        for low in range(len(self.betas) - 1):
            one, other = at[:, low], at[:, low + 1]
            with np.errstate(invalid="ignore"):  # of two states that are forbidden, which differ by nothing
                change = np.nan_to_num(
                    energy[system, other] - energy[system, one], nan=0.0, posinf=np.inf, neginf=-np.inf
                )
            gain = (self.betas[low + 1] - self.betas[low]) * change
            taken = np.log(self._rng.uniform(size=self._systems)) < gain
            self._level[system[taken], one[taken]] = low + 1
            self._level[system[taken], other[taken]] = low
            at[:, low], at[:, low + 1] = np.where(taken, other, one), np.where(taken, one, other)
            self.exchanged[low] += taken.sum()
            self.tried[low] += self._systems

    def _move_clusters(self, copies: NDArray[np.integer]) -> None:
        """copies: (systems, copies, n), changed in place."""
        at = np.argsort(self._level, axis=1)
        met = [self._rng.permutation(self._systems)[: self._systems // 2 * 2].reshape(-1, 2) for _ in self.betas]
        pairs = np.concatenate(met)  # of systems, at one level after the other
        level = np.arange(len(self.betas)).repeat(self._systems // 2)
        first, second = ((system, at[system, level]) for system in pairs.T)
        one, other = copies[first], copies[second]
        moved = differing_clusters(self._ends, one != other, self._rng)
        copies[first], copies[second] = np.where(moved, other, one), np.where(moved, one, other)


def joined_pairs(netlist: Netlist) -> NDArray[np.int64]:
    """(e, 2): units that a coupling or a table joins, each two once."""
    found = [scope[:, [i, j]] for scope in netlist.scopes for i, j in combinations(range(scope.shape[1]), 2)]
    return np.unique(np.sort(np.concatenate([np.zeros((0, 2), np.int64), *found]), axis=1), axis=0)


def differing_clusters(
    ends: NDArray[np.int64], differing: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(e, 2), units that are joined, and (p, n), where each of p pairs of systems differs -> those units that are
    joined, through units that differ, with one of them at random; none where none differ."""
    count, size = differing.shape
    if not differing.any():
        return differing
    start = np.where(differing, rng.uniform(size=differing.shape), -1.0).argmax(axis=1)
    pair, edge = np.nonzero(differing[:, ends[:, 0]] & differing[:, ends[:, 1]])
    rows, columns = pair * size + ends[edge, 0], pair * size + ends[edge, 1]
    joined = csr_array((np.ones(len(pair), np.int8), (rows, columns)), shape=(count * size, count * size))
    labels = connected_components(joined, directed=False)[1].reshape(count, size)
    return np.asarray(differing & (labels == labels[np.arange(count), start][:, None]))
