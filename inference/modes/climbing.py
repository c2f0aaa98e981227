"""Uphill by SciPy's L-BFGS-B, which runs on the host and asks a compiled program for values and gradients.

Liu & Nocedal 1989; Zhu, Byrd, Lu & Nocedal 1997; line search of Moré & Thuente 1994.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ppl.inference.contract import Density

Array = NDArray[Any]
Evaluate = Callable[[Array], tuple[float, Array]]

# Gradients and gains below these end a search: what is left is rounding, or for Newton's steps.
GRADIENT = 1e-7
GAIN = 1e-13


class Climb(NamedTuple):
    """The iterates (l + 1, n), the start the first; their log densities and gradients; whether it ended by itself, at a
    point where nothing more is gained."""

    positions: Array
    log_densities: Array
    gradients: Array
    ended: bool


@jax.jit
def value_and_gradient(density: Density, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jax.value_and_grad(density.log_density)(u)


def evaluated(density: Density) -> Evaluate:
    """Values and gradients of a density for the host. The density's data go to the device once."""
    there = jax.device_put(density)

    def evaluate(u: Array) -> tuple[float, Array]:
        value, gradient = value_and_gradient(there, u)
        return float(value), np.asarray(gradient, np.float64)

    return evaluate


def climb(evaluate: Evaluate, start: Array, iterations: int, memory: int) -> Climb:
    """At most so many iterations from a start of finite density. memory: pairs of differences that are kept."""
    path = _Path(evaluate, np.array(start, np.float64))
    result = minimize(
        path.cost,
        path.positions[0],
        jac=True,
        method="L-BFGS-B",
        callback=path.accept,
        options={
            "maxcor": memory,
            "maxiter": iterations,
            "maxfun": 100 * iterations,
            "maxls": 50,
            "gtol": GRADIENT,
            "ftol": GAIN,
        },
    )
    ended = result.status != 1  # 1: the iterations are used up
    return Climb(np.array(path.positions), np.array(path.log_densities), np.array(path.gradients), ended)


class _Path:
    """The iterates so far, and the cost: minus the log density."""

    def __init__(self, evaluate: Evaluate, start: Array) -> None:
        value, gradient = evaluate(start)
        self.positions, self.log_densities, self.gradients = [start], [value], [gradient]
        self._evaluate = evaluate
        self._last = (start, value, gradient)

    def cost(self, u: Array) -> tuple[float, Array]:
        value, gradient = self._evaluate(u)
        if np.isfinite(value) and np.isfinite(gradient).all():
            self._last = (u.copy(), value, gradient)
            return -value, -gradient
        # Where there is no density, a parabola along the line from the last iterate, with the slope there, the lowest
        # point a quarter of the way and more cost than there at the end: the line search turns back, and not too far.
        before, slope = self.gradients[-1], -float(self.gradients[-1] @ (u - self.positions[-1]))
        return -self.log_densities[-1] - slope, 3 * before

    def accept(self, xk: Array) -> None:
        if not np.array_equal(xk, self._last[0]):
            self._last = (xk.copy(), *self._evaluate(xk))
        position, value, gradient = self._last
        self.positions.append(position)
        self.log_densities.append(value)
        self.gradients.append(gradient)
