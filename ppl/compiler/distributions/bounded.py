"""Distributions on an interval."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.scipy.special import i0e

from ppl.compiler.distributions.law import Law, guard, masked, positive, with_tails
from ppl.compiler.distributions.special import log_beta, log_beta_tails

# --- Beta --------------------------------------------------------------------------------------------


def beta_log_prob(value: Array, alpha: Array, beta: Array) -> Array:
    """x^(alpha - 1) (1 - x)^(beta - 1) / B(alpha, beta) on (0, 1)."""
    inside = (value > 0) & (value < 1)
    x = jnp.where(inside, value, 0.5)
    a, a_penalty = positive(alpha)
    b, b_penalty = positive(beta)
    constant = a_penalty + b_penalty - log_beta(a, b)
    return masked(inside, constant + (a - 1.0) * jnp.log(x) + (b - 1.0) * jnp.log1p(-x))


def beta_sample(key: Array, shape: tuple[int, ...], alpha: Array, beta: Array) -> Array:
    key_a, key_b = jax.random.split(key)
    log_a = jax.random.loggamma(key_a, jnp.broadcast_to(alpha, shape), shape, alpha.dtype)
    log_b = jax.random.loggamma(key_b, jnp.broadcast_to(beta, shape), shape, beta.dtype)
    info = np.finfo(alpha.dtype)
    return jnp.clip(jax.nn.sigmoid(log_a - log_b), info.tiny, 1.0 - info.epsneg)


def beta_log_tails(value: Array, alpha: Array, beta: Array) -> tuple[Array, Array]:
    x = jnp.clip(value, 0.0, 1.0)
    return log_beta_tails(positive(alpha)[0], positive(beta)[0], x, 1.0 - x)


# --- Uniform -----------------------------------------------------------------------------------------


def uniform_log_prob(value: Array, lower: Array, upper: Array) -> Array:
    """1 / (upper - lower) on [lower, upper]."""
    width = upper - lower
    safe, penalty = guard((width > 0) & (width < jnp.inf), width)
    return masked((value >= lower) & (value <= upper), penalty - jnp.log(safe))


def uniform_sample(key: Array, shape: tuple[int, ...], lower: Array, upper: Array) -> Array:
    draws = lower + (upper - lower) * jax.random.uniform(key, shape, lower.dtype)
    return jnp.clip(draws, lower, upper)


def _uniform_log_part(part: Array, lower: Array, upper: Array) -> Array:
    width = upper - lower
    safe, penalty = guard((width > 0) & (width < jnp.inf), width)
    some = part > 0
    share = jnp.log(jnp.where(some, part, 1.0)) - (jnp.log(safe) - penalty)
    return jnp.where(some, jnp.minimum(share, 0.0), -jnp.inf)


def uniform_log_cdf(value: Array, lower: Array, upper: Array) -> Array:
    return _uniform_log_part(value - lower, lower, upper)


def uniform_log_sf(value: Array, lower: Array, upper: Array) -> Array:
    return _uniform_log_part(upper - value, lower, upper)


def uniform_quantile(log_below: Array, log_above: Array, lower: Array, upper: Array) -> Array:
    width = upper - lower
    return jnp.where(log_below < log_above, lower + width * jnp.exp(log_below), upper - width * jnp.exp(log_above))


# --- VonMises ----------------------------------------------------------------------------------------


def von_mises_log_prob(value: Array, location: Array, concentration: Array) -> Array:
    """exp(concentration cos(x - location)) / (2 pi I0(concentration)) on [-pi, pi]."""
    inside = (value >= -math.pi) & (value <= math.pi)
    kappa, penalty = positive(concentration)
    half = jnp.sin(0.5 * (jnp.where(inside, value, 0.0) - location))
    constant = penalty - math.log(2.0 * math.pi) - jnp.log(i0e(kappa))
    return masked(inside, constant - (2.0 * kappa) * (half * half))


def von_mises_sample(key: Array, shape: tuple[int, ...], location: Array, concentration: Array) -> Array:
    """Best and Fisher (1979): rejection from a wrapped Cauchy distribution."""
    kappa = jnp.broadcast_to(concentration, shape)
    tau = 1.0 + jnp.sqrt(1.0 + 4.0 * kappa * kappa)
    # (1 + rho^2) / (2 rho) with rho = (tau - sqrt(2 tau)) / (2 kappa), written so that a small kappa does not cancel
    rho = 2.0 * kappa / (tau + jnp.sqrt(2.0 * tau))
    rho = jnp.maximum(rho, np.finfo(kappa.dtype).eps)
    peak = (1.0 + rho * rho) / (2.0 * rho)

    def waiting(state: tuple[Array, Array, Array]) -> Array:
        return ~jnp.all(state[2])

    def propose(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        key, cosine, done = state
        key, first, second = jax.random.split(key, 3)
        z = jnp.cos(math.pi * jax.random.uniform(first, shape, kappa.dtype))
        proposal = (1.0 + peak * z) / (peak + z)
        c = kappa * (peak - proposal)
        accept = jnp.log(c) + 1.0 - c >= jnp.log(jax.random.uniform(second, shape, kappa.dtype))
        return key, jnp.where(done, cosine, proposal), done | accept | ~(c > 0)

    loop_key, sign_key = jax.random.split(key)
    start = (loop_key, jnp.ones(shape, kappa.dtype), jnp.zeros(shape, bool))
    cosine = lax.while_loop(waiting, propose, start)[1]
    angle = jnp.arccos(jnp.clip(cosine, -1.0, 1.0))
    turned = location + jnp.where(jax.random.bernoulli(sign_key, 0.5, shape), angle, -angle)
    return jnp.clip(turned - 2.0 * math.pi * jnp.round(turned / (2.0 * math.pi)), -math.pi, math.pi)


LAWS: Mapping[str, Law] = {
    "Beta": with_tails(beta_log_prob, beta_sample, beta_log_tails),
    "Uniform": Law(uniform_log_prob, uniform_sample, uniform_log_cdf, uniform_log_sf, quantile=uniform_quantile),
    "VonMises": Law(von_mises_log_prob, von_mises_sample),
}
