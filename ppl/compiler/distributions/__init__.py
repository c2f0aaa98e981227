"""The densities and samplers of the catalogue, in JAX.

`log_prob`, `sample` and the tails take a distribution by its name and its parameters by theirs; `filled` gives all of
them at once, for combinators. A parameter of event rank r has shape (batch..., r dims); batches broadcast, aligned here
from the right, so that callers need not add leading dims. Everything is computed in the widest floating type among the
arguments.
A value outside the support and a parameter outside its domain both give -inf, never NaN, in values or gradients.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from ppl.catalogue.distributions import DISTRIBUTIONS, DistributionSpec
from ppl.compiler.distributions import bounded, categories, counts, multivariate, positive, real
from ppl.compiler.distributions.law import Law

T = TypeVar("T")

LAWS: Mapping[str, Law] = {
    **real.LAWS,
    **positive.LAWS,
    **bounded.LAWS,
    **multivariate.LAWS,
    **counts.LAWS,
    **categories.LAWS,
}


def log_prob(name: str, value: ArrayLike, params: Mapping[str, ArrayLike]) -> Array:
    """(batch..., event...) -> (batch...): log density of each event, normalised."""
    spec = DISTRIBUTIONS[name]
    value, arrays = _aligned(spec, value, params)
    return LAWS[name].log_prob(value, **arrays)


def sample(name: str, key: Array, params: Mapping[str, ArrayLike], shape: tuple[int, ...]) -> Array:
    """Draws of the whole output shape (batch..., event...): floating for continuous distributions, else integers."""
    spec = DISTRIBUTIONS[name]
    return LAWS[name].sample(key, shape, **_for_shape(spec, params, shape))


def log_cdf(name: str, value: ArrayLike, params: Mapping[str, ArrayLike]) -> Array:
    """log P(X <= value), elementwise, for the distributions that can be truncated."""
    law = _with_tails(name)
    value, arrays = _aligned(DISTRIBUTIONS[name], value, params)
    assert law.log_cdf is not None
    return law.log_cdf(value, **arrays)


def log_sf(name: str, value: ArrayLike, params: Mapping[str, ArrayLike]) -> Array:
    """log P(X > value), elementwise, for the distributions that can be truncated."""
    law = _with_tails(name)
    value, arrays = _aligned(DISTRIBUTIONS[name], value, params)
    assert law.log_sf is not None
    return law.log_sf(value, **arrays)


def filled(name: str, params: Mapping[str, ArrayLike]) -> Law:
    """The law at these parameters: its functions take values, keys and shapes alone."""
    law, spec = LAWS[name], DISTRIBUTIONS[name]
    arrays = {key: array for key, (array, _) in _floating(spec, params, _widest(params.values())).items()}

    def tail(function: Callable[[str, ArrayLike, Mapping[str, ArrayLike]], Array]) -> Callable[[Array], Array] | None:
        return None if law.log_cdf is None else lambda value: function(name, value, params)

    def at_once(function: Callable[..., T] | None) -> Callable[..., T] | None:
        return None if function is None else functools.partial(function, **arrays)

    return Law(
        lambda value: log_prob(name, value, params),
        lambda key, shape: sample(name, key, params, shape),
        tail(log_cdf),
        tail(log_sf),
        at_once(law.log_tails),
        at_once(law.quantile),
    )


# --- arguments ---------------------------------------------------------------------------------------


def _with_tails(name: str) -> Law:
    law = LAWS[name]
    if law.log_cdf is None or law.log_sf is None:
        raise ValueError(f"{name} cannot be truncated")
    return law


def _strong_dtype(x: ArrayLike) -> jnp.dtype | None:
    """The dtype of an array of floating numbers; None for other arrays, and for numbers, which adapt."""
    dtype = getattr(x, "dtype", None)
    if dtype is None or getattr(x, "weak_type", False) or not jnp.issubdtype(dtype, jnp.floating):
        return None
    strong: jnp.dtype = jnp.dtype(dtype)
    return strong


def _widest(arguments: Iterable[ArrayLike]) -> jnp.dtype:
    """The widest floating type among the arguments, or the default one."""
    found = [dtype for dtype in map(_strong_dtype, arguments) if dtype is not None]
    return max(found, key=lambda d: d.itemsize, default=jnp.dtype(jnp.result_type(float)))


def _floating(spec: DistributionSpec, given: Mapping[str, ArrayLike], dtype: jnp.dtype) -> dict[str, tuple[Array, int]]:
    """Each argument as a floating array of its rank at least, with that rank."""
    ranks = {p.name: p.rank for p in spec.parameters}
    found = {}
    for name, x in given.items():
        array, rank = jnp.asarray(x).astype(dtype), ranks[name]
        found[name] = (array.reshape((1,) * rank) if array.ndim < rank else array, rank)
    return found


def _lead(x: Array, rank: int, batch: int) -> Array:
    """Leading dims of size 1 up to the rank of the batch."""
    missing = batch - (x.ndim - rank)
    return lax.expand_dims(x, range(missing)) if missing > 0 else x


def _aligned(
    spec: DistributionSpec,
    value: ArrayLike,
    params: Mapping[str, ArrayLike],
) -> tuple[Array, dict[str, Array]]:
    """Value and parameters as floating arrays (positions of categories stay integers) whose batches broadcast by rank.

    Scalars of elementwise distributions stay scalars: what is computed from them alone is computed once.
    """
    dtype = _widest([value, *params.values()])
    arrays = _floating(spec, params, dtype)
    x = jnp.asarray(value)
    if spec.support != "categorical" or x.dtype == bool:
        x = x.astype(dtype)
    batch = max([x.ndim - spec.event_rank, *(a.ndim - rank for a, rank in arrays.values())])
    keep = spec.event_rank == 0
    led = {k: a if keep and a.ndim == 0 else _lead(a, rank, batch) for k, (a, rank) in arrays.items()}
    return (x if keep and x.ndim == 0 else _lead(x, spec.event_rank, batch)), led


def _for_shape(
    spec: DistributionSpec,
    params: Mapping[str, ArrayLike],
    shape: tuple[int, ...],
) -> dict[str, Array]:
    """Parameters as floating arrays whose batches broadcast to that of the output shape."""
    batch = len(shape) - spec.event_rank
    arrays = _floating(spec, params, _widest(params.values()))
    return {k: _lead(a, rank, batch) for k, (a, rank) in arrays.items()}
