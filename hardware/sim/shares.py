"""Replicas shared out over devices, and over the threads of a CPU.

Each share goes on by itself. What is random hangs on the number of a replica among all, so that the same seed gives the
same states however they are shared out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ppl.inference.chains import mapped
from ppl.inference.placing import here

# States of units that a thread must have to be worth its start.
_WORTH = 2**17


@dataclass(frozen=True)
class Shares:
    """devices: one for each share; count: how many columns of states each has, the last of which may be too many."""

    devices: tuple[jax.Device, ...]
    count: int

    def cut(self, columns: NDArray[Any]) -> list[jax.Array]:
        """(rows, columns) -> what each share has of them, on its device; too few are filled up with the last."""
        wanted = len(self.devices) * self.count
        filled = np.pad(columns, ((0, 0), (0, wanted - columns.shape[1])), mode="edge")
        return [
            jax.device_put(own, device)
            for own, device in zip(np.split(filled, len(self.devices), axis=1), self.devices, strict=True)
        ]

    def joined(self, parts: list[jax.Array]) -> NDArray[Any]:
        """The columns of all shares, with those that are too many."""
        return np.concatenate([np.asarray(part) for part in parts], axis=1)

    def each(self, act: Callable[[int], jax.Array]) -> list[jax.Array]:
        """What is found for every share, of all at once."""
        count = len(self.devices)
        return mapped(act, range(count), count)


def shares_of(columns: int, rows: int) -> Shares:
    """So many columns of states, of so many rows each, over the devices that are worked on now."""
    place = here()
    if place.is_cpu:
        most = max(1, min(place.threads, rows * columns // _WORTH))
        devices = place.devices[:1] * most
    else:
        devices = place.devices
    count = -(-columns // min(len(devices), columns))
    return Shares(devices[: -(-columns // count)], count)
