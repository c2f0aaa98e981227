"""Functions of spins as sums of products: the Walsh–Hadamard transform.

Every function of r spins is E(m) = Σ_S c_S Π_(i in S) m_i over the 2^r subsets S, with c_S = mean over all m of
E(m) Π_(i in S) m_i (Boros & Hammer 2002, section 4, in ±1).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Of what rounding leaves, relative to the largest energy of a table.
ROUNDING = 1e-14


def coefficients(energy: Floats) -> Floats:
    """(f, 2, ..., 2) energies by states 0, 1 (m = -1, +1) -> the same shape: c at index 1 for those in S, else 0."""
    for axis in range(1, energy.ndim):
        low, high = np.take(energy, 0, axis=axis), np.take(energy, 1, axis=axis)
        energy = np.stack([(low + high) / 2, (high - low) / 2], axis=axis)
    return energy


def subsets(rank: int, largest: int | None = None) -> list[tuple[int, ...]]:
    """Of 0, ..., rank - 1, up to a size, the smaller ones first."""
    sizes = range((rank if largest is None else largest) + 1)
    return [subset for size in sizes for subset in combinations(range(rank), size)]


def order(energy: Floats) -> NDArray[np.int64]:
    """(f, 2, ..., 2) -> (f,): of how many spins the largest product is."""
    axes = tuple(range(1, energy.ndim))
    there = np.abs(coefficients(energy)) > ROUNDING * np.abs(energy).max(axis=axes, keepdims=True)
    sizes = np.indices(energy.shape[1:]).sum(axis=0)
    found: NDArray[np.int64] = (there * sizes).max(axis=axes)
    return found
