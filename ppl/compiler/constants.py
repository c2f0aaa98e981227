"""Values of expressions of data and numbers alone, in NumPy: for bounds and supports, before any JAX is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ppl.graph import Aligned, Apply, Axis, Expr, Fixed, Gather, Labelled, Literal, Read, Whole

Float = npt.NDArray[np.float64]

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
        case Read() if expr.name in arrays:
            return _read(expr, arrays, sizes, labels)
        case Apply() if expr.function in _FUNCTIONS:
            parts = [_spread(_value(a, arrays, sizes, labels), a.meta.axes, expr.meta.axes) for a in expr.arguments]
            return np.asarray(_FUNCTIONS[expr.function](*parts), dtype=np.float64)
    raise _Unknown


def _read(
    expr: Read,
    arrays: Mapping[str, npt.NDArray[np.generic]],
    sizes: Mapping[str, int],
    labels: Mapping[str, tuple[str, ...]],
) -> Float:
    """An open-mesh gather: every subscript as an index array over the axes of the expression."""
    axes = expr.meta.axes
    index: list[npt.NDArray[np.int64]] = []
    for subscript in expr.subscripts:
        match subscript:
            case Aligned():
                positions = np.arange(*_range(subscript.axis, sizes)) + subscript.shift
                if positions.size and positions.min() < 0:
                    raise _Unknown
                index.append(_spread(positions, (subscript.axis,), axes))
            case Fixed():
                index.append(np.asarray(subscript.position))
            case Gather():
                inner = _value(subscript.index, arrays, sizes, labels)
                index.append(_spread(inner, subscript.index.meta.axes, axes).astype(np.int64))
            case Labelled() | Whole() | _:
                raise _Unknown
    return np.asarray(arrays[expr.name][tuple(index)], dtype=np.float64)


def _range(axis: Axis, sizes: Mapping[str, int]) -> tuple[int, int]:
    start, stop, _ = slice(axis.start, axis.stop).indices(sizes[axis.dim])
    return start, stop


def _spread(value: npt.NDArray[Any], own: tuple[Axis, ...], axes: tuple[Axis, ...]) -> npt.NDArray[Any]:
    """A value over its own axes, as one that broadcasts over `axes`."""
    order = [own.index(a) for a in axes if a in own]
    if len(order) != value.ndim:
        raise _Unknown
    shape = [value.shape[own.index(a)] if a in own else 1 for a in axes]
    return np.transpose(value, order).reshape(shape)
