"""Units added to a netlist: names, places, couplings as they come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ppl.hardware.lowering.products import Products
from ppl.hardware.netlist.netlist import Netlist


def with_units(netlist: Netlist, names: list[str], held: list[int] | None = None) -> Netlist:
    """With p-bits after its own. held: the state of each, -1 where free; None: all are."""
    states = np.full(len(names), 2, np.int64)
    clamped = np.full(len(names), -1, np.int64) if held is None else np.array(held, np.int64)
    return replace(
        netlist,
        names=(*netlist.names, *names),
        states=np.concatenate([netlist.states, states]),
        bias=np.concatenate([netlist.bias, np.zeros(len(names))]),
        clamped=np.concatenate([netlist.clamped, clamped]),
    )


def of_order(products: Products, rows: dict[tuple[int, ...], float]) -> None:
    """Adds energies of products by their units."""
    by_order: dict[int, list[tuple[tuple[int, ...], float]]] = {}
    for units, energy in rows.items():
        by_order.setdefault(len(units), []).append((units, energy))
    for order, found in by_order.items():
        columns = np.array([u for u, _ in found], np.int64).reshape(len(found), order)
        products.add(columns, np.array([energy for _, energy in found]))
