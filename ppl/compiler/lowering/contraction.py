"""Sums of products over named axes as contractions.

Measured on a CPU, inside compiled loops: a matrix of data times a vector of latents is fastest as one dot whose matrix
has the summed axes first (its transpose, the gradient, then reads the matrix along its rows); writing it as a product
and a sum is up to ten times slower. Without a matrix, product and sum fuse into one loop.
"""

from __future__ import annotations

import math
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.named import DType, Named, aligned, broadcast, union
from ppl.compiler.lowering.selections import selected
from ppl.graph import Apply, Axis, Expr


def factors(expr: Expr) -> tuple[Expr, ...]:
    """The factors of a product of numbers (an expression without event dims)."""
    if isinstance(expr, Apply) and expr.function == "multiply" and not expr.meta.event:
        return (*factors(expr.arguments[0]), *factors(expr.arguments[1]))
    return (expr,)


def sum_of_product(lowering: Context, body: Expr, axes: tuple[Axis, ...], dtype: DType) -> Named:
    """The sum of a body over `axes`."""
    parts = factors(body)
    fixed = [part for part in parts if lowering.program.kind(part) != "live"]
    values = [lowering.value(part, dtype) for part in parts if part not in fixed]
    values += _constants(lowering, body, fixed, axes, dtype)
    outside = [v for v in values if not any(axis in axes for axis in v.axes)]
    inside = [v for v in values if any(axis in axes for axis in v.axes)]
    repeats = math.prod(lowering.size(axis) for axis in axes if not any(axis in v.axes for v in inside))
    if repeats != 1:
        outside.append(Named(np.asarray(repeats, dtype)))
    if inside:
        outside.append(_contract(lowering.xp, inside, axes))
    return product(lowering.xp, outside)


def _constants(lowering: Context, body: Expr, parts: list[Expr], axes: tuple[Axis, ...], dtype: DType) -> list[Named]:
    """The factors that data determine, as one array where that is no larger, with the summed axes first."""
    if not lowering.records or all(lowering.program.kind(part) == "number" for part in parts):
        return [lowering.value(part, dtype) for part in parts]
    widest = max((part.meta.axes for part in parts), key=len)
    if not all(axis in widest for part in parts for axis in part.meta.axes):
        return [lowering.value(part, dtype) for part in parts]

    def compute(data: Context) -> Named:
        whole = product(np, [data.value(part, dtype) for part in parts])
        seen = [data.seen(axis) for axis in axes]
        order = (*(a for a in whole.axes if a in seen), *(a for a in whole.axes if a not in seen))
        return Named(aligned(np, whole, order, whole.rank), order)

    static = lowering.static(body.meta.axes + axes)
    key = (id(body), "factors", str(dtype), tuple(s.key for s in static))
    return [selected(lowering, key, lowering.recorded(key, static, compute))]


def product(xp: ModuleType, values: list[Named]) -> Named:
    """Elementwise, over all their axes."""
    axes, arrays = broadcast(xp, values)
    total = arrays[0]
    for array in arrays[1:]:
        total = total * array
    return Named(total, axes)


def _contract(xp: ModuleType, values: list[Named], axes: tuple[Axis, ...]) -> Named:
    """Sums out `axes`. All values but two are multiplied first, where that makes no larger array."""
    values = [_summed_alone(xp, v, [a for a in axes if a in v.axes and not _elsewhere(a, v, values)]) for v in values]
    while len(values) > 2:
        values = _merged(xp, values)
    summed = [axis for axis in axes if any(axis in v.axes for v in values)]
    if len(values) == 2 and xp is not np and _is_matrix_product(values[0], values[1], summed):
        return dot(values[0], values[1], summed)
    return _summed_alone(xp, product(xp, values), summed)


def _elsewhere(axis: Axis, value: Named, values: list[Named]) -> bool:
    return any(axis in v.axes for v in values if v is not value)


def _summed_alone(xp: ModuleType, value: Named, axes: list[Axis]) -> Named:
    if not axes:
        return value
    positions = tuple(value.axes.index(axis) for axis in axes)
    return Named(xp.sum(value.array, axis=positions), tuple(axis for axis in value.axes if axis not in axes))


def _merged(xp: ModuleType, values: list[Named]) -> list[Named]:
    """With the two values multiplied whose product has the fewest axes."""
    pairs = [(i, j) for j in range(len(values)) for i in range(j)]
    i, j = min(pairs, key=lambda pair: len(union((values[pair[0]], values[pair[1]]))))
    rest = [v for k, v in enumerate(values) if k not in (i, j)]
    return [*rest, product(xp, [values[i], values[j]])]


def _is_matrix_product(a: Named, b: Named, summed: list[Axis]) -> bool:
    """Whether both have all summed axes, they share no other, and one has more."""
    shared = set(a.axes) & set(b.axes)
    return a.rank == b.rank == 0 and shared == set(summed) and (len(a.axes) > len(shared) or len(b.axes) > len(shared))


def dot(a: Named, b: Named, summed: list[Axis]) -> Named:
    """The sum over `summed` of a * b, which share no other axis."""
    if len(a.axes) > len(b.axes):
        a, b = b, a
    over = (tuple(a.axes.index(axis) for axis in summed), tuple(b.axes.index(axis) for axis in summed))
    array = jax.lax.dot_general(jnp.asarray(a.array), jnp.asarray(b.array), (over, ((), ())))
    return Named(array, (*(x for x in a.axes if x not in summed), *(x for x in b.axes if x not in summed)))
