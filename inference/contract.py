"""What an engine gets, and what it gives back.

A *density* is a JAX pytree whose leaves are its data: pass it to jitted functions as an argument, never close over
it, so that data are arguments of the compiled program and one program serves every data set of one shape. Its leaves
have the precision of the run (float64 by default); everything static in it must compare and hash by value.

An *engine* is a frozen dataclass of settings with a chunked, resumable life:

    carry = engine.start(density, keys)
    while not engine.done(carry):
        carry, chunk = engine.advance(density, carry)

The carry is a pytree of NumPy arrays that holds everything: positions, keys, adaptation, counters. Write it to disk
and the run goes on bit for bit. Results depend on the seed and the settings only, never on chunk lengths, on the
number of threads, or on when or how often the run was interrupted.

Each field of an engine is a setting (see `settings.py`): `settings_of(Engine)` lists name, type, default, help and the
values it takes; a value out of range raises `SettingsError` when the engine is made.

Chains are independent repetitions, whatever the engine: Markov chains, fits of an approximation, populations of
particles, or searches for a mode. So comparing them says something of every engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from numpy.typing import NDArray

Carry = Mapping[str, Any]
Positions = NDArray[np.floating[Any]] | None


class Density(Protocol):
    """A log-density on flat vectors, up to a constant."""

    @property
    def size(self) -> int:
        """Dimension n of the unconstrained space."""
        ...

    def log_density(self, u: jax.Array) -> jax.Array:
        """(n,) -> (): log density with the Jacobian of the transforms. Pure and traceable."""
        ...


@runtime_checkable
class DiscreteDensity(Protocol):
    """A log-density of u and of the states of m finite discrete sites.

    cardinality: (m,), how many states each site has; scopes: for each table the sites of its ground factors, (f, r),
    all different within a row.
    """

    @property
    def size(self) -> int:
        """Dimension n of the unconstrained space; it may be 0."""
        ...

    @property
    def cardinality(self) -> NDArray[np.int64]: ...

    @property
    def scopes(self) -> tuple[NDArray[np.int64], ...]: ...

    def tables(self, u: jax.Array) -> tuple[jax.Array, ...]:
        """For each scope the log factors at every combination of states, (f, K_1, …, K_r), or (1, K_1, …, K_r) where
        those of all its rows are equal. Pure and traceable."""
        ...

    def given(self, states: jax.Array) -> Density:
        """With (m,) states the density of u, the factors at these states included. Traceable."""
        ...


class Reference(Density, Protocol):
    """A distribution to draw from, with its normalised log density. A pytree."""

    def draw(self, key: jax.Array) -> jax.Array:
        """A typed key -> (n,): an independent draw. Traceable."""
        ...


@runtime_checkable
class Conditioned(Density, Protocol):
    """A log-density of a prior and of data: the integral of its exponential is the evidence."""

    def prior(self) -> Reference | None:
        """The density without its data, on the same space; None where it cannot be drawn from."""
        ...


class Sliced(Density, Protocol):
    """A log-density whose data along one dim lie in a random order. A pytree."""

    @property
    def elements(self) -> int:
        """The size of the dim."""
        ...

    def log_density_slice(self, u: jax.Array, start: jax.Array) -> jax.Array:
        """(n,), () integer -> (): an estimate of `log_density(u)` from the elements at start, start + 1, ... of that
        order, beginning anew at its end; unbiased if start is uniform on 0, ..., elements - 1. Traceable."""
        ...


@runtime_checkable
class Subsampled(Density, Protocol):
    """A log-density that sums over elements of data, of which some can stand for all."""

    def shuffled(self, dim: str, count: int, seed: Sequence[int]) -> Sliced:
        """In an order that `seed` determines, for estimates from `count` elements. Refuses dims where there are none,
        or too few."""
        ...


@dataclass(frozen=True)
class Divergences:
    """Where trajectories broke, one row for each divergent transition of a chunk.

    chain, draw: (d,) integers, the draw counted within the chunk; position: (d, n), unconstrained, the last point
    before the step that broke; energy_error: (d,), the error after that step (inf where the density was not finite).
    """

    chain: NDArray[np.int64]
    draw: NDArray[np.int64]
    position: NDArray[np.floating[Any]]
    energy_error: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Chunk:
    """A run of consecutive iterations of all chains, all of warmup or all after it.

    positions: (chains, draws, n), unconstrained; stats: (chains, draws) each, under ArviZ's sample_stats names;
    discrete: (chains, draws, sites), the states of discrete latents of an engine that walks through them.
    An engine that has no draws while it fits gives chunks of warmup with no draws.
    """

    warmup: bool
    positions: NDArray[np.floating[Any]]
    stats: dict[str, NDArray[Any]] = field(default_factory=dict)
    divergences: Divergences | None = None
    discrete: NDArray[np.integer[Any]] | None = None

    @property
    def draws(self) -> int:
        return int(self.positions.shape[1])


class Remedy(NamedTuple):
    """What to do. text: with `{}` where the settings go, as they are written on a command line or in Python."""

    text: str
    settings: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Remark:
    """What an engine has to say of its own draws.

    name: stable; verdict: `good` (speaks for the draws), `note` (says something of them), `bad` (they are not to be
    trusted); values: the numbers behind it.
    """

    name: str
    verdict: Literal["good", "note", "bad"]
    title: str
    details: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Findings:
    """What an engine found beside its draws, once it is done or was stopped.

    values: arrays under their names, each with the names of its axes: `{"elbo": (("chain", "step"), array)}`; they
    become the group `engine` of the results.
    """

    values: Mapping[str, tuple[tuple[str, ...], NDArray[Any]]] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()


class InitialisationError(Exception):
    """No start of finite density and gradient was found.

    chain: which chain; position: (n,), the last one tried; log_density and gradient: their values there; tries: how
    many were tried; states: of discrete sites there, if the engine walks through them.
    """

    def __init__(
        self,
        chain: int,
        position: NDArray[np.floating[Any]],
        log_density: float,
        gradient: NDArray[np.floating[Any]],
        tries: int,
        states: NDArray[np.integer[Any]] | None = None,
    ) -> None:
        self.chain = chain
        self.position = position
        self.log_density = log_density
        self.gradient = gradient
        self.tries = tries
        self.states = states
        super().__init__(
            f"chain {chain}: no start with a finite log density and gradient in {tries} tries "
            f"(the last had log density {log_density})"
        )


class Life(Protocol):
    """How one inference algorithm runs."""

    def start(self, density: Density, keys: jax.Array, positions: Positions = None) -> Carry:
        """keys: (chains,) typed keys; positions: (chains, n), or None for random starts. Compiles and runs nothing."""
        ...

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        """One chunk of at least one iteration and at most `limit`; where `limit` is None, as many as are quick.

        Raises InitialisationError on the first call if no start can be found.
        """
        ...

    def done(self, carry: Carry) -> bool: ...

    def progress(self, carry: Carry) -> tuple[int, int]:
        """Iterations done and in all (warmup included), per chain."""
        ...

    def findings(self, density: Density, carry: Carry) -> Findings:
        """What there is to say once the run has ended."""
        ...
