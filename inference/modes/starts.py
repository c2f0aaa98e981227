"""Where searches begin: the part of a carry that never changes."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ppl.inference.contract import Density


def starts_of(density: Density, keys: jax.Array, positions: Any) -> dict[str, NDArray[Any]]:
    """`keys`, `positions` and whether these were `given`, of each chain."""
    key_data = np.asarray(jax.random.key_data(keys))
    shape = (len(key_data), density.size)
    given = np.zeros(shape) if positions is None else np.asarray(positions, np.float64)
    if given.shape != shape:
        raise ValueError(f"positions have shape {given.shape}, but {shape} was expected")
    return {"keys": key_data, "positions": given, "given": np.full(shape[0], positions is not None)}
