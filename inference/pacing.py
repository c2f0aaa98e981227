"""How long a chunk is: long enough to cost nothing, short enough that progress moves and an interrupt is answered."""

from __future__ import annotations

import numpy as np

CHUNK_SECONDS = 0.25
FIRST_CHUNK = 20
_MOST_ROWS = 1024
_NUMBERS = 2**18


def capacity(size: int) -> int:
    """Rows of `size` numbers that a compiled program keeps."""
    return int(np.clip(_NUMBERS // max(size, 1), 16, _MOST_ROWS))


def quick(pace: float, done: int) -> int:
    """Iterations that should take about CHUNK_SECONDS. pace: seconds for each so far, 0 where it is not known."""
    if pace == 0.0:
        return FIRST_CHUNK if done == 0 else 2 * FIRST_CHUNK
    return max(1, int(CHUNK_SECONDS / pace))
