"""Loops that run at most once: how branches and kernels are told to XLA.

XLA's compiler for CPUs turns a small loop into one function of machine code, in which values stay in place and a branch
not taken costs nothing. A `cond` would copy what passes through it; a body outside any such loop runs as some thirty
kernels, each dispatched on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp

from ppl.inference.placing import here

State = TypeVar("State")


def run_if(condition: jax.Array, function: Callable[[State], State], state: State) -> State:
    """function(state) if the condition () holds, else state. The state's shapes stay as they are."""

    def body(carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
        return function(carry[0]), jnp.array(False)

    result: tuple[State, jax.Array] = jax.lax.while_loop(lambda carry: carry[1], body, (state, condition))
    return result[0]


def in_one_kernel(true: jax.Array, function: Callable[[State], State], state: State) -> State:
    """function(state), on a CPU as one kernel. true: a truth value that holds, unknown to the compiler."""
    return run_if(true, function, state) if here().is_cpu else function(state)
