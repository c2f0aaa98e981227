"""What an engine gets, and what it gives back.

A *density* is a JAX pytree whose leaves are its data: pass it to jitted functions as an argument, never close over
it, so that data are arguments of the compiled program and one program serves every data set of one shape.

An *engine* is a frozen dataclass of settings with a chunked, resumable life: `start` makes a carry, `advance` takes it
one chunk further. The carry is a pytree that holds everything: positions, keys, adaptation, counters. Results depend
on the seed and the settings only, never on when or how often the run was interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import jax

Carry = Any


class Density(Protocol):
    """A log-density on flat vectors, up to a constant."""

    @property
    def size(self) -> int:
        """Dimension n of the unconstrained space."""
        ...

    def log_density(self, u: jax.Array) -> jax.Array:
        """(n,) -> (): log density with the Jacobian of the transforms. Pure and traceable."""
        ...


@dataclass(frozen=True)
class Chunk:
    """A run of consecutive iterations of all chains.

    positions: (chains, draws, n), unconstrained; stats: (chains, draws) each, under ArviZ's sample_stats names;
    divergences: for each divergent transition where its trajectory broke (see the engine's docstring).
    """

    warmup: bool
    positions: jax.Array
    stats: dict[str, jax.Array]
    divergences: dict[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """Settings and life of one inference algorithm."""

    name: str
    needs: frozenset[str]
    promises: str

    def start(self, density: Density, keys: jax.Array, positions: jax.Array) -> Carry:
        """keys: (chains,) typed keys; positions: (chains, n), of finite density."""
        ...

    def advance(self, density: Density, carry: Carry) -> tuple[Carry, Chunk]:
        """One chunk of iterations."""
        ...

    def done(self, carry: Carry) -> bool: ...

    def progress(self, carry: Carry) -> tuple[int, int]:
        """Iterations done and in all (warmup included), per chain."""
        ...
