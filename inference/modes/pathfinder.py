"""Pathfinder: Gaussians from the way of a search to a mode. Zhang, Carpenter, Gelman & Vehtari 2022, JMLR 23(306).

L-BFGS goes from a start in the tails to a mode or a pole. Its iterates and gradients give a Gaussian at each of them
(`factors.py`); the one with the largest

    ELBO = E_q[log p(u) - log q(u)],

estimated from a few draws, is the best of the path: on the way into a funnel it is where the mass is, not the pole. The
iterates' estimates share their normals, so that differences have less noise than the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference import randomness
from ppl.inference.chains import in_threads
from ppl.inference.contract import Density, Remark, Remedy
from ppl.inference.modes.climbing import climb, evaluated
from ppl.inference.modes.drawing import TRIALS, words_on_host
from ppl.inference.modes.factors import Memory
from ppl.inference.modes.findings import Values
from ppl.inference.modes.gaussian import Gaussian
from ppl.inference.modes.search import found_starts

Array = NDArray[Any]
State = Mapping[str, Any]

MEMORY = 6
TRIALS_EACH = 25
# Draws of a path that may have no density, until one is a start.
_TRIES = 20


class Path(NamedTuple):
    """The best Gaussian of a path, its ELBO, the iterate that it is at, and the length of the path."""

    gaussian: Gaussian
    elbo: Any
    best: Any
    length: Any


@jax.jit
def _trial(density: Density, gaussian: Gaussian, normals: jax.Array) -> jax.Array:
    """(k, n) normals -> (k,): log p - log q at draws of q."""

    def gap(z: jax.Array) -> jax.Array:
        u = gaussian.sample(z)
        return density.log_density(u) - gaussian.log_density(u)

    gaps: jax.Array = jax.lax.map(gap, normals)
    return gaps


def find_path(density: Density, key: Array, start: Array, iterations: int) -> Path:
    """A path from a start of finite density and gradient. key: (2,) uint32, for the draws of the ELBO."""
    size = len(start)
    there = jax.device_put(density)
    path = climb(evaluated(density), start, iterations, MEMORY)
    each = randomness.words_for_normals(size)
    words = words_on_host(key, TRIALS, TRIALS_EACH * each).reshape(TRIALS_EACH, each)
    normals = jax.vmap(lambda row: randomness.normals(row, size, np.float64))(words)
    memory = Memory(size, MEMORY)
    length = len(path.positions) - 1
    chosen = Path(_unit(start), np.float64(-np.inf), np.int64(0), np.int64(length))
    for at in range(length + 1):
        if at:
            step = path.positions[at] - path.positions[at - 1]
            memory.add(step, path.gradients[at - 1] - path.gradients[at])
        gaussian = memory.gaussian(path.positions[at], path.gradients[at])
        if gaussian is None:
            continue
        elbo = float(np.mean(np.asarray(_trial(there, gaussian, normals))))
        if np.isfinite(elbo) and elbo > chosen.elbo:
            chosen = Path(gaussian, np.float64(elbo), np.int64(at), np.int64(length))
    return chosen


def _unit(position: Array) -> Gaussian:
    """N(position, I), in the shape of the others."""
    size = len(position)
    rank = min(size, 2 * MEMORY)
    return Gaussian(position, np.ones(size), np.eye(size, rank), np.eye(rank), np.eye(rank))


@dataclass(frozen=True)
class PathfinderFitter:
    """A path at each step, of every chain; the mixture of a chain is that of its paths. iterations: of each path."""

    parts: int
    iterations: int
    called: str = "the approximation along the paths"

    @property
    def steps(self) -> int:
        return self.parts

    def start(self, starts: Mapping[str, Array]) -> State:
        none = Path(_unit(starts["positions"][0]), np.float64(-np.inf), np.int64(0), np.int64(0))
        shape = (len(starts["positions"]), self.parts)
        paths = jax.tree.map(lambda leaf: np.tile(np.asarray(leaf), (*shape, *(1,) * np.ndim(leaf))), none)
        return {"paths": paths, "steps": np.int64(0)}

    def step(self, density: Density, state: State, starts: Mapping[str, Array]) -> State:
        number = int(state["steps"])
        keys = np.array([_path_key(key, number) for key in starts["keys"]])
        # A position that is given is the first path's; the others begin anywhere.
        given = starts["given"] & (number == 0)
        found = found_starts(density, {"keys": keys, "positions": starts["positions"], "given": given})
        chains = {"key": keys, "start": found.position}
        one: Path = in_threads(partial(self._path, density), chains, True)

        def written(own: Array, new: Array) -> Array:
            copied = own.copy()
            copied[:, number] = new
            return copied

        return {"paths": jax.tree.map(written, state["paths"], one), "steps": np.int64(number + 1)}

    def mixture(self, state: State) -> Gaussian:
        gaussian: Gaussian = state["paths"].gaussian
        return gaussian

    def values(self, state: State) -> Values:
        paths: Path = state["paths"]
        return {
            "elbo": (("chain", "path"), paths.elbo),
            "best_iterate": (("chain", "path"), paths.best),
            "path_length": (("chain", "path"), paths.length),
        }

    def remarks(self, density: Density, state: State) -> list[Remark]:
        elbo = state["paths"].elbo[:, : int(state["steps"])]
        failed = int(np.isneginf(elbo).sum())
        if not failed:
            return []
        title = f"{failed} of {elbo.size} paths gave no approximation with finite density at its draws."
        verdict: Any = "bad" if failed == elbo.size else "note"
        return [Remark("paths", verdict, title, values={"failed": float(failed)})]

    def remedies(self) -> tuple[Remedy, ...]:
        return (
            Remedy("draw from the posterior itself, with {}", {"engine": "nuts"}),
            Remedy("more paths may find more of it: {}", {"paths": 4 * self.parts}),
        )

    def _path(self, density: Density, chain: Mapping[str, Array]) -> Path:
        return find_path(density, chain["key"], chain["start"], self.iterations)


def _path_key(key: Array, number: int) -> Array:
    """Of path `number` of a chain."""
    folded = jax.random.fold_in(jax.random.wrap_key_data(jnp.asarray(key)), number)
    return np.asarray(jax.random.key_data(folded))


class Beginnings(NamedTuple):
    """Of each chain a position, (chains, n), of finite density and gradient; found: (chains,), whether it is one of its
    path, else where that began."""

    positions: Any
    found: Any


def pathfinder_positions(density: Density, keys: jax.Array, iterations: int = 1000) -> Beginnings:
    """For each chain's key a draw of one path's Gaussian, near where the mass is; to start chains from.

    Raises:
        InitialisationError: no start of a path was found.
    """
    key_data = np.asarray(jax.random.key_data(keys))
    chains, size = len(key_data), density.size
    begun = found_starts(
        density, {"keys": key_data, "positions": np.zeros((chains, size)), "given": np.zeros(chains, bool)}
    )

    def one(chain: Mapping[str, Array]) -> Beginnings:
        path = find_path(density, chain["key"], chain["start"], iterations)
        evaluate = evaluated(density)
        for number in range(_TRIES if np.isfinite(path.elbo) else 0):
            words = words_on_host(chain["key"], number, randomness.words_for_normals(size))
            position = np.asarray(path.gaussian.sample(randomness.normals(words, size, np.float64)))
            value, gradient = evaluate(position)
            if np.isfinite(value) and np.isfinite(gradient).all():
                return Beginnings(position, np.bool_(True))
        return Beginnings(chain["start"], np.bool_(False))

    positions: Beginnings = in_threads(one, {"key": key_data, "start": begun.position}, True)
    return positions
