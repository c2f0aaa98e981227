"""Chains: long, narrow parts of the graph, which a scan sums out slice by slice.

Slices are made alike: each has the same slots, and a slot without a variable holds a dead one, whose first state alone
is possible. So orders of dependence, several variables a slice, irregular ends and unequal lengths are one case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppl.compiler.elimination.adjacency import Adjacency
from ppl.compiler.elimination.ground import Budget, Integers
from ppl.compiler.elimination.grouping import distinct_rows
from ppl.compiler.elimination.rounds import result
from ppl.compiler.elimination.slices import Parts, groups, parts_of
from ppl.compiler.elimination.structure import Chain, Factor
from ppl.compiler.elimination.working import Working


def eliminate_chains(work: Working, graph: Adjacency, budget: Budget) -> bool:
    """Adds an operation for every batch of alike chains and takes their variables away; whether there were any.

    A batch that costs more than the budget allows is left, and so is one that makes a tree wider than it is.
    """
    parts = parts_of(work, graph)
    found = False
    if parts is not None:
        for chains in groups(work, parts):
            batch = _batch(work, parts, chains)
            draft = min((_draft(work, batch, slot) for slot in _slots(batch)), key=lambda d: d.cells)
            needless = parts.tree[chains[0]] and draft.width > 1 + batch.hubs.shape[1]
            if not needless and work.cells + draft.cells <= budget.cells:
                _add(work, batch, draft)
                found = True
    return found


@dataclass(frozen=True, eq=False)
class _Batch:
    """Alike parts. Of each node its chain, time, first slot of its variable, and place among those (see Slices);
    of each chain its hubs; the states of each slot, and of each hub."""

    nodes: Integers
    chain: Integers
    time: Integers
    base: Integers
    rank: Integers
    head: Integers
    tail: Integers
    hubs: Integers
    length: int
    states: tuple[int, ...]
    boundary: tuple[int, ...]

    @property
    def size(self) -> int:
        return len(self.hubs)


def _batch(work: Working, parts: Parts, chains: Integers) -> _Batch:
    slices = parts.slices
    counts = slices.counts[chains[0]]
    of = np.full(len(slices.length), -1)
    of[chains] = np.arange(len(chains))
    mine = of[parts.part] >= 0
    nodes = parts.nodes[mine]
    hubs = parts.hubs[chains][:, parts.hubs[chains[0]] >= 0]
    return _Batch(
        nodes=nodes,
        chain=of[parts.part[mine]],
        time=slices.time[mine],
        base=(np.cumsum(counts) - counts)[work.ground.kind[nodes]],
        rank=slices.rank[mine],
        head=slices.head[mine],
        tail=slices.tail[mine],
        hubs=hubs,
        length=int(slices.length[chains].max()),
        states=tuple(int(k) for k in np.repeat(work.ground.states, counts)),
        boundary=tuple(int(k) for k in work.ground.states[work.ground.kind[hubs[0]]]),
    )


def _slots(batch: _Batch) -> list[Integers]:
    """The slot of each node: where slices at the ends lack some variables, with the first or the last ones there."""
    slot = batch.base + batch.rank
    heads = [slot, slot + batch.head] if batch.head.any() else [slot]
    return [s for head in heads for s in ([head, head + batch.tail] if batch.tail.any() else [head])]


@dataclass(frozen=True, eq=False)
class _Draft:
    """How a batch would be summed out; fields as those of Chain."""

    slot: Integers
    found: list[_Found]
    used: list[tuple[int, Integers]]
    carried: tuple[int, ...]
    first: tuple[int, ...]
    step: tuple[int, ...]
    width: int
    cells: int


def _draft(work: Working, batch: _Batch, slot: Integers) -> _Draft:
    slots = len(batch.states)
    place = _Places(work.ground.size, batch.nodes, batch.chain, batch.time, slot, batch.hubs, slots)
    found, used = _factors(work, place, batch.length, batch.size)
    carried = tuple(sorted({label for f in found for label in f.labels if label < slots}))
    fixed = tuple(2 * slots + j for j in range(len(batch.boundary)))
    local = tuple(slots + i for i in range(slots) if i not in carried)
    sizes = (*batch.states, *batch.states, *batch.boundary)
    first, _ = _order([f.labels for f in found if min(f.labels) >= slots], local, sizes)
    step, joint = _order([(*carried, *fixed), *(f.labels for f in found)], (*carried, *local), sizes)
    cells = sum(math.prod(sizes[label] for label in table) for table in joint) * batch.length * batch.size
    return _Draft(slot, found, used, carried, first, step, max(len(table) for table in joint) - 1, cells)


def _add(work: Working, batch: _Batch, draft: _Draft) -> None:
    for stack, rows in draft.used:
        work.stacks[stack].alive[rows] = False
    work.alive[batch.nodes] = False
    slots = len(batch.states)
    members = np.full((slots, batch.length, batch.size), -1)
    members[draft.slot, batch.time, batch.chain] = batch.nodes
    any_node = np.empty(batch.size, np.int64)
    any_node[batch.chain] = batch.nodes
    within = [f for f in draft.found if min(f.labels) >= slots]
    across = [f for f in draft.found if min(f.labels) < slots]
    chain = Chain(
        length=batch.length,
        batch=batch.size,
        states=batch.states,
        boundary=batch.boundary,
        carried=draft.carried,
        within=tuple(Factor(f.stack, work.rows(f.index), f.labels, len(f.labels) == 1) for f in within),
        across=tuple(Factor(f.stack, work.rows(f.index[1:]), f.labels) for f in across),
        first=draft.first,
        step=draft.step,
        last=tuple(slots + i for i in draft.carried),
        members=tuple(work.rows(m) for m in members),
        result=result(work, batch.hubs, work.component[any_node]),
    )
    work.add(chain, batch.nodes, draft.width, draft.cells)


@dataclass(frozen=True, eq=False)
class _Found:
    """Factors of chains that touch the same labels, at (time, chain): their rows there, −1 where there is none."""

    stack: int
    labels: tuple[int, ...]
    index: Integers


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
        patterns, which = distinct_rows(labels)
        for i, pattern in enumerate(patterns):
            mine = which == i
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
