"""Quantiles by iteration, for the laws whose tails have no closed inverse.

The point sought is given by log P(X <= x) and log P(X > x); the smaller of the two is compared. It is sought on a scale
that reaches all floating numbers evenly (asinh).
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from ppl.compiler.distributions.law import Law

_MOST = 200


def _ends(shape: tuple[int, ...], dtype: jnp.dtype, lower: Array | None, upper: Array | None) -> tuple[Array, Array]:
    """Of the bracket, on the scale of the search."""
    limit = float(np.log(np.finfo(dtype).max)) - 1.0
    low, high = (
        jnp.full(shape, end, dtype) if bound is None else jnp.broadcast_to(jnp.arcsinh(bound), shape)
        for end, bound in ((-limit, lower), (limit, upper))
    )
    return jnp.clip(low, -limit, limit), jnp.clip(high, -limit, limit)


def _middle(low: Array, high: Array) -> Array:
    """Of the bracket, or short of it where an end is so far out that tails there would take long to compute."""
    return jnp.clip(0.5 * (low + high), 2.0 * jnp.minimum(high, 0.0) - 3.0, 2.0 * jnp.maximum(low, 0.0) + 3.0)


def _comparison(
    law: Law, log_below: Array, log_above: Array, parameters: dict[str, Array]
) -> Callable[[Array], tuple[Array, Array]]:
    """x -> the log of the tail that is compared, and how far it is too low (below 0) or too high on the way up."""
    log_cdf, log_sf = law.log_cdf, law.log_sf
    assert log_cdf is not None
    assert log_sf is not None
    by_cdf = log_below < log_above

    def compare(x: Array) -> tuple[Array, Array]:
        if law.log_tails is not None:
            cdf, sf = law.log_tails(x, **parameters)
        else:
            cdf, sf = log_cdf(x, **parameters), log_sf(x, **parameters)
        return jnp.where(by_cdf, cdf, sf), jnp.where(by_cdf, cdf - log_below, log_above - sf)

    return compare


def quantile(
    law: Law,
    log_below: Array,
    log_above: Array,
    parameters: dict[str, Array],
    lower: Array | None,
    upper: Array | None,
) -> Array:
    """Newton's method on the log of the tail, kept in a bracket that is halved where a step does not halve the last
    one (Numerical Recipes, section 9.4)."""
    shape, dtype = log_below.shape, log_below.dtype
    compare = _comparison(law, log_below, log_above, parameters)
    precision = 4.0 * float(np.finfo(dtype).eps)
    near = float(np.sqrt(np.finfo(dtype).eps))  # from here one more step leaves an error of the order of its square

    def more(state: tuple[Array, Array, Array, Array, Array]) -> Array:
        n, step = state[0], state[4]
        return (n < _MOST) & jnp.any(step > 0)

    def improve(state: tuple[Array, Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array, Array]:
        n, at, low, high, step = state
        x = jnp.sinh(at)
        tail, excess = compare(x)
        slope = jnp.exp(law.log_prob(x, **parameters) - tail) * jnp.cosh(at)
        low, high = jnp.where(excess < 0, at, low), jnp.where(excess < 0, high, at)
        newton = at - excess / slope
        fast = (newton >= low) & (newton <= high) & (jnp.abs(newton - at) <= 0.5 * step)
        following = jnp.where(step > 0, jnp.where(fast, newton, _middle(low, high)), at)
        moved = jnp.abs(following - at)
        last = (fast & (jnp.abs(excess) < near)) | (moved <= precision * jnp.abs(at))
        return n + 1, following, low, high, jnp.where(last, 0.0, moved)

    low, high = _ends(shape, dtype, lower, upper)
    start = (jnp.zeros((), np.int32), _middle(low, high), low, high, high - low)
    return jnp.sinh(lax.while_loop(more, improve, start)[1])


def next_whole(
    law: Law,
    log_below: Array,
    log_above: Array,
    parameters: dict[str, Array],
    lower: Array | None,
    upper: Array | None,
) -> Array:
    """The least whole number with no less than that below it, by halving until the bracket holds but one."""
    shape, dtype = log_below.shape, log_below.dtype
    compare = _comparison(law, log_below, log_above, parameters)

    def whole(at: Array) -> Array:
        return jnp.floor(jnp.sinh(at) + 1e-6)

    def more(state: tuple[Array, Array, Array]) -> Array:
        n, low, high = state
        apart = 4.0 * float(np.finfo(dtype).eps) * jnp.abs(high)
        return (n < _MOST) & jnp.any((whole(high) - whole(low) > 1.0) & (high - low > apart))

    def halve(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        n, low, high = state
        middle = _middle(low, high)
        short = compare(whole(middle))[1] < 0
        return n + 1, jnp.where(short, middle, low), jnp.where(short, high, middle)

    low, high = _ends(shape, dtype, lower, upper)
    # a count is above -1, and `lower` is the last count that is left out
    low = jnp.maximum(low, float(np.arcsinh(-1.0)))
    return whole(lax.while_loop(more, halve, (jnp.zeros((), np.int32), low, high))[2])
