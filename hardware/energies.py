"""Energies of the states of units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.netlist.netlist import Netlist

Floats = NDArray[np.float64]


def energies(netlist: Netlist, states: NDArray[np.integer]) -> Floats:
    """(..., n) states -> (...): E of each."""
    m = 2.0 * states - 1.0
    total = netlist.offset - m @ netlist.bias
    for bodies in (netlist.pairs, *netlist.bodies):
        product = np.prod([m[..., column] for column in bodies.units.T], axis=0)
        total = total - product @ bodies.coupling
    for tables in netlist.tables:
        rows = np.arange(len(tables.units))
        total = total + tables.energy[(rows, *(states[..., column] for column in tables.units.T))].sum(axis=-1)
    return np.asarray(total, np.float64)
