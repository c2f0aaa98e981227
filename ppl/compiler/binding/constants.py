"""Values of expressions of data and numbers alone, in NumPy: for bounds and supports, before any JAX is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ppl.graph import Aligned, Apply, Axis, Expr, Fixed, Gather, Literal, Position, Read, Whole

Float = npt.NDArray[np.float64]
S = TypeVar("S", bound=np.generic)

# Names as the checker gives them to operators and functions.
_FUNCTIONS: Mapping[str, Callable[..., Float]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "negative": np.negative,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "square": np.square,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "floor_divide": np.floor_divide,
    "remainder": np.mod,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "where": np.where,
}


class _Unknown(Exception):
    """The expression needs more than this page knows."""


def evaluate(
    expr: Expr,
    arrays: Mapping[str, npt.NDArray[np.generic]],
    sizes: Mapping[str, int],
    labels: Mapping[str, tuple[str, ...]],
) -> Float | None:
    """The value over `expr.meta.axes` in order (no event dims), or None if it is not plain arithmetic of data."""
    if expr.meta.event:
        return None
    try:
        with np.errstate(all="ignore"):
            return _value(expr, arrays, sizes, labels)
    except (_Unknown, IndexError):
        return None


def _value(
    expr: Expr,
    arrays: Mapping[str, npt.NDArray[np.generic]],
    sizes: Mapping[str, int],
    labels: Mapping[str, tuple[str, ...]],
) -> Float:
    match expr:
        case Literal():
            return np.asarray(expr.value, dtype=np.float64)
        case Position():
            return np.arange(*_range(expr.axis, sizes), dtype=np.float64)
        case Read() if expr.name in arrays:
            return _read(expr, arrays, sizes, labels)
        case Apply() if expr.function in _FUNCTIONS:
            parts = [spread(_value(a, arrays, sizes, labels), a.meta.axes, expr.meta.axes) for a in expr.arguments]
            return np.asarray(_FUNCTIONS[expr.function](*parts), dtype=np.float64)
    raise _Unknown


def _read(
    expr: Read,
    arrays: Mapping[str, npt.NDArray[np.generic]],
    sizes: Mapping[str, int],
    labels: Mapping[str, tuple[str, ...]],
) -> Float:
    where = positions(expr, sizes, arrays, labels)
    if where is None:
        raise _Unknown
    return np.asarray(arrays[expr.name][where], dtype=np.float64)


def positions(
    expr: Read,
    sizes: Mapping[str, int],
    arrays: Mapping[str, npt.NDArray[np.generic]],
    labels: Mapping[str, tuple[str, ...]],
) -> tuple[npt.NDArray[np.int64], ...] | None:
    """For each dim of the quantity the positions read, as arrays that broadcast over the expression's axes, then its
    event dims. None if a subscript is neither affine nor a gather by plain data."""
    axes = expr.meta.axes
    wholes = [s for s in expr.subscripts if isinstance(s, Whole)]
    index: list[npt.NDArray[np.int64]] = []
    try:
        for subscript in expr.subscripts:
            trailing = [1] * len(wholes)
            match subscript:
                case Aligned():
                    at = np.arange(*_range(subscript.axis, sizes)) + subscript.shift
                    if at.size and at.min() < 0:
                        return None
                    index.append(_with_events(spread(at, (subscript.axis,), axes), trailing))
                case Fixed():
                    index.append(np.asarray(subscript.position))
                case Gather():
                    inner = _value(subscript.index, arrays, sizes, labels)
                    at = spread(inner, subscript.index.meta.axes, axes).astype(np.int64)
                    index.append(_with_events(at, trailing))
                case Whole():
                    start, stop, _ = slice(subscript.start, subscript.stop).indices(sizes[subscript.dim])
                    trailing[len([s for s in expr.subscripts[: len(index)] if isinstance(s, Whole)])] = stop - start
                    index.append(np.arange(start, stop).reshape([1] * len(axes) + trailing))
                case _:
                    return None
    except _Unknown:
        return None
    return tuple(index)


def _with_events(at: npt.NDArray[np.int64], trailing: list[int]) -> npt.NDArray[np.int64]:
    return at.reshape(*at.shape, *trailing)


def _range(axis: Axis, sizes: Mapping[str, int]) -> tuple[int, int]:
    start, stop, _ = slice(axis.start, axis.stop).indices(sizes[axis.dim])
    return start, stop


def spread(value: npt.NDArray[S], own: tuple[Axis, ...], axes: tuple[Axis, ...]) -> npt.NDArray[S]:
    """A value over its own axes, as one that broadcasts over `axes`."""
    order = [own.index(a) for a in axes if a in own]
    if len(order) != value.ndim:
        raise _Unknown
    shape = [value.shape[own.index(a)] if a in own else 1 for a in axes]
    return np.transpose(value, order).reshape(shape)
