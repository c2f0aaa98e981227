"""The law of a small netlist by enumeration of all its states."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from ppl.hardware.energies import energies
from ppl.hardware.netlist.netlist import Netlist

MOST_STATES = 2**20
_BLOCK = 2**14


def state_count(netlist: Netlist) -> float:
    """Of the units that are not held; inf beyond what floats hold."""
    free = netlist.clamped < 0
    with np.errstate(over="ignore"):
        return float(np.exp2(np.log2(netlist.states[free]).sum()))


def enumerated(netlist: Netlist, beta: float = 1.0) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    """All states that the clamps allow, (s, n); their probabilities, (s,); and log Z of exp(-β E).

    Raises:
        ValueError: there are more than MOST_STATES.
    """
    if state_count(netlist) > MOST_STATES:
        raise ValueError(f"{netlist.size} units have more than {MOST_STATES} states")
    ranges = [range(k) if held < 0 else (held,) for k, held in zip(netlist.states, netlist.clamped, strict=True)]
    states = product(ranges)
    parts = [energies(netlist, states[at : at + _BLOCK]) for at in range(0, len(states), _BLOCK)]
    logs = -beta * np.concatenate(parts)
    log_z = float(logsumexp(logs))
    return states, np.exp(logs - log_z), log_z


def product(ranges: Iterable[Iterable[int]]) -> NDArray[np.int64]:
    """(s, n): all combinations, the last changing fastest."""
    columns = [np.asarray(list(one), np.int64) for one in ranges]
    if not columns:
        return np.zeros((1, 0), np.int64)
    return np.stack([grid.ravel() for grid in np.meshgrid(*columns, indexing="ij")], axis=1)
