"""The integer twin of the hardware: its very words and generator, in NumPy; equal to it in every bit of every sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.netlist.netlist import Integers
from ppl.hardware.rtl.generator import Streams, starts
from ppl.hardware.rtl.machine import Machine


class Twin:
    """A machine after a reset, once for each seed. states: (seeds, n), and held: (n,), may be set."""

    def __init__(self, machine: Machine, seeds: Sequence[int] = (0,)) -> None:
        self.states = np.tile(machine.start, (len(seeds), 1))
        self.held = machine.held.copy()
        self.sweeps = 0
        self.stage = 0
        self._machine = machine
        self._streams = Streams(machine.generator, starts(machine.generator, len(machine.slots)), seeds)
        self._shift = machine.generator.kind(machine.generator.word - machine.threshold_bits)
        self._phases = [_Phase(machine, p) for p in range(machine.phases)]

    def advance(self, sweeps: int) -> Integers:
        """(sweeps, seeds, n): the states after each of so many sweeps."""
        shown = np.zeros((sweeps, *self.states.shape), np.int64)
        for number in range(sweeps):
            for phase in self._phases:
                words = (self._streams.next() >> self._shift).astype(np.uint64)
                drawn = phase.drawn(self.states, self.stage, words)
                free = self.held[phase.units] == 0
                self.states[:, phase.units[free]] = drawn[:, free]
            self.sweeps += 1
            if self.stage < len(self._machine.ends) and self.sweeps == self._machine.ends[self.stage]:
                self.stage += 1
            shown[number] = self.states
        return shown


class _Phase:
    """What is updated at once, in arrays that are padded to the most terms, and the most units of a term; there: all
    bits where there is one. Thresholds of all stages, rows and states stand one after the other."""

    def __init__(self, machine: Machine, phase: int) -> None:
        served = [(i, int(slot.units[phase])) for i, slot in enumerate(machine.slots) if slot.units[phase] >= 0]
        self._slots = np.array([i for i, _ in served])
        self.units = np.array([unit for _, unit in served])
        cells = [machine.cells[unit] for unit in self.units]
        shape = (len(cells), max(len(cell.terms) for cell in cells))
        self._weights, self._flips = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        longest = max((len(term) for cell in cells for term in cell.terms), default=0)
        self._inputs, self._there = np.zeros((*shape, longest), np.int64), np.zeros((*shape, longest), np.int64)
        for i, cell in enumerate(cells):
            self._weights[i, : len(cell.terms)] = cell.weights
            self._flips[i, : len(cell.terms)] = cell.flips
            for j, term in enumerate(cell.terms):
                self._inputs[i, j, : len(term)] = term
                self._there[i, j, : len(term)] = -1
        choices = max(cell.thresholds.shape[2] for cell in cells)
        wide = [np.pad(c.thresholds, ((0, 0), (0, 0), (0, choices - c.thresholds.shape[2]))) for c in cells]
        self._rows = np.array([cell.thresholds.shape[1] for cell in cells])
        sizes = np.array([len(one) * one.shape[1] for one in wide])
        self._first = np.cumsum(sizes) - sizes
        self._thresholds = np.concatenate([one.reshape(-1, choices) for one in wide])

    def drawn(self, states: Integers, stage: int, words: NDArray[np.uint64]) -> NDArray[Any]:
        """(seeds, units): new states; words: (seeds, slots), random."""
        terms = np.bitwise_xor.reduce(states[:, self._inputs] & self._there, axis=3) ^ self._flips
        address = (self._weights * terms).sum(axis=2)
        thresholds = self._thresholds[self._first + stage * self._rows + address]
        return np.asarray((words[:, self._slots, None] < thresholds).sum(axis=2))
