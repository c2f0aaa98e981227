"""An array whose bias is moved from step to step, and what that takes: Jarzynski's work.

At each step the bias jumps, which does the work -(b' - b)·x on the modes, and then they move for a while, exactly, and
take heat from the bath. Whatever the speed, <exp(-W)> = exp(-ΔF) (Jarzynski 1997), F = -½ bᵀ A⁻¹ b of a Gaussian.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ppl.hardware.analogue.dynamics import Underdamped
from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.analogue.sim.scales import check_proper
from ppl.hardware.analogue.sim.transitions import transition


class Moved(NamedTuple):
    """work, heat: (replicas,), in kT; free_energy: ΔF from the first bias to the last."""

    work: Floats
    heat: Floats
    free_energy: float


def moved(modes: Modes, biases: Floats, every: float, replicas: int, seed: int) -> Moved:
    """A Gaussian array from rest under the first of biases, (k, n), through all of them, `every` of model time each.

    Raises:
        PplError: its precision is not positive definite (E731).
    """
    assert modes.is_gaussian
    rng = np.random.default_rng(seed)
    A, size = modes.precision, modes.size
    still = transition(modes.motion, A, every)
    check_proper(modes)
    settled = np.linalg.inv(A)
    z = biases[0] @ settled + rng.normal(size=(replicas, size)) @ np.linalg.cholesky(settled).T
    masses = modes.motion.mass if isinstance(modes.motion, Underdamped) else np.ones(0)
    z = np.concatenate([z, rng.normal(size=(replicas, len(masses))) * np.sqrt(masses)], axis=1)

    def energy(z: Floats, bias: Floats) -> Floats:
        x, p = z[:, :size], z[:, size:]
        own = 0.5 * np.einsum("ri,ij,rj->r", x, A, x) - x @ bias
        return np.asarray(own + 0.5 * (p**2 / masses).sum(axis=1))

    work, heat = np.zeros(replicas), np.zeros(replicas)
    for before, bias in pairwise(biases):
        work -= z[:, :size] @ (bias - before)
        after = z @ still.matrix.T + still.drive @ bias + rng.normal(size=z.shape) @ still.factor
        heat += energy(after, bias) - energy(z, bias)
        z = after

    def free(bias: Floats) -> float:
        return -0.5 * float(bias @ settled @ bias)

    return Moved(work, heat, free(biases[-1]) - free(biases[0]))
