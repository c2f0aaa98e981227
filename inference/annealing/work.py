"""Free energies from the work of trajectories that are driven out of balance.

A trajectory that is led from the reference to the target gathers a log weight ℓ, minus the work W that is done on it.
With P_F the law of ℓ on the way from the reference, P_R that on the way back from the target,

    P_F(ℓ) e^ℓ = Z P_R(ℓ)                                       (Crooks 1999, equation 2),
    Z = E_F[e^ℓ] = 1 / E_R[e^-ℓ]                                (Jarzynski 1997, equation 2),
    E_F[ℓ] <= log Z <= E_R[ℓ],                                  the second law.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logsumexp

Array = NDArray[Any]


class Estimate(NamedTuple):
    """log Z and its variance for independent trajectories, to first order."""

    log_z: float
    variance: float


def jarzynski(log_weights: Array) -> Estimate:
    """The log of the mean of e^ℓ. Of trajectories from the target, with -ℓ for ℓ, it is -log Z."""
    count = len(log_weights)
    total = float(logsumexp(log_weights))
    if not np.isfinite(total):
        return Estimate(-np.inf, np.inf)
    share = np.exp(log_weights - total)
    return Estimate(total - float(np.log(count)), max(float(np.sum(share**2)) - 1 / count, 0.0))


def bennett(forward: Array, reverse: Array) -> Estimate:
    """Both ways together (Bennett 1976; Shirts, Bair, Hooker & Pande 2003, equations 8 and 10), as many of each.

    log Z is the c at which Σ_F σ(ℓ - c) = Σ_R σ(c - ℓ), σ(x) = 1 / (1 + e^-x). It lies between the largest and the
    smallest ℓ, or near them.
    """
    count = len(forward)
    both = np.concatenate([forward, reverse])
    finite = both[np.isfinite(both)]
    if not len(finite):
        return Estimate(-np.inf, np.inf)

    def excess(c: float) -> float:
        return float(np.sum(expit(forward - c)) - np.sum(expit(c - reverse)))

    far = np.log(count) + 10
    low, high = float(finite.min()) - far, float(finite.max()) + far
    if excess(low) * excess(high) > 0:
        return Estimate(float("nan"), np.inf)
    c = float(brentq(excess, low, high, xtol=1e-10))
    # 1 / (2 + 2 cosh x) = σ(x) σ(-x)
    overlap = float(np.mean(expit(both - c) * expit(c - both)))
    return Estimate(c, max(1 / overlap - 4, 0.0) / (2 * count) if overlap > 0 else np.inf)
