"""Sums of products of spins, those of the same units together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.netlist.netlist import Bodies, Netlist, no_bodies

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Products:
    """offset + Σ energy · Π m of rows of units, as terms are added."""

    def __init__(self, size: int) -> None:
        self.offset = 0.0
        self.bias = np.zeros(size)
        self._rows: dict[int, list[tuple[Integers, Floats]]] = {}

    def add(self, units: Integers, energy: Floats) -> None:
        """units: (f, r), all different within a row; energy: (f,), by which the product of their spins counts."""
        order = units.shape[1]
        if order == 0:
            self.offset += float(energy.sum())
        elif order == 1:
            np.subtract.at(self.bias, units[:, 0], energy)
        elif energy.any():
            kept = energy != 0
            self._rows.setdefault(order, []).append((np.sort(units[kept], axis=1), -energy[kept]))

    def add_netlist(self, netlist: Netlist, below: int) -> None:
        """Its offset, its biases, and its products of fewer spins than so many."""
        self.offset += netlist.offset
        self.bias[: netlist.size] += netlist.bias
        for one in (netlist.pairs, *netlist.bodies):
            if one.order < below:
                self.add(one.units, -one.coupling)

    def bodies(self, order: int) -> Bodies:
        rows = self._rows.get(order)
        if not rows:
            return no_bodies(order)
        units, where = np.unique(np.concatenate([u for u, _ in rows]), axis=0, return_inverse=True)
        coupling = np.bincount(where.ravel(), np.concatenate([c for _, c in rows]), minlength=len(units))
        kept = coupling != 0
        return Bodies(units[kept], coupling[kept])

    def into(self, netlist: Netlist) -> Netlist:
        """The netlist with these terms in the place of its own."""
        higher = tuple(self.bodies(order) for order in sorted(self._rows) if order > 2)
        return replace(
            netlist,
            bias=self.bias,
            pairs=self.bodies(2),
            bodies=tuple(one for one in higher if len(one.units)),
            offset=self.offset,
        )
