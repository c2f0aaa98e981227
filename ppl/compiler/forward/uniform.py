"""Draws of quantities that are declared by `var`: flat between two bounds, or over finitely many values."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.named import REAL, Named, aligned
from ppl.graph import Axis, Expr, Latent
from ppl.types import IndexOf


def is_bounded(latent: Latent) -> bool:
    """Whether a flat density over the support is a uniform distribution of each element."""
    support, spec = latent.support, SUPPORTS[latent.support.kind]
    ends = ((support.lower, spec.lower), (support.upper, spec.upper))
    enclosed = all(own is not None or known is not None for own, known in ends)
    return spec.event_rank == 0 and (enclosed or isinstance(latent.element, IndexOf))


def uniform(lowering: Context, latent: Latent, axes: tuple[Axis, ...], key: Array) -> Named:
    """Independent draws over all axes, those of the latent's bounds among them."""
    seen, shape = _extent(lowering, axes)
    if latent.support.kind == "spin":
        return Named(2 * jax.random.randint(key, shape, 0, 2) - 1, seen)
    if isinstance(latent.element, IndexOf):
        return Named(jax.random.randint(key, shape, 0, lowering.program.sizes[latent.element.dim]), seen)
    lower, upper = _ends(lowering, latent, seen)
    if SUPPORTS[latent.support.kind].discrete:
        return Named(jax.random.randint(key, shape, lower.astype(jnp.int64), upper.astype(jnp.int64) + 1), seen)
    return Named(jax.random.uniform(key, shape, REAL, lower, upper), seen)


def log_volume(lowering: Context, latent: Latent) -> Array:
    """Of all that it can be: the log of what its density, which is 1 everywhere, sums or integrates to."""
    seen, shape = _extent(lowering, latent.axes)
    if latent.support.kind == "spin":
        ranges = jnp.asarray(2.0, REAL)
    elif isinstance(latent.element, IndexOf):
        ranges = jnp.asarray(lowering.program.sizes[latent.element.dim], REAL)
    else:
        lower, upper = _ends(lowering, latent, seen)
        ranges = upper - lower + (1 if SUPPORTS[latent.support.kind].discrete else 0)
    return jnp.sum(jnp.broadcast_to(jnp.log(ranges), shape))


def _extent(lowering: Context, axes: tuple[Axis, ...]) -> tuple[tuple[Axis, ...], tuple[int, ...]]:
    seen = tuple(dict.fromkeys(lowering.seen(axis) for axis in axes))
    return seen, tuple(lowering.size(axis) for axis in seen)


def _ends(lowering: Context, latent: Latent, seen: tuple[Axis, ...]) -> tuple[Array, Array]:
    support, spec = latent.support, SUPPORTS[latent.support.kind]
    return _end(lowering, support.lower, spec.lower, seen), _end(lowering, support.upper, spec.upper, seen)


def _end(lowering: Context, own: Expr | None, known: float | None, seen: tuple[Axis, ...]) -> Array:
    """A bound: that of the declaration, or else of the kind of support."""
    if own is None:
        return jnp.asarray(known, REAL)
    array: Array = aligned(jnp, lowering.value(own, REAL), seen, 0)
    return array
