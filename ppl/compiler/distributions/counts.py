"""Distributions over whole numbers and truth values. Values come as floating numbers; what is not whole has -inf."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array, lax

from ppl.compiler.distributions.law import Law, guard, masked, positive, whole, with_tails
from ppl.compiler.distributions.special import (
    log1mexp,
    log_beta_tails,
    log_choose,
    log_gamma_ratio,
    log_gamma_tails,
    log_hazard,
    softplus,
)


def _integers(draws: Array) -> Array:
    return draws.astype(jnp.result_type(int))


def _probability(p: Array) -> tuple[Array, Array, Array]:
    """log p, log(1 - p), and the penalty for a p outside [0, 1]. Both logs are 0 at their pole, which `_pole` adds."""
    p, penalty = guard((p >= 0) & (p <= 1), p, 0.5)
    return jnp.log(jnp.where(p > 0, p, 1.0)), jnp.log1p(-jnp.where(p < 1, p, 0.0)), penalty


def _pole(p: Array, at: float) -> Array:
    """-inf where p is exactly `at`, else 0: the logarithm that `_probability` leaves out."""
    return jnp.where(p == at, -jnp.inf, 0.0).astype(p.dtype)


def _where_some(count: Array, log_probability: Array) -> Array:
    """0 where the count is 0: 0 log 0 = 0."""
    return jnp.where(count > 0, log_probability, 0.0)


# --- Bernoulli ---------------------------------------------------------------------------------------


def bernoulli_log_prob(value: Array, probability: Array) -> Array:
    """p at 1, 1 - p at 0."""
    log_p, log_q, penalty = _probability(probability)
    yes, no = log_p + _pole(probability, 0.0) + penalty, log_q + _pole(probability, 1.0) + penalty
    return masked((value == 0) | (value == 1), jnp.where(value == 1, yes, no))


def bernoulli_sample(key: Array, shape: tuple[int, ...], probability: Array) -> Array:
    return _integers(jax.random.bernoulli(key, jnp.broadcast_to(probability, shape), shape))


def bernoulli_logit_log_prob(value: Array, logit: Array) -> Array:
    """As Bernoulli, with log(p / (1 - p)) given."""
    against = jnp.where(value == 1, -logit, logit)
    return masked((value == 0) | (value == 1), -softplus(against))


def bernoulli_logit_sample(key: Array, shape: tuple[int, ...], logit: Array) -> Array:
    return _integers(jax.random.logistic(key, shape, logit.dtype) < logit)


# --- Binomial ----------------------------------------------------------------------------------------


def _successes(value: Array, trials: Array) -> tuple[Array, Array, Array]:
    """Where value successes in `trials` are possible, and both counts with harmless ones elsewhere."""
    inside = whole(value) & whole(trials) & (value <= trials)
    return inside, jnp.where(inside, value, 0.0), jnp.where(inside, trials, 1.0)


def binomial_log_prob(value: Array, trials: Array, probability: Array) -> Array:
    """C(n, k) p^k (1 - p)^(n - k) on 0..n."""
    inside, x, n = _successes(value, trials)
    log_p, log_q, penalty = _probability(probability)
    poles = _where_some(x, _pole(probability, 0.0)) + _where_some(n - x, _pole(probability, 1.0))
    return masked(inside, log_choose(n, x) + x * log_p + (n - x) * log_q + penalty + poles)


def _binomial_draws(key: Array, shape: tuple[int, ...], trials: Array, probability: Array) -> Array:
    n, p = jnp.broadcast_to(trials, shape), jnp.broadcast_to(probability, shape)
    return jax.random.binomial(key, n, p, shape, probability.dtype)


def binomial_sample(key: Array, shape: tuple[int, ...], trials: Array, probability: Array) -> Array:
    return _integers(_binomial_draws(key, shape, trials, probability))


def _binomial_tails(value: Array, trials: Array, p: Array, q: Array) -> tuple[Array, Array]:
    """log P(X <= k) = log I_q(n - k, k + 1), and log P(X > k)."""
    k = jnp.floor(value)
    inside = (k >= 0) & (k < trials)
    safe = jnp.where(inside, k, 0.0)
    rest = jnp.where(inside, trials - k, 1.0)
    cdf, sf = log_beta_tails(rest, safe + 1.0, q, p)
    return (
        jnp.where(inside, cdf, jnp.where(k < 0, -jnp.inf, 0.0)),
        jnp.where(inside, sf, jnp.where(k < 0, 0.0, -jnp.inf)),
    )


def binomial_log_tails(value: Array, trials: Array, probability: Array) -> tuple[Array, Array]:
    return _binomial_tails(value, trials, probability, 1.0 - probability)


def binomial_logit_log_prob(value: Array, trials: Array, logit: Array) -> Array:
    """As Binomial, with log(p / (1 - p)) given."""
    inside, x, n = _successes(value, trials)
    distance = jnp.abs(logit)
    both = jnp.log1p(jnp.exp(-distance))
    log_p, log_q = 0.5 * (logit - distance) - both, -0.5 * (logit + distance) - both
    return masked(inside, log_choose(n, x) + x * log_p + (n - x) * log_q)


def binomial_logit_sample(key: Array, shape: tuple[int, ...], trials: Array, logit: Array) -> Array:
    return binomial_sample(key, shape, trials, jax.nn.sigmoid(logit))


def binomial_logit_log_tails(value: Array, trials: Array, logit: Array) -> tuple[Array, Array]:
    return _binomial_tails(value, trials, jax.nn.sigmoid(logit), jax.nn.sigmoid(-logit))


def beta_binomial_log_prob(value: Array, trials: Array, alpha: Array, beta: Array) -> Array:
    """C(n, k) B(k + alpha, n - k + beta) / B(alpha, beta) on 0..n."""
    inside, x, n = _successes(value, trials)
    a, a_penalty = positive(alpha)
    b, b_penalty = positive(beta)
    ratio = log_gamma_ratio(a, x) + log_gamma_ratio(b, n - x) - log_gamma_ratio(a + b, n)
    return masked(inside, log_choose(n, x) + ratio + (a_penalty + b_penalty))


def beta_binomial_sample(key: Array, shape: tuple[int, ...], trials: Array, alpha: Array, beta: Array) -> Array:
    key_p, key_x = jax.random.split(key)
    return binomial_sample(key_x, shape, trials, jax.random.beta(key_p, alpha, beta, shape, alpha.dtype))


# --- Poisson -----------------------------------------------------------------------------------------


def _count(value: Array) -> tuple[Array, Array]:
    inside = whole(value)
    return inside, jnp.where(inside, value, 0.0)


def poisson_log_prob(value: Array, rate: Array) -> Array:
    """rate^k exp(-rate) / k! on 0, 1, ...; at rate 0 all mass is at 0."""
    inside, x = _count(value)
    safe, penalty = guard((rate >= 0) & (rate < jnp.inf), rate)
    log_rate = jnp.log(jnp.where(safe > 0, safe, 1.0))
    poles = _where_some(x, _pole(safe, 0.0))
    return masked(inside, x * log_rate + (penalty - safe) - lax.lgamma(x + 1.0) + poles)


def poisson_sample(key: Array, shape: tuple[int, ...], rate: Array) -> Array:
    return _integers(jax.random.poisson(key, rate, shape))


def poisson_log_tails(value: Array, rate: Array) -> tuple[Array, Array]:
    k = jnp.floor(value)
    inside = k >= 0
    sf, cdf = log_gamma_tails(jnp.where(inside, k, 0.0) + 1.0, rate)
    return jnp.where(inside, cdf, -jnp.inf), jnp.where(inside, sf, 0.0)


def poisson_log_log_prob(value: Array, log_rate: Array) -> Array:
    """As Poisson, with log(rate) given."""
    inside, x = _count(value)
    return masked(inside, x * log_rate - jnp.exp(log_rate) - lax.lgamma(x + 1.0))


def poisson_log_sample(key: Array, shape: tuple[int, ...], log_rate: Array) -> Array:
    return poisson_sample(key, shape, jnp.exp(log_rate))


def poisson_log_log_tails(value: Array, log_rate: Array) -> tuple[Array, Array]:
    return poisson_log_tails(value, jnp.exp(log_rate))


def zero_inflated_poisson_log_prob(value: Array, gate: Array, rate: Array) -> Array:
    """0 with probability `gate`, else Poisson."""
    open_gate, gate_penalty = guard((gate >= 0) & (gate <= 1), gate, 0.5)
    safe, rate_penalty = guard((rate >= 0) & (rate < jnp.inf), rate)
    log_rest = jnp.log1p(-jnp.where(open_gate < 1, open_gate, 0.0))
    direct = open_gate + (1.0 - open_gate) * jnp.exp(-safe)
    underflows = direct < 1e-290
    zero = jnp.where(underflows, log_rest - safe, jnp.log(jnp.where(underflows, 1.0, direct)))
    some = log_rest + _pole(open_gate, 1.0) + poisson_log_prob(value, safe)
    return jnp.where(value == 0, zero, some) + (gate_penalty + rate_penalty)


def zero_inflated_poisson_sample(key: Array, shape: tuple[int, ...], gate: Array, rate: Array) -> Array:
    key_gate, key_count = jax.random.split(key)
    closed = jax.random.bernoulli(key_gate, jnp.broadcast_to(gate, shape), shape)
    return jnp.where(closed, 0, poisson_sample(key_count, shape, rate))


# --- NegativeBinomial2, Geometric --------------------------------------------------------------------


def negative_binomial_log_prob(value: Array, mean: Array, concentration: Array) -> Array:
    """Mean m, variance m + m^2 / concentration, on 0, 1, ..."""
    inside, x = _count(value)
    m, m_penalty = positive(mean)
    r, r_penalty = positive(concentration)
    log_p, log_q = -jnp.log1p(r / m), -jnp.log1p(m / r)
    constant = m_penalty + r_penalty + r * log_q
    return masked(inside, log_gamma_ratio(r, x) - lax.lgamma(x + 1.0) + x * log_p + constant)


def negative_binomial_sample(key: Array, shape: tuple[int, ...], mean: Array, concentration: Array) -> Array:
    key_rate, key_count = jax.random.split(key)
    unit = jax.random.gamma(key_rate, jnp.broadcast_to(concentration, shape), shape, mean.dtype)
    return poisson_sample(key_count, shape, unit * (mean / concentration))


def negative_binomial_log_tails(value: Array, mean: Array, concentration: Array) -> tuple[Array, Array]:
    """log P(X <= k) = log I_q(r, k + 1) with q = r / (m + r), and log P(X > k)."""
    k = jnp.floor(value)
    inside = k >= 0
    m, r = positive(mean)[0], positive(concentration)[0]
    cdf, sf = log_beta_tails(r, jnp.where(inside, k, 0.0) + 1.0, 1.0 / (1.0 + m / r), 1.0 / (1.0 + r / m))
    return jnp.where(inside, cdf, -jnp.inf), jnp.where(inside, sf, 0.0)


def geometric_log_prob(value: Array, probability: Array) -> Array:
    """p (1 - p)^k on 0, 1, ...: the failures before the first success."""
    inside, x = _count(value)
    log_p, log_q, penalty = _probability(probability)
    poles = _pole(probability, 0.0) + _where_some(x, _pole(probability, 1.0))
    return masked(inside, x * log_q + (log_p + penalty) + poles)


def geometric_sample(key: Array, shape: tuple[int, ...], probability: Array) -> Array:
    return _integers(jnp.floor(jax.random.exponential(key, shape, probability.dtype) / -jnp.log1p(-probability)))


def geometric_log_sf(value: Array, probability: Array) -> Array:
    count = jnp.maximum(jnp.floor(value) + 1.0, 0.0)
    return jnp.where(count > 0, count * _probability(probability)[1], 0.0) + _where_some(count, _pole(probability, 1.0))


def geometric_log_cdf(value: Array, probability: Array) -> Array:
    return log1mexp(geometric_log_sf(value, probability))


def geometric_quantile(log_below: Array, log_above: Array, probability: Array) -> Array:
    """Not a whole number yet: the count is the next one."""
    return jnp.exp(log_hazard(log_below, log_above)) / -_probability(probability)[1] - 1.0


LAWS: Mapping[str, Law] = {
    "Bernoulli": Law(bernoulli_log_prob, bernoulli_sample),
    "BernoulliLogit": Law(bernoulli_logit_log_prob, bernoulli_logit_sample),
    "Binomial": with_tails(binomial_log_prob, binomial_sample, binomial_log_tails),
    "BinomialLogit": with_tails(binomial_logit_log_prob, binomial_logit_sample, binomial_logit_log_tails),
    "BetaBinomial": Law(beta_binomial_log_prob, beta_binomial_sample),
    "Poisson": with_tails(poisson_log_prob, poisson_sample, poisson_log_tails),
    "PoissonLog": with_tails(poisson_log_log_prob, poisson_log_sample, poisson_log_log_tails),
    "ZeroInflatedPoisson": Law(zero_inflated_poisson_log_prob, zero_inflated_poisson_sample),
    "NegativeBinomial2": with_tails(negative_binomial_log_prob, negative_binomial_sample, negative_binomial_log_tails),
    "Geometric": Law(
        geometric_log_prob, geometric_sample, geometric_log_cdf, geometric_log_sf, quantile=geometric_quantile
    ),
}
