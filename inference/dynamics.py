"""Diagnostics of Hamiltonian dynamics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def energy_fraction(energy: ArrayLike) -> NDArray[np.floating[Any]]:
    """E-BFMI of each chain: (chains, draws) energies -> (chains,).

    The estimated Bayesian fraction of missing information, Σ (E_t − E_{t−1})² / Σ (E_t − Ē)² (Betancourt 2016,
    «Diagnosing suboptimal cotangent disintegrations», eq. 9). Below 0.3 the momenta change the energy too little at
    a time for the chain to visit all of them. NaN where the energy never changes.
    """
    energies = np.asarray(energy, np.float64)
    steps = np.mean(np.diff(energies, axis=1) ** 2, axis=1)
    spread = np.var(energies, axis=1)
    return np.asarray(np.divide(steps, spread, out=np.full_like(spread, np.nan), where=spread > 0))
