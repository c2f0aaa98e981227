"""What observing now and then does to the law: exact for a Gaussian, by a discrete Lyapunov equation.

From one observation to the next, (z, the last positions that were observed) is a linear map with normals added; its
stationary covariance V solves V = F V Fᵀ + Q.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg

from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.analogue.sim.exact import passive, pieces


class RegulatedLaw(NamedTuple):
    """covariance: (n, n), of x; temperature: <(x - mean)·∇E> / n, 1 where nothing is wrong."""

    covariance: Floats
    temperature: float


def regulated_law(modes: Modes, stiffness: Floats) -> RegulatedLaw | None:
    """Of a Gaussian of this stiffness, (n, n), whose part that the array does not do is driven by the modes' regulator.
    None where there is no stationary law: it observes too rarely, and the motion grows. Its mean has no bias.

    Of modes that are no Gaussian it is the law near a point where their Hessian is `stiffness`.
    """
    assert modes.regulator is not None
    left = stiffness - passive(modes)
    size = modes.size
    stretches = pieces(modes, modes.regulator.period)
    whole = len(stretches[0].transition.matrix)
    kept = max(one.age for one in stretches)
    total = whole + kept * size
    step, noise = np.eye(whole, total), np.zeros((whole, whole))
    for one in stretches:
        step = one.transition.matrix @ step
        at = 0 if one.age == 0 else whole + (one.age - 1) * size
        step[:, at : at + size] -= one.transition.drive @ left
        noise = one.transition.matrix @ noise @ one.transition.matrix.T + one.transition.covariance
    F, Q = np.zeros((total, total)), np.zeros((total, total))
    F[:whole], Q[:whole, :whole] = step, noise
    if kept:
        F[whole : whole + size, :size] = np.eye(size)
        F[whole + size :, whole:-size] = np.eye((kept - 1) * size)
    if np.abs(np.linalg.eigvals(F)).max() >= 1:
        return None
    covariance = np.asarray(linalg.solve_discrete_lyapunov(F, Q), np.float64)[:size, :size]
    return RegulatedLaw(covariance, float(np.trace(stiffness @ covariance)) / size)
