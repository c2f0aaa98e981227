"""Truncated and ordered versions of any distribution that knows its tails."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ppl.compiler.distributions.inversion import next_whole, quantile
from ppl.compiler.distributions.law import Law, masked
from ppl.compiler.distributions.special import log_difference


def log_mass(law: Law, parameters: dict[str, Array], lower: Array | None, upper: Array | None) -> Array:
    """log P(lower <= X <= upper), or of one side. Differences are taken in the tail that is the smaller one."""
    assert law.log_cdf is not None
    assert law.log_sf is not None
    if lower is None and upper is None:
        return jnp.zeros(())
    if lower is None:
        return law.log_cdf(upper, **parameters)
    if upper is None:
        return law.log_sf(lower, **parameters)
    (cdf_lower, cdf_upper), (sf_lower, sf_upper) = _at_both(law, parameters, lower, upper)
    right = cdf_lower > sf_upper
    larger, smaller = jnp.where(right, sf_lower, cdf_upper), jnp.where(right, sf_upper, cdf_lower)
    return log_difference(larger, smaller)


def _at_both(law: Law, parameters: dict[str, Array], lower: Array, upper: Array) -> tuple[Array, Array]:
    """log cdf and log survival function at both bounds, each (2, ...): what iterates does so once."""
    ends = jnp.stack(jnp.broadcast_arrays(lower, upper))

    def tails(end: Array) -> tuple[Array, Array]:
        if law.log_tails is not None:
            return law.log_tails(end, **parameters)
        assert law.log_cdf is not None
        assert law.log_sf is not None
        return law.log_cdf(end, **parameters), law.log_sf(end, **parameters)

    cdf, sf = jax.vmap(tails)(ends)
    return cdf, sf


def below(bound: Array, discrete: bool) -> Array:
    """The value whose lower tail ends just before the bound: a whole number counts as inside."""
    return jnp.ceil(bound) - 1.0 if discrete else bound


def log_prob(
    law: Law, value: Array, parameters: dict[str, Array], lower: Array | None, upper: Array | None, discrete: bool
) -> Array:
    """log p(x) - log P(lower <= X <= upper) between the bounds (both included), -inf outside."""
    inside = jnp.ones((), bool)
    if lower is not None:
        inside = inside & (value >= lower)
    if upper is not None:
        inside = inside & (value <= upper)
    mass = log_mass(law, parameters, None if lower is None else below(lower, discrete), upper)
    possible = mass > -jnp.inf
    base = law.log_prob(value, **parameters)
    return masked(inside & possible, base - jnp.where(possible, mass, 0.0))


def log_tail(law: Law, start: Array | None, upper: Array | None, value: Array, *, above: bool) -> Array:
    """log P(X <= x), or P(X > x), given that start < X <= upper."""
    mass = log_mass(law, {}, start, upper)
    x = value if start is None else jnp.maximum(value, start)
    x = x if upper is None else jnp.minimum(x, upper)
    part = log_mass(law, {}, x, upper) if above else log_mass(law, {}, start, x)
    possible = mass > -jnp.inf
    return masked(possible, part - jnp.where(possible, mass, 0.0))


def sample(
    law: Law,
    key: Array,
    shape: tuple[int, ...],
    parameters: dict[str, Array],
    lower: Array | None,
    upper: Array | None,
    discrete: bool,
    dtype: jnp.dtype,
) -> Array:
    """By inversion: the point that has the share U of the mass below it, in closed form or by iteration."""
    log_cdf, log_sf = law.log_cdf, law.log_sf
    assert log_cdf is not None
    assert log_sf is not None
    start = None if lower is None else below(lower, discrete)
    share = jax.random.uniform(key, shape, dtype, minval=np.finfo(dtype).tiny)
    mass = log_mass(law, parameters, start, upper).astype(dtype)
    log_below, log_above = jnp.log(share) + mass, jnp.log1p(-share) + mass
    if start is not None:
        log_below = jnp.logaddexp(log_cdf(start, **parameters), log_below)
    if upper is not None:
        log_above = jnp.logaddexp(log_sf(upper, **parameters), log_above)
    if law.quantile is not None:
        draws = law.quantile(log_below, log_above, **parameters)
        draws = jnp.ceil(draws - 1e-6) if discrete else draws
    elif discrete:
        draws = next_whole(law, log_below, log_above, parameters, start, upper)
    else:
        draws = quantile(law, log_below, log_above, parameters, start, upper)
    if lower is not None:
        draws = jnp.maximum(draws, lower)
    if upper is not None:
        draws = jnp.minimum(draws, upper)
    return draws.astype(jnp.result_type(int)) if discrete else draws
