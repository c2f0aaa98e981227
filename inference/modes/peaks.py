"""Whether a search ended on a peak, and its top: Newton's steps with the exact Hessian, and its eigenvalues."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference.contract import Density
from ppl.inference.modes.climbing import Evaluate

Array = NDArray[Any]

STEPS = 10
# Below this squared distance from the top, in standard deviations, a step changes nothing but rounding.
_THERE = 1e-24
_BATCH = 16


class Peak(NamedTuple):
    """position, gradient: (n,); log_density: (); curvatures: (n,), the eigenvalues of minus the Hessian, increasing;
    axes: (n, n), its eigenvectors, as columns. Of a Hessian that is not finite they are not numbers."""

    position: Any
    log_density: Any
    gradient: Any
    curvatures: Any
    axes: Any


@jax.jit
def hessian(density: Density, u: jax.Array) -> jax.Array:
    """(n,) -> (n, n), from products with the unit vectors, a few at a time so that memory holds them."""

    def product(vector: jax.Array) -> jax.Array:
        along: jax.Array = jax.jvp(jax.grad(density.log_density), (u,), (vector,))[1]
        return along

    rows: jax.Array = jax.lax.map(product, jnp.eye(u.shape[0], dtype=u.dtype), batch_size=_BATCH)
    return rows


def definite(curvatures: Array) -> bool:
    """Whether minus the Hessian is positive definite beyond rounding."""
    largest = float(np.max(np.abs(curvatures), initial=0.0))
    rounding = 10 * len(curvatures) * np.finfo(np.float64).eps * largest
    return bool(np.isfinite(largest) and np.min(curvatures) > rounding)


def squared_distance(curvatures: Array, axes: Array, gradient: Array) -> float:
    """How far below the top, squared, in standard deviations of the Gaussian there: g' (-H)⁻¹ g."""
    along = gradient @ axes
    return float(np.sum(along**2 / curvatures))


def ascend(evaluate: Evaluate, density: Density, position: Array) -> Peak:
    """From where a search ended to the top, by at most STEPS of Newton's, as long as the Hessian is definite."""
    log_density, gradient = evaluate(position)
    curvatures, axes = _curvature(density, position)
    for _ in range(STEPS):
        if not definite(curvatures) or squared_distance(curvatures, axes, gradient) < _THERE:
            break
        further = position + axes @ ((gradient @ axes) / curvatures)
        value, slope = evaluate(further)
        closer = squared_distance(curvatures, axes, slope) < squared_distance(curvatures, axes, gradient)
        # At the top values agree to rounding, and gradients alone tell.
        if not (np.isfinite(value) and closer and value >= log_density - 1e-9 * max(1.0, abs(log_density))):
            break
        position, log_density, gradient = further, value, slope
        curvatures, axes = _curvature(density, position)
    return Peak(position, np.float64(log_density), gradient, curvatures, axes)


def _curvature(density: Density, position: Array) -> tuple[Array, Array]:
    matrix = -np.asarray(hessian(density, position))
    if not np.isfinite(matrix).all():
        return np.full(len(matrix), np.nan), np.full_like(matrix, np.nan)
    curvatures, axes = np.linalg.eigh((matrix + matrix.T) / 2)
    return curvatures, axes
