"""The reads and writes of a plan as JAX: selections of rows, additions to them, the first stacks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.elimination.algebra import Table
from ppl.compiler.elimination.structure import Factor, Part, Placement, Rows, Stack, Structure

Arrays = Sequence[jax.Array | np.ndarray]


def take(stack: jax.Array, rows: Rows, arrays: Arrays, dead: bool = False) -> jax.Array:
    """Rows of a stack: (*rows.shape, *row). Gaps allow everything, or if `dead` the first state alone.

    A stack of one row stands for one whose rows are all the same; so does (1, …, 1, *row).
    """
    batch = len(rows.shape)
    if len(stack) == 1:
        found = jnp.reshape(stack, (*(1,) * batch, *stack.shape[1:]))
    elif rows.array is None:
        size = math.prod(rows.shape)
        block = stack if size == len(stack) else stack[rows.start : rows.start + size]
        if rows.transposed:
            return jnp.swapaxes(jnp.reshape(block, (*rows.shape[::-1], *stack.shape[1:])), 0, 1)
        return jnp.reshape(block, (*rows.shape, *stack.shape[1:]))
    else:
        index = jnp.maximum(arrays[rows.array], 0) if rows.gaps else jnp.asarray(arrays[rows.array])
        found = stack.at[index].get(mode="promise_in_bounds")
    if rows.array is None or not rows.gaps:
        return found
    there = jnp.asarray(arrays[rows.array]) >= 0
    return jnp.where(jnp.reshape(there, (*rows.shape, *(1,) * (stack.ndim - 1))), found, absent(stack, batch, dead))


def absent(stack: jax.Array, batch: int, dead: bool) -> jax.Array:
    """A row of no factor, or of a variable that is not there: (1, …, 1, *row)."""
    row = np.zeros(stack.shape[1:], stack.dtype)
    if dead:
        row[1:] = -np.inf
    return jnp.asarray(row.reshape(*(1,) * batch, *row.shape))


def add(stack: jax.Array, values: jax.Array, placement: Placement, arrays: Arrays) -> jax.Array:
    """A stack with tables (m, *row) added to its rows."""
    rows, row = placement.rows, stack.shape[1:]
    if placement.repeats > 1:
        count = rows.shape[0]
        shape = (count, placement.repeats) if placement.major else (placement.repeats, count)
        values = jnp.sum(jnp.reshape(values, (*shape, *row)), axis=1 if placement.major else 0)
    if rows.array is not None:
        at = stack.at[jnp.asarray(arrays[rows.array])]
        return at.add(values, mode="promise_in_bounds", unique_indices=placement.unique)
    if rows.shape[0] == len(stack):
        return stack + values
    return stack.at[rows.start : rows.start + rows.shape[0]].add(values)


def tables(factors: Sequence[Factor], stacks: Sequence[jax.Array], arrays: Arrays) -> list[Table]:
    return [Table(f.labels, take(stacks[f.stack], f.rows, arrays, f.dead)) for f in factors]


def filled(structure: Structure, arrays: Arrays, given: Sequence[jax.Array]) -> list[jax.Array]:
    """The first stacks, from the input tables."""
    dtype = given[0].dtype if given else jnp.result_type(float)
    return [_filled(stack, arrays, given, dtype) for stack in structure.stacks]


def _filled(stack: Stack, arrays: Arrays, given: Sequence[jax.Array], dtype: np.dtype) -> jax.Array:
    whole: jax.Array | None = None
    for part in stack.parts:
        values = _part(stack, part, arrays, given)
        rows = part.rows.shape[0]
        if len(values) == 1 and _all_alike(stack):
            return values
        values = jnp.broadcast_to(values, (rows, *stack.states))
        if whole is None and part.placement.rows.array is None and rows == stack.rows:
            whole = values
            continue
        base = jnp.zeros((stack.rows, *stack.states), dtype) if whole is None else whole
        whole = add(base, values, part.placement, arrays)
    return jnp.zeros((stack.rows, *stack.states), dtype) if whole is None else whole


def _all_alike(stack: Stack) -> bool:
    """Whether one table for all rows of the stack's only part is one for all rows of the stack, for ever. (A variable's
    own tables are kept apart: marginals are derivatives by each.)"""
    if len(stack.parts) != 1 or len(stack.type) == 1 or stack.rows != stack.initial:
        return False
    placement = stack.parts[0].placement
    return placement.unique and placement.repeats == 1 and placement.rows.shape[0] == stack.rows


def _part(stack: Stack, part: Part, arrays: Arrays, given: Sequence[jax.Array]) -> jax.Array:
    """An input table's rows with the axes of the stack; one row, if they are all the same."""
    table = given[part.table]
    values = table if len(table) == 1 else take(table, part.rows, arrays)
    labels = list(part.labels)
    for label in range(len(stack.type)):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            values = jnp.moveaxis(jnp.diagonal(values, axis1=1 + first, axis2=1 + second), -1, 1 + first)
            del labels[second]
    order = [labels.index(i) for i in range(len(labels))]
    if order == list(range(len(labels))):
        return values
    return jnp.transpose(values, (0, *(1 + i for i in order)))
