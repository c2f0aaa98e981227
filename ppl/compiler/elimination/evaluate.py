"""What a plan computes: the normaliser, marginals, joint draws, the mode.

All take tables[i], the log-potentials of scope i as (m_i, K_1, …, K_r), or (1, K_1, …, K_r) where all m_i are the same
(which a scan then does not read anew at every step); −inf is allowed. All are pure JAX, for use
under jit (the structure static, arrays and tables arguments), vmap and grad.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ppl.compiler.elimination.algebra import log_sum_exp, maximum
from ppl.compiler.elimination.backward import backward
from ppl.compiler.elimination.forward import forward
from ppl.compiler.elimination.program import Arrays, filled
from ppl.compiler.elimination.structure import Structure


def log_normaliser(structure: Structure, arrays: Arrays, tables: Sequence[jax.Array]) -> jax.Array:
    """log Σ_states exp Σ_factors: (). −inf if no state is possible, with derivatives 0 there."""
    return _total(structure, arrays, filled(structure, arrays, tables))


def log_normalisers(structure: Structure, arrays: Arrays, tables: Sequence[jax.Array]) -> jax.Array:
    """The normaliser of every component, (components,): their sum is `log_normaliser`.

    `Plan.components` says which component each element of each variable belongs to. (If one site is one component, as
    in a mixture, this is its pointwise log-likelihood plus what else is in its tables.)
    """
    parts = forward(structure, arrays, filled(structure, arrays, tables), log_sum_exp, False).normalisers
    ends = [op.result.placement for op in structure.operations if op.result.stack is None]
    whole = jnp.zeros((structure.components,), parts[0].dtype if parts else None)
    for values, placement in zip(parts, ends, strict=True):
        if placement.rows.array is None:
            start = placement.rows.start
            whole = whole.at[start : start + len(values)].add(values)
        else:
            whole = whole.at[jnp.asarray(arrays[placement.rows.array])].add(values)
    return whole


def marginals(structure: Structure, arrays: Arrays, tables: Sequence[jax.Array]) -> dict[str, jax.Array]:
    """P(variable = state) for every element: (*shape, states) each, as derivatives of the normaliser by a log-potential
    added to each element alone (Darwiche 2003). 0 throughout a component in which no state is possible."""
    stacks = filled(structure, arrays, tables)

    def total(own: list[jax.Array]) -> jax.Array:
        return _total(structure, arrays, [*own, *stacks[len(own) :]])

    own = jax.grad(total)(stacks[: len(structure.names)])
    shapes = [(*shape, states) for shape, states in zip(structure.shapes, structure.states, strict=True)]
    return {name: jnp.reshape(p, shape) for name, p, shape in zip(structure.names, own, shapes, strict=True)}


def sample(structure: Structure, arrays: Arrays, tables: Sequence[jax.Array], key: jax.Array) -> dict[str, jax.Array]:
    """One exact joint draw: states of every element, integers (*shape,) each."""
    done = forward(structure, arrays, filled(structure, arrays, tables), log_sum_exp, True)
    return backward(structure, arrays, done, log_sum_exp, _draw, key)


def mode(structure: Structure, arrays: Arrays, tables: Sequence[jax.Array]) -> dict[str, jax.Array]:
    """States of every element that are most probable jointly, integers (*shape,) each (Viterbi 1967, on any graph)."""
    done = forward(structure, arrays, filled(structure, arrays, tables), maximum, True)
    return backward(structure, arrays, done, maximum, _best, jax.random.key(0))


def _total(structure: Structure, arrays: Arrays, stacks: Sequence[jax.Array]) -> jax.Array:
    parts = forward(structure, arrays, stacks, log_sum_exp, False).normalisers
    total = jnp.zeros((), stacks[0].dtype if stacks else None)
    for values in parts:
        total = total + jnp.sum(values)
    return total


def _draw(uniforms: jax.Array, weights: jax.Array) -> jax.Array:
    """States with probabilities in proportion to exp(weights), by inversion; never one whose weight is −inf, unless
    all are (then 0)."""
    top = jnp.max(weights, axis=1, keepdims=True)
    upto = jnp.cumsum(jnp.exp(weights - jnp.where(jnp.isfinite(top), top, jnp.zeros_like(top))), axis=1)
    total = upto[:, -1:]
    return jnp.sum((upto <= uniforms.astype(upto.dtype)[:, None] * total) & (upto < total), axis=1)


def _best(uniforms: jax.Array, weights: jax.Array) -> jax.Array:
    return jnp.argmax(weights, axis=1)
