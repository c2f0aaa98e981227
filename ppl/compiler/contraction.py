"""Sums of products over named axes, without forming the product where a contraction does better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ppl.compiler.named import Named, broadcast
from ppl.graph import Apply, Axis, Expr

if TYPE_CHECKING:
    from ppl.compiler.lower import Lowering

Array = Any


def factors(expr: Expr) -> tuple[Expr, ...]:
    """The factors of a product of numbers (an expression without event dims)."""
    if isinstance(expr, Apply) and expr.function == "multiply" and not expr.meta.event:
        return (*factors(expr.arguments[0]), *factors(expr.arguments[1]))
    return (expr,)


def sum_of_product(
    lowering: Lowering, parts: tuple[Expr, ...], axes: tuple[Axis, ...], dtype: np.dtype[np.generic]
) -> Named:
    """The sum over `axes` of the product of the parts."""
    xp = lowering.xp
    values = [lowering.value(part, dtype) for part in parts]
    outside = [v for v in values if not any(axis in axes for axis in v.axes)]
    inside = [v for v in values if any(axis in axes for axis in v.axes)]
    repeats = 1
    for axis in axes:
        if not any(axis in v.axes for v in inside):
            repeats *= lowering.size(axis)
    total = _contract(xp, inside, axes) if inside else None
    if repeats != 1:
        outside.append(Named(np.asarray(repeats, dtype)))
    for value in outside:
        if total is None:
            total = value
        else:
            joined, (a, b) = broadcast(xp, [total, value])
            total = Named(a * b, joined)
    assert total is not None
    return total


def _contract(xp: Any, values: list[Named], axes: tuple[Axis, ...]) -> Named:
    joined, arrays = broadcast(xp, values)
    product = arrays[0]
    for array in arrays[1:]:
        product = product * array
    positions = tuple(i for i, axis in enumerate(joined) if axis in axes)
    return Named(xp.sum(product, axis=positions), tuple(axis for axis in joined if axis not in axes))
