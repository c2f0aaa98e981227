"""Discrete densities as tables, independent of the compiler, and what can be said of them exactly."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@partial(jax.tree_util.register_dataclass, data_fields=["logs"], meta_fields=["counts", "reads"])
@dataclass(frozen=True)
class Factors:
    """counts: states of each site; reads: for each table the sites of its rows; logs: the tables."""

    counts: tuple[int, ...]
    reads: tuple[tuple[tuple[int, ...], ...], ...]
    logs: tuple[Any, ...]

    @property
    def size(self) -> int:
        return 0

    @property
    def cardinality(self) -> NDArray[np.int64]:
        return np.array(self.counts, np.int64)

    @property
    def scopes(self) -> tuple[NDArray[np.int64], ...]:
        return tuple(np.array(rows, np.int64) for rows in self.reads)

    def tables(self, u: jax.Array) -> tuple[jax.Array, ...]:
        return tuple(jnp.asarray(table) for table in self.logs)

    def given(self, states: jax.Array) -> Scored:
        return Scored(self, states)


@partial(jax.tree_util.register_dataclass, data_fields=["whole", "states"], meta_fields=[])
@dataclass(frozen=True)
class Scored:
    whole: Factors
    states: jax.Array

    @property
    def size(self) -> int:
        return 0

    def log_density(self, u: jax.Array) -> jax.Array:
        total = jnp.zeros((), u.dtype)
        for scope, table in zip(self.whole.scopes, self.whole.logs, strict=True):
            rows = np.arange(len(scope)) if table.shape[0] > 1 else np.zeros(len(scope), np.int64)
            read = jnp.asarray(table)[(rows, *(self.states[scope[:, i]] for i in range(scope.shape[1])))]
            total = total + jnp.sum(read)
        return total


def together(models: Sequence[Factors]) -> Factors:
    """Models side by side, that do not depend on each other."""
    counts: list[int] = []
    reads, logs = [], []
    for model in models:
        shift = len(counts)
        reads += [tuple(tuple(shift + site for site in row) for row in rows) for rows in model.reads]
        logs += list(model.logs)
        counts += model.counts
    return Factors(tuple(counts), tuple(reads), tuple(logs))


def enumerated(model: Factors) -> tuple[Array, Array]:
    """All states, (s, m), and their probabilities."""
    states = np.array(list(itertools.product(*(range(count) for count in model.counts))))
    log_weight = np.zeros(len(states))
    for scope, table in zip(model.scopes, model.logs, strict=True):
        for i, row in enumerate(scope):
            log_weight += table[min(i, len(table) - 1)][tuple(states[:, site] for site in row)]
    weight = np.exp(log_weight - log_weight.max())
    return states, weight / weight.sum()


def random_model(seed: int) -> Factors:
    """Up to six sites of two to five states; factors of one, two and three; of every third model hard constraints."""
    rng = np.random.default_rng(seed)
    sites = int(rng.integers(3, 7))
    counts = tuple(int(k) for k in rng.integers(2, 6 if sites < 5 else 4, sites))
    reads, logs = [], []
    for arity in (1, 2, 2, 2, 3):
        chosen = tuple(int(i) for i in rng.choice(sites, arity, replace=False))
        table = rng.normal(size=(1, *(counts[i] for i in chosen)))
        if arity == 2 and seed % 3 == 0:
            # An impossible corner, which leaves every state of each site possible and each reachable from the others.
            table[:, 0, 0] = -np.inf
        reads.append((chosen,))
        logs.append(table)
    return Factors(counts, tuple(reads), tuple(logs))


def grid(side: int, coupling: float) -> Factors:
    """Ising's model on a square with free edges: one table for all pairs."""
    at = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate(
        [np.stack([at[:, :-1].ravel(), at[:, 1:].ravel()], 1), np.stack([at[:-1].ravel(), at[1:].ravel()], 1)]
    )
    reads = tuple((int(i), int(j)) for i, j in pairs)
    return Factors((2,) * side**2, (reads,), (coupling * np.array([[[1.0, -1.0], [-1.0, 1.0]]]),))


def log_normaliser(side: int, coupling: float) -> float:
    """Of `grid`, by transfer: a row of spins at a time."""
    spins = 2 * (np.arange(2**side)[:, None] >> np.arange(side) & 1) - 1
    along = (spins[:, 1:] * spins[:, :-1]).sum(axis=1)
    bond = np.exp(coupling * np.array([[1.0, -1.0], [-1.0, 1.0]]))
    weight, scale = np.exp(coupling * along), 0.0
    for _ in range(side - 1):
        for axis in range(side):
            weight = np.moveaxis(np.tensordot(bond, weight.reshape((2,) * side), (1, axis)), 0, axis).ravel()
        weight = weight * np.exp(coupling * along)
        scale += np.log(weight.max())
        weight = weight / weight.max()
    return float(np.log(weight.sum()) + scale)


def mean_bonds(side: int, coupling: float, step: float = 1e-4) -> float:
    """The mean of Σ s_i s_j over the bonds of `grid`, the derivative of log Z by the coupling."""
    return (log_normaliser(side, coupling + step) - log_normaliser(side, coupling - step)) / (2 * step)
