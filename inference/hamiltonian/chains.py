"""Trajectories of every chain: `run_chain` over chains."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ppl.inference.chains import over_chains
from ppl.inference.contract import Density
from ppl.inference.hamiltonian.kernel import Kernel
from ppl.inference.hamiltonian.program import ChainState, Rows, run_chain, run_chains


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
    shared = (
        np.int32(iterations),
        np.int32(warmup),
        np.asarray(target, dtype),
        {name: np.asarray(value, dtype) for name, value in options.items()},
    )

    def of(program: Any, states: ChainState) -> tuple[ChainState, Rows]:
        found: tuple[ChainState, Rows] = program(kernel, capacity, density, states, *shared)
        return found

    states, rows = over_chains(partial(of, run_chain), partial(of, run_chains), states, dtype == np.float64)
    return states, Rows(*(row[:, :iterations] for row in rows))
