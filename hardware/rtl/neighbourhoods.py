"""Of one unit: its neighbours, and its law given each of their states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.netlist.netlist import Bodies, Floats, Integers, Netlist, Tables

Thresholds = NDArray[np.uint64]
Others = tuple[int, ...]
Term = tuple[Bodies | Tables, int, int]


class Terms:
    """Which couplings and tables each unit is in."""

    def __init__(self, netlist: Netlist) -> None:
        """Couplings of weight 0 join nothing."""
        self._netlist = netlist
        self._of: list[list[Term]] = [[] for _ in netlist.names]
        together: tuple[Bodies | Tables, ...] = (netlist.pairs, *netlist.bodies, *netlist.tables)
        for one in together:
            there = one.coupling != 0 if isinstance(one, Bodies) else np.ones(len(one.units), np.bool_)
            for row in np.flatnonzero(there):
                for position, unit in enumerate(one.units[row]):
                    self._of[unit].append((one, int(row), position))

    def neighbours(self, unit: int) -> Integers:
        """Ascending."""
        joined = {int(other) for one, row, _ in self._of[unit] for other in one.units[row]}
        return np.array(sorted(joined - {unit}), np.int64)

    def products(self, unit: int) -> dict[Others, float] | None:
        """Its couplings, J or K, by the other units of each; None if it is in a table."""
        found: dict[Others, float] = {}
        for one, row, position in self._of[unit]:
            if isinstance(one, Tables):
                return None
            others = tuple(sorted(np.delete(one.units[row], position).tolist()))
            found[others] = found.get(others, 0.0) + float(one.coupling[row])
        return found

    def conditional(self, unit: int, around: Integers, states: Integers) -> tuple[Floats, Integers]:
        """states: (rows, d), of the neighbours `around` -> (rows, k) each: the energies of the states of the unit,
        without what does not depend on them; and how many tables forbid them."""
        netlist = self._netlist
        column = {int(other): at for at, other in enumerate(around)}
        energy = np.zeros((len(states), int(netlist.states[unit])))
        violated = np.zeros(energy.shape, np.int64)
        field = np.full(len(states), netlist.bias[unit])
        for one, row, position in self._of[unit]:
            others = states[:, [column[int(other)] for other in np.delete(one.units[row], position)]]
            if isinstance(one, Bodies):
                field += one.coupling[row] * np.prod(2.0 * others - 1.0, axis=1)
                continue
            own = np.moveaxis(one.energy[row], position, -1)[tuple(others.T)]
            forbidden = np.isinf(own)
            violated += forbidden
            energy += np.where(forbidden, 0.0, own)
        if energy.shape[1] == 2:
            energy += np.stack([field, -field], axis=1)
        return energy, violated


def from_energies(energy: Floats, violated: Integers, betas: Floats, bits: int) -> Thresholds:
    """(rows, k) each -> (stages, rows, k - 1): 2^bits P(state > z), rounded. States that tables forbid have none where
    there are others; where there are not, those that the fewest forbid."""
    forbidden = violated > violated.min(axis=1, keepdims=True)
    excess = energy - np.where(forbidden, np.inf, energy).min(axis=1, keepdims=True)
    with np.errstate(over="ignore"):  # β times what is far above the least may be infinite, and weighs 0
        logits = np.where(forbidden, -np.inf, -betas[:, None, None] * excess)
    weights = np.exp(logits)
    above = np.cumsum(weights[..., :0:-1], axis=2)[..., ::-1]
    return _in_words(above / weights.sum(axis=2, keepdims=True), bits)


def from_field(field: Floats, betas: Floats, bits: int) -> Thresholds:
    """(rows,): I of a p-bit -> (stages, rows, 1)."""
    energy = np.stack([field, -field], axis=1)
    return from_energies(energy, np.zeros(energy.shape, np.int64), betas, bits)


def _in_words(p: Floats, bits: int) -> Thresholds:
    return np.asarray(np.rint(np.minimum(p, 1.0) * 2.0**bits), np.uint64)


def grid(counts: Sequence[int]) -> tuple[Integers, NDArray[Any]]:
    """Units of so many states side by side in a word, the first lowest: (rows, d), all their states, and (rows,), the
    word of each."""
    widths = np.array([width(k) for k in counts], np.int64)
    rows = np.arange(1 << int(widths.sum()))
    states = (rows[:, None] >> np.array(bit_positions(counts), np.int64)) & ((1 << widths) - 1)
    there = (states < np.asarray(counts)).all(axis=1)
    return states[there], rows[there]


def bit_positions(counts: Sequence[int]) -> list[int]:
    """The lowest bit of each."""
    widths = [width(k) for k in counts]
    return [sum(widths[:i]) for i in range(len(widths))]


def width(count: int) -> int:
    """Bits of so many states."""
    return max(int(count) - 1, 1).bit_length()
