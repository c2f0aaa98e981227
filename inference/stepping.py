"""The life of Markov chains that go on a step at a time: starts, warmup with its tuning, sampling.

A kernel makes one step of one chain. The compiled program takes a chain some iterations further, each of `stride` steps
of which the last is kept; between its calls, at marks in the warmup, a tuner may change on the host the numbers that
the steps depend on. Step number k of a chain is made with the random words of its key and k, and so depends on nothing
else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference import pacing
from ppl.inference.chains import over_chains
from ppl.inference.contract import Carry, Chunk, Density, Findings
from ppl.inference.starting import Start, find_start, refuse_failed

Array = NDArray[Any]
Tree = Any


class Drawn(NamedTuple):
    """What a step gives. position: (n,); stats: numbers under ArviZ's names for sample_stats, always the same names."""

    position: Any
    stats: Mapping[str, Any]


class Step(NamedTuple):
    """Which step this is. key: (2,) uint32 and number: () uint32, for `randomness.words`; warming: () truth value;
    options: the life's, as numbers."""

    key: jax.Array
    number: jax.Array
    warming: jax.Array
    options: Mapping[str, jax.Array]


class StepKernel(Protocol):
    """A Markov kernel as a hashable value: everything in it is static."""

    def begin(self, density: Density, start: Start, tuning: Tree, options: Mapping[str, jax.Array]) -> Tree:
        """The state of a chain at its start."""
        ...

    def step(self, density: Density, state: Tree, tuning: Tree, step: Step) -> tuple[Tree, Drawn]: ...


class Tuner(Protocol):
    """What warmup learns between steps, on the host, from all chains: numbers that steps take as they are."""

    def initial(self, chains: int, size: int, dtype: Any) -> Tree:
        """NumPy arrays with the chains along their first axis."""
        ...

    def marks(self, warmup: int) -> tuple[int, ...]:
        """After which iterations of warmup `tune` is called, increasing; with what was drawn since the mark before."""
        ...

    def tune(self, tuning: Tree, states: Tree, positions: Array, done: int) -> tuple[Tree, Tree]:
        """New tuning and states. states: of the chains, which may hold what their steps counted; positions:
        (chains, draws, n) of the window; done: iterations so far."""
        ...


def doubling(warmup: int) -> tuple[int, ...]:
    """Marks of windows that double; the last stretch of warmup is for what the steps adapt alone."""
    ends, end = [], 20
    while 2 * end <= warmup:
        ends.append(end)
        end *= 2
    return (*ends, warmup - warmup // 8) if ends else ()


@dataclass(frozen=True)
class Untuned:
    """Nothing is learnt."""

    def initial(self, chains: int, size: int, dtype: Any) -> Tree:
        return np.zeros((chains, 0), dtype)

    def marks(self, warmup: int) -> tuple[int, ...]:
        return ()

    def tune(self, tuning: Tree, states: Tree, positions: Array, done: int) -> tuple[Tree, Tree]:
        return tuning, states


@dataclass(frozen=True)
class SteppingLife:
    """stride: steps of the kernel for each iteration; options: numbers for the kernel, which do not recompile it."""

    kernel: StepKernel
    tuner: Tuner
    warmup: int
    draws: int
    precision: str
    options: Mapping[str, float]
    stride: int = 1

    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        dtype = np.dtype(self.precision)
        key_data = np.asarray(jax.random.key_data(keys))
        shape = (key_data.shape[0], density.size)
        given = np.zeros(shape, dtype) if positions is None else np.asarray(positions, dtype)
        if given.shape != shape:
            raise ValueError(f"positions have shape {given.shape}, but {shape} was expected")
        tuning = self.tuner.initial(*shape, dtype)
        with jax.enable_x64(dtype == np.float64):
            state = jax.eval_shape(partial(self._begin, density), _first(key_data, given, False, tuning))[1]
        states = jax.tree.map(lambda leaf: np.zeros((shape[0], *leaf.shape), leaf.dtype), state)
        return {
            "keys": key_data,
            "positions": given,
            "given": np.full(shape[0], positions is not None),
            "states": states,
            "tuning": tuning,
            "window": np.zeros((shape[0], 0, shape[1]), dtype),
            "done": np.int64(0),
            "pace": np.float64(0.0),
        }

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        done, states, tuning = int(carry["done"]), carry["states"], carry["tuning"]
        if done == 0:
            states = self._begun(density, carry)
        marks = self.tuner.marks(self.warmup)
        ends = [mark for mark in (*marks, self.warmup, self.warmup + self.draws) if mark > done]
        capacity = pacing.capacity(density.size)
        count = min(min(ends) - done, capacity, limit or pacing.quick(float(carry["pace"]), done))

        began = time.perf_counter()
        states, drawn = self._run(density, {**carry, "states": states}, capacity, done, count)
        pace = (time.perf_counter() - began) / count

        window = carry["window"]
        if marks and done < marks[-1]:
            window = np.concatenate([window, drawn.position], axis=1)
            if done + count in marks:
                tuning, states = self.tuner.tune(tuning, states, window, done + count)
                window = window[:, :0]
        following = {
            **carry,
            "states": states,
            "tuning": tuning,
            "window": window,
            "done": np.int64(done + count),
            # The first chunk's pace is that of the compiler.
            "pace": np.float64(pace if done else 0.0),
        }
        return following, Chunk(warmup=done < self.warmup, positions=drawn.position, stats=dict(drawn.stats))

    def done(self, carry: Carry) -> bool:
        return int(carry["done"]) >= self.warmup + self.draws

    def progress(self, carry: Carry) -> tuple[int, int]:
        return int(carry["done"]), self.warmup + self.draws

    def findings(self, density: Density, carry: Carry) -> Findings:
        return Findings()

    # --- programs ------------------------------------------------------------------------------------

    def _numbers(self) -> Mapping[str, Any]:
        return {name: np.asarray(value, self.precision) for name, value in self.options.items()}

    def _begin(self, density: Density, chain: Tree) -> tuple[Start, Tree]:
        start = find_start(density, chain["keys"], chain["positions"], chain["given"])
        return start, self.kernel.begin(density, start, chain["tuning"], self._numbers())

    def _begun(self, density: Density, carry: Carry) -> Tree:
        chains = {name: carry[name] for name in ("keys", "positions", "given", "tuning")}
        alone = partial(_begin_chain, self.kernel, density, self._numbers())
        starts, states = over_chains(alone, jax.vmap(alone), chains, self.precision == "float64")
        refuse_failed(starts)
        return states

    def _run(self, density: Density, carry: Carry, capacity: int, done: int, count: int) -> tuple[Tree, Drawn]:
        chains = {name: carry[name] for name in ("keys", "states", "tuning")}
        numbers = (np.int32(done), np.int32(count), np.int32(self.warmup), self._numbers())
        alone = partial(_run_chain, self.kernel, capacity, self.stride, density, numbers)
        states, rows = over_chains(alone, jax.vmap(alone), chains, self.precision == "float64")
        return states, jax.tree.map(lambda row: row[:, :count], rows)


def _first(keys: Array, positions: Array, given: bool, tuning: Tree) -> Tree:
    first = {"keys": keys, "positions": positions, "tuning": tuning}
    return {**jax.tree.map(lambda leaf: leaf[0], first), "given": np.bool_(given)}


@partial(jax.jit, static_argnums=0)
def _begin_chain(
    kernel: StepKernel, density: Density, options: Mapping[str, jax.Array], chain: Tree
) -> tuple[Start, Tree]:
    start = find_start(density, chain["keys"], chain["positions"], chain["given"])
    return start, kernel.begin(density, start, chain["tuning"], options)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _run_chain(
    kernel: StepKernel, capacity: int, stride: int, density: Density, numbers: tuple[Any, ...], chain: Tree
) -> tuple[Tree, Drawn]:
    """Takes a chain `count` iterations further; rows beyond those are left over and mean nothing."""
    done, count, warmup, options = numbers

    def step(state: Tree, iteration: jax.Array, within: jax.Array) -> tuple[Tree, Drawn]:
        number = iteration.astype(jnp.uint32) * jnp.uint32(stride) + within.astype(jnp.uint32)
        return kernel.step(density, state, chain["tuning"], Step(chain["keys"], number, iteration < warmup, options))

    def iterate(i: jax.Array, carry: tuple[Tree, Drawn]) -> tuple[Tree, Drawn]:
        state, rows = carry
        skipped = jnp.asarray(stride - 1, jnp.int32)
        state = jax.lax.fori_loop(0, skipped, lambda k, state: step(state, done + i, k)[0], state)
        state, drawn = step(state, done + i, skipped)
        written: Drawn = jax.tree.map(lambda own, one: jax.lax.dynamic_update_index_in_dim(own, one, i, 0), rows, drawn)
        return state, written

    one = jax.eval_shape(step, chain["states"], done, done)[1]
    rows = jax.tree.map(lambda leaf: jnp.zeros((capacity, *leaf.shape), leaf.dtype), one)
    result: tuple[Tree, Drawn] = jax.lax.fori_loop(0, count, iterate, (chain["states"], rows))
    return result
