"""Data bound to a model: checked against its declarations, positions 0-based, sizes and labels known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Dataset:
    """sizes: of every dim of the model; labels: of the dims that have any, one for each position;
    arrays: one for each declared input, of its declared shape (float64, int64 or bool; index data 0-based)."""

    sizes: Mapping[str, int]
    labels: Mapping[str, tuple[str, ...]]
    arrays: Mapping[str, npt.NDArray[np.generic]]
