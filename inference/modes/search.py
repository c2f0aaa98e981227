"""The search for a mode of each chain, a step at a time: L-BFGS in stretches, then Newton's steps to the top.

L-BFGS forgets what it knows of the curvature at the end of a stretch, which costs it a few iterations; so positions
are all that a search needs to go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ppl.inference.chains import in_threads, over_chains
from ppl.inference.contract import Density
from ppl.inference.modes.climbing import climb, evaluated
from ppl.inference.modes.peaks import ascend, definite, squared_distance
from ppl.inference.starting import Start, find_start, refuse_failed

Array = NDArray[Any]
Search = Mapping[str, Any]

STRETCH = 200
MEMORY = 10
# Standard deviations from the top within which a search has found it.
NEAR = 1e-3
# Without a Hessian: the share of its value that a density gains over a step as long as its position, to first order.
FLAT = 1e-4


@dataclass(frozen=True)
class PeakSearch:
    """iterations: of L-BFGS, at most; most: the largest n for which there is a Hessian; None: any.

    Its state: `position`, `log_density`, `gradient`, `iterations` and whether it `ended` by itself, of each chain;
    `curvatures` (chains, n) and `axes` (chains, n, n), with no columns until they are known.
    """

    iterations: int
    most: int | None = None

    @property
    def steps(self) -> int:
        return -(-self.iterations // STRETCH) + 1

    def start(self, starts: Mapping[str, Array]) -> Search:
        """starts: `keys`, `positions` and whether these were `given`, of each chain."""
        chains, size = starts["positions"].shape
        return {
            "position": starts["positions"],
            "log_density": np.zeros(chains),
            "gradient": np.zeros((chains, size)),
            "iterations": np.zeros(chains, np.int64),
            "ended": np.zeros(chains, bool),
            "curvatures": np.zeros((chains, 0)),
            "axes": np.zeros((chains, size, 0)),
            "steps": np.int64(0),
        }

    def step(self, density: Density, search: Search, starts: Mapping[str, Array]) -> Search:
        if int(search["steps"]) == 0:
            found = found_starts(density, starts)
            search = {**search, "position": found.position}
        chains = {name: leaf for name, leaf in search.items() if name != "steps"}
        if int(search["steps"]) < self.steps - 1:
            moved = in_threads(partial(self._stretch, density), chains, True)
            # Those that ended early leave nothing to do but the last step.
            steps = self.steps - 1 if moved["ended"].all() else int(search["steps"]) + 1
        else:
            moved, steps = in_threads(partial(self._top, density), chains, True), self.steps
        return {**moved, "steps": np.int64(steps)}

    def done(self, search: Search) -> bool:
        return int(search["steps"]) >= self.steps

    def _stretch(self, density: Density, chain: Search) -> Search:
        if chain["ended"]:
            return chain
        allowed = min(STRETCH, self.iterations - int(chain["iterations"]))
        path = climb(evaluated(density), chain["position"], allowed, MEMORY)
        return {
            **chain,
            "position": path.positions[-1],
            "log_density": np.float64(path.log_densities[-1]),
            "gradient": path.gradients[-1],
            "iterations": chain["iterations"] + len(path.positions) - 1,
            "ended": np.bool_(path.ended),
        }

    def _top(self, density: Density, chain: Search) -> Search:
        if self.most is not None and density.size > self.most:
            return chain
        peak = ascend(evaluated(density), density, chain["position"])
        return {**chain, **peak._asdict()}


def found_starts(density: Density, starts: Mapping[str, Array]) -> Start:
    """Raises InitialisationError."""
    chains = {name: starts[name] for name in ("keys", "positions", "given")}
    alone = partial(_find_start, density)
    found: Start = over_chains(alone, jax.vmap(alone), chains, True)
    refuse_failed(found)
    return found


@jax.jit
def _find_start(density: Density, chain: Mapping[str, jax.Array]) -> Start:
    return find_start(density, chain["keys"], chain["positions"], chain["given"])


def reached(search: Search) -> Array:
    """(chains,): which searches ended on a peak; or, without a Hessian, where the density is flat."""
    if not search["curvatures"].shape[1]:
        steep = np.linalg.norm(search["gradient"], axis=1) * np.maximum(np.linalg.norm(search["position"], axis=1), 1.0)
        return np.asarray(search["ended"] & (steep < FLAT * np.maximum(np.abs(search["log_density"]), 1.0)))
    found = [
        definite(curvatures) and squared_distance(curvatures, axes, gradient) < NEAR**2
        for curvatures, axes, gradient in zip(search["curvatures"], search["axes"], search["gradient"], strict=True)
    ]
    return np.array(found, bool)
