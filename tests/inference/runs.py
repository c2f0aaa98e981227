"""Runs of an engine, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np


@dataclass(frozen=True)
class Run:
    """positions: (chains, draws, n); stats: (chains, draws) each; both after warmup."""

    positions: Any
    stats: dict[str, Any]
    chunks: list[Any]
    carry: Any


def run(engine: Any, density: Any, seed: int = 1, chains: int = 4, limits: Any = None, positions: Any = None) -> Run:
    """A whole run; limits: an iterator of the chunks' largest lengths."""
    carry = engine.start(density, jax.random.split(jax.random.key(seed), chains), positions)
    chunks = []
    while not engine.done(carry):
        carry, chunk = engine.advance(density, carry, None if limits is None else next(limits))
        chunks.append(chunk)
    kept = [chunk for chunk in chunks if not chunk.warmup]
    return Run(
        np.concatenate([chunk.positions for chunk in kept], axis=1),
        {name: np.concatenate([chunk.stats[name] for chunk in kept], axis=1) for name in kept[0].stats},
        chunks,
        carry,
    )
