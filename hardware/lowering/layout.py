"""Which units stand for which site of a factor graph, and what tables over sites become on them."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from ppl.hardware.factors import FactorGraph, Factors, Quantity
from ppl.hardware.lowering.codes import Code, code, unit_names
from ppl.hardware.lowering.products import Products
from ppl.hardware.lowering.walsh import ROUNDING
from ppl.hardware.netlist.netlist import Encoding, Patterns, Variable


class Layout:
    """first: (sites,), the first unit of each; states: of each unit; sites: those of each quantity, by its name."""

    def __init__(self, graph: FactorGraph, encoding: Encoding) -> None:
        self.encoding = encoding
        self._codes: dict[int, Code] = {}
        cardinality = graph.cardinality
        single = (cardinality == 2) | (encoding == "direct")
        widths = [1 if alone else self.code(k).width for alone, k in zip(single, cardinality.tolist(), strict=True)]
        self.first = np.concatenate([[0], np.cumsum(widths, dtype=np.int64)])[:-1]
        self.size = int(np.sum(widths, dtype=np.int64))
        self.states = np.full(self.size, 2, np.int64)
        self.states[self.first[single]] = cardinality[single]
        ends = np.cumsum([0, *((q.fixed < 0).sum() for q in graph.quantities)])
        self.sites = {q.name: np.arange(a, b) for q, a, b in zip(graph.quantities, ends[:-1], ends[1:], strict=True)}
        self.names = tuple(
            name
            for q in graph.quantities
            for element, held in zip(q.element_names(), q.fixed, strict=True)
            if held < 0
            for name in unit_names(element, encoding, q.values.tolist())
        )

    def is_coded(self, k: int) -> bool:
        """Whether what has k states is in a code, not one unit."""
        return k != 2 and self.encoding != "direct"

    def code(self, k: int) -> Code:
        if k not in self._codes:
            self._codes[k] = code(self.encoding, k)
        return self._codes[k]

    def count(self, shape: tuple[int, ...]) -> int:
        """How many products of spins a table of this shape has."""
        return math.prod(len(self.code(k).products) for k in shape)

    def add(self, products: Products, factors: Factors) -> None:
        """Tables of finite energies, as products of spins."""
        codes = [self.code(k) for k in factors.energy.shape[1:]]
        least = ROUNDING * np.abs(factors.energy).max(axis=tuple(range(1, factors.energy.ndim)))
        found = factors.energy
        for one in codes:  # each contracts the first axis of states, and its products come last
            found = np.tensordot(found, one.indicator, ([1], [0]))
        found = found.reshape(len(found), -1)
        for column, subsets in enumerate(product(*(one.products for one in codes))):
            energy = found[:, column]
            units = [
                self.first[site, None] + np.array(s, np.int64) for site, s in zip(factors.sites.T, subsets, strict=True)
            ]
            products.add(np.concatenate(units, axis=1), np.where(np.abs(energy) > least, energy, 0.0))

    def forbidden(self, factors: Factors) -> list[Patterns]:
        """What is infinite, as states of units."""
        found: list[Patterns] = []
        codes = [self.code(k) for k in factors.energy.shape[1:]]
        infinite = np.isinf(factors.energy)
        for states in np.argwhere(infinite.any(axis=0)):
            sites = factors.sites[infinite[(np.arange(len(infinite)), *states)]]
            parts = [
                (self.first[sites[:, i]] + unit, state)
                for i, (one, z) in enumerate(zip(codes, states, strict=True))
                for unit, state in one.words[z]
            ]
            units = np.stack([unit for unit, _ in parts], axis=1)
            found.append(Patterns(units, np.broadcast_to([state for _, state in parts], units.shape).astype(np.int64)))
        return found

    def variable(self, q: Quantity, strength: float | None) -> Variable:
        coded = self.is_coded(len(q.values))
        width = self.code(len(q.values)).width if coded else 1
        units = np.full((len(q.fixed), width), -1, np.int64)
        units[q.fixed < 0] = self.first[self.sites[q.name]][:, None] + np.arange(width)
        encoding: Encoding = self.encoding if coded else "direct"
        return Variable(q.name, q.dims, q.shape, q.element, q.values, encoding, units, q.fixed, strength)
