"""How well draws stand for data that were held out: by energies of distance, and by a classifier.

Energy distance (Székely & Rizzo 2013) is 2 E|X - Y| - E|X - X'| - E|Y - Y'|, 0 where laws are the same; how far from 0
it would then be found is known from relabelling rows at random. Two samples that a classifier tells apart are not of
one law (Lopez-Paz & Oquab 2017): here neighbours of a held-out row, the root of all with labels, vote on where it is
from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from ppl.errors import Diagnostic, PplError

Floats = NDArray[np.float64]

_RELABELLED = 200
_FEWEST = 8


@dataclass(frozen=True)
class Comparison:
    """energy: the distance; energy_noise: its standard deviation for equal laws, about 0; accuracy: share of rows whose
    sample the classifier tells; accuracy_noise: its standard deviation for equal laws, about ½."""

    energy: float
    energy_noise: float
    accuracy: float
    accuracy_noise: float


def compared(draws: ArrayLike, data: ArrayLike, seed: int = 0) -> Comparison:
    """(n, d) draws and (m, d) data; the larger of them is cut to the size of the other, for which rows are shuffled.

    Raises:
        PplError: not rows of the same modes, or fewer than 8 (E608).
    """
    rng = np.random.default_rng(seed)
    samples = [rng.permutation(np.atleast_1d(np.asarray(one, np.float64))) for one in (draws, data)]
    count = min(map(len, samples))
    if any(one.ndim != 2 or one.shape[1] != samples[0].shape[1] for one in samples) or count < _FEWEST:
        raise PplError([Diagnostic("E608", f"draws and data take at least {_FEWEST} rows each, of the same modes")])
    both = np.concatenate([one[:count] for one in samples])
    apart = cdist(both, both)
    signs = np.repeat([1.0, -1.0], count)
    others = np.stack([rng.permutation(signs) for _ in range(_RELABELLED)])
    accuracy, tried = _told(apart, signs, rng)
    noise = float(np.std(_energy(apart, others)))
    return Comparison(float(_energy(apart, signs[None])[0]), noise, accuracy, float(np.sqrt(0.25 / tried)))


def _energy(apart: Floats, signs: Floats) -> Floats:
    """(r,): of (r, 2 n) labels, n of each; without bias."""
    count = signs.shape[1] // 2
    # Over pairs of different rows: those of one sample count +1, others -1.
    against = np.einsum("ri,ri->r", signs @ apart, signs)
    within = (apart.sum() + against) / 2
    across = (apart.sum() - against) / 2
    found: Floats = across / count**2 - within / (count * (count - 1))
    return found


def _told(apart: Floats, signs: Floats, rng: np.random.Generator) -> tuple[float, int]:
    """The share of half of the rows that the other half tells, and how many these are."""
    order = rng.permutation(len(signs))
    known, asked = np.array_split(order, 2)
    neighbours = 2 * int(np.sqrt(len(known)) / 2) + 1
    nearest = np.argpartition(apart[np.ix_(asked, known)], neighbours, axis=1)[:, :neighbours]
    votes = np.sign(signs[known][nearest].sum(axis=1))
    return float(np.mean(votes == signs[asked])), len(asked)
