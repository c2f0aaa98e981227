"""Quantities as units, one each: of two values a p-bit, of more a pdit. Exact.

Energies of p-bits alone that are finite everywhere become biases, pairs and products (`walsh`), up to an order; all
others stay tables.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.factors import FactorGraph, Factors, Quantity, of_one_shape
from ppl.hardware.lowering.walsh import at_subset, coefficients, subsets
from ppl.hardware.netlist.netlist import Bodies, Claim, Netlist, Tables, Variable, no_bodies

# Beyond it a table of 2^r energies says less than its products.
MOST_ORDER = 4
# Of what rounding leaves, relative to the largest energy of a table.
_ROUNDING = 1e-14


def direct(graph: FactorGraph) -> Netlist:
    """The netlist with the same law as the factor graph, unit i for site i."""
    cardinality = graph.cardinality
    joined = [one for one in of_one_shape(graph.factors) if len(one.sites)]
    spins = [one for one in joined if _is_polynomial(one)]
    tables = [_table(one) for one in joined if not _is_polynomial(one)]
    products = _Products(len(cardinality))
    for one in spins:
        products.add(one)
    orders = sorted(order for order in products.rows if order > 2)
    claim = "a unit for each element; finite energies of p-bits as products of spins, all others as tables"
    return Netlist(
        name=graph.name,
        names=tuple(name for q in graph.quantities for name in _free_names(q)),
        states=cardinality,
        bias=products.bias,
        pairs=products.bodies(2),
        bodies=tuple(products.bodies(order) for order in orders),
        tables=tuple(tables),
        offset=graph.offset + products.offset,
        clamped=np.full(len(cardinality), -1, np.int64),
        variables=_variables(graph.quantities),
        provenance=(Claim("direct", claim),),
    )


def _is_polynomial(factors: Factors) -> bool:
    binary = all(k == 2 for k in factors.energy.shape[1:])
    return binary and factors.sites.shape[1] <= MOST_ORDER and bool(np.isfinite(factors.energy).all())


def _table(factors: Factors) -> Tables:
    return Tables(factors.sites, factors.energy)


class _Products:
    """Sums of products of spins, those of the same units together."""

    def __init__(self, size: int) -> None:
        self.offset = 0.0
        self.bias = np.zeros(size)
        self.rows: dict[int, list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = {}

    def add(self, factors: Factors) -> None:
        transformed = coefficients(factors.energy)
        least = _ROUNDING * np.abs(factors.energy).max(axis=tuple(range(1, factors.energy.ndim)))
        for subset in subsets(factors.sites.shape[1]):
            found = at_subset(transformed, subset)
            found = np.where(np.abs(found) > least, found, 0.0)
            if not subset:
                self.offset += float(found.sum())
            elif len(subset) == 1:
                np.subtract.at(self.bias, factors.sites[:, subset[0]], found)
            elif found.any():
                kept = found != 0
                units = np.sort(factors.sites[kept][:, subset], axis=1)
                self.rows.setdefault(len(subset), []).append((units, -found[kept]))

    def bodies(self, order: int) -> Bodies:
        rows = self.rows.get(order)
        if not rows:
            return no_bodies(order)
        units, where = np.unique(np.concatenate([u for u, _ in rows]), axis=0, return_inverse=True)
        coupling = np.bincount(where.ravel(), np.concatenate([c for _, c in rows]), minlength=len(units))
        kept = coupling != 0
        return Bodies(units[kept], coupling[kept])


def _free_names(quantity: Quantity) -> list[str]:
    return [name for name, held in zip(quantity.element_names(), quantity.fixed, strict=True) if held < 0]


def _variables(quantities: tuple[Quantity, ...]) -> tuple[Variable, ...]:
    found = []
    first = 0
    for q in quantities:
        free = q.fixed < 0
        units = np.full((len(q.fixed), 1), -1, np.int64)
        units[free, 0] = first + np.arange(free.sum())
        first += int(free.sum())
        found.append(Variable(q.name, q.dims, q.shape, q.element, q.values, "direct", units, q.fixed))
    return tuple(found)
