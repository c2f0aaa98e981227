"""A model of finite quantities as a factor graph: what is lowered to a netlist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Quantity:
    """A discrete quantity. shape: of its elements, over `dims`, at most 0-dimensional for one; element: its type
    (`spin`, `bool`, `int`, or the name of a dim); values: (k,), what its states mean; labels: for each dim those of its
    positions, empty where it has none; fixed: (elements,), the state of elements that are given, else -1."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    element: str
    values: Integers
    labels: tuple[tuple[str, ...], ...]
    fixed: Integers

    def element_names(self) -> list[str]:
        """`z[3]` or `z[Mankato]` of each element, in C order."""
        names = []
        for at in np.ndindex(self.shape):
            parts = [own[i] if own else str(i) for own, i in zip(self.labels, at, strict=True)]
            names.append(f"{self.name}[{', '.join(parts)}]" if parts else self.name)
        return names


@dataclass(frozen=True, eq=False)
class Factors:
    """Ground factors of one shape. sites: (f, r), all different within a row; energy: (f, k_1, ..., k_r), minus the log
    of each, inf where forbidden."""

    sites: Integers
    energy: Floats


@dataclass(frozen=True, eq=False)
class FactorGraph:
    """p(states) ∝ exp(-offset - Σ energies). The sites are the elements of the quantities that are not fixed, one
    quantity after the other in C order."""

    name: str
    quantities: tuple[Quantity, ...]
    factors: tuple[Factors, ...]
    offset: float

    @property
    def cardinality(self) -> Integers:
        """(sites,): how many states each has."""
        parts = [np.full(int((q.fixed < 0).sum()), len(q.values), np.int64) for q in self.quantities]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def energies(self, states: NDArray[np.integer]) -> Floats:
        """(..., sites) -> (...)."""
        total = np.full(states.shape[:-1], self.offset)
        for one in self.factors:
            at = tuple(states[..., column] for column in one.sites.T)
            total = total + one.energy[(np.arange(len(one.sites)), *at)].sum(axis=-1)
        return total


def of_one_shape(factors: Sequence[Factors]) -> list[Factors]:
    """Those of equal shapes together."""
    by_shape: dict[tuple[int, ...], list[Factors]] = {}
    for one in factors:
        by_shape.setdefault(one.energy.shape[1:], []).append(one)
    return [
        Factors(np.concatenate([f.sites for f in group]), np.concatenate([f.energy for f in group]))
        for group in by_shape.values()
    ]
