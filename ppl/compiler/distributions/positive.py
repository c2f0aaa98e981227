"""Distributions on the positive half-line. At 0 itself the folded ones and the exponential have their limit; the others
exclude it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from ppl.compiler.distributions.law import Law, finite_positive, masked, positive, with_tails
from ppl.compiler.distributions.real import (
    HALF_LOG_2PI,
    LOG_2,
    LOG_PI,
    normal_log_cdf,
    normal_log_prob,
    normal_log_sf,
    normal_quantile,
    student_constant,
    student_tails,
)
from ppl.compiler.distributions.special import log1mexp, log_gamma_tails, log_hazard, log_ndtr, log_ndtri

# --- folded at zero ----------------------------------------------------------------------------------


def _from_zero(value: Array) -> tuple[Array, Array]:
    """Where a value is in [0, inf), and the value, or 1 elsewhere."""
    inside = (value >= 0) & (value < jnp.inf)
    return inside, jnp.where(inside, value, 1.0)


def _above_zero(value: Array, scale: Array) -> tuple[Array, Array]:
    """Where a value is above 0, and value / scale, or 1 elsewhere."""
    safe = positive(scale)[0]
    some = value > 0
    return some, jnp.where(some, value / safe, 1.0)


def half_normal_log_prob(value: Array, scale: Array) -> Array:
    """2 Normal(x | 0, scale) for x >= 0."""
    inside, x = _from_zero(value)
    safe, penalty = positive(scale)
    z = x * (1.0 / safe)
    return masked(inside, (penalty - jnp.log(safe) + (LOG_2 - HALF_LOG_2PI)) - 0.5 * (z * z))


def half_normal_sample(key: Array, shape: tuple[int, ...], scale: Array) -> Array:
    return scale * jnp.abs(jax.random.normal(key, shape, scale.dtype))


def half_normal_log_sf(value: Array, scale: Array) -> Array:
    z = jnp.maximum(value, 0.0) / positive(scale)[0]
    return jnp.minimum(LOG_2 + log_ndtr(-z), 0.0)


def half_normal_log_cdf(value: Array, scale: Array) -> Array:
    some, z = _above_zero(value, scale)
    near = z < 0.5
    root = jnp.where(near, z, 0.5) * 0.7071067811865476
    log_p = jnp.where(near, jnp.log(lax.erf(root)), log1mexp(LOG_2 + log_ndtr(-jnp.where(near, 1.0, z))))
    return masked(some, log_p)


def half_normal_quantile(log_below: Array, log_above: Array, scale: Array) -> Array:
    left = log_below < log_above
    near = math.sqrt(2.0) * lax.erf_inv(jnp.exp(jnp.where(left, log_below, -1.0)))
    return scale * jnp.where(left, near, -log_ndtri(jnp.where(left, -1.0, log_above) - LOG_2))


def half_cauchy_log_prob(value: Array, scale: Array) -> Array:
    """2 Cauchy(x | 0, scale) for x >= 0."""
    inside, x = _from_zero(value)
    safe, penalty = positive(scale)
    z = x * (1.0 / safe)
    return masked(inside, (penalty - jnp.log(safe) + (LOG_2 - LOG_PI)) - jnp.log1p(z * z))


def half_cauchy_sample(key: Array, shape: tuple[int, ...], scale: Array) -> Array:
    return scale * jnp.abs(jax.random.cauchy(key, shape, scale.dtype))


def half_cauchy_log_cdf(value: Array, scale: Array) -> Array:
    some, z = _above_zero(value, scale)
    return masked(some, jnp.log(lax.atan2(z, jnp.ones_like(z))) + (LOG_2 - LOG_PI))


def half_cauchy_log_sf(value: Array, scale: Array) -> Array:
    z = jnp.maximum(value, 0.0) / positive(scale)[0]
    return jnp.log(lax.atan2(jnp.ones_like(z), z)) + (LOG_2 - LOG_PI)


def half_cauchy_quantile(log_below: Array, log_above: Array, scale: Array) -> Array:
    left = log_below < log_above
    z = jnp.tan(0.5 * math.pi * jnp.exp(jnp.where(left, log_below, log_above)))
    return scale * jnp.where(left, z, 1.0 / z)


def half_student_log_prob(value: Array, df: Array, scale: Array) -> Array:
    """2 StudentT(x | df, 0, scale) for x >= 0."""
    inside, x = _from_zero(value)
    safe, penalty = positive(scale)
    z = x * (1.0 / safe)
    freedom, normaliser = student_constant(df)
    constant = (penalty - jnp.log(safe)) + (normaliser + LOG_2)
    return masked(inside, constant - (0.5 * (freedom + 1.0)) * jnp.log1p(z * z * (1.0 / freedom)))


def half_student_sample(key: Array, shape: tuple[int, ...], df: Array, scale: Array) -> Array:
    return scale * jnp.abs(jax.random.t(key, jnp.broadcast_to(df, shape), shape, df.dtype))


def half_student_log_tails(value: Array, df: Array, scale: Array) -> tuple[Array, Array]:
    beyond, within = student_tails(jnp.maximum(value, 0.0) / positive(scale)[0], positive(df)[0])
    return within, beyond


# --- Exponential, Weibull, Pareto: closed survival functions -----------------------------------------


def exponential_log_prob(value: Array, rate: Array) -> Array:
    """rate exp(-rate x) for x >= 0."""
    inside, x = _from_zero(value)
    safe, penalty = positive(rate)
    return masked(inside, (penalty + jnp.log(safe)) - safe * x)


def exponential_sample(key: Array, shape: tuple[int, ...], rate: Array) -> Array:
    return jax.random.exponential(key, shape, rate.dtype) / rate


def exponential_log_sf(value: Array, rate: Array) -> Array:
    return -positive(rate)[0] * jnp.maximum(value, 0.0)


def exponential_log_cdf(value: Array, rate: Array) -> Array:
    return log1mexp(exponential_log_sf(value, rate))


def exponential_quantile(log_below: Array, log_above: Array, rate: Array) -> Array:
    return jnp.exp(log_hazard(log_below, log_above)) / rate


def weibull_log_prob(value: Array, shape: Array, scale: Array) -> Array:
    """(a / s) (x / s)^(a - 1) exp(-(x / s)^a) for x > 0, with shape a and scale s."""
    inside = finite_positive(value)
    log_x = jnp.log(jnp.where(inside, value, 1.0))
    a, a_penalty = positive(shape)
    b, b_penalty = positive(scale)
    log_b = jnp.log(b)
    log_z = log_x - log_b
    constant = (a_penalty + jnp.log(a)) + (b_penalty - log_b)
    return masked(inside, constant + (a - 1.0) * log_z - jnp.exp(a * log_z))


def weibull_sample(key: Array, size: tuple[int, ...], shape: Array, scale: Array) -> Array:
    return scale * jax.random.exponential(key, size, scale.dtype) ** (1.0 / shape)


def _weibull_log_hazard(value: Array, shape: Array, scale: Array) -> tuple[Array, Array]:
    """Where a value is in (0, inf), and log (x / scale)^shape."""
    inside = finite_positive(value)
    log_z = jnp.log(jnp.where(inside, value, 1.0)) - jnp.log(positive(scale)[0])
    return inside, positive(shape)[0] * log_z


def weibull_log_sf(value: Array, shape: Array, scale: Array) -> Array:
    inside, log_hazard = _weibull_log_hazard(value, shape, scale)
    return jnp.where(inside, -jnp.exp(log_hazard), jnp.where(value > 0, -jnp.inf, 0.0))


def weibull_log_cdf(value: Array, shape: Array, scale: Array) -> Array:
    inside, log_hazard = _weibull_log_hazard(value, shape, scale)
    small = log_hazard < -37.0  # there 1 - exp(-h) is h to rounding, and h may underflow
    log_p = jnp.where(small, log_hazard, log1mexp(-jnp.exp(jnp.where(small, 0.0, log_hazard))))
    return jnp.where(inside, log_p, jnp.where(value > 0, 0.0, -jnp.inf))


def weibull_quantile(log_below: Array, log_above: Array, shape: Array, scale: Array) -> Array:
    return scale * jnp.exp(log_hazard(log_below, log_above) / shape)


def pareto_log_prob(value: Array, minimum: Array, shape: Array) -> Array:
    """a m^a / x^(a + 1) for x >= m, with shape a and minimum m."""
    low, low_penalty = positive(minimum)
    a, a_penalty = positive(shape)
    inside = (value >= low) & (value < jnp.inf)
    log_x = jnp.log(jnp.where(inside, value, low))
    return masked(inside, (low_penalty + a_penalty + jnp.log(a)) - log_x - a * (log_x - jnp.log(low)))


def pareto_sample(key: Array, size: tuple[int, ...], minimum: Array, shape: Array) -> Array:
    return minimum * jnp.exp(jax.random.exponential(key, size, shape.dtype) / shape)


def pareto_log_sf(value: Array, minimum: Array, shape: Array) -> Array:
    low = positive(minimum)[0]
    return -positive(shape)[0] * (jnp.log(jnp.maximum(value, low)) - jnp.log(low))


def pareto_log_cdf(value: Array, minimum: Array, shape: Array) -> Array:
    return log1mexp(pareto_log_sf(value, minimum, shape))


def pareto_quantile(log_below: Array, log_above: Array, minimum: Array, shape: Array) -> Array:
    return minimum * jnp.exp(jnp.exp(log_hazard(log_below, log_above)) / shape)


# --- LogNormal ---------------------------------------------------------------------------------------


def log_normal_log_prob(value: Array, location: Array, scale: Array) -> Array:
    """Normal(log x | location, scale) / x for x > 0."""
    inside = finite_positive(value)
    log_x = jnp.log(jnp.where(inside, value, 1.0))
    return masked(inside, normal_log_prob(log_x, location, scale) - log_x)


def log_normal_sample(key: Array, shape: tuple[int, ...], location: Array, scale: Array) -> Array:
    return jnp.exp(location + scale * jax.random.normal(key, shape, scale.dtype))


def log_normal_log_cdf(value: Array, location: Array, scale: Array) -> Array:
    inside = finite_positive(value)
    inner = normal_log_cdf(jnp.log(jnp.where(inside, value, 1.0)), location, scale)
    return jnp.where(inside, inner, jnp.where(value > 0, 0.0, -jnp.inf))


def log_normal_log_sf(value: Array, location: Array, scale: Array) -> Array:
    inside = finite_positive(value)
    inner = normal_log_sf(jnp.log(jnp.where(inside, value, 1.0)), location, scale)
    return jnp.where(inside, inner, jnp.where(value > 0, -jnp.inf, 0.0))


def log_normal_quantile(log_below: Array, log_above: Array, location: Array, scale: Array) -> Array:
    return jnp.exp(normal_quantile(log_below, log_above, location, scale))


# --- Gamma and its relatives -------------------------------------------------------------------------


def _gamma_constant(shape: Array, rate: Array) -> tuple[Array, Array, Array]:
    """Shape a and rate b, kept above 0, and log(b^a / Gamma(a))."""
    a, a_penalty = positive(shape)
    b, b_penalty = positive(rate)
    return a, b, (b_penalty + a * jnp.log(b)) + (a_penalty - lax.lgamma(a))


def gamma_log_prob(value: Array, shape: Array, rate: Array) -> Array:
    """b^a x^(a - 1) exp(-b x) / Gamma(a) for x > 0, with shape a and rate b."""
    inside = finite_positive(value)
    x = jnp.where(inside, value, 1.0)
    a, b, constant = _gamma_constant(shape, rate)
    return masked(inside, constant + (a - 1.0) * jnp.log(x) - b * x)


def gamma_sample(key: Array, size: tuple[int, ...], shape: Array, rate: Array) -> Array:
    draws = jax.random.loggamma(key, jnp.broadcast_to(shape, size), size, shape.dtype)
    return jnp.maximum(jnp.exp(draws - jnp.log(rate)), np.finfo(shape.dtype).tiny)


def gamma_log_tails(value: Array, shape: Array, rate: Array) -> tuple[Array, Array]:
    return log_gamma_tails(positive(shape)[0], positive(rate)[0] * value)


def chi_squared_log_prob(value: Array, df: Array) -> Array:
    """Gamma(df / 2, 1 / 2)."""
    return gamma_log_prob(value, 0.5 * df, jnp.full_like(df, 0.5))


def chi_squared_sample(key: Array, size: tuple[int, ...], df: Array) -> Array:
    return gamma_sample(key, size, 0.5 * df, jnp.full_like(df, 0.5))


def chi_squared_log_tails(value: Array, df: Array) -> tuple[Array, Array]:
    return gamma_log_tails(value, 0.5 * df, jnp.full_like(df, 0.5))


def _invertible(value: Array) -> Array:
    """Where neither 1 / value nor its derivative overflows; closer to 0 an inverse gamma has no mass to speak of."""
    return (value > jnp.sqrt(np.finfo(value.dtype).tiny)) & (value < jnp.inf)


def inverse_gamma_log_prob(value: Array, shape: Array, scale: Array) -> Array:
    """b^a x^(-a - 1) exp(-b / x) / Gamma(a) for x > 0, with shape a and scale b."""
    inside = _invertible(value)
    x = jnp.where(inside, value, 1.0)
    a, b, constant = _gamma_constant(shape, scale)
    return masked(inside, constant - (a + 1.0) * jnp.log(x) - b / x)


def inverse_gamma_sample(key: Array, size: tuple[int, ...], shape: Array, scale: Array) -> Array:
    draws = jax.random.loggamma(key, jnp.broadcast_to(shape, size), size, shape.dtype)
    return jnp.minimum(jnp.exp(jnp.log(scale) - draws), np.finfo(shape.dtype).max)


def inverse_gamma_log_tails(value: Array, shape: Array, scale: Array) -> tuple[Array, Array]:
    inside = _invertible(value)
    sf, cdf = log_gamma_tails(positive(shape)[0], positive(scale)[0] / jnp.where(inside, value, 1.0))
    above = value > 1.0
    return (
        jnp.where(inside, cdf, jnp.where(above, 0.0, -jnp.inf)),
        jnp.where(inside, sf, jnp.where(above, -jnp.inf, 0.0)),
    )


LAWS: Mapping[str, Law] = {
    "HalfNormal": Law(
        half_normal_log_prob, half_normal_sample, half_normal_log_cdf, half_normal_log_sf, quantile=half_normal_quantile
    ),
    "HalfCauchy": Law(
        half_cauchy_log_prob, half_cauchy_sample, half_cauchy_log_cdf, half_cauchy_log_sf, quantile=half_cauchy_quantile
    ),
    "HalfStudentT": with_tails(half_student_log_prob, half_student_sample, half_student_log_tails),
    "Exponential": Law(
        exponential_log_prob, exponential_sample, exponential_log_cdf, exponential_log_sf, quantile=exponential_quantile
    ),
    "Weibull": Law(weibull_log_prob, weibull_sample, weibull_log_cdf, weibull_log_sf, quantile=weibull_quantile),
    "Pareto": Law(pareto_log_prob, pareto_sample, pareto_log_cdf, pareto_log_sf, quantile=pareto_quantile),
    "LogNormal": Law(
        log_normal_log_prob, log_normal_sample, log_normal_log_cdf, log_normal_log_sf, quantile=log_normal_quantile
    ),
    "Gamma": with_tails(gamma_log_prob, gamma_sample, gamma_log_tails),
    "ChiSquared": with_tails(chi_squared_log_prob, chi_squared_sample, chi_squared_log_tails),
    "InverseGamma": with_tails(inverse_gamma_log_prob, inverse_gamma_sample, inverse_gamma_log_tails),
}
