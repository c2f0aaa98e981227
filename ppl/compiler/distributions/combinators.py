"""Laws made from other laws: truncated, in order, mixtures, censored values, more zeros, sums of zero.

The laws here have their parameters filled in: `log_prob(value)`, `sample(key, shape)`, `log_cdf(value)`,
`log_sf(value)`. Shapes are (batch..., event...), as in the catalogue. A component whose density is 0 adds nothing, to
the value or to its gradient; where all are 0, log p is -inf, and no gradient is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from ppl.compiler.distributions import truncation
from ppl.compiler.distributions.law import Law, guard, masked
from ppl.compiler.distributions.real import HALF_LOG_2PI
from ppl.compiler.distributions.truncation import below


def log_sum(terms: Array, axis: int) -> Array:
    """log sum exp along an axis, of terms that may be -inf: those send no gradient, and all of them give -inf."""
    top = lax.stop_gradient(jnp.max(terms, axis, keepdims=True))
    finite = jnp.isfinite(top)
    shifted = jnp.where(finite, terms - jnp.where(finite, top, 0.0), 0.0)
    total = jnp.sum(jnp.exp(shifted), axis, keepdims=True)
    logs = jnp.where(finite, top + jnp.log(jnp.where(finite, total, 1.0)), top)
    return jnp.squeeze(logs, axis)


def _log_share(share: Array) -> Array:
    """log of a weight or probability: -inf at 0, and NaN nowhere; outside [0, 1] it is -inf too."""
    possible = (share > 0) & (share <= 1)
    safe, penalty = guard(possible, share)
    return jnp.log(safe) + penalty


def _log_rest(share: Array) -> Array:
    """log(1 - share), in the same way."""
    possible = (share >= 0) & (share < 1)
    safe, penalty = guard(possible, share, 0.5)
    return jnp.log1p(-safe) + penalty


# --- truncated and in order ---------------------------------------------------------------------------


def truncated(law: Law, lower: ArrayLike | None, upper: ArrayLike | None, discrete: bool) -> Law:
    """p(x) / P(lower <= X <= upper) from `lower` to `upper`. Gradients reach the bounds."""
    low, high = (None if b is None else jnp.asarray(b) for b in (lower, upper))
    start = None if low is None else below(low, discrete)

    def log_prob(value: Array) -> Array:
        return truncation.log_prob(law, value, {}, low, high, discrete)

    def sample(key: Array, shape: tuple[int, ...]) -> Array:
        return truncation.sample(law, key, shape, {}, low, high, discrete, jnp.dtype(jnp.result_type(float)))

    def log_cdf(value: Array) -> Array:
        return truncation.log_tail(law, start, high, value, above=False)

    def log_sf(value: Array) -> Array:
        return truncation.log_tail(law, start, high, value, above=True)

    return Law(log_prob, sample, log_cdf, log_sf)


def ordered(law: Law) -> Law:
    """Independent and identical elements along the last dim, given that they increase: the sum of their log densities
    plus log K!, or -inf unless increasing. The parameters of the law do not vary along that dim."""

    def log_prob(value: Array) -> Array:
        increasing = jnp.all(value[..., 1:] > value[..., :-1], -1)
        elements = law.log_prob(value)
        total = jnp.sum(elements, -1) + lax.lgamma(jnp.asarray(value.shape[-1] + 1.0, elements.dtype))
        return masked(increasing, total)

    return Law(log_prob, lambda key, shape: jnp.sort(law.sample(key, shape), -1))


# --- mixtures ----------------------------------------------------------------------------------------


def shares_of_two(weight: Array) -> Array:
    """(batch...) -> (batch..., 2): the weights of two components, of which the first one is given."""
    return jnp.stack([weight, 1.0 - weight], -1)


def mixture(weights: Array, laws: Sequence[Law], event_rank: int) -> Law:
    """p(x) = sum_k w_k p_k(x). weights: (batch..., K), or (K,)."""
    logs = _log_share(weights)

    def combined(parts: Sequence[Array]) -> Array:
        each = [logs[..., k] + part for k, part in enumerate(parts)]
        return log_sum(jnp.stack(jnp.broadcast_arrays(*each), -1), -1)

    def sample(key: Array, shape: tuple[int, ...]) -> Array:
        batch = shape[: len(shape) - event_rank]
        keys = jax.random.split(key, len(laws) + 1)
        chosen = _chosen(keys[0], logs, batch).reshape(batch + (1,) * event_rank)
        draws = laws[0].sample(keys[1], shape)
        for k in range(1, len(laws)):
            draws = jnp.where(chosen == k, laws[k].sample(keys[k + 1], shape), draws)
        return draws

    def log_cdf(value: Array) -> Array:
        return combined([_tail(law.log_cdf)(value) for law in laws])

    def log_sf(value: Array) -> Array:
        return combined([_tail(law.log_sf)(value) for law in laws])

    return Law(lambda value: combined([law.log_prob(value) for law in laws]), sample, log_cdf, log_sf)


def _chosen(key: Array, logs: Array, batch: tuple[int, ...]) -> Array:
    """(batch...): a component for each element."""
    return jax.random.categorical(key, jnp.broadcast_to(logs, (*batch, logs.shape[-1])), -1)


def _tail(tail: Callable[..., Array] | None) -> Callable[..., Array]:
    assert tail is not None  # the checker lets no other distribution in
    return tail


def family(weights: Array, law: Law, axis: int, event_rank: int) -> Law:
    """A mixture whose components lie along a dim of the batch: p(x) = sum_k w_k p(x)[k].

    weights: (batch..., K) with a batch of size 1 at `axis`; law: of which the batch has size K there, or 1 if nothing
    depends on the component. Values and results have size 1 there.
    """
    logs = jnp.squeeze(jnp.moveaxis(_log_share(weights), -1, axis), axis + 1)
    count = weights.shape[-1]

    def combined(part: Array) -> Array:
        return jnp.expand_dims(log_sum(logs + part, axis), axis)

    def sample(key: Array, shape: tuple[int, ...]) -> Array:
        batch = shape[: len(shape) - event_rank]
        choice, draws = jax.random.split(key)
        chosen = _chosen(choice, _log_share(weights), batch).reshape(batch + (1,) * event_rank)
        each = law.sample(draws, (*shape[:axis], count, *shape[axis + 1 :]))
        found: Array = jnp.take_along_axis(each, jnp.broadcast_to(chosen, shape), axis)
        return found

    def log_cdf(value: Array) -> Array:
        return combined(_tail(law.log_cdf)(value))

    def log_sf(value: Array) -> Array:
        return combined(_tail(law.log_sf)(value))

    return Law(lambda value: combined(law.log_prob(value)), sample, log_cdf, log_sf)


# --- zeros -------------------------------------------------------------------------------------------


def zero_inflated(probability: Array, law: Law, discrete: bool) -> Law:
    """0 with a probability, else a draw from the law: for counts (Lambert 1992), and for continuous laws the two parts
    of a hurdle (Cragg 1971), whose density at 0 is that probability."""
    log_zero, log_other = _log_share(probability), _log_rest(probability)

    def with_zero(log_rest: Array) -> Array:
        zero = jnp.broadcast_to(log_zero, jnp.broadcast_shapes(jnp.shape(log_zero), log_rest.shape))
        return log_sum(jnp.stack(jnp.broadcast_arrays(zero, log_other + log_rest), -1), -1)

    def log_prob(value: Array) -> Array:
        other = log_other + law.log_prob(value)
        at_zero = with_zero(law.log_prob(value)) if discrete else log_zero
        return jnp.where(value == 0, at_zero, other)

    def sample(key: Array, shape: tuple[int, ...]) -> Array:
        zeros, draws = jax.random.split(key)
        drawn = law.sample(draws, shape)
        return jnp.where(jax.random.bernoulli(zeros, probability, shape), jnp.zeros_like(drawn), drawn)

    def log_cdf(value: Array) -> Array:
        tail = _tail(law.log_cdf)(value)
        return jnp.where(value >= 0, with_zero(tail), log_other + tail)

    def log_sf(value: Array) -> Array:
        tail = _tail(law.log_sf)(value)
        return jnp.where(value >= 0, log_other + tail, with_zero(tail))

    return Law(log_prob, sample, log_cdf, log_sf)


# --- censoring ---------------------------------------------------------------------------------------


def censored(law: Law, lower: ArrayLike | None, upper: ArrayLike | None, discrete: bool) -> Law:
    """A value at a bound stands for all values beyond it: P(X <= lower), P(X >= upper); between them, p(x)."""
    log_cdf, log_sf = _tail(law.log_cdf), _tail(law.log_sf)

    def log_prob(value: Array) -> Array:
        found = law.log_prob(value)
        if upper is not None:
            at_upper = log_sf(below(jnp.asarray(upper), discrete))
            found = jnp.where(value == upper, at_upper, masked(value < upper, found))
        if lower is not None:
            at_lower = log_cdf(jnp.asarray(lower))
            found = jnp.where(value == lower, at_lower, masked(value > lower, found))
        return found

    def sample(key: Array, shape: tuple[int, ...]) -> Array:
        draws = law.sample(key, shape)
        clipped = draws if lower is None else jnp.maximum(draws, jnp.asarray(lower).astype(draws.dtype))
        return clipped if upper is None else jnp.minimum(clipped, jnp.asarray(upper).astype(draws.dtype))

    return Law(log_prob, sample)


# --- sums of zero ------------------------------------------------------------------------------------


def zero_sum(law: Law, scale: Array, rank: int) -> Law:
    """Independent Normal(0, scale) elements, given that they sum to zero along each of the last `rank` dims.

    law: of the elements; scale: of the rank of the value, or a number; equal along the event. The density is over an
    orthonormal basis of the subspace, of dimension d = (n - 1)(m - 1)...: prod p(x_k) (scale sqrt(2 pi))^(n m ... - d),
    the isotropic normal on it. (PyMC's ZeroSumNormal, and a normal prior on Stan's sum_to_zero_vector.)
    """
    event = tuple(range(-rank, 0))

    def log_prob(value: Array) -> Array:
        sizes = value.shape[value.ndim - rank :]
        lost = math.prod(sizes) - math.prod(n - 1 for n in sizes)
        one = jnp.asarray(scale)
        one = one if one.ndim == 0 else one[(..., *(0,) * rank)]
        safe, penalty = guard(one > 0, one)
        log_scale = jnp.log(safe) + penalty + HALF_LOG_2PI
        tolerance = 10.0 * math.sqrt(float(np.finfo(value.dtype).eps))
        inside = jnp.ones(value.shape[: value.ndim - rank], bool)
        for axis in event:
            sums, sizes_ = jnp.abs(jnp.sum(value, axis)), jnp.sum(jnp.abs(value), axis)
            near = sums <= tolerance * sizes_
            inside = inside & jnp.all(near, tuple(range(-(rank - 1), 0)))
        return masked(inside, jnp.sum(law.log_prob(value), event) + lost * log_scale)

    def sample(key: Array, shape: tuple[int, ...]) -> Array:
        draws = law.sample(key, shape)
        for axis in event:
            draws = draws - jnp.mean(draws, axis, keepdims=True)
        return draws

    return Law(log_prob, sample)
