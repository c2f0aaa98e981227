"""The life of Metropolis-adjusted microcanonical chains: that of Hamiltonian ones, and the length of trajectories.

A trajectory should cross the target where it is widest. The metric makes most of it equally wide; what it leaves is the
largest eigenvalue λ of the covariance of the draws in its coordinates, and lengths are in units of √λ (Robnik,
Cohn-Gordon & Seljak 2025 take the covariance too). Windows of warmup tell it, as they do the metric.

A speed that is constant does not grow where the density falls, so trajectories hardly ever diverge: where a place is
too narrow for their steps, their ends are refused, and a chain that got there stands still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ppl.inference.contract import Carry, Chunk, Density, Findings, Remark, Remedy
from ppl.inference.hamiltonian import adaptation
from ppl.inference.hamiltonian.hmc import HMCKernel
from ppl.inference.hamiltonian.life import Beside, HamiltonianLife
from ppl.inference.hamiltonian.metric import Dense, Diagonal, Metric
from ppl.inference.hamiltonian.program import Rows
from ppl.inference.microcanonical.chain import FEWEST_DIMENSIONS

Array = NDArray[Any]

# There is no kinetic energy that momenta are drawn anew from, and no tree.
_NOT_HERE = ("energy", "tree_depth")
# Iterations before which chains may be far from each other, and directions wide for that alone.
_EARLIEST = 80
_POWERS = 50
# Ends refused in a row: where a tenth of them is, more than a few have a chance of one in a million.
_LONG = 15


@dataclass(frozen=True)
class AdjustedLife(HamiltonianLife):
    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        carry = super().start(density, keys, positions)
        none = np.zeros(len(carry["states"].key), np.int64)
        return {**carry, "unit": np.float64(1.0), "still": none, "longest": none.copy()}

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        following, chunk = super().advance(density, carry, limit)
        done = int(following["states"].iteration[0])
        if chunk.warmup and done >= _EARLIEST and done in adaptation.windows(self.adaptation, self.warmup)[1:]:
            window = np.concatenate([carry["window"]["positions"], chunk.positions], axis=1)
            following = {**following, "unit": np.float64(_widest(following["states"].metric, window))}
        if not chunk.warmup:
            before = carry["states"].point.position
            still, longest = _stood(carry["still"], carry["longest"], before, chunk.positions)
            following = {**following, "still": still, "longest": longest}
        stats = {name: values for name, values in chunk.stats.items() if name not in _NOT_HERE}
        return following, replace(chunk, stats=stats)

    def further(self, density: Density, carry: Carry, capacity: int, count: int) -> tuple[Carry, Rows, Beside]:
        # On a line there is no direction but forth and back: there trajectories are those of HMC.
        kernel = HMCKernel() if density.size < FEWEST_DIMENSIONS else self.kernel
        options = {**self.options, "length": self.options["length"] * float(carry["unit"])}
        chains = HamiltonianLife(
            kernel,
            self.warmup,
            self.draws,
            self.target,
            self.step_size,
            self.metric,
            self.adaptation,
            self.precision,
            options,
        )
        return chains.further(density, carry, capacity, count)

    def findings(self, density: Density, carry: Carry) -> Findings:
        longest = carry["longest"]
        values: dict[str, tuple[tuple[str, ...], Any]] = {
            "length": ((), np.asarray(self.options["length"] * float(carry["unit"]))),
            "standstill": (("chain",), longest),
        }
        worst = int(np.argmax(longest))
        if longest[worst] < _LONG:
            return Findings(values)
        title = f"Chain {worst} stood still for {int(longest[worst])} draws in a row."
        detail = "it got to a place that is too narrow for its steps, as there are in a funnel; others leave it out"
        remedies = (
            Remedy("take smaller steps: {}", {"target_acceptance": 0.95}),
            Remedy("an engine that tells where its trajectories break: {}", {"engine": "nuts"}),
        )
        remark = Remark("standstill", "bad", title, (detail,), remedies, {"longest": float(longest[worst])})
        return Findings(values, (remark,))


def _stood(still: Array, longest: Array, before: Array, positions: Array) -> tuple[Array, Array]:
    """For how many draws each chain has been where it is, and the longest that it has been anywhere.

    before: (chains, n); positions: (chains, draws, n), those that follow."""
    stays = (np.diff(np.concatenate([before[:, None], positions], axis=1), axis=1) == 0).all(axis=2)
    for column in stays.T:
        still = np.where(column, still + 1, 0)
        longest = np.maximum(longest, still)
    return still, longest


def _widest(metrics: Metric, positions: Array) -> float:
    """The mean over chains of √λ. metrics: with the chains along the first axis of their leaves; positions: (chains,
    draws, n)."""
    x = positions.reshape(-1, positions.shape[2]).astype(np.float64)
    x = x[np.isfinite(x).all(axis=1)]
    if len(x) < 2:
        return 1.0
    x = x - x.mean(axis=0)
    each = [jax.tree.map(lambda leaf, at=at: np.asarray(leaf)[at], metrics) for at in range(len(positions))]
    return float(np.mean([_spread(_in_coordinates(own, x)) for own in each]))


def _in_coordinates(metric: Metric, x: Array) -> Array:
    """Rows in coordinates in which M is the unit."""
    if isinstance(metric, Dense):
        return x @ metric.root
    if isinstance(metric, Diagonal):
        return x / metric.scale
    rank = int(metric.rank)
    scaled, directions = x / metric.scale, metric.directions[:rank]
    return scaled + (scaled @ directions.T * (1 / np.sqrt(metric.eigenvalues[:rank]) - 1)) @ directions


def _spread(z: Array) -> float:
    """√λ of (draws, n) centred rows, by powers of their covariance; not less than 1.

    Of noise alone the largest eigenvalue is about (1 + √(n / draws))² (Marchenko & Pastur 1967), which is divided out.
    """
    count, size = z.shape
    vector: Array = np.random.default_rng(0).normal(size=(size,))
    for _ in range(_POWERS):
        product = z.T @ (z @ vector)
        length = float(np.linalg.norm(product))
        if not np.isfinite(length) or length == 0:
            return 1.0
        vector = product / length
    return max(math.sqrt(length / count) / (1 + math.sqrt(size / count)), 1.0)
