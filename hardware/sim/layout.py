"""A netlist in the order of its updates: blocks of equally many units, and what each unit is joined with.

Units that are updated at once lie side by side, so that a block is a slice of the states. All arrays are padded to
rectangles: a slot without a unit is updated and never read, an edge without a coupling weighs 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.lowering.colours import coloured
from ppl.hardware.netlist.netlist import Bodies, Netlist, Tables

Integers = NDArray[np.int64]
Number = TypeVar("Number", np.int32, np.float32)
# What a block costs beside its units, in units: the dispatch of its operations.
_OVERHEAD = 64


class Products(NamedTuple):
    """Products of r p-bits that each unit is in. others: (blocks, w, d, r - 1) slots; coupling: (blocks, w, d)."""

    others: NDArray[np.int32]
    coupling: NDArray[np.float32]


class Entries(NamedTuple):
    """Tables that each unit is in. The energy of its state z stands at first + Σ strides · states of the others +
    own · z. first, own: (blocks, w, d); others, strides: (blocks, w, d, r - 1), slots, those beyond a table's units
    with stride 0."""

    first: NDArray[np.int32]
    own: NDArray[np.int32]
    others: NDArray[np.int32]
    strides: NDArray[np.int32]


class Energies(NamedTuple):
    """Of all tables, flat: energy, 0 where infinite; forbidden, 1 there. The first is of no table, and 0."""

    energy: NDArray[np.float32]
    forbidden: NDArray[np.float32]


class Steps(NamedTuple):
    """What a block needs, one after the other. bias: (blocks, w); there: likewise, whether there is a unit; absent:
    (blocks, w, k), 1 for states that the unit does not have."""

    bias: NDArray[np.float32]
    there: NDArray[np.bool_]
    absent: NDArray[np.float32]
    products: tuple[Products, ...]
    entries: Entries | None


class Layout(NamedTuple):
    """slots: (n,), where each unit is; size: of all slots; steps, energies: what updates need; clamped: (n,); kind: of
    integers that states fit in."""

    slots: Integers
    size: int
    steps: Steps
    energies: Energies | None
    clamped: Integers
    kind: type[np.int8] | type[np.int32]

    def slotted(self, states: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
        """(replicas, n) -> (slots, replicas), 0 in slots without a unit."""
        found = np.zeros((self.size, len(states)), self.kind)
        found[self.slots] = states.T
        return found


def laid_out(netlist: Netlist) -> Layout:
    """In the order that the schedule says; chromatic where there is none."""
    groups = groups_of(netlist)
    width = width_of([len(group) for group in groups], whole=discipline_of(netlist) == "synchronous")
    blocks = [group[at : at + width] for group in groups for at in range(0, len(group), width)]
    slots = np.full(netlist.size, -1, np.int64)
    for number, block in enumerate(blocks):
        slots[block] = number * width + np.arange(len(block))
    held = np.flatnonzero(netlist.clamped >= 0)
    slots[held] = len(blocks) * width + np.arange(len(held))
    shape = (len(blocks), width)
    k = int(netlist.states.max(initial=2))
    absent = np.zeros((shape[0] * width, k), np.float32)
    free = np.flatnonzero(netlist.clamped < 0)
    absent[slots[free]] = np.arange(k) >= netlist.states[free, None]
    bias = np.zeros(shape[0] * width, np.float32)
    bias[slots[free]] = netlist.bias[free]
    products = tuple(_products(one, slots, shape) for one in (netlist.pairs, *netlist.bodies) if len(one.units))
    entries, energies = _tables(netlist.tables, slots, shape) if netlist.tables else (None, None)
    there = np.zeros(shape[0] * width, np.bool_)
    there[slots[free]] = True
    steps = Steps(bias.reshape(shape), there.reshape(shape), absent.reshape(*shape, k), products, entries)
    return Layout(
        slots, len(blocks) * width + len(held), steps, energies, netlist.clamped, np.int8 if k <= 127 else np.int32
    )


def discipline_of(netlist: Netlist) -> str:
    return "chromatic" if netlist.schedule is None else netlist.schedule.discipline


def groups_of(netlist: Netlist) -> list[Integers]:
    """Units that are updated at once, in order; those that are held are in none."""
    free = np.flatnonzero(netlist.clamped < 0)
    match discipline_of(netlist):
        case "sequential":
            return list(free[:, None])
        case "synchronous":
            return [free]
        case _:
            schedule = (netlist if netlist.schedule is not None else coloured(netlist)).schedule
            assert schedule is not None
            colours = schedule.colours[free]
            return [free[colours == colour] for colour in np.unique(colours)]


def width_of(sizes: Sequence[int], whole: bool) -> int:
    """Of blocks: the least work, counting what padding wastes; whole: no group may be cut."""
    most: int = max(sizes, default=1)
    if whole:
        return most
    choices = {most, *(2**i for i in range(most.bit_length()))}
    best: int = min(choices, key=lambda w: (sum(-(-size // w) for size in sizes) * (w + _OVERHEAD), w))
    return best


def _products(one: Bodies, slots: Integers, shape: tuple[int, int]) -> Products:
    own = slots[one.units].T.ravel()
    others = np.concatenate([slots[np.delete(one.units, position, axis=1)] for position in range(one.order)])
    coupling = np.tile(one.coupling, one.order).astype(np.float32)
    return Products(by_slot(own, others.astype(np.int32), shape), by_slot(own, coupling[:, None], shape)[..., 0])


def _tables(tables: Sequence[Tables], slots: Integers, shape: tuple[int, int]) -> tuple[Entries, Energies]:
    most = max(one.units.shape[1] for one in tables) - 1
    rows = []  # a unit's slot, where its table begins, its own stride, slots of the others, their strides
    first = 1
    for one in tables:
        count, order = one.units.shape
        strides = np.append(np.cumprod(one.energy.shape[:1:-1])[::-1], 1)
        starts = first + np.arange(count) * int(np.prod(one.energy.shape[1:]))
        for position in range(order):
            row = np.zeros((count, 3 + 2 * most), np.int32)
            row[:, 0], row[:, 1], row[:, 2] = slots[one.units[:, position]], starts, strides[position]
            row[:, 3 : 2 + order] = slots[np.delete(one.units, position, axis=1)]
            row[:, 3 + most : 2 + most + order] = np.delete(strides, position)
            rows.append(row)
        first += one.energy.size
    joined = np.concatenate(rows)
    found = by_slot(joined[:, 0], joined[:, 1:], shape)
    entries = Entries(found[..., 0], found[..., 1], found[..., 2 : 2 + most], found[..., 2 + most :])
    energy = np.concatenate([np.zeros(1), *(one.energy.ravel() for one in tables)])
    forbidden = np.isinf(energy)
    return entries, Energies(np.where(forbidden, 0, energy).astype(np.float32), forbidden.astype(np.float32))


def by_slot(own: NDArray[np.integer[Any]], payload: NDArray[Number], shape: tuple[int, int]) -> NDArray[Number]:
    """What belongs to each slot of a block: rows of payload, (e, c), by their own slots, (e,) -> (blocks, w, d, c), 0
    where there is none."""
    kept = own < shape[0] * shape[1]  # units that are held are never updated
    own, payload = own[kept], payload[kept]
    order = np.argsort(own, kind="stable")
    own, payload = own[order], payload[order]
    rank = np.arange(len(own)) - np.searchsorted(own, own)
    degree = int(rank.max(initial=-1)) + 1
    out = np.zeros((shape[0] * shape[1], degree, payload.shape[1]), payload.dtype)
    out[own, rank] = payload
    return out.reshape(*shape, degree, payload.shape[1])
