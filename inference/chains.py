"""How many chains run: on a CPU a thread each, as many at a time as there are cores; elsewhere vectorised.

A chain that runs alone on a CPU branches where a vectorised one computes both branches and waits for the longest
trajectory, and its loop compiles into plain machine code; threads then use the cores. Chains share one compiled
program. The way is a property of the machine's kind, not of the number of threads, so that results are too.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from ppl.inference.contract import Density
from ppl.inference.kernel import Kernel
from ppl.inference.program import ChainState, Rows, run_chain, run_chains


def run(
    kernel: Kernel,
    capacity: int,
    density: Density,
    states: ChainState,
    iterations: int,
    warmup: int,
    target: float,
    options: dict[str, Any],
) -> tuple[ChainState, Rows]:
    """`run_chain` for every chain; states and rows are NumPy arrays with the chains along their first axis.

    Rows are cut to `iterations`. Works in the precision of the states' positions.
    """
    dtype = states.point.position.dtype
    arguments = (
        np.int32(iterations),
        np.int32(warmup),
        np.asarray(target, dtype),
        {name: np.asarray(value, dtype) for name, value in options.items()},
    )
    double = dtype == np.float64

    def alone(chain: int) -> tuple[ChainState, Rows]:
        # The precision is a setting of each thread.
        with jax.enable_x64(double):
            mine = jax.tree.map(lambda leaf: leaf[chain], states)
            state, rows = run_chain(kernel, capacity, density, mine, *arguments)
            return _to_host(state), Rows(*(np.asarray(row)[:iterations] for row in rows))

    if jax.default_backend() == "cpu":
        chains = range(states.key.shape[0])
        threads = min(len(chains), available_cores())
        if threads == 1:
            results = [alone(chain) for chain in chains]
        else:
            with ThreadPoolExecutor(threads) as pool:
                results = list(pool.map(alone, chains))
        stacked: tuple[ChainState, Rows] = jax.tree.map(lambda *leaves: np.stack(leaves), *results)
        return stacked
    with jax.enable_x64(double):
        state, rows = run_chains(kernel, capacity, density, states, *arguments)
        return _to_host(state), Rows(*(np.asarray(row)[:, :iterations] for row in rows))


def _to_host(state: ChainState) -> ChainState:
    on_host: ChainState = jax.tree.map(np.asarray, state)
    return on_host


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
