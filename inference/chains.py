"""How many chains run: on a CPU a thread each, as many at a time as there are cores; elsewhere vectorised, on each
device its share of them.

A chain that runs alone on a CPU branches where a vectorised one computes both branches and waits for the longest
trajectory, and its loop compiles into plain machine code; threads then use the cores. Chains share one compiled
program. The way is a property of the machine's kind, not of the number of threads, so that results are too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import jax
import numpy as np

from ppl.inference.placing import here

Tree = Any


def over_chains(alone: Callable[[Tree], Tree], together: Callable[[Tree], Tree], states: Tree, double: bool) -> Tree:
    """What a program makes of every chain; NumPy arrays with the chains along their first axis, as in `states`.

    alone: the program of one chain; together: the same vectorised over chains; double: whether it is in float64.
    """
    place = here()
    return in_threads(alone, states, double) if place.is_cpu else shared_out(together, states, double, place.devices)


def in_threads(alone: Callable[[Tree], Tree], states: Tree, double: bool) -> Tree:
    """The same of a function that works on the host too: one chain a thread, whatever the machine."""
    place = here()

    def one(chain: int) -> Tree:
        return _run(alone, jax.tree.map(lambda leaf: leaf[chain], states), double, place.devices[0])

    results = mapped(one, range(_chains(states)), place.threads)
    return jax.tree.map(lambda *leaves: np.stack(leaves), *results)


def shared_out(together: Callable[[Tree], Tree], states: Tree, double: bool, devices: Sequence[jax.Device]) -> Tree:
    """Chains vectorised on devices that work at a time, each with chains that follow each other."""
    parts = [part for part in np.array_split(np.arange(_chains(states)), len(devices)) if len(part)]

    def one(number: int) -> Tree:
        part = slice(parts[number][0], parts[number][-1] + 1)
        return _run(together, jax.tree.map(lambda leaf: leaf[part], states), double, devices[number])

    results = mapped(one, range(len(parts)), len(parts))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *results)


def _chains(states: Tree) -> int:
    return len(jax.tree.leaves(states)[0])


def _run(program: Callable[[Tree], Tree], states: Tree, double: bool, device: jax.Device) -> Tree:
    # Precision and device are settings of each thread.
    with jax.enable_x64(double), jax.default_device(device):
        return jax.tree.map(np.asarray, program(states))


def mapped(function: Callable[[int], Tree], numbers: range, threads: int) -> list[Tree]:
    """What a function makes of each number, so many at a time."""
    threads = min(len(numbers), threads)
    if threads == 1:
        return [function(number) for number in numbers]
    contexts = [copy_context() for _ in numbers]  # a thread has none of its own, and would forget the place
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda number: contexts[number].run(function, number), numbers))
