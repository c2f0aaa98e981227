"""Some elements of Gaussian vectors, given the others.

With x = (k, u), mean (m_k, m_u) and covariance S in blocks, u given k is Gaussian with mean
m_u + S_uk S_kk^-1 (k - m_k) and covariance S_uu - S_uk S_kk^-1 S_ku (Rasmussen and Williams 2006, equation A.6).
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array, lax

from ppl.compiler.density.scoring import aligned_parameters, parameter_expressions
from ppl.compiler.forward.statements import Statement
from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.named import REAL, Named, aligned

CONDITIONED = frozenset({"MvNormal"})


def conditional(
    lowering: Context, statement: Statement, known: npt.NDArray[np.bool_], rows: Named, key: Array
) -> Named:
    """Draws of an `MvNormal` statement, (axes..., batch..., n). Its elements at `known`, (n,) bool, are given in those
    of its vectors for which `rows` holds, (axes..., batch...); nothing is given of the others."""
    distribution = statement.distribution
    assert distribution is not None
    seen = tuple(dict.fromkeys(lowering.seen(axis) for axis in statement.axes))
    parameters = {name: lowering.value(e, REAL) for name, e in parameter_expressions(distribution).items()}
    event = tuple(lowering.program.size(whole) for whole in statement.target.meta.event)
    arrays = aligned_parameters(lowering, distribution, parameters, seen, len(event) - 1)
    shape = (*(lowering.size(axis) for axis in seen), *event)
    old = lowering.value(statement.target, REAL)
    values = jnp.broadcast_to(old.array, shape)
    mean = jnp.broadcast_to(arrays["mean"], shape)
    matrix = covariance(arrays)
    partly = _drawn(jax.random.fold_in(key, 0), values, mean, matrix, known)
    wholly = mean + coloured(jax.random.fold_in(key, 1), matrix, shape)
    given = jnp.broadcast_to(aligned(jnp, rows, seen, len(event) - 1), shape[:-1])
    return Named(jnp.where(given[..., None], partly, wholly), seen)


def covariance(parameters: Mapping[str, Array]) -> Array:
    """(..., n, n), from whichever of `covariance`, `precision` and `cholesky` there is."""
    if "covariance" in parameters:
        return parameters["covariance"]
    if "cholesky" in parameters:
        lower = jnp.tril(parameters["cholesky"])
        return lower @ jnp.swapaxes(lower, -1, -2)
    precision = parameters["precision"]
    eye = jnp.broadcast_to(jnp.eye(precision.shape[-1], dtype=precision.dtype), precision.shape)
    factor = lax.linalg.cholesky(precision)
    half = lax.linalg.triangular_solve(factor, eye, left_side=True, lower=True)
    return jnp.swapaxes(half, -1, -2) @ half


def _drawn(key: Array, values: Array, mean: Array, whole: Array, known: npt.NDArray[np.bool_]) -> Array:
    """(..., n): `values` where known, draws of the others given these."""
    k, u = np.flatnonzero(known), np.flatnonzero(~known)
    across = whole[..., u[:, None], k[None, :]]
    factor = lax.linalg.cholesky(whole[..., k[:, None], k[None, :]])
    half = lax.linalg.triangular_solve(factor, jnp.swapaxes(across, -1, -2), left_side=True, lower=True)
    deviation = (values - mean)[..., k]
    batch = deviation.shape[:-1]
    factors = jnp.broadcast_to(factor, (*batch, *factor.shape[-2:]))
    whitened = lax.linalg.triangular_solve(factors, deviation[..., None], left_side=True, lower=True)
    centre = mean[..., u] + (jnp.swapaxes(half, -1, -2) @ whitened)[..., 0]
    rest = whole[..., u[:, None], u[None, :]] - jnp.swapaxes(half, -1, -2) @ half
    drawn = centre + coloured(key, rest, (*batch, len(u)))
    return jnp.asarray(values).at[..., u].set(drawn)


def coloured(key: Array, covariance: Array, shape: tuple[int, ...]) -> Array:
    """Gaussian noise of this covariance, which may be singular: points of a process that nearly coincide make it so."""
    eigenvalues, vectors = jnp.linalg.eigh(covariance)
    root = vectors * jnp.sqrt(jnp.maximum(eigenvalues, 0.0))[..., None, :]
    noise = jax.random.normal(key, shape, covariance.dtype)
    drawn: Array = (root @ noise[..., None])[..., 0]
    return drawn
