"""Distributions on the real line: all of one form, log f(z) - log(scale) with z = (x - location) / scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero

from ppl.compiler.distributions.law import Law, masked, positive
from ppl.compiler.distributions.special import (
    Tangent,
    log1mexp,
    log_beta_tails,
    log_gamma_ratio,
    log_hazard,
    log_ndtr,
    log_ndtri,
    softplus,
)

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
LOG_PI = math.log(math.pi)
LOG_2 = math.log(2.0)


def standardise(value: Array, location: Array, scale: Array) -> tuple[Array, Array]:
    """z and -log(scale), the latter -inf for an invalid scale."""
    safe, penalty = positive(scale)
    return (value - location) * (1.0 / safe), penalty - jnp.log(safe)


def standardise_finite(value: Array, location: Array, scale: Array) -> tuple[Array, Array, Array]:
    """Where x - location is finite, then as `standardise`: for densities whose formula has no limit at infinity."""
    deviation = value - location
    inside = jnp.abs(deviation) < jnp.inf
    z, constant = standardise(jnp.where(inside, deviation, 0.0), jnp.zeros_like(scale), scale)
    return inside, z, constant


# --- Normal ------------------------------------------------------------------------------------------


def normal_log_prob(value: Array, mean: Array, scale: Array) -> Array:
    """log f(z) = -z^2 / 2 - log(2 pi) / 2."""
    z, constant = standardise(value, mean, scale)
    return (constant - HALF_LOG_2PI) - 0.5 * (z * z)


def normal_sample(key: Array, shape: tuple[int, ...], mean: Array, scale: Array) -> Array:
    return mean + scale * jax.random.normal(key, shape, scale.dtype)


def normal_log_cdf(value: Array, mean: Array, scale: Array) -> Array:
    return log_ndtr(standardise(value, mean, scale)[0])


def normal_log_sf(value: Array, mean: Array, scale: Array) -> Array:
    return log_ndtr(-standardise(value, mean, scale)[0])


def mirrored(lower_quantile: Callable[[Array], Array], log_below: Array, log_above: Array) -> Array:
    """The quantile of a law symmetric about 0, from its lower half: log p <= log(1/2) -> x <= 0."""
    left = log_below < log_above
    below = lower_quantile(jnp.minimum(jnp.where(left, log_below, log_above), -LOG_2))
    return jnp.where(left, below, -below)


def normal_quantile(log_below: Array, log_above: Array, mean: Array, scale: Array) -> Array:
    return mean + scale * mirrored(log_ndtri, log_below, log_above)


# --- StudentT ----------------------------------------------------------------------------------------


def student_constant(df: Array) -> tuple[Array, Array]:
    """The valid df, and log gamma((df + 1) / 2) - log gamma(df / 2) - log(pi df) / 2 with its penalty."""
    safe, penalty = positive(df)
    half = 0.5 * safe
    return safe, penalty + log_gamma_ratio(half, jnp.full_like(half, 0.5)) - 0.5 * (jnp.log(safe) + LOG_PI)


def student_log_prob(value: Array, df: Array, location: Array, scale: Array) -> Array:
    """f(z) proportional to (1 + z^2 / df)^(-(df + 1) / 2)."""
    inside, z, constant = standardise_finite(value, location, scale)
    safe, normaliser = student_constant(df)
    return masked(inside, (constant + normaliser) - (0.5 * (safe + 1.0)) * jnp.log1p(z * z * (1.0 / safe)))


def student_sample(key: Array, shape: tuple[int, ...], df: Array, location: Array, scale: Array) -> Array:
    return location + scale * jax.random.t(key, jnp.broadcast_to(df, shape), shape, df.dtype)


def student_tails(z: Array, df: Array) -> tuple[Array, Array]:
    """log P(|T| > |z|) and log P(|T| <= |z|)."""
    w = z * z / df
    finite = w < jnp.inf
    w = jnp.where(finite, w, 1.0)
    beyond, within = log_beta_tails(0.5 * df, jnp.full_like(df, 0.5), 1.0 / (1.0 + w), w / (1.0 + w))
    return jnp.where(finite, beyond, -jnp.inf), jnp.where(finite, within, 0.0)


def _student_log_lower(z: Array, df: Array) -> Array:
    beyond = student_tails(z, df)[0] - LOG_2
    return jnp.where(z < 0, beyond, log1mexp(beyond))


@jax.custom_jvp
def student_log_lower(z: Array, df: Array) -> Array:
    """log P(T <= z). The derivative in z is the density, which at 0 the formula in z^2 would lose."""
    return _student_log_lower(z, df)


def _student_log_lower_jvp(primals: tuple[Array, Array], tangents: tuple[Tangent, Tangent]) -> tuple[Array, Array]:
    (z, df), (z_dot, df_dot) = primals, tangents
    value = student_log_lower(z, df)
    some = value > -jnp.inf
    tangent = jnp.zeros_like(value)
    if not isinstance(df_dot, SymbolicZero):
        df_full = jnp.broadcast_to(df, value.shape)
        by_df = jax.jvp(lambda s: _student_log_lower(z, s), (df_full,), (jnp.ones_like(df_full),))[1]
        tangent = jnp.where(some, by_df, 0.0) * df_dot
    if not isinstance(z_dot, SymbolicZero):
        log_pdf = student_log_prob(z, df, jnp.zeros_like(df), jnp.ones_like(df))
        tangent = tangent + jnp.where(some, jnp.exp(log_pdf - jnp.where(some, value, 0.0)), 0.0) * z_dot
    return value, tangent


student_log_lower.defjvp(_student_log_lower_jvp, symbolic_zeros=True)


def student_log_cdf(value: Array, df: Array, location: Array, scale: Array) -> Array:
    return student_log_lower(standardise(value, location, scale)[0], positive(df)[0])


def student_log_sf(value: Array, df: Array, location: Array, scale: Array) -> Array:
    return student_log_lower(-standardise(value, location, scale)[0], positive(df)[0])


# --- Cauchy ------------------------------------------------------------------------------------------


def cauchy_log_prob(value: Array, location: Array, scale: Array) -> Array:
    """f(z) = 1 / (pi (1 + z^2))."""
    inside, z, constant = standardise_finite(value, location, scale)
    return masked(inside, (constant - LOG_PI) - jnp.log1p(z * z))


def cauchy_sample(key: Array, shape: tuple[int, ...], location: Array, scale: Array) -> Array:
    return location + scale * jax.random.cauchy(key, shape, scale.dtype)


def _cauchy_log_lower(z: Array) -> Array:
    """log(1/2 + atan(z) / pi) = log(atan2(1, -z) / pi), which does not cancel."""
    return jnp.log(lax.atan2(jnp.ones_like(z), -z)) - LOG_PI


def cauchy_log_cdf(value: Array, location: Array, scale: Array) -> Array:
    return _cauchy_log_lower(standardise(value, location, scale)[0])


def cauchy_log_sf(value: Array, location: Array, scale: Array) -> Array:
    return _cauchy_log_lower(-standardise(value, location, scale)[0])


def cauchy_quantile(log_below: Array, log_above: Array, location: Array, scale: Array) -> Array:
    def lower(log_p: Array) -> Array:
        return -1.0 / jnp.tan(math.pi * jnp.exp(log_p))

    return location + scale * mirrored(lower, log_below, log_above)


# --- Laplace -----------------------------------------------------------------------------------------


def laplace_log_prob(value: Array, location: Array, scale: Array) -> Array:
    """f(z) = exp(-|z|) / 2."""
    z, constant = standardise(value, location, scale)
    return (constant - LOG_2) - jnp.abs(z)


def laplace_sample(key: Array, shape: tuple[int, ...], location: Array, scale: Array) -> Array:
    return location + scale * jax.random.laplace(key, shape, scale.dtype)


def _laplace_log_lower(z: Array) -> Array:
    return jnp.where(z < 0, z - LOG_2, jnp.log1p(-0.5 * jnp.exp(-jnp.abs(z))))


def laplace_log_cdf(value: Array, location: Array, scale: Array) -> Array:
    return _laplace_log_lower(standardise(value, location, scale)[0])


def laplace_log_sf(value: Array, location: Array, scale: Array) -> Array:
    return _laplace_log_lower(-standardise(value, location, scale)[0])


def laplace_quantile(log_below: Array, log_above: Array, location: Array, scale: Array) -> Array:
    return location + scale * mirrored(lambda log_p: log_p + LOG_2, log_below, log_above)


# --- Logistic ----------------------------------------------------------------------------------------


def logistic_log_prob(value: Array, location: Array, scale: Array) -> Array:
    """f(z) = exp(-z) / (1 + exp(-z))^2."""
    z, constant = standardise(value, location, scale)
    distance = jnp.abs(z)
    return constant - distance - 2.0 * jnp.log1p(jnp.exp(-distance))


def logistic_sample(key: Array, shape: tuple[int, ...], location: Array, scale: Array) -> Array:
    return location + scale * jax.random.logistic(key, shape, scale.dtype)


def logistic_log_cdf(value: Array, location: Array, scale: Array) -> Array:
    return -softplus(-standardise(value, location, scale)[0])


def logistic_log_sf(value: Array, location: Array, scale: Array) -> Array:
    return -softplus(standardise(value, location, scale)[0])


def logistic_quantile(log_below: Array, log_above: Array, location: Array, scale: Array) -> Array:
    return location + scale * (log_below - log_above)


# --- Gumbel ------------------------------------------------------------------------------------------


def gumbel_log_prob(value: Array, location: Array, scale: Array) -> Array:
    """f(z) = exp(-z - exp(-z)): of the greatest of many."""
    inside, z, constant = standardise_finite(value, location, scale)
    return masked(inside, constant - z - jnp.exp(-z))


def gumbel_sample(key: Array, shape: tuple[int, ...], location: Array, scale: Array) -> Array:
    return location + scale * jax.random.gumbel(key, shape, scale.dtype)


def gumbel_log_cdf(value: Array, location: Array, scale: Array) -> Array:
    return -jnp.exp(-standardise(value, location, scale)[0])


def gumbel_log_sf(value: Array, location: Array, scale: Array) -> Array:
    z = standardise(value, location, scale)[0]
    small = z > 36.0  # there 1 - exp(-exp(-z)) is exp(-z) to rounding, and exp(-z) may underflow
    return jnp.where(small, -z, log1mexp(-jnp.exp(-jnp.where(small, 0.0, z))))


def gumbel_quantile(log_below: Array, log_above: Array, location: Array, scale: Array) -> Array:
    """-log of the hazard that ends at x: the two tails change places."""
    return location - scale * log_hazard(log_above, log_below)


LAWS: Mapping[str, Law] = {
    "Normal": Law(normal_log_prob, normal_sample, normal_log_cdf, normal_log_sf, quantile=normal_quantile),
    "StudentT": Law(student_log_prob, student_sample, student_log_cdf, student_log_sf),
    "Cauchy": Law(cauchy_log_prob, cauchy_sample, cauchy_log_cdf, cauchy_log_sf, quantile=cauchy_quantile),
    "Laplace": Law(laplace_log_prob, laplace_sample, laplace_log_cdf, laplace_log_sf, quantile=laplace_quantile),
    "Logistic": Law(logistic_log_prob, logistic_sample, logistic_log_cdf, logistic_log_sf, quantile=logistic_quantile),
    "Gumbel": Law(gumbel_log_prob, gumbel_sample, gumbel_log_cdf, gumbel_log_sf, quantile=gumbel_quantile),
}
