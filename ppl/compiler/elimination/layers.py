"""Layers of a graph: the distance of every node from an end of its component.

An edge joins nodes of one layer or of two that follow each other, so layers are slices of a chain, whatever the graph's
numbering, wherever they are small. The end is a node that is farthest from a farthest one (George & Liu 1979,
pseudo-peripheral nodes); of two ends the one that comes first in the numbering.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from ppl.compiler.elimination.adjacency import Adjacency
from ppl.compiler.elimination.ground import Integers


def layers(graph: Adjacency, nodes: Integers, component: Integers) -> Integers:
    """The layer, from 0, of each node. component: of each node, 0 … without a gap; nodes ascend; every edge of theirs
    leads to another of them."""
    local = np.full(graph.size, -1)
    local[nodes] = np.arange(len(nodes))
    inside = local[graph.sources] >= 0
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(graph.degree[nodes])])
    targets = local[graph.targets[inside]]
    first = np.unique(component, return_index=True)[1]
    from_first = _distances(starts, targets, first)
    far = _farthest(component, from_first)
    from_far = _distances(starts, targets, far)
    longest = from_far[_farthest(component, from_far)]
    is_end = from_far[first] == longest
    return np.where(is_end[component], from_first, from_far)


def _farthest(component: Integers, distance: Integers) -> Integers:
    """For each component its first node of those farthest away."""
    order = np.lexsort((np.arange(len(distance)), -distance, component))
    return np.asarray(order[np.unique(component[order], return_index=True)[1]])


def _distances(starts: Integers, targets: Integers, sources: Integers) -> Integers:
    """Of every node from the source in its component: breadth first from one more node, joined to all sources, then
    by doubling along the tree that this gives."""
    root = len(starts) - 1
    indptr = np.append(starts, starts[-1] + len(sources)).astype(np.int32)
    indices = np.concatenate([targets, sources]).astype(np.int32)
    matrix = csr_array((np.ones(len(indices)), indices, indptr), shape=(root + 1, root + 1))
    before = np.asarray(breadth_first_order(matrix, root, directed=True)[1], np.int64)
    before[root] = root
    distance = np.ones(root + 1, np.int64)
    distance[root] = 0
    while (before != root).any():
        distance = distance + distance[before]
        before = before[before]
    return distance[:root] - 1
