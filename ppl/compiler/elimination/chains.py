"""Chains: long, narrow parts of the graph, which a scan sums out slice by slice.

A part is connected once hubs (variables with far more neighbours than others: a class of a subject, a regime of all
times) are set aside; its slices are its layers. Slices are made alike: each has the same slots, and a slot without a
variable holds a dead one, whose first state alone is possible. So orders of dependence, several variables a slice,
irregular ends and unequal lengths are one case.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ppl.compiler.elimination.adjacency import Adjacency, ranks
from ppl.compiler.elimination.ground import Budget, Integers
from ppl.compiler.elimination.layers import layers
from ppl.compiler.elimination.rounds import result
from ppl.compiler.elimination.structure import Chain, Factor
from ppl.compiler.elimination.working import Flags, Working

SHORTEST = 8  # slices; shorter chains are few rounds
SLENDER = 3  # times as many slices as there are variables in the widest
HUB = 16  # neighbours that a hub has at least, and
MANY = 3  # times as many as the average of its component
PERIOD = 4  # layers that a slice has at most
WASTE = 1.5  # slots for every variable, up to which slices count as alike
BOUNDARY = 2  # hubs that a chain may touch


@dataclass(frozen=True, eq=False)
class _Parts:
    """Candidates. nodes: ascending; of each node its part, layer and slot; of each part its length, the number of
    slots of each variable (parts, V), its hubs (−1: none) and whether it is a tree."""

    nodes: Integers
    part: Integers
    layer: Integers
    rank: Integers
    length: Integers
    counts: Integers
    hubs: Integers
    tree: Flags


def eliminate_chains(work: Working, graph: Adjacency, budget: Budget) -> bool:
    """Adds an operation for every batch of alike chains and takes their variables away; whether there were any."""
    parts = _candidates(work, graph)
    found = False
    if parts is not None:
        for group in _groups(work, parts):
            found |= _chain(work, parts, group, budget)
    return found


def _candidates(work: Working, graph: Adjacency) -> _Parts | None:
    degree = graph.degree
    inside = degree > 0
    if inside.sum() < SHORTEST:
        return None
    component = graph.components()
    mean = np.bincount(component, degree) / np.maximum(np.bincount(component, inside), 1)
    hub = (degree > HUB) & (degree > MANY * mean[component])
    slim = graph.within(~hub)
    part = slim.components() if hub.any() else component
    long = np.bincount(part, inside & ~hub) >= SHORTEST
    nodes = np.flatnonzero(inside & ~hub & long[part])
    if not len(nodes):
        return None
    part = _numbered(part[nodes])
    layer = layers(slim, nodes, part)
    kind = work.ground.kind[nodes]
    size = int(part.max()) + 1
    count = np.zeros(size, np.int64)  # of layers
    np.maximum.at(count, part, layer + 1)
    widest = np.zeros(size, np.int64)
    np.maximum.at(widest, part, ranks(part, layer) + 1)
    layer, rank, counts, length = _slices(part, layer, kind, len(work.ground.variables))
    edges = np.bincount(part, slim.degree[nodes], minlength=size).astype(np.int64) // 2
    tree = edges == np.bincount(part, minlength=size) - 1
    hubs, few = _boundaries(graph, hub, nodes, part, size)
    fits = few & (count >= SHORTEST) & (count >= SLENDER * widest)
    kept = fits[part]
    renumbered = np.cumsum(fits) - 1
    return _Parts(
        nodes[kept], renumbered[part[kept]], layer[kept], rank[kept], length[fits], counts[fits], hubs[fits], tree[fits]
    )


def _slices(
    part: Integers, layer: Integers, kind: Integers, variables: int
) -> tuple[Integers, Integers, Integers, Integers]:
    """Slices of one layer, or of as many as make them alike (where different variables follow each other in turn).

    Returns the slice and the rank among its slice's elements of the same variable, of each node; the slots (parts, V)
    and the length, of each part."""
    size = int(part.max()) + 1
    nodes = np.bincount(part, minlength=size)
    settled = np.zeros(size, np.bool_)
    for period in range(1, PERIOD + 1):
        time = layer // period
        rank = ranks(part, time, kind)
        counts = np.zeros((size, variables), np.int64)
        np.maximum.at(counts, (part, kind), rank + 1)
        length = np.zeros(size, np.int64)
        np.maximum.at(length, part, time + 1)
        first = time == 0  # if there are fewer here they are the last, which touch the next slice as the last ones do
        present = np.bincount(part[first] * variables + kind[first], minlength=counts.size).reshape(counts.shape)
        rank[first] += (counts - present)[part[first], kind[first]]
        if period == 1:
            best = time, rank, counts, length
        full = ~settled & (counts.sum(axis=1) * length <= WASTE * nodes)
        settled |= full
        if period > 1 and full.any():
            mine = full[part]
            best = (
                np.where(mine, time, best[0]),
                np.where(mine, rank, best[1]),
                np.where(full[:, None], counts, best[2]),
                np.where(full, length, best[3]),
            )
        if settled.all():
            break
    return best


def _numbered(labels: Integers) -> Integers:
    """Labels renamed 0, 1, … in order of first appearance."""
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    place = np.empty(len(first), np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    return place[which]


def _boundaries(graph: Adjacency, hub: Flags, nodes: Integers, part: Integers, size: int) -> tuple[Integers, Flags]:
    """The hubs that each part touches, ascending (parts, BOUNDARY), and whether those are all."""
    of = np.full(graph.size, -1)
    of[nodes] = part
    edge = hub[graph.targets] & (of[graph.sources] >= 0)
    pairs = np.unique(of[graph.sources[edge]] * graph.size + graph.targets[edge])
    owner, number = np.divmod(pairs, graph.size)
    place = ranks(owner)
    hubs = np.full((size, BOUNDARY), -1)
    hubs[owner[place < BOUNDARY], place[place < BOUNDARY]] = number[place < BOUNDARY]
    return hubs, np.bincount(owner, minlength=size) <= BOUNDARY


def _groups(work: Working, parts: _Parts) -> Iterator[Integers]:
    """Parts with the same slots and boundary. Lengths that differ by more than padding is worth go apart."""
    kinds = np.where(parts.hubs >= 0, work.ground.kind[parts.hubs], -1)
    form = np.concatenate([parts.counts, kinds, parts.tree[:, None]], axis=1)
    if not len(form):
        return
    _, which = np.unique(form, axis=0, return_inverse=True)
    for group in range(int(which.max()) + 1):
        chains = np.flatnonzero(which.ravel() == group)
        length = parts.length[chains]
        if length.max() * len(chains) <= 2 * length.sum():
            yield chains
            continue
        octave = np.ceil(np.log2(length)).astype(np.int64)
        for value in np.unique(octave):
            yield chains[octave == value]


@dataclass(frozen=True, eq=False)
class _Found:
    """Factors of chains that touch the same labels, at (time, chain): their rows there, −1 where there is none."""

    stack: int
    labels: tuple[int, ...]
    index: Integers


def _chain(work: Working, parts: _Parts, chains: Integers, budget: Budget) -> bool:
    """Adds the operation for these chains, unless it costs more than the budget allows."""
    counts = parts.counts[chains[0]]
    base = np.cumsum(counts) - counts
    slots, length = int(counts.sum()), int(parts.length[chains].max())
    states = tuple(int(k) for k in np.repeat(work.ground.states, counts))
    hubs = parts.hubs[chains][:, parts.hubs[chains[0]] >= 0]
    boundary = tuple(int(k) for k in work.ground.states[work.ground.kind[hubs[0]]])
    of = np.full(len(parts.length), -1)
    of[chains] = np.arange(len(chains))
    mine = of[parts.part] >= 0
    nodes, chain, time = parts.nodes[mine], of[parts.part[mine]], parts.layer[mine]
    slot = base[work.ground.kind[nodes]] + parts.rank[mine]
    place = _Places(work.ground.size, nodes, chain, time, slot, hubs, slots)

    found, used = _factors(work, place, length, len(chains))
    within = [f for f in found if min(f.labels) >= slots]
    across = [f for f in found if min(f.labels) < slots]
    carried = tuple(sorted({label for f in across for label in f.labels if label < slots}))
    fixed = tuple(2 * slots + j for j in range(len(boundary)))
    left_over = tuple(slots + i for i in range(slots) if i not in carried)
    sizes = (*states, *states, *boundary)
    first, _ = _order([f.labels for f in within], left_over, sizes)
    step, widest = _order([(*carried, *fixed), *(f.labels for f in found)], (*carried, *left_over), sizes)
    cells = sum(math.prod(sizes[label] for label in table) for table in widest) * length * len(chains)
    width = max(len(table) for table in widest) - 1
    if work.cells + cells > budget.cells or (parts.tree[chains[0]] and width > 1 + len(boundary)):
        return False

    for stack, rows in used:
        work.stacks[stack].alive[rows] = False
    work.alive[nodes] = False
    members = np.full((slots, length, len(chains)), -1)
    members[slot, time, chain] = nodes
    any_node = np.empty(len(chains), np.int64)
    any_node[chain] = nodes
    work.add(
        Chain(
            length=length,
            batch=len(chains),
            states=states,
            boundary=boundary,
            carried=carried,
            within=tuple(Factor(f.stack, work.rows(f.index), f.labels, len(f.labels) == 1) for f in within),
            across=tuple(Factor(f.stack, work.rows(f.index[1:]), f.labels) for f in across),
            first=first,
            step=step,
            last=tuple(slots + i for i in carried),
            members=tuple(work.rows(m) for m in members),
            result=result(work, hubs, work.component[any_node]),
        ),
        nodes,
        width,
        cells,
    )
    return True


class _Places:
    """Where ground variables are in a batch of chains: chain, time and slot (−1 outside), and each chain's hubs."""

    def __init__(
        self, size: int, nodes: Integers, chain: Integers, time: Integers, slot: Integers, hubs: Integers, slots: int
    ) -> None:
        self.chain, self.time, self.slot = (np.full(size, -1) for _ in range(3))
        self.chain[nodes], self.time[nodes], self.slot[nodes] = chain, time, slot
        self.hubs, self.slots = hubs, slots

    def labels(self, scopes: Integers) -> tuple[Integers, Integers, Integers, Integers]:
        """Of the scopes that touch a chain: which they are, their chain, time (the later one), and labels."""
        chain = self.chain[scopes].max(axis=1, initial=-1)
        touched = np.flatnonzero(chain >= 0)
        scopes, chain = scopes[touched], chain[touched]
        own = self.time[scopes]
        time = own.max(axis=1)
        labels = self.slot[scopes] + np.where(own == time[:, None], self.slots, 0)
        for j in range(self.hubs.shape[1]):
            labels = np.where(scopes == self.hubs[chain, j][:, None], 2 * self.slots + j, labels)
        return touched, chain, time, labels


def _factors(work: Working, place: _Places, length: int, batch: int) -> tuple[list[_Found], list[tuple[int, Integers]]]:
    found, used = [], []
    for stack, scopes in enumerate(work.stacks):
        living = np.flatnonzero(scopes.alive)
        touched, chain, time, labels = place.labels(scopes.numbers[living])
        if not len(touched):
            continue
        rows = living[touched]
        used.append((stack, rows))
        patterns, which = np.unique(labels, axis=0, return_inverse=True)
        for i, pattern in enumerate(patterns):
            mine = which.ravel() == i
            index = np.full((length, batch), -1)
            index[time[mine], chain[mine]] = rows[mine]
            found.append(_Found(stack, tuple(int(label) for label in pattern), index))
    return found, used


def _order(
    tables: Sequence[tuple[int, ...]], gone: tuple[int, ...], sizes: Sequence[int]
) -> tuple[tuple[int, ...], list[set[int]]]:
    """An order in which to sum out labels, each time the one whose table is smallest, and those tables' labels."""
    left = [set(table) for table in tables]
    order: list[int] = []
    widest = []
    while len(order) < len(gone):
        joint = {g: set().union(*(t for t in left if g in t)) for g in gone if g not in order}
        best = min(joint, key=lambda g: (math.prod(sizes[label] for label in joint[g]), g))
        order.append(best)
        widest.append(joint[best])
        left = [t for t in left if best not in t] + [joint[best] - {best}]
    return tuple(order), widest
