"""Simulated annealing of the units of a netlist: one search after the other, each from states at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.errors import PplError
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.sim.chromatic import Chromatic
from ppl.hardware.sim.packed import Packed, weight_unit
from ppl.hardware.sim.schedules import annealing
from ppl.hardware.sim.simulator import Simulator

# Of thresholds: a probability of 2^-24 is the least that cooling needs.
_BITS = 24


class Annealed:
    """Each `advance` is a new search of so many sweeps, bit-packed where the netlist can be."""

    def __init__(self, netlist: Netlist, replicas: int, seed: int, betas: NDArray[np.float64]) -> None:
        """betas: the schedule if there are several, else one from hot to cold."""
        self._netlist, self._replicas, self._seed = netlist, replicas, seed
        self._betas = betas if len(betas) > 1 else None
        self._searches = 0
        self._last: Simulator | None = None
        self._packs = _can_pack(netlist)

    def advance(self, sweeps: int) -> None:
        """Another search."""
        betas = annealing(self._netlist, sweeps) if self._betas is None else self._betas
        seed = int(np.random.SeedSequence([self._seed, self._searches]).generate_state(1)[0])
        self._searches += 1
        if self._packs:
            self._last = Packed(self._netlist, self._replicas, seed, betas, _BITS)
        else:
            self._last = Chromatic(self._netlist, self._replicas, seed, betas)
        self._last.advance(max(sweeps, len(betas)))

    def states(self) -> NDArray[np.integer[Any]]:
        """(replicas, n): where the last search ended."""
        assert self._last is not None, "a search comes first"
        return self._last.states()


def _can_pack(netlist: Netlist) -> bool:
    try:
        weight_unit(netlist)
    except PplError:
        return False
    return True
