"""Who shares a factor with whom, and the questions an elimination order asks, vectorised over all variables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ppl.compiler.elimination.ground import Integers
from ppl.compiler.elimination.grouping import distinct, expand


@dataclass(frozen=True, eq=False)
class Adjacency:
    """A graph on nodes 0 … size − 1 as directed edges in both directions, sorted.

    starts: (size + 1,) where the edges of each source begin; keys: source · size + target.
    """

    size: int
    sources: Integers
    targets: Integers
    starts: Integers
    keys: Integers

    @property
    def degree(self) -> Integers:
        return np.diff(self.starts)

    def components(self) -> Integers:
        """The number of each node's connected component."""
        if not len(self.sources):
            return np.arange(self.size)
        return np.asarray(connected_components(self.matrix(), directed=False)[1], np.int64)

    def matrix(self) -> csr_array:
        return csr_array((np.ones(len(self.targets), np.int8), self.targets, self.starts), shape=(self.size, self.size))

    def within(self, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Adjacency:
        """The edges between kept nodes."""
        return _from_keys(self.size, self.keys[kept[self.sources] & kept[self.targets]])


def adjacency(size: int, scopes: Iterable[Integers]) -> Adjacency:
    """Nodes that share a row of one of the scopes are neighbours."""
    keys = [np.zeros(0, np.int64)]
    for rows in scopes:
        for i in range(rows.shape[1]):
            for j in range(i):
                keys += [rows[:, i] * size + rows[:, j], rows[:, j] * size + rows[:, i]]
    return _from_keys(size, distinct(np.concatenate(keys)))


def _from_keys(size: int, keys: Integers) -> Adjacency:
    sources, targets = np.divmod(keys, max(size, 1))
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(sources, minlength=size))])
    return Adjacency(size, sources, targets, starts, keys)


def common_neighbours(graph: Adjacency) -> Integers:
    """For every edge the number of triangles it is in. The neighbours of the end that has fewer are looked up among
    those of the other, so that a star costs no more than its edges."""
    degree = graph.degree
    swap = degree[graph.sources] > degree[graph.targets]
    low = np.where(swap, graph.targets, graph.sources)
    high = np.where(swap, graph.sources, graph.targets)
    edge, offset = expand(degree[low])
    third = graph.targets[graph.starts[low[edge]] + offset]
    return np.bincount(edge[_member(graph.keys, high[edge] * graph.size + third)], minlength=len(low))


def _member(keys: Integers, sought: Integers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if not len(keys):
        return np.zeros(len(sought), np.bool_)
    place = np.minimum(np.searchsorted(keys, sought), len(keys) - 1)
    return np.asarray(keys[place] == sought)
