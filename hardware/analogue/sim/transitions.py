"""The exact law of a linear motion after a time.

dz = (K z + B f) dt + S dW with f held gives z(t) = Φ z(0) + Ψ f + normals of covariance C, where

    Φ = e^(K t),   Ψ = ∫₀ᵗ e^(K s) B ds,   C = ∫₀ᵗ e^(K s) S Sᵀ e^(Kᵀ s) ds.

For a short time these are blocks of one exponential (Van Loan 1978, section II); for a long one they are doubled,
Φ² and C + Φ C Φᵀ and so on, so that nothing that decays is divided by.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg

from ppl.hardware.analogue.dynamics import Dynamics, Overdamped
from ppl.hardware.analogue.modes import Floats
from ppl.hardware.analogue.sim.scales import drift


class Transition(NamedTuple):
    """matrix: (d, d), Φ; drive: (d, n), Ψ; covariance: (d, d), C."""

    matrix: Floats
    drive: Floats
    covariance: Floats

    def then(self, next: Transition) -> Transition:
        """Of both times one after the other, under one force."""
        return Transition(
            next.matrix @ self.matrix,
            next.matrix @ self.drive + next.drive,
            next.matrix @ self.covariance @ next.matrix.T + next.covariance,
        )

    @property
    def factor(self) -> Floats:
        """(d, d): its square is the covariance. Also where that is singular."""
        values, vectors = np.linalg.eigh(self.covariance)
        return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def inputs(dynamics: Dynamics) -> tuple[Floats, Floats]:
    """(d, n), B, by which a force moves z; (d,), the diagonal of S Sᵀ."""
    if isinstance(dynamics, Overdamped):
        return np.diag(dynamics.mobility), 2 * dynamics.mobility
    size = len(dynamics.mass)
    return np.vstack([np.zeros((size, size)), np.eye(size)]), np.repeat([0.0, 2 * dynamics.friction], size)


def transition(dynamics: Dynamics, stiffness: Floats, time: float) -> Transition:
    """Under forces -stiffness x + f, for time >= 0."""
    own = drift(dynamics, stiffness)
    size = len(own)
    force, noise = inputs(dynamics)
    doublings = max(0, int(np.ceil(np.log2(max(np.abs(own).sum(axis=1).max() * time, 1e-300)))))
    short = time / 2**doublings
    nothing = np.zeros_like(own)
    pair = linalg.expm(short * np.block([[-own, np.diag(noise)], [nothing, own.T]]))
    matrix = pair[size:, size:].T
    driven = linalg.expm(short * np.block([[own, force], [np.zeros((force.shape[1], size + force.shape[1]))]]))
    covariance = matrix @ pair[:size, size:]
    found = Transition(matrix, driven[:size, size:], 0.5 * (covariance + covariance.T))
    for _ in range(doublings):
        found = found.then(found)
    return found
