"""A linear array simulated without error of the time step: Ornstein–Uhlenbeck transitions from one diagonalisation.

    dx = -(K x - f) dt + √2 dW,    K = Q Λ Qᵀ

In the coordinates z = Qᵀ(x - K⁻¹f) modes are independent, and over a time h, with ρ = e^(-λh), (Gillespie 1996)

    z(h) = ρ z + √((1 - ρ²)/λ) ξ,
    ∫z = z (1 - ρ)/λ + η,   Var η = (2/λ²)(h - 2 (1 - ρ)/λ + (1 - ρ²)/(2λ)),   Cov(z(h), ∫z | z) = (1 - ρ)²/λ².
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]

# Readings that are simulated at once.
_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class Array:
    """rates: (d,), λ, ascending; basis: (d, d), Q. Times are in units of the model's."""

    rates: Floats
    basis: Floats

    @staticmethod
    def of(matrix: Floats) -> Array:
        """matrix: (d, d), K, symmetric and positive definite."""
        return Array(*np.linalg.eigh(matrix))

    @property
    def slowest(self) -> float:
        """The rate of the slowest mode."""
        return float(self.rates[0])

    def path(self, rng: np.random.Generator, force: Floats | None = None) -> Path:
        """One array, from x = 0 at the start. force: (d,), f, 0 by default."""
        rest = np.zeros(len(self.rates)) if force is None else (self.basis.T @ force) / self.rates
        return Path(self, rng, rest, -rest)


@dataclass(eq=False)
class Path:
    """An array as time goes by. rest: (d,), QᵀK⁻¹f; place: (d,), z."""

    array: Array
    rng: np.random.Generator
    rest: Floats
    place: Floats

    def settle(self, relaxations: float) -> float:
        """Leaves it to itself for so many relaxation times of its slowest mode: how long that is."""
        time = relaxations / self.array.slowest
        self.average(time)
        return time

    def average(self, time: float) -> Floats:
        """(d,): of x over the time that comes."""
        rate, lost = self.array.rates, -np.expm1(-self.array.rates * time)
        spread = lost * (2 - lost) / rate
        joint = (lost / rate) ** 2
        noise = self.rng.normal(size=(2, len(rate)))
        integral = self.place * lost / rate + joint / np.sqrt(spread) * noise[0]
        integral += np.sqrt(np.maximum(_integral_variance(rate, time) - joint**2 / spread, 0)) * noise[1]
        self.place = (1 - lost) * self.place + np.sqrt(spread) * noise[0]
        mean: Floats = self.array.basis @ (self.rest + integral / time)
        return mean

    def second_moment(self, time: float) -> Floats:
        """(d, d): the mean of x xᵀ over readings in the time that comes, one for each d / Σ λ of it or so."""
        count = int(np.ceil(time * float(np.mean(self.array.rates))))
        interval = time / count
        kept = np.exp(-self.array.rates * interval)
        spread = np.sqrt(-np.expm1(-2 * self.array.rates * interval) / self.array.rates)
        total = np.zeros((len(kept), len(kept)))
        for start in range(0, count, _CHUNK):
            noise = spread * self.rng.normal(size=(min(_CHUNK, count - start), len(kept)))
            noise[0] += kept * self.place
            z = np.stack([lfilter([1.0], [1.0, -rho], column) for rho, column in zip(kept, noise.T, strict=True)])
            self.place = z[:, -1]
            x = z + self.rest[:, None]
            total += x @ x.T
        moment: Floats = self.array.basis @ (total / count) @ self.array.basis.T
        return moment


def relaxed(z: Floats, rates: Floats, time: float, rng: np.random.Generator) -> Floats:
    """(n, d) modes at rest about 0, some time later. rates: (d,)."""
    later: Floats = np.exp(-rates * time) * z
    return later + np.sqrt(-np.expm1(-2 * rates * time) / rates) * rng.normal(size=z.shape)


def _integral_variance(rate: Floats, time: float) -> Floats:
    """Of ∫z from a known start; by its series where the terms would cancel."""
    u = rate * time
    lost = -np.expm1(-u)
    series = u**3 * (2 / 3 - u / 2 + 7 * u**2 / 30)
    variance: Floats = np.where(u < 1e-3, series, 2 * (u - 2 * lost + lost * (2 - lost) / 2)) / rate**3
    return variance
