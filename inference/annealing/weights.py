"""Weights of particles for a step in temperature, and particles chosen by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing.moves import Place
from ppl.inference.importance import resampled
from ppl.inference.modes.drawing import words_on_host

Array = NDArray[Any]

# Numbers of random words, far from those of particles, for choices and for other keys.
_CHOICE = 1 << 30
_KEYS = 3 << 29


class Weighed(NamedTuple):
    """Weights of a step in β, from particles with gains. ess: (Σ w)² / Σ w²; log_mean: of the weights; log_weights:
    (particles,), of which the exponentials sum to 1."""

    ess: float
    log_mean: float
    log_weights: Array


def weighed(gain: Array, delta: float) -> Weighed:
    """gain: (particles,), some of them finite."""
    count, top = len(gain), np.max(gain)
    with np.errstate(all="ignore"):
        log_w = np.where(np.isfinite(gain), delta * (gain - top), -np.inf)
        total = np.log(np.sum(np.exp(log_w)))
        ess = np.exp(2 * total) / np.sum(np.exp(2 * log_w))
    return Weighed(float(ess), float(delta * top + total - np.log(count)), log_w - total)


def choices(keys: Array, number: int, log_weights: Sequence[Array]) -> Array:
    """(chains, particles): which particles are chosen, each as often as its weight says, to within one."""
    return np.array([_choice(key, number, row) for key, row in zip(keys, log_weights, strict=True)])


def chosen(place: Place, numbers: Array) -> Place:
    """Those of these numbers, (chains, particles)."""
    there: Place = jax.tree.map(lambda leaf: leaf[np.arange(len(numbers))[:, None], numbers], place)
    return there


def _choice(key: Array, number: int, log_weights: Array) -> Array:
    count = len(log_weights)
    words = np.asarray(words_on_host(key, _CHOICE + number, 1 + 2 * count))
    return resampled(log_weights, count, (words + 0.5) * 2.0**-32)


def other_keys(keys: Array, number: int) -> Array:
    """Of the chains, (chains, 2) uint32."""
    return np.array([np.asarray(words_on_host(key, _KEYS + number, 2)) for key in keys])
