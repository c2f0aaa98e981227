"""Covariances along the path of an L-BFGS search: Zhang, Carpenter, Gelman & Vehtari 2022, algorithms 3 and 4.

A step s between two iterates and the change z of minus the gradient on it satisfy Σ z ≈ s. The estimate at an iterate
is the BFGS update of a diagonal α with the last few pairs, in its compact form (Byrd, Nocedal & Schnabel 1994, section
2): with the pairs as the columns of S and Z, R the upper triangle of S'Z, E its diagonal,

    Σ = diag(α) + β γ β',   β = [diag(α) Z, S],
    γ = [[0, -R⁻¹], [-R⁻ᵀ, R⁻ᵀ (E + Z' diag(α) Z) R⁻¹]].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.modes.gaussian import Gaussian

Array = NDArray[Any]

# A pair is kept if s'z passes this times z'z, so that the estimate stays positive definite.
CURVATURE = 1e-12


class Memory:
    """What is known of the curvature: α, (n,), and the last pairs."""

    def __init__(self, size: int, pairs: int) -> None:
        self.diagonal: Array = np.ones(size)
        self.steps: list[Array] = []
        self.changes: list[Array] = []
        self._pairs = pairs

    def add(self, step: Array, change: Array) -> None:
        """A pair s and z. α follows by the formula of Gilbert & Lemaréchal 1989, section 4.2: with a = z'αz, b = s'z,
        c = s'α⁻¹s

            1 / α_i ← a / (b α_i) + z_i² / b - a s_i² / (b c α_i²).
        """
        b = float(step @ change)
        if not b > CURVATURE * float(change @ change):
            return
        alpha = self.diagonal
        a, c = float(change @ (alpha * change)), float(step @ (step / alpha))
        with np.errstate(all="ignore"):
            diagonal = 1 / (a / (b * alpha) + change**2 / b - a * step**2 / (b * c * alpha**2))
        if not (np.isfinite(diagonal).all() and (diagonal > 0).all()):  # by rounding: in exact arithmetic it is
            return
        self.diagonal = diagonal
        self.steps = [*self.steps, step][-self._pairs :]
        self.changes = [*self.changes, change][-self._pairs :]

    def factors(self) -> tuple[Array, Array]:
        """β (n, 2 pairs) and γ (2 pairs, 2 pairs). Pairs that are not there yet are zeros in β and γ."""
        size, pairs, count = len(self.diagonal), self._pairs, len(self.steps)
        beta, gamma = np.zeros((size, 2 * pairs)), np.zeros((2 * pairs, 2 * pairs))
        if not count:
            return beta, gamma
        s, z = np.array(self.steps).T, np.array(self.changes).T
        spread = self.diagonal[:, None] * z
        beta[:, :count], beta[:, pairs : pairs + count] = spread, s
        products = s.T @ z
        inverse = np.linalg.inv(np.triu(products))
        first, second = slice(0, count), slice(pairs, pairs + count)
        gamma[first, second] = -inverse
        gamma[second, first] = -inverse.T
        gamma[second, second] = inverse.T @ (np.diag(np.diagonal(products)) + z.T @ spread) @ inverse
        return beta, gamma

    def gaussian(self, position: Array, gradient: Array) -> Gaussian | None:
        """The Gaussian at an iterate, N(θ + Σ ∇log p(θ), Σ); None where rounding has left Σ indefinite.

        Algorithm 4: with the QR factors of diag(α)^-1/2 β, L is that of Cholesky of I + R γ R'.
        """
        with np.errstate(all="ignore"):  # what overflows is refused below
            beta, gamma = self.factors()
            scale = np.sqrt(self.diagonal)
            q, r = np.linalg.qr(beta / scale[:, None])
            within = np.eye(q.shape[1]) + r @ gamma @ r.T
            try:
                core = np.linalg.cholesky((within + within.T) / 2)
                inverse = np.tril(np.linalg.inv(core))
            except np.linalg.LinAlgError:
                return None
            mean = position + self.diagonal * gradient + beta @ (gamma @ (beta.T @ gradient))
        gaussian = Gaussian(mean, scale, q, core, inverse)
        return gaussian if all(np.isfinite(leaf).all() for leaf in gaussian) else None
