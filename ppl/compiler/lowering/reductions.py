"""Reductions over bound axes, where a filter holds: `sum(x[i] for i in obs if seen[i])`."""

from __future__ import annotations

import math

import numpy as np

from ppl.compiler.lowering import functions
from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.contraction import sum_of_product
from ppl.compiler.lowering.named import BOOL, REAL, DType, Named, aligned, dtype_of
from ppl.compiler.lowering.selections import selection
from ppl.compiler.lowering.shaping import lift, spread
from ppl.errors import CompilerBug
from ppl.graph import Axis, Expr, Reduce

_NEUTRAL = {"sum": 0, "mean": 0, "prod": 1, "max": -np.inf, "min": np.inf, "logsumexp": -np.inf}


def reduce(lowering: Context, expr: Reduce) -> Named:
    """Over the elements of its axes, or over those for which its filter holds."""
    if expr.where is None:
        return _over(lowering, expr, expr.axes)
    # A read of many elements of a discrete latent has axes of its own, of which no selection can be made.
    many = any(axis in e.value.axes for e in lowering.enumerated.values() for axis in expr.axes)
    kept = None if many else selection(lowering, expr.axes, expr.where, (id(expr), "where"))
    if kept is None:
        return _masked(lowering, expr, expr.where)
    others = tuple(axis for axis in expr.axes if axis not in kept.over)
    return _over(lowering.within(kept), expr, (kept.axis, *others))


def _over(lowering: Context, expr: Reduce, axes: tuple[Axis, ...]) -> Named:
    """Over all elements of `axes`, which the body may lack."""
    dtype = dtype_of(expr.meta.element)
    match expr.operation:
        case "sum":
            return sum_of_product(lowering, expr.body, axes, dtype)
        case "mean":
            total = sum_of_product(lowering, expr.body, axes, dtype)
            count = math.prod(lowering.size(axis) for axis in axes)
            return Named(total.array / np.float64(count), total.axes)
        case "cumsum":
            return _running_sum(lowering, expr, axes, dtype)
    body = lowering.value(expr.body, dtype)
    if expr.operation in ("prod", "logsumexp"):  # repeats count
        missing = tuple(axis for axis in axes if axis not in body.axes)
        body = spread(lowering, body, (*body.axes, *missing)) if missing else body
    present = tuple(axis for axis in axes if axis in body.axes)
    if not present:
        return body
    positions = tuple(body.axes.index(axis) for axis in present)
    kept = tuple(axis for axis in body.axes if axis not in present)
    return Named(functions.REDUCTIONS[expr.operation](lowering.xp, body.array, positions), kept)


def _running_sum(lowering: Context, expr: Reduce, axes: tuple[Axis, ...], dtype: DType) -> Named:
    body = lift(lowering, lowering.value(expr.body, dtype), axes)
    if body.rank > 1:
        raise CompilerBug("cumsum of a body with whole dims")
    return Named(functions.LAST["cumsum"](lowering.xp, body.array), body.axes)


def _masked(lowering: Context, expr: Reduce, where: Expr) -> Named:
    """A filter that differs between the elements of the outer axes: elements left out are neutral."""
    xp, dtype = lowering.xp, dtype_of(expr.meta.element)
    mask, body = lowering.value(where, BOOL), lowering.value(expr.body, dtype)
    reduced = tuple(lowering.seen(a) for a in expr.axes)
    mask = spread(lowering, mask, tuple(dict.fromkeys((*mask.axes, *reduced))))
    axes = tuple(dict.fromkeys((*body.axes, *mask.axes)))
    held = aligned(xp, mask, axes, 0)
    held = xp.expand_dims(held, tuple(range(held.ndim, held.ndim + body.rank)))
    array = xp.where(held, aligned(xp, body, axes, body.rank), np.asarray(_NEUTRAL[expr.operation], dtype))
    positions = tuple(axes.index(a) for a in reduced)
    kept = tuple(axis for axis in axes if axis not in reduced)
    operation = "sum" if expr.operation == "mean" else expr.operation
    result = functions.REDUCTIONS[operation](xp, array, positions)
    if expr.operation == "mean":
        result = result / xp.sum(held.astype(REAL), axis=positions)
    return Named(result, kept)
