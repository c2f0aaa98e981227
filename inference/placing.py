"""Which devices chains run on.

Chosen for a whole run by `working_on`; else those that JAX takes by itself, with as many threads as there are cores.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import jax


@dataclass(frozen=True)
class Place:
    """devices: of one kind, on which chains are shared out; threads: of a CPU, how many chains run at a time."""

    devices: tuple[jax.Device, ...]
    threads: int

    @property
    def is_cpu(self) -> bool:
        return bool(self.devices[0].platform == "cpu")


_chosen: ContextVar[Place | None] = ContextVar("_chosen", default=None)


@contextlib.contextmanager
def working_on(place: Place) -> Iterator[None]:
    """Everything inside runs there."""
    before = _chosen.set(place)
    try:
        with jax.default_device(place.devices[0]):
            yield
    finally:
        _chosen.reset(before)


def here() -> Place:
    """Where one works now."""
    return _chosen.get() or Place((jax.devices()[0],), available_cores())


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
