"""The Gaussian at a mode, with the curvature there: Laplace's approximation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.contract import Density, Remark, Remedy
from ppl.inference.modes.findings import Values, search_remarks, search_values
from ppl.inference.modes.gaussian import Gaussian
from ppl.inference.modes.search import PeakSearch, Search

Array = NDArray[Any]


@dataclass(frozen=True)
class LaplaceFitter:
    """N(u*, (-H)⁻¹), H the Hessian of the log density at the mode u*.

    The Gaussian has the integral of the density, to second order: log Z = log p(u*) + n/2 log 2π - 1/2 log det(-H).
    Where the search found no peak, eigenvalues of -H count by their absolute values; the remarks say that it failed.
    """

    search: PeakSearch
    parts: int = 1
    called: str = "the Gaussian at the mode"

    @property
    def steps(self) -> int:
        return self.search.steps

    def start(self, starts: Mapping[str, Array]) -> Search:
        return self.search.start(starts)

    def step(self, density: Density, state: Search, starts: Mapping[str, Array]) -> Search:
        return self.search.step(density, state, starts)

    def mixture(self, state: Search) -> Gaussian:
        curvatures, axes = _usable(state)
        deviations = 1 / np.sqrt(curvatures)
        eye = np.eye(curvatures.shape[1])
        return Gaussian(
            mean=state["position"][:, None],
            scale=np.ones_like(curvatures)[:, None],
            directions=axes[:, None],
            core=(eye * deviations[:, None, :])[:, None],
            inverse=(eye * np.sqrt(curvatures)[:, None, :])[:, None],
        )

    def values(self, state: Search) -> Values:
        values = search_values(state)
        if state["curvatures"].shape[1]:
            curvatures = _usable(state)[0]
            half_log_det = 0.5 * np.log(curvatures).sum(axis=1)
            volume = 0.5 * curvatures.shape[1] * math.log(2 * math.pi) - half_log_det
            values["log_evidence_laplace"] = (("chain",), state["log_density"] + volume)
        return values

    def remarks(self, density: Density, state: Search) -> list[Remark]:
        return search_remarks(density, state, self.search)

    def remedies(self) -> tuple[Remedy, ...]:
        return (
            Remedy("draw from the posterior itself, with {}", {"engine": "nuts"}),
            Remedy("other coordinates or a wider family may fit better: {}", {"engine": "pathfinder"}),
        )


def _usable(state: Search) -> tuple[Array, Array]:
    """(chains, n) positive numbers and (chains, n, n) orthonormal columns."""
    finite = np.isfinite(state["curvatures"]).all(axis=1)
    eye = np.eye(state["position"].shape[1])
    axes = np.where(finite[:, None, None], state["axes"], eye)
    curvatures = np.abs(np.where(finite[:, None], state["curvatures"], 1.0))
    floor = np.finfo(np.float64).eps * np.maximum(curvatures.max(axis=1, keepdims=True), 1.0)
    return np.maximum(curvatures, floor), axes
