"""Parts of the graph that are long and narrow, cut into slices.

A part is connected once hubs (variables with far more neighbours than others: a class of a subject, a regime of all
times) are set aside. Its layers are slices; where different variables follow each other in turn, a few layers are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppl.compiler.elimination.adjacency import Adjacency
from ppl.compiler.elimination.ground import Integers
from ppl.compiler.elimination.grouping import by_first, distinct, distinct_rows, ranks
from ppl.compiler.elimination.layers import layers
from ppl.compiler.elimination.working import Flags, Working

SHORTEST = 8  # layers; shorter chains are few rounds
SLENDER = 3  # times as many layers as there are variables in the widest
HUB = 16  # neighbours that a hub has at least, and
MANY = 3  # times as many as the average of its component
PERIOD = 4  # layers that a slice has at most
WASTE = 1.5  # slots for every variable, up to which slices count as alike
BOUNDARY = 2  # hubs that a part may touch


@dataclass(frozen=True, eq=False)
class Slices:
    """time: the slice of every node; rank: among its slice's elements of the same variable. A slice at the beginning
    or the end that lacks some leaves a choice which: head, tail: how far its ranks may be shifted (0 elsewhere).

    counts: (parts, V) the slots of each variable; length: (parts,) in slices.
    """

    time: Integers
    rank: Integers
    head: Integers
    tail: Integers
    counts: Integers
    length: Integers


@dataclass(frozen=True, eq=False)
class Parts:
    """nodes: ascending; part: of each node; hubs: (parts, BOUNDARY) those that each part touches (−1: none);
    tree: whether each part is one."""

    nodes: Integers
    part: Integers
    slices: Slices
    hubs: Integers
    tree: Flags


def parts_of(work: Working, graph: Adjacency) -> Parts | None:
    """All parts that could be chains, if there are any."""
    degree = graph.degree
    inside = degree > 0
    if inside.sum() < SHORTEST:
        return None
    component = graph.components()
    mean = np.bincount(component, degree) / np.maximum(np.bincount(component, inside), 1)
    hub = (degree > HUB) & (degree > MANY * mean[component])
    slim = graph.within(~hub)
    part = slim.components() if hub.any() else component
    nodes = np.flatnonzero(inside & ~hub & (np.bincount(part, inside & ~hub) >= SHORTEST)[part])
    if not len(nodes):
        return None
    part = by_first(part[nodes])
    hubs, few = _boundaries(graph, hub, nodes, part)
    layer = layers(slim, nodes, part)
    count = _most(part, layer + 1)
    fits = few & (count >= SHORTEST) & (count >= SLENDER * _most(part, ranks(part, layer) + 1))
    if not fits.any():
        return None
    kept = fits[part]
    nodes, part, layer = nodes[kept], (np.cumsum(fits) - 1)[part[kept]], layer[kept]
    edges = np.bincount(part, slim.degree[nodes]).astype(np.int64) // 2
    tree = edges == np.bincount(part) - 1
    return Parts(
        nodes, part, _sliced(part, layer, work.ground.kind[nodes], len(work.ground.variables)), hubs[fits], tree
    )


def _sliced(part: Integers, layer: Integers, kind: Integers, variables: int) -> Slices:
    """Slices of one layer, or of the fewest that make a part's slices alike."""
    settled = np.zeros(int(part.max()) + 1, np.bool_)
    best = None
    for period in range(1, PERIOD + 1):
        slices = _cut(part, layer // period, kind, variables)
        alike = ~settled & (slices.counts.sum(axis=1) * slices.length <= WASTE * np.bincount(part))
        best = slices if best is None else _mixed(best, slices, alike[part], alike)
        settled |= alike
        if settled.all():
            break
    assert best is not None
    return best


def _cut(part: Integers, time: Integers, kind: Integers, variables: int) -> Slices:
    length = _most(part, time + 1)
    rank = ranks(part, time, kind)
    counts = np.zeros((len(length), variables), np.int64)
    np.maximum.at(counts, (part, kind), rank + 1)
    first = np.cumsum(length) - length  # of the slices of each part, among all
    at = first[part] + time
    lacks = counts[part, kind] - np.bincount(at * variables + kind)[at * variables + kind]
    full = np.bincount(at)[at] == counts.sum(axis=1)[part]
    since = _most(part, np.where(full, length[part] - time, 0))  # slices from the first full one to the end
    until = _most(part, np.where(full, time + 1, 0))
    head = np.where(time < length[part] - since[part], lacks, 0)
    tail = np.where((head == 0) & (time >= until[part]), lacks, 0)
    return Slices(time, rank, head, tail, counts, length)


def _mixed(one: Slices, other: Slices, node: Flags, part: Flags) -> Slices:
    """The other slices where the flags say so."""
    return Slices(
        np.where(node, other.time, one.time),
        np.where(node, other.rank, one.rank),
        np.where(node, other.head, one.head),
        np.where(node, other.tail, one.tail),
        np.where(part[:, None], other.counts, one.counts),
        np.where(part, other.length, one.length),
    )


def _most(owner: Integers, values: Integers) -> Integers:
    """The largest value of each owner."""
    most = np.zeros(int(owner.max()) + 1, np.int64)
    np.maximum.at(most, owner, values)
    return most


def _boundaries(graph: Adjacency, hub: Flags, nodes: Integers, part: Integers) -> tuple[Integers, Flags]:
    """The hubs that each part touches, ascending (parts, BOUNDARY), and whether those are all."""
    size = int(part.max()) + 1
    of = np.full(graph.size, -1)
    of[nodes] = part
    edge = hub[graph.targets] & (of[graph.sources] >= 0)
    pairs = distinct(of[graph.sources[edge]] * graph.size + graph.targets[edge])
    owner, number = np.divmod(pairs, graph.size)
    place = ranks(owner)
    hubs = np.full((size, BOUNDARY), -1)
    hubs[owner[place < BOUNDARY], place[place < BOUNDARY]] = number[place < BOUNDARY]
    return hubs, np.bincount(owner, minlength=size) <= BOUNDARY


def groups(work: Working, parts: Parts) -> Iterator[Integers]:
    """Parts with the same slots and boundary. Lengths that differ by more than padding is worth go apart."""
    kinds = np.where(parts.hubs >= 0, work.ground.kind[parts.hubs], -1)
    form = np.concatenate([parts.slices.counts, kinds, parts.tree[:, None]], axis=1)
    _, which = distinct_rows(form)
    for group in range(int(which.max()) + 1):
        chains = np.flatnonzero(which == group)
        length = parts.slices.length[chains]
        if length.max() * len(chains) <= 2 * length.sum():
            yield chains
            continue
        octave = np.ceil(np.log2(length)).astype(np.int64)
        for value in np.unique(octave):
            yield chains[octave == value]
