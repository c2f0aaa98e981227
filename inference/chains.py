"""How many chains run: on a CPU a thread each, as many at a time as there are cores; elsewhere vectorised.

A chain that runs alone on a CPU branches where a vectorised one computes both branches and waits for the longest
trajectory, and its loop compiles into plain machine code; threads then use the cores. Chains share one compiled
program. The way is a property of the machine's kind, not of the number of threads, so that results are too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

Tree = Any


def over_chains(alone: Callable[[Tree], Tree], together: Callable[[Tree], Tree], states: Tree, double: bool) -> Tree:
    """What a program makes of every chain; NumPy arrays with the chains along their first axis, as in `states`.

    alone: the program of one chain; together: the same vectorised over chains; double: whether it is in float64.
    """
    if jax.default_backend() != "cpu":
        with jax.enable_x64(double):
            return jax.tree.map(np.asarray, together(states))
    return in_threads(alone, states, double)


def in_threads(alone: Callable[[Tree], Tree], states: Tree, double: bool) -> Tree:
    """The same of a function that works on the host too: one chain a thread, whatever the machine."""

    def one(chain: int) -> Tree:
        # The precision is a setting of each thread.
        with jax.enable_x64(double):
            return jax.tree.map(np.asarray, alone(jax.tree.map(lambda leaf: leaf[chain], states)))

    chains = range(len(jax.tree.leaves(states)[0]))
    threads = min(len(chains), available_cores())
    if threads == 1:
        results = [one(chain) for chain in chains]
    else:
        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(one, chains))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *results)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
