"""Distributions over the positions of a finite dim, and counts of them. Positions come as integers or as floating
numbers that are whole."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array, lax

from ppl.compiler.distributions.law import Law, guard, masked, whole
from ppl.compiler.distributions.special import log1mexp


def _position(value: Array, size: int) -> tuple[Array, Array]:
    """Where a value is a position of a dim of this size, and the position (0 elsewhere)."""
    inside = (value >= 0) & (value < size)
    if jnp.issubdtype(value.dtype, jnp.floating):
        inside = inside & (jnp.floor(value) == value)
    return inside, jnp.where(inside, value, 0).astype(jnp.int32)


def _pick(table: Array, position: Array) -> Array:
    """table[..., position], elementwise over the batch: one gather."""
    if table.ndim == 1 or all(n == 1 for n in table.shape[:-1]):
        return table.reshape(-1)[position]
    batch = jnp.broadcast_shapes(table.shape[:-1], position.shape)
    table = jnp.broadcast_to(table, (*batch, table.shape[-1]))
    position = jnp.broadcast_to(position, batch)
    picked: Array = jnp.take_along_axis(table, position[..., None], -1)[..., 0]
    return picked


def categorical_log_prob(value: Array, probabilities: Array) -> Array:
    """(batch...), (batch..., K) -> (batch...): the log of the probability at that position; they are to sum to 1."""
    inside, position = _position(value, probabilities.shape[-1])
    p, penalty = guard((probabilities > 0) & (probabilities <= 1), probabilities)
    return masked(inside, _pick(jnp.log(p) + penalty, position))


def categorical_sample(key: Array, shape: tuple[int, ...], probabilities: Array) -> Array:
    return categorical_logit_sample(key, shape, jnp.log(probabilities))


def categorical_logit_log_prob(value: Array, logits: Array) -> Array:
    """(batch...), (batch..., K) -> (batch...): log softmax(logits) at that position."""
    inside, position = _position(value, logits.shape[-1])
    return masked(inside, _pick(jax.nn.log_softmax(logits, -1), position))


def categorical_logit_sample(key: Array, shape: tuple[int, ...], logits: Array) -> Array:
    logits = jnp.broadcast_to(logits, (*shape, logits.shape[-1]))
    return jax.random.categorical(key, logits, -1).astype(jnp.result_type(int))


def ordered_logistic_log_prob(value: Array, predictor: Array, cutpoints: Array) -> Array:
    """F(a) - F(b) = F(a) F(-b) (1 - exp(b - a)) for the logistic F: a product, so nothing cancels."""
    size = cutpoints.shape[-1]
    inside, position = _position(value, size + 1)
    widths = cutpoints[..., 1:] - cutpoints[..., :-1]
    increasing = jnp.all(widths > 0, -1)
    edge = jnp.zeros((*cutpoints.shape[:-1], 1), cutpoints.dtype)
    between = jnp.concatenate([edge, log1mexp(-widths), edge], -1)
    not_last, not_first = position < size, position > 0
    above = jnp.where(not_last, _pick(cutpoints, jnp.minimum(position, size - 1)) - predictor, 0.0)
    below = jnp.where(not_first, predictor - _pick(cutpoints, jnp.maximum(position - 1, 0)), 0.0)
    log_p = jnp.where(not_last, jax.nn.log_sigmoid(above), 0.0) + jnp.where(not_first, jax.nn.log_sigmoid(below), 0.0)
    return masked(inside & increasing, log_p + _pick(between, position))


def ordered_logistic_sample(key: Array, shape: tuple[int, ...], predictor: Array, cutpoints: Array) -> Array:
    hidden = predictor + jax.random.logistic(key, shape, predictor.dtype)
    return jnp.sum(hidden[..., None] > cutpoints, -1).astype(jnp.result_type(int))


def multinomial_log_prob(value: Array, trials: Array, probabilities: Array) -> Array:
    """(batch..., K) counts -> (batch...): n! prod p_k^x_k / x_k!, where the counts sum to `trials`."""
    inside = jnp.all(whole(value), -1) & (jnp.sum(value, -1) == trials)
    x = jnp.where(whole(value), value, 0.0)
    valid = (probabilities >= 0) & (probabilities <= 1)
    p, penalty = guard(valid, probabilities)
    log_p = jnp.log(jnp.where(p > 0, p, 1.0))
    pole = jnp.where((p == 0) & (x > 0), -jnp.inf, 0.0)
    n = jnp.where(whole(trials), trials, 0.0)
    terms = x * log_p - lax.lgamma(x + 1.0) + penalty + pole
    return masked(inside, lax.lgamma(n + 1.0) + jnp.sum(terms, -1))


def multinomial_sample(key: Array, shape: tuple[int, ...], trials: Array, probabilities: Array) -> Array:
    p = jnp.broadcast_to(probabilities, shape)
    n = jnp.broadcast_to(trials, shape[:-1])
    # JAX has meant different things by a `shape` here; these two say all.
    draws: Array = jax.random.multinomial(key, n, p, dtype=p.dtype)
    return draws.astype(jnp.result_type(int))


LAWS: Mapping[str, Law] = {
    "Categorical": Law(categorical_log_prob, categorical_sample),
    "CategoricalLogit": Law(categorical_logit_log_prob, categorical_logit_sample),
    "OrderedLogistic": Law(ordered_logistic_log_prob, ordered_logistic_sample),
    "Multinomial": Law(multinomial_log_prob, multinomial_sample),
}
