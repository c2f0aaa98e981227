"""Points along a path, so far apart that each stretch between neighbours costs the same.

Of replicas the cost of a stretch is the rate at which they refuse to exchange. Its sum over the path is the global
communication barrier Λ, and however many replicas there are, they exchange most where their shares of Λ are equal
(Syed, Bouchard-Côté, Deligiannidis & Doucet 2022, sections 4 and 5, algorithms 2 and 4). Of annealing it is
σ_E |Δβ|, with σ_E the standard deviation of the energy: the thermodynamic length, which is to be passed at an even
speed (Salamon, Nulton, Harland, Pedersen, Ruppeiner & Liao 1988).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Array = NDArray[np.floating[Any]]

# The exponent of the first schedule (Friel & Pettitt 2008, section 3.1).
POWER = 5.0
# A stretch costs no less than this share of the mean.
_LEAST = 1e-3


def first_betas(count: int) -> Array:
    """(count,): (k / (count - 1))^POWER, dense where the likelihood begins to count."""
    return np.asarray(np.linspace(0.0, 1.0, count) ** POWER)


def respaced(points: Array, costs: Array, count: int) -> Array:
    """(count,) points from the first to the last with equal costs between neighbours.

    points: (k,), monotone; costs: (k - 1,), not negative, which are interpolated monotonically (Fritsch & Carlson
    1980).
    """
    total = float(np.sum(costs))
    if not np.isfinite(total) or total <= 0:
        costs, total = np.ones_like(costs), float(len(costs))
    passed = np.concatenate([[0.0], np.cumsum(np.maximum(costs, _LEAST * total / len(costs)))])
    even = PchipInterpolator(passed, points)(np.linspace(0.0, passed[-1], count))
    even[0], even[-1] = points[0], points[-1]
    return np.asarray(even)


def respaced_betas(betas: Array, rejections: Array) -> Array:
    """As many inverse temperatures, (R,), with equal rejections between neighbours. Between two of them rejections are
    interpolated over β^(1 / POWER): the first stretch may span orders of magnitude."""
    return np.asarray(respaced(betas ** (1 / POWER), rejections, len(betas)) ** POWER)
