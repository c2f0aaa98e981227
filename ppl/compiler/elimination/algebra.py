"""Tables with labelled axes in the log domain: combining them and summing labels out.

A table is an array (*batch, K_1, …, K_r) whose last axes carry labels. −inf is allowed everywhere: neither values nor
derivatives become NaN (a NaN that is there stays).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp


@dataclass(frozen=True)
class Table:
    """array: (*batch, one axis for each label)."""

    labels: tuple[int, ...]
    array: jax.Array


@dataclass(frozen=True)
class Summed:
    """One elimination: the combined table, and which labels went."""

    joint: Table
    labels: tuple[int, ...]


Reduction = Callable[[jax.Array, tuple[int, ...]], jax.Array]


def log_sum_exp(x: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    """log Σ exp over axes. Where everything is −inf: −inf, with derivative 0."""
    top = jax.lax.stop_gradient(jnp.max(x, axis=axes, keepdims=True))
    top = jnp.where(jnp.isfinite(top), top, jnp.zeros_like(top))
    total = jnp.sum(jnp.exp(x - top), axis=axes)
    nothing = total == 0
    return jnp.where(
        nothing, -jnp.inf, jnp.log(jnp.where(nothing, jnp.ones_like(total), total)) + jnp.squeeze(top, axes)
    )


def maximum(x: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    return jnp.max(x, axis=axes)


def combine(tables: Sequence[Table], labels: tuple[int, ...], batch: int) -> Table:
    """The sum of tables over all of `labels` that any has; batch: the number of leading axes that all share."""
    union = tuple(label for label in labels if any(label in t.labels for t in tables))
    total: jax.Array | None = None
    for table in tables:
        array = _aligned(table, union, batch)
        total = array if total is None else total + array
    assert total is not None
    return Table(union, total)


def _aligned(table: Table, union: tuple[int, ...], batch: int) -> jax.Array:
    order = sorted(range(len(table.labels)), key=lambda i: union.index(table.labels[i]))
    array = table.array
    if order != list(range(len(order))):
        array = jnp.transpose(array, (*range(batch), *(batch + i for i in order)))
    if len(order) == len(union):
        return array
    sizes = dict(zip(table.labels, table.array.shape[batch:], strict=True))
    return jnp.reshape(array, (*array.shape[:batch], *(sizes.get(label, 1) for label in union)))


def sum_out(
    tables: Sequence[Table], steps: Sequence[tuple[int, ...]], reduce: Reduction, batch: int
) -> tuple[list[Table], list[Summed]]:
    """Sums sets of labels out of a product of tables, one set after another.

    Returns the tables that are left, and every elimination for going back.
    """
    left = list(tables)
    done = []
    for labels in steps:
        touched = [t for t in left if any(label in t.labels for label in labels)]
        order = tuple(sorted({label for t in touched for label in t.labels}))
        joint = combine(touched, order, batch)
        axes = tuple(batch + i for i, label in enumerate(joint.labels) if label in labels)
        kept = tuple(label for label in joint.labels if label not in labels)
        left = [t for t in left if not any(t is other for other in touched)]
        left.append(Table(kept, reduce(joint.array, axes)))
        done.append(Summed(joint, labels))
    return left, done
