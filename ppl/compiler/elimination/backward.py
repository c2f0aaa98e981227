"""Going back through a plan: joint draws, or the most probable states.

The reverse of the order of summation: given everything summed out later, the variables of an elimination follow the
distribution in proportion to its combined table (for chains: forward filtering, backward sampling; Frühwirth-Schnatter
2006, section 11.5.1).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from ppl.compiler.elimination.algebra import Reduction, Summed
from ppl.compiler.elimination.forward import Pass, Scan, boundary_labels, over_time, step_out
from ppl.compiler.elimination.program import Arrays
from ppl.compiler.elimination.structure import Bucket, Chain, Operation, Rows, Structure

# (uniform variates (batch,), log-weights (batch, L)) → a state for each of the batch
Choice = Callable[[jax.Array, jax.Array], jax.Array]
States = dict[int, jax.Array]  # of labels: (batch,)


def backward(
    structure: Structure, arrays: Arrays, done: Pass, reduce: Reduction, choose: Choice, key: jax.Array
) -> dict[str, jax.Array]:
    """A state for every element of every variable: (*shape,) each. reduce: as on the way forward.

    All random numbers are drawn at once: one for each choice.
    """
    sizes = [math.prod(shape) for shape in structure.shapes]
    ends = [0, *itertools.accumulate(_choices(operation) for operation in structure.operations)]
    uniforms = jax.random.uniform(key, (ends[-1],))
    numbers = jnp.zeros((sum(sizes),), jax.dtypes.canonicalize_dtype(int))
    for i in reversed(range(len(structure.operations))):
        operation, trace, own = structure.operations[i], done.trace[i], uniforms[ends[i] : ends[i + 1]]
        if isinstance(operation, Chain):
            assert isinstance(trace, Scan)
            numbers = _chain(operation, trace, numbers, arrays, reduce, choose, own)
        else:
            assert not isinstance(trace, Scan)
            numbers = _bucket(operation, trace, numbers, arrays, choose, own)
    bounds = [0, *itertools.accumulate(sizes)]
    parts = [numbers[a:b] for a, b in itertools.pairwise(bounds)]
    return {
        name: jnp.reshape(part, shape)
        for name, part, shape in zip(structure.names, parts, structure.shapes, strict=True)
    }


def _choices(operation: Operation) -> int:
    """How many there are: one for each set of variables summed out at once."""
    if isinstance(operation, Bucket):
        return operation.size
    first, step = len(operation.first), len(operation.step)
    return operation.batch * (first + step * (operation.length - 1) + 1)


def _bucket(
    bucket: Bucket, trace: list[Summed], numbers: jax.Array, arrays: Arrays, choose: Choice, uniforms: jax.Array
) -> jax.Array:
    kept = [i for i in range(len(bucket.states)) if i not in bucket.summed]
    known = {i: _read(numbers, rows, arrays) for i, rows in zip(kept, bucket.result.members, strict=True)}
    known |= _undo(trace, known, choose, uniforms[None])
    for i, rows in zip(bucket.summed, bucket.members, strict=True):
        numbers = _write(numbers, rows, known[i], arrays)
    return numbers


def _chain(
    chain: Chain,
    scan: Scan,
    numbers: jax.Array,
    arrays: Arrays,
    reduce: Reduction,
    choose: Choice,
    uniforms: jax.Array,
) -> jax.Array:
    slots = len(chain.states)
    fixed = {
        label: _read(numbers, rows, arrays)
        for label, rows in zip(boundary_labels(chain), chain.result.members, strict=True)
    }
    by_choice = jnp.reshape(uniforms, (-1, chain.batch))
    at_first, at_steps, at_last = jnp.split(by_choice, [len(chain.first), len(by_choice) - 1])
    end = _undo(scan.last, fixed, choose, at_last)  # of the last slice, by labels of this slice
    local = [slots + i for i in range(slots) if i not in chain.carried]

    slices, now = over_time(chain, scan.within, scan.across)

    def step(
        after: jax.Array, at: tuple[jax.Array, jax.Array, list[jax.Array]]
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        """From the states of a slice's carried slots, its other states, and the carried ones of the slice before."""
        message, uniforms, share = at
        _, trace = step_out(chain, message, now(share), reduce)
        known = fixed | {slots + i: after[n] for n, i in enumerate(chain.carried)}
        found = _undo(trace, known, choose, uniforms)
        before = jnp.stack([found[i] for i in chain.carried])
        return before, (before, _stacked([found[label] for label in local], chain.batch, before.dtype))

    at = (scan.messages, jnp.reshape(at_steps, (chain.length - 1, len(chain.step), chain.batch)), slices)
    last = jnp.stack([end[slots + i] for i in chain.carried])
    start, (before, other) = jax.lax.scan(step, last, at, reverse=True)
    known = fixed | {slots + i: start[n] for n, i in enumerate(chain.carried)}
    found = _undo(scan.first, known, choose, at_first)
    first = _stacked([found[label] for label in local], chain.batch, last.dtype)
    carried = jnp.concatenate([before, last[None]])  # (length, slots, batch)
    other = jnp.concatenate([first[None], other])
    for n, i in enumerate(chain.carried):
        numbers = _write(numbers, chain.members[i], carried[:, n], arrays)
    for n, label in enumerate(local):
        numbers = _write(numbers, chain.members[label - slots], other[:, n], arrays)
    return numbers


def _stacked(states: list[jax.Array], batch: int, dtype: jnp.dtype) -> jax.Array:
    return jnp.stack(states) if states else jnp.zeros((0, batch), dtype)


def _undo(trace: Sequence[Summed], known: States, choose: Choice, uniforms: jax.Array) -> States:
    """States of everything that a sequence of eliminations summed out, given what it left. uniforms: a row for each."""
    found: States = {}
    for n in reversed(range(len(trace))):
        found |= _choose(trace[n], known | found, choose, uniforms[n])
    return found


def _choose(summed: Summed, known: States, choose: Choice, uniforms: jax.Array) -> States:
    labels, array = summed.joint.labels, summed.joint.array
    given = [i for i, label in enumerate(labels) if label not in summed.labels]
    gone = [i for i, label in enumerate(labels) if label in summed.labels]
    batch, shape = len(uniforms), array.shape[1:]
    array = jnp.broadcast_to(array, (batch, *shape))
    weights = jnp.transpose(array, (0, *(1 + i for i in given), *(1 + i for i in gone)))
    sizes = [shape[i] for i in gone]
    weights = jnp.reshape(weights, (batch, -1, math.prod(sizes)))
    row = _ravel([known[labels[i]] for i in given], [shape[i] for i in given], batch)
    if given:
        weights = jnp.take_along_axis(weights, jnp.reshape(row, (batch, 1, 1)), axis=1)
    rest = choose(uniforms, weights[:, 0])
    found = {}
    for i, size in zip(reversed(gone), reversed(sizes), strict=True):
        found[labels[i]] = jnp.remainder(rest, size)
        rest = jnp.floor_divide(rest, size)
    return found


def _ravel(states: list[jax.Array], sizes: list[int], batch: int) -> jax.Array:
    row = jnp.zeros((batch,), jax.dtypes.canonicalize_dtype(int))
    for state, size in zip(states, sizes, strict=True):
        row = row * size + state
    return row


def _read(numbers: jax.Array, rows: Rows, arrays: Arrays) -> jax.Array:
    if rows.array is None:
        return numbers[rows.start : rows.start + rows.shape[0]]
    return numbers.at[jnp.asarray(arrays[rows.array])].get(mode="promise_in_bounds")


def _write(numbers: jax.Array, rows: Rows, states: jax.Array, arrays: Arrays) -> jax.Array:
    """The states (rows.shape) at their variables; those of dead ones nowhere."""
    states = states.astype(numbers.dtype)
    if rows.array is None:
        flat = jnp.reshape(states.T if rows.transposed else states, (-1,))
        if len(flat) == len(numbers):
            return flat
        return numbers.at[rows.start : rows.start + len(flat)].set(flat)
    index = jnp.asarray(arrays[rows.array])
    there = jnp.where(index < 0, len(numbers), index)
    return numbers.at[there].set(states, mode="drop")
