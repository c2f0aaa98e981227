"""Linear interpolation between points, constant outside them."""

from __future__ import annotations

from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.lowering.named import Array


def interp(xp: ModuleType, batch: int, x: Array, xs: Array, ys: Array) -> Array:
    """(..., m...), (..., n), (..., n) -> (..., m...), for each element of `batch` leading dims, whose sizes broadcast.

    `ys[i] + (x - xs[i]) * (ys[i+1] - ys[i]) / (xs[i+1] - xs[i])` where `xs[i] <= x < xs[i+1]`. Below `xs[0]` it is
    `ys[0]` and above the last of `xs` the last of `ys`: there the derivative in x is 0. `xs` must increase.
    """
    x, xs, ys = (xp.asarray(a) for a in (x, xs, ys))
    shape = x.shape[batch:]
    x = xp.reshape(x, (*x.shape[:batch], -1))
    sizes = np.broadcast_shapes(*(a.shape[:batch] for a in (x, xs, ys)))
    n = xs.shape[-1]
    left = xp.clip(_position(xp, xs, x) - 1, 0, max(0, n - 2))
    right = xp.minimum(left + 1, n - 1)
    x0, x1 = _taken(xp, xs, left), _taken(xp, xs, right)
    y0, y1 = _taken(xp, ys, left), _taken(xp, ys, right)
    width = x1 - x0
    part = (xp.clip(x, xs[..., :1], xs[..., -1:]) - x0) / xp.where(width > 0, width, xp.ones_like(width))
    return xp.reshape(xp.broadcast_to(y0 + part * (y1 - y0), (*sizes, x.shape[-1])), (*sizes, *shape))


def _position(xp: ModuleType, xs: Array, x: Array) -> Array:
    """How many of `xs` are not above each x, (..., m)."""
    if xs.size == xs.shape[-1]:
        return xp.searchsorted(xp.reshape(xs, (-1,)), x, side="right")
    sizes = np.broadcast_shapes(xs.shape[:-1], x.shape[:-1])
    rows = xp.reshape(xp.broadcast_to(xs, (*sizes, xs.shape[-1])), (-1, xs.shape[-1]))
    points = xp.reshape(xp.broadcast_to(x, (*sizes, x.shape[-1])), (-1, x.shape[-1]))
    found: Array
    if xp is np:
        found = np.stack([np.searchsorted(row, at, side="right") for row, at in zip(rows, points, strict=True)])
    else:
        found = jax.vmap(lambda row, at: jnp.searchsorted(row, at, side="right"))(rows, points)
    return xp.reshape(found, (*sizes, x.shape[-1]))


def _taken(xp: ModuleType, values: Array, positions: Array) -> Array:
    """`values[..., positions]`, (..., n), (..., m) -> (..., m)."""
    if values.size == values.shape[-1]:
        return xp.reshape(values, (-1,))[positions]
    sizes = np.broadcast_shapes(values.shape[:-1], positions.shape[:-1])
    values = xp.broadcast_to(values, (*sizes, values.shape[-1]))
    return xp.take_along_axis(values, xp.broadcast_to(positions, (*sizes, positions.shape[-1])), axis=-1)
