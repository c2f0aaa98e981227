"""What the compiler knows of one distribution, and how densities stay free of NaN.

A parameter outside its domain gives log p = -inf, and so does a value outside the support. In both cases the formula is
evaluated at a harmless point instead and a `-inf` that no derivative passes through is put in its place, so neither
values nor gradients are NaN. Parameter checks act on the parameter before it meets the values: a scalar scale costs
one comparison however many values there are.

The functions of the laws, in the modules beside this one, are the fields of `Law`. Their docstrings give the density in
the parameters of the catalogue, and the shapes where value or parameters are not single numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array


@dataclass(frozen=True)
class Law:
    """log_prob(value, **parameters): elementwise over the batch; sample(key, shape, **parameters): shape is the whole
    output with its event; log_cdf and log_sf: log P(X <= x) and log P(X > x), where truncation needs them; log_tails:
    both at once, where one iteration gives both; quantile(log_below, log_above, **parameters): the point with these two
    tails, of which the smaller one is to be trusted, where that has a closed form."""

    log_prob: Callable[..., Array]
    sample: Callable[..., Array]
    log_cdf: Callable[..., Array] | None = None
    log_sf: Callable[..., Array] | None = None
    log_tails: Callable[..., tuple[Array, Array]] | None = None
    quantile: Callable[..., Array] | None = None


def with_tails(
    log_prob: Callable[..., Array], sample: Callable[..., Array], log_tails: Callable[..., tuple[Array, Array]]
) -> Law:
    """A law whose two tails come from one function."""

    def log_cdf(value: Array, **parameters: Array) -> Array:
        return log_tails(value, **parameters)[0]

    def log_sf(value: Array, **parameters: Array) -> Array:
        return log_tails(value, **parameters)[1]

    return Law(log_prob, sample, log_cdf, log_sf, log_tails)


def guard(inside: Array, parameter: Array, substitute: float = 1.0) -> tuple[Array, Array]:
    """The parameter, with a harmless substitute where it is invalid, and the penalty to add: 0, or -inf there."""
    return jnp.where(inside, parameter, substitute), jnp.where(inside, 0.0, -jnp.inf).astype(parameter.dtype)


def positive(parameter: Array) -> tuple[Array, Array]:
    """Guard for a parameter that must be above 0 and finite, far enough from both ends that 1 / parameter is too."""
    info = np.finfo(parameter.dtype)
    return guard((parameter >= info.tiny) & (parameter <= info.max), parameter)


def finite_positive(value: Array) -> Array:
    """Where a value is above 0 and below infinity."""
    return (value > 0) & (value < jnp.inf)


def masked(inside: Array, log_prob: Array) -> Array:
    """log_prob inside the support, -inf outside."""
    return jnp.where(inside, log_prob, -jnp.inf)


def whole(value: Array) -> Array:
    """Where a value is a whole number not below 0."""
    return (value >= 0) & (value < jnp.inf) & (jnp.floor(value) == value)
