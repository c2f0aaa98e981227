"""Values of β: from where every state is likely to where the least energies are."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.netlist.validity import LARGEST_BETA

# A unit takes the better of its states, or either where they are equal.
QUENCH = LARGEST_BETA
QUENCH_SWEEPS = 10
# Of the coldest β to the hottest.
_WIDE = 100.0


def annealing(netlist: Netlist, sweeps: int) -> NDArray[np.float64]:
    """(sweeps,): β from hot to cold in even steps, or in even factors where energies are of very different sizes, and a
    quench at the end.

    The quench makes up for what resolution leaves: a probability below the smallest that random words can show would
    otherwise never be below it, or always above.
    """
    hot, cold = span(netlist)
    quench = min(QUENCH_SWEEPS, sweeps // 2)
    steps = np.linspace if cold < _WIDE * hot else np.geomspace
    return np.concatenate([steps(hot, cold, sweeps - quench), np.full(quench, QUENCH)])


def span(netlist: Netlist) -> tuple[float, float]:
    """β at which the largest change of energy by one unit is taken with probability 1/3, and the least with 1/100."""
    largest = 2 * np.abs(netlist.bias)
    least = [2 * np.abs(netlist.bias)]
    for bodies in (netlist.pairs, *netlist.bodies):
        np.add.at(largest, bodies.units, 2 * np.abs(bodies.coupling)[:, None])
        least.append(2 * np.abs(bodies.coupling))
    for tables in netlist.tables:
        finite = np.where(np.isfinite(tables.energy), tables.energy, np.nan).reshape(len(tables.units), -1)
        ranges = np.nan_to_num(np.nanmax(finite, axis=1) - np.nanmin(finite, axis=1))
        np.add.at(largest, tables.units, ranges[:, None])
        least.append(ranges)
    steps = np.concatenate(least)
    steps = steps[steps > 0]
    if not len(steps):
        return 1.0, 1.0
    return math.log(2) / float(largest.max()), max(
        math.log(100) / float(steps.min()), math.log(2) / float(largest.max())
    )


def ladder(hot: float, cold: float, levels: int) -> NDArray[np.float64]:
    """(levels,), from hot to cold."""
    return np.geomspace(hot, cold, levels)
