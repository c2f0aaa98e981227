"""A netlist as the words of a machine: what its SystemVerilog is written from, and what its twin computes with.

A sweep goes through phases, the colours of the schedule one after the other; those of one phase are updated at once.
The units of a phase are spread over slots, and a slot, which has a generator, a memory of thresholds and comparators,
serves one unit in each phase. A unit's thresholds stand at an address that its neighbours make up:

- style `table`: their states side by side, a row for each state of the neighbourhood;
- style `adder`, of p-bits in pairs: the sum of |J| of those that pull towards +1, a row for each value of the field.

Both are Σ weight · (state, turned round where J < 0). The style with the smaller estimate of area is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ppl.errors import Diagnostic, PplError
from ppl.hardware.lowering.words import MOST_BITS, MOST_THRESHOLD_BITS
from ppl.hardware.netlist.netlist import Floats, Integers, Netlist, Precision, Schedule
from ppl.hardware.rtl.generator import LARGE, SMALL, Generator
from ppl.hardware.rtl.neighbourhoods import Terms, Thresholds, bit_positions, from_energies, from_field, grid, width

Style = Literal["table", "adder"]
MOST_ADDRESS_BITS = 16
MOST_MEMORY_BITS = 2**26
MOST_STATES = 256
# What a cell of the usual arrays remembers as a table.
_CELL = 16


@dataclass(frozen=True, eq=False)
class Cell:
    """How one unit is updated. inputs: (d,) neighbours; weights: (d,), what each adds to the address when it is 1, or
    by which its state is multiplied; flips: (d,), whether it is turned round first; thresholds: (stages,
    2^address_bits, k - 1), 0 at addresses that do not occur."""

    style: Style
    inputs: Integers
    weights: Integers
    flips: Integers
    address_bits: int
    thresholds: Thresholds


@dataclass(frozen=True, eq=False)
class Slot:
    """units: (phases,), which it serves, -1 where none; first: (phases,), of each phase its first set; sets: (tables
    times stages, 2^address_bits, choices), its memory."""

    units: Integers
    first: Integers
    sets: Thresholds

    @cached_property
    def address_bits(self) -> int:
        return int(self.sets.shape[1] - 1).bit_length()


@dataclass(frozen=True, eq=False)
class Machine:
    """start: (n,) states after a reset; held: (n,) bool, which are held then; phase: (n,); ends: (stages - 1,), the
    sweep before which each stage but the first begins."""

    netlist: Netlist
    generator: Generator
    threshold_bits: int
    cells: tuple[Cell, ...]
    phase: Integers
    phases: int
    slots: tuple[Slot, ...]
    start: Integers
    held: Integers
    ends: Integers

    @property
    def stages(self) -> int:
        return len(self.ends) + 1

    @property
    def clocks(self) -> int:
        """Of a sweep."""
        return 2 * self.phases

    @property
    def memory_bits(self) -> int:
        return sum(slot.sets.size for slot in self.slots) * (self.threshold_bits + 1)


def machine(netlist: Netlist) -> Machine:
    """Of a netlist in words with a schedule.

    Raises:
        PplError: it has nothing to update, is updated all at once, or asks for larger words or memories (E712).
    """
    precision, schedule = _checked(netlist)
    phase = _phases(netlist, schedule)
    betas, ends = _stages(schedule)
    terms = Terms(netlist)
    cells: list[Cell] = []
    left = MOST_MEMORY_BITS
    for unit in range(netlist.size):
        row = len(betas) * int(netlist.states[unit] - 1) * (precision.threshold_bits + 1)
        cells.append(_cell(netlist, terms, unit, betas, precision, row, left))
        left -= row << cells[-1].address_bits
    return Machine(
        netlist=netlist,
        generator=SMALL if precision.threshold_bits <= SMALL.word else LARGE,
        threshold_bits=precision.threshold_bits,
        cells=tuple(cells),
        phase=phase,
        phases=int(phase.max()) + 1,
        slots=_slots(cells, phase),
        start=np.maximum(netlist.clamped, 0),
        held=(netlist.clamped >= 0).astype(np.int64),
        ends=ends,
    )


def _checked(netlist: Netlist) -> tuple[Precision, Schedule]:
    precision, schedule = netlist.precision, netlist.schedule
    if not netlist.size:
        raise _refused("there is nothing to update: all quantities are given", "clamp fewer of them")
    if precision is None or schedule is None:
        raise _refused("its weights are no words, or it has no order of updates", "`ppl compile --kl` gives it both")
    if schedule.discipline == "synchronous":
        raise _refused("all units at once do not have its law", 'ask for `"discipline": "chromatic"`, with colours')
    if precision.threshold_bits > MOST_THRESHOLD_BITS:
        said = f"thresholds of {precision.threshold_bits} bits are wider than {MOST_THRESHOLD_BITS}"
        raise _refused(said, "ask for a larger KL")
    scaled = netlist.pairs.coupling * 2.0 ** min(precision.fraction_bits, MOST_BITS)
    if precision.fraction_bits > MOST_BITS or (scaled != np.rint(scaled)).any():
        said = f"its couplings are no words of {precision.fraction_bits} bits after the point, up to {MOST_BITS}"
        raise _refused(said, "`ppl compile --kl` rounds them")
    if (netlist.states > MOST_STATES).any():
        at = int(np.argmax(netlist.states))
        said = f"`{netlist.names[at]}` has {netlist.states[at]} states, more than {MOST_STATES}"
        raise _refused(said, "show it in p-bits: `--encoding binary`")
    return precision, schedule


def _refused(said: str, hint: str) -> PplError:
    return PplError([Diagnostic("E712", f"this netlist cannot be written as hardware: {said}", hints=(hint,))])


def _phases(netlist: Netlist, schedule: Schedule) -> Integers:
    """(n,): from 0, without gaps."""
    if schedule.discipline == "sequential":
        return np.arange(netlist.size)
    return np.asarray(np.unique(schedule.colours, return_inverse=True)[1], np.int64)


def _stages(schedule: Schedule) -> tuple[Floats, Integers]:
    """β of each stage, and the sweeps before which all but the first begin."""
    ends = np.flatnonzero(np.diff(schedule.betas)) + 1
    return schedule.betas[np.append(0, ends)], ends


def _cell(netlist: Netlist, terms: Terms, unit: int, betas: Floats, precision: Precision, row: int, left: int) -> Cell:
    """row: bits of a row of memory, of all stages; left: bits that there may be."""
    around = terms.neighbours(unit)
    table_bits = max(sum(width(k) for k in netlist.states[around]), 1)
    pairs = terms.pairs(unit) if netlist.states[unit] == 2 else None
    integers, step = _integers(pairs or {}, precision)
    adder_bits = max(sum(abs(j) for j in integers.values()).bit_length(), 1)
    areas: dict[Style, tuple[int, float]] = {"table": (table_bits, _memory(table_bits, row))}
    if pairs:
        areas["adder"] = (adder_bits, _memory(adder_bits, row) + (len(pairs) - 1) * adder_bits)
    style = min(areas, key=lambda one: areas[one][1])
    bits, _ = areas[style]
    if bits > MOST_ADDRESS_BITS:
        said = f"`{netlist.names[unit]}` has {len(around)} neighbours, whose states or weights need 2^{bits} thresholds"
        raise _refused(said, "`--fabric pairwise --degree 8` bounds neighbours; a larger KL makes weights coarse")
    if row << bits > left:
        said = f"it needs more than {MOST_MEMORY_BITS >> 20} Mbit of thresholds"
        raise _refused(said, "take fewer neighbours, or fewer values of β in its schedule, which each have thresholds")
    if style == "adder":
        return _adder(integers, step, float(netlist.bias[unit]), bits, betas, precision)
    return _table(netlist, terms, unit, around, bits, betas, precision)


def _memory(bits: int, row: int) -> float:
    """Cells that so many rows take as tables."""
    return math.ldexp(row, min(bits, 900)) / _CELL


def _integers(pairs: dict[int, float], precision: Precision) -> tuple[dict[int, int], float]:
    """Couplings as multiples of a step, the largest that there is."""
    scale = 2**precision.fraction_bits
    found = {other: round(j * scale) for other, j in pairs.items()}
    found = {other: j for other, j in found.items() if j}
    common = math.gcd(*found.values()) or 1
    return {other: j // common for other, j in found.items()}, common / scale


def _adder(integers: dict[int, int], step: float, bias: float, bits: int, betas: Floats, precision: Precision) -> Cell:
    weights = np.abs(np.array(list(integers.values()), np.int64))
    most = int(weights.sum())
    # Σ J m with m = 2 s - 1 is twice what those that pull upwards weigh, less what all weigh.
    field = np.asarray(bias + step * (2.0 * np.arange(most + 1) - most), np.float64)
    thresholds = np.zeros((len(betas), 2**bits, 1), np.uint64)
    thresholds[:, : most + 1] = from_field(field, betas, precision.threshold_bits)
    flips = np.array([int(j < 0) for j in integers.values()], np.int64)
    return Cell("adder", np.array(list(integers), np.int64), weights, flips, bits, thresholds)


def _table(
    netlist: Netlist, terms: Terms, unit: int, around: Integers, bits: int, betas: Floats, precision: Precision
) -> Cell:
    counts = [int(k) for k in netlist.states[around]]
    states, rows = grid(counts)
    energy, violated = terms.conditional(unit, around, states)
    thresholds = np.zeros((len(betas), 2**bits, energy.shape[1] - 1), np.uint64)
    thresholds[:, rows] = from_energies(energy, violated, betas, precision.threshold_bits)
    weights = np.array([1 << at for at in bit_positions(counts)], np.int64)
    return Cell("table", around, weights, np.zeros(len(around), np.int64), bits, thresholds)


def _slots(cells: list[Cell], phase: Integers) -> tuple[Slot, ...]:
    """Alike units of different phases come to one slot, where equal tables are kept once."""
    phases = int(phase.max()) + 1
    kinds = [(cell.style, cell.address_bits, cell.thresholds.tobytes()) for cell in cells]
    members = [sorted(np.flatnonzero(phase == p), key=lambda unit: kinds[unit]) for p in range(phases)]
    count = max(len(own) for own in members)
    units = np.full((count, phases), -1, np.int64)
    for p, own in enumerate(members):
        units[: len(own), p] = own
    return tuple(_slot(cells, own) for own in units)


def _slot(cells: list[Cell], units: Integers) -> Slot:
    served = [cells[unit] for unit in units if unit >= 0]
    rows = max(cell.thresholds.shape[1] for cell in served)
    choices = max(cell.thresholds.shape[2] for cell in served)
    stages = served[0].thresholds.shape[0]
    places: dict[bytes, int] = {}
    tables: list[Thresholds] = []
    first = np.zeros(len(units), np.int64)
    for p, unit in enumerate(units):
        if unit < 0:
            continue
        wide = np.zeros((stages, rows, choices), np.uint64)
        own = cells[unit].thresholds
        wide[:, : own.shape[1], : own.shape[2]] = own
        place = places.setdefault(wide.tobytes(), len(tables))
        if place == len(tables):
            tables.append(wide)
        first[p] = place * stages
    return Slot(units, first, np.concatenate(tables))
