"""A netlist as the words of a machine: what its SystemVerilog is written from, and what its twin computes with.

A sweep goes through phases, the colours of the schedule one after the other; those of one phase are updated at once.
The units of a phase are spread over slots, and a slot, which has a generator, a memory of thresholds and comparators,
serves one unit in each phase.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppl.hardware.lowering.words import MOST_BITS, MOST_THRESHOLD_BITS
from ppl.hardware.netlist.netlist import Floats, Integers, Netlist, Precision, Schedule
from ppl.hardware.rtl.cells import MOST_MEMORY_BITS, Cell, cell_of, refused, too_much_memory
from ppl.hardware.rtl.generator import Generator, generator_of
from ppl.hardware.rtl.neighbourhoods import Terms, Thresholds

MOST_STATES = 256
# Of memory, that a slot more is worth: what a generator takes in logic cells.
_GENERATOR_BITS = 4096


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
    joined = Terms(netlist)
    cells: list[Cell] = []
    left = MOST_MEMORY_BITS
    for unit in range(netlist.size):
        row = len(betas) * int(netlist.states[unit] - 1) * (precision.threshold_bits + 1)
        cells.append(cell_of(netlist, joined, unit, betas, precision, row, left))
        left -= row << cells[-1].address_bits
    return Machine(
        netlist=netlist,
        generator=generator_of(precision.threshold_bits),
        threshold_bits=precision.threshold_bits,
        cells=tuple(cells),
        phase=phase,
        phases=int(phase.max()) + 1,
        slots=_slots(cells, phase, precision.threshold_bits),
        start=np.maximum(netlist.clamped, 0),
        held=(netlist.clamped >= 0).astype(np.int64),
        ends=ends,
    )


def _checked(netlist: Netlist) -> tuple[Precision, Schedule]:
    precision, schedule = netlist.precision, netlist.schedule
    if not netlist.size:
        raise refused("there is nothing to update: all quantities are given", "clamp fewer of them")
    if precision is None or schedule is None:
        raise refused("its weights are no words, or it has no order of updates", "`ppl compile --kl` gives it both")
    if schedule.discipline == "synchronous":
        raise refused("all units at once do not have its law", 'ask for `"discipline": "chromatic"`, with colours')
    if precision.threshold_bits > MOST_THRESHOLD_BITS:
        said = f"thresholds of {precision.threshold_bits} bits are wider than {MOST_THRESHOLD_BITS}"
        raise refused(said, "ask for a larger KL")
    couplings = np.concatenate([one.coupling for one in (netlist.pairs, *netlist.bodies)])
    with np.errstate(over="ignore"):
        scaled = couplings * 2.0 ** min(precision.fraction_bits, MOST_BITS)
        tables = [one.energy[np.isfinite(one.energy)] for one in netlist.tables]
        total = sum(np.abs(one).sum() for one in (scaled, netlist.bias, *tables))
    if not total < np.finfo(np.float64).max / 4:
        raise refused(
            "its weights are too large to reckon with", "measure energies in a larger unit, and β in its inverse"
        )
    if precision.fraction_bits > MOST_BITS or (scaled != np.rint(scaled)).any():
        said = f"its couplings are no words of {precision.fraction_bits} bits after the point, up to {MOST_BITS}"
        raise refused(said, "`ppl compile --kl` rounds them")
    if (netlist.states > MOST_STATES).any():
        at = int(np.argmax(netlist.states))
        said = f"`{netlist.names[at]}` has {netlist.states[at]} states, more than {MOST_STATES}"
        raise refused(said, "show it in p-bits: `--encoding binary`")
    return precision, schedule


def _phases(netlist: Netlist, schedule: Schedule) -> Integers:
    """(n,): from 0, without gaps."""
    if schedule.discipline == "sequential":
        return np.arange(netlist.size)
    return np.asarray(np.unique(schedule.colours, return_inverse=True)[1], np.int64)


def _stages(schedule: Schedule) -> tuple[Floats, Integers]:
    """β of each stage, and the sweeps before which all but the first begin."""
    ends = np.flatnonzero(np.diff(schedule.betas)) + 1
    return schedule.betas[np.append(0, ends)], ends


def _slots(cells: list[Cell], phase: Integers, threshold_bits: int) -> tuple[Slot, ...]:
    """Alike units of different phases come to one slot, where equal tables are kept once.

    Raises:
        PplError: their memories are too large (E712).
    """
    phases = int(phase.max()) + 1
    kinds = [(cell.style, cell.address_bits, cell.thresholds.tobytes()) for cell in cells]
    members = [sorted(np.flatnonzero(phase == p), key=lambda unit: kinds[unit]) for p in range(phases)]
    count = max(len(own) for own in members)
    together = [np.array([own[i] for own in members if i < len(own)]) for i in range(count)]
    width = threshold_bits + 1
    shared = [part for units in together for part in _parted(cells, units, width)]
    if sum(_memory_bits(cells, units, width) for units in shared) > MOST_MEMORY_BITS:
        raise too_much_memory()
    return tuple(_slot(cells, units, phase) for units in shared)


def _parted(cells: list[Cell], units: Integers, width: int) -> list[Integers]:
    """Units that would share a slot, in as many slots as are worth their generators; width: of a threshold. All tables
    of a memory have the rows and choices of its largest."""
    sizes = np.array([cells[unit].thresholds[0].size for unit in units])
    order = units[np.argsort(sizes, kind="stable")]
    cuts = np.flatnonzero(np.diff(np.sort(sizes))) + 1
    whole = _memory_bits(cells, units, width)
    saved = [whole - _memory_bits(cells, order[:at], width) - _memory_bits(cells, order[at:], width) for at in cuts]
    if max(saved, default=0) <= _GENERATOR_BITS:
        return [units]
    at = cuts[int(np.argmax(saved))]
    return [*_parted(cells, order[:at], width), *_parted(cells, order[at:], width)]


def _memory_bits(cells: list[Cell], units: Integers, width: int) -> int:
    """Of a slot that serves these."""
    served = [cells[unit].thresholds for unit in units]
    stages, rows, choices = np.max([one.shape for one in served], axis=0).tolist()
    return int(len({one.tobytes() for one in served}) * stages * rows * choices * width)


def _slot(cells: list[Cell], served: Integers, phase: Integers) -> Slot:
    rows = max(cells[unit].thresholds.shape[1] for unit in served)
    choices = max(cells[unit].thresholds.shape[2] for unit in served)
    stages = cells[served[0]].thresholds.shape[0]
    places: dict[bytes, int] = {}
    tables: list[Thresholds] = []
    units, first = np.full(int(phase.max()) + 1, -1, np.int64), np.zeros(int(phase.max()) + 1, np.int64)
    for unit in served:
        wide = np.zeros((stages, rows, choices), np.uint64)
        own = cells[unit].thresholds
        wide[:, : own.shape[1], : own.shape[2]] = own
        place = places.setdefault(wide.tobytes(), len(tables))
        if place == len(tables):
            tables.append(wide)
        units[phase[unit]], first[phase[unit]] = unit, place * stages
    return Slot(units, first, np.concatenate(tables))
