"""What a regulator's period, latency and noise do, before any run: exact where the score is linear.

Data N(0, v) have the score -x / (α² v + σ²). A mode and the forces that wait for it are then jointly Gaussian, and
their covariance is carried from hold to hold. A cluster of other data gets what its own variance would, once clusters
have parted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ppl.hardware.analogue.diffusion.noising import Noising
from ppl.hardware.analogue.diffusion.reversal import Regulator, holds_of


class Prediction(NamedTuple):
    """Of one mode. variance: of the draws; work: its mean, of the regulator, in kT."""

    variance: float
    work: float


def predicted(noising: Noising, variance: float, regulator: Regulator) -> Prediction:
    """For a mode of data with this variance."""
    holds, waiting = holds_of(noising, regulator)
    size = waiting + 2
    covariance, work = np.zeros((size, size)), 0.0
    covariance[0, 0] = 1.0
    for signal, before, after in zip(*holds, strict=True):
        gain = 2 * (1 - 1 / (signal**2 * variance + 1 - signal**2))
        # A reading: the new force before those that wait.
        read = np.zeros((size + 1, size))
        read[0, 0], read[1, 0] = 1.0, gain
        read[2:, 1:] = np.eye(size - 1)
        covariance = read @ covariance @ read.T
        covariance[1, 1] += (gain * regulator.noise) ** 2
        for force, passed in ((size, before), (size - 1, after)):
            move = np.eye(size + 1)
            move[0, 0], move[0, force] = np.exp(-passed), -np.expm1(-passed)
            moved = move @ covariance @ move.T
            work += moved[0, force] - covariance[0, force]
            covariance = moved
            covariance[0, 0] += -np.expm1(-2 * passed)
        covariance = covariance[:-1, :-1]
    return Prediction(float(covariance[0, 0]), float(work))
