"""A latent with a location m and a scale s, sampled as what is left of it when these are taken away.

centred       the latent itself is the coordinate: no work, and nothing here
non-centred   x = m + s z, and z is the coordinate (Papaspiliopoulos, Roberts & Sköld 2003; Betancourt & Girolami 2015)
between       z = k (u + k s (h - p m)) with k = 1 / sqrt(1 + p s²), and u is the coordinate

Between, p is the precision with which data inform an element and h the precision times where they put it. For normal
data u is then x less its mean given m, s and data, over its standard deviation: independent of m and s a posteriori,
whatever they are (Christensen, Roberts & Sköld 2006; Kleppe 2019). The weight of centring w = p s² / (1 + p s²) is that
of Papaspiliopoulos et al., for each element and each s: where p s² is small x is not centred, where it is large it is.

Of a walk z are the scaled steps, summed or run through a scan. Of a vector x = m + L z with L the Cholesky factor, and
between, z is standardised by its precision given the data, I + L' P L.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ppl.compiler import distributions
from ppl.compiler.density.cholesky import cholesky_above_one, safe_cholesky, solved
from ppl.compiler.density.walks import Ahead, Walk, from_rest, look_ahead, recurrence
from ppl.compiler.distributions.law import positive
from ppl.compiler.lowering.assemble import place
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import REAL, Array, Named, aligned
from ppl.compiler.passes.sites import BETWEEN, LOCATION, Choice, Site
from ppl.errors import CompilerBug
from ppl.graph import Aligned, Axis, Fixed, Read, Term, Whole


@dataclass(frozen=True, eq=False)
class Standardised:
    """The value of a latent; log |dx/du| of all its elements together; and the log-densities of the terms that define
    it, by their identity, which z gives without the latent."""

    value: Array
    log_jacobian: Array
    terms: Mapping[int, Array]


def from_standard(lowering: Lowering, choice: Choice, u: Array) -> Standardised:
    """The latent at its coordinates, of its declared shape; what its location and scale read has values."""
    site = choice.site
    if site.kind == "vector":
        return _vector(lowering, choice, u)
    scale, penalty = positive(_parameter(lowering, site, "scale", u.shape))
    log_scale = jnp.log(scale)
    if site.kind == "walk":
        value, z, log_stretch = _walked(lowering, choice, u, scale)
    else:
        location = _parameter(lowering, site, None, u.shape)
        z, log_stretch = _between(lowering, choice, u, location, scale)
        value = location + scale * z
    log_jacobian = _sum(log_scale, u.shape)
    if log_stretch is not None:
        log_jacobian = log_jacobian + _sum(log_stretch, u.shape)
    totals = {}
    for term in site.terms:
        region = _region(lowering, term, u.shape)
        own = _log_prob(lowering, term, z, u.shape) + _spread(penalty - log_scale, u.shape)
        totals[id(term)] = jnp.sum(own[region])
    if site.log:
        total = jnp.sum(value)
        (term,) = site.terms
        return Standardised(jnp.exp(value), log_jacobian + total, {id(term): totals[id(term)] - total})
    return Standardised(value, log_jacobian, totals)


def to_standard(lowering: Lowering, choice: Choice, value: Array) -> Array:
    """The coordinates of a latent: the inverse of `from_standard`."""
    site = choice.site
    if site.kind == "vector":
        return _unvector(lowering, choice, value)
    scale = _parameter(lowering, site, "scale", value.shape)
    location = _parameter(_with(lowering, site, value), site, None, value.shape)
    z = ((jnp.log(value) if site.log else value) - location) / scale
    if choice.form != BETWEEN:
        return z
    if site.kind == "walk":
        return _unwalked(lowering, choice, value, scale, z)
    stretch, shift = _weights(lowering, choice, location, scale, value.shape)
    return z / stretch - shift


# --- elements ----------------------------------------------------------------------------------------


def _between(lowering: Lowering, choice: Choice, u: Array, location: Array, scale: Array) -> tuple[Array, Array | None]:
    """z, and log dz/du; None where they are the same."""
    if choice.form != BETWEEN:
        return u, None
    stretch, shift = _weights(lowering, choice, location, scale, u.shape)
    return stretch * (u + shift), jnp.log(stretch)


def _weights(
    lowering: Lowering, choice: Choice, location: Array, scale: Array, shape: tuple[int, ...]
) -> tuple[Array, Array]:
    """a and b of z = a (u + b): k and k s (h - p m) for a normal prior, with the spread that a prior of another family
    seems to have where data put the element."""
    precision, pull = _evidence(lowering, choice)
    left = pull - precision * location
    wide = _spread_of_prior(lowering, choice.site, left, precision, scale, shape)
    spread = scale if wide is None else scale * wide
    k = lax.rsqrt(1.0 + precision * (spread * spread))
    return k if wide is None else wide * k, k * spread * left


def _evidence(lowering: Lowering, choice: Choice) -> tuple[Array, Array]:
    """Precision and pull, divided by the noise that latents determine."""
    precision: Array = None
    pull: Array = None
    for i, part in enumerate(choice.evidence):
        p = _constant(lowering, choice, i, "precision", part.precision)
        h = _constant(lowering, choice, i, "pull", part.pull)
        if part.scale is not None:
            noise, _ = positive(lowering.value(part.scale, REAL).array)
            weight = 1.0 / (noise * noise)
            p, h = p * weight, h * weight
        precision = p if precision is None else precision + p
        pull = h if pull is None else pull + h
    return precision, pull


_DEVIATION = {"Laplace": math.sqrt(2.0), "Logistic": math.pi / math.sqrt(3.0), "Gumbel": math.pi / math.sqrt(6.0)}


def _spread_of_prior(
    lowering: Lowering, site: Site, left: Array, precision: Array, scale: Array, shape: tuple[int, ...]
) -> Array | None:
    """Of a prior, in scales; None for 1. Student's t is a normal law whose precision varies, and is expected to be
    (df + 1) / (df + r²) for an element r scales off (Lange, Little & Taylor 1989), here by what data make of r."""
    name = site.terms[0].distribution.name
    if name not in ("StudentT", "Cauchy"):
        return None if name not in _DEVIATION else jnp.asarray(_DEVIATION[name], REAL)
    df = jnp.ones((), REAL) if name == "Cauchy" else _parameter(lowering, site, "df", shape)
    informed = precision > 0
    known = jnp.where(informed, precision, 1.0)
    r2 = jnp.where(informed, left * left / (known * (1.0 + precision * (scale * scale))), 0.0)
    return jnp.sqrt((df + r2) / (df + 1.0))


def _constant(lowering: Lowering, choice: Choice, i: int, what: str, array: Array) -> Array:
    return lowering.recorded(("centring", choice.site.name, i, what), (), lambda data: Named(array)).array


def _parameter(lowering: Lowering, site: Site, name: str | None, shape: tuple[int, ...]) -> Array:
    """Location (name None) or another parameter of every element, of the latent's shape; or one number for all."""
    out: Array = None
    for term in site.terms:
        distribution = term.distribution
        expr = distribution.parameter(LOCATION[distribution.name] if name is None else name)
        if expr is None or not isinstance(term.target, Read):
            raise CompilerBug(f"`{site.name}` has no {name or 'location'}")
        value = lowering.value(expr, REAL)
        if len(site.terms) == 1 and value.array.ndim == 0:
            return jnp.asarray(value.array)
        out = jnp.zeros(shape, REAL) if out is None else out
        out = place(lowering, out, site.latent.dims, term.target.subscripts, value)
    return out


def _log_prob(lowering: Lowering, term: Term, z: Array, shape: tuple[int, ...]) -> Array:
    """Of z under the standard law of the family, of the latent's shape."""
    distribution = term.distribution
    name = "Normal" if distribution.name == "LogNormal" else distribution.name
    parameters: dict[str, Array] = {LOCATION[name]: np.float64(0), "scale": np.float64(1)}
    for other, expr in distribution.parameters:
        if other not in (LOCATION[distribution.name], "scale"):
            value = lowering.value(expr, REAL)
            if value.array.ndim and isinstance(term.target, Read):
                ones = jnp.ones(shape, REAL)  # valid where other terms define the latent
                dims = lowering.program.dims(term.target.name)
                parameters[other] = place(lowering, ones, dims, term.target.subscripts, value)
            else:
                parameters[other] = value.array
    return distributions.log_prob(name, z, parameters)


def _region(lowering: Lowering, term: Term, shape: tuple[int, ...]) -> tuple[int | slice, ...]:
    """Where in its latent a term's elements lie."""
    if not isinstance(term.target, Read):
        raise CompilerBug("the target of a term is not a name")
    found: list[int | slice] = []
    for s in term.target.subscripts:
        if isinstance(s, Fixed):
            found.append(s.position)
        elif isinstance(s, Aligned | Whole):
            found.append(slice(*lowering.program.span(s.axis if isinstance(s, Aligned) else s)))
    return tuple(found)


def _sum(array: Array, shape: tuple[int, ...]) -> Array:
    """Over all elements of a shape, of an array of it or of one number for all."""
    return jnp.sum(array) if array.ndim else array * np.float64(math.prod(shape))


def _spread(array: Array, shape: tuple[int, ...]) -> Array:
    return array if array.shape == shape else jnp.broadcast_to(array, shape)


# --- walks -------------------------------------------------------------------------------------------


def _with(lowering: Lowering, site: Site, value: Array) -> Lowering:
    """The lowering in which the latent has this value."""

    def quantity(name: str) -> Array:
        return value if name == site.name else lowering.quantity(name)

    return replace(lowering, quantity=quantity, memo={})


def _walked(lowering: Lowering, choice: Choice, u: Array, scale: Array) -> tuple[Array, Array, Array | None]:
    """x, the scaled steps z, and log dz/du of each element; None where they are the same."""
    site = choice.site
    if choice.form != BETWEEN:
        steps = _spread(scale, u.shape) * u
        if site.summed:
            return jnp.cumsum(_locations(lowering, site, jnp.zeros(u.shape, REAL)) + steps, axis=site.along), u, None
        offset, coefficients = _linear(lowering, site, u.shape)
        first = jnp.moveaxis(jnp.stack(coefficients), site.along + 1, 0)
        added = jnp.moveaxis(offset + steps, site.along, 0)
        return jnp.moveaxis(recurrence(first, added), 0, site.along), u, None
    walk = _walk(lowering, site, u.shape, scale)
    ahead = _ahead(lowering, choice, walk)
    rest = jnp.moveaxis(u, site.along, 0)
    x = from_rest(walk, ahead, rest)
    mean = walk.coefficient * jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1]]) + walk.offset
    z = ahead.k * (rest + ahead.k * walk.scale * (ahead.pull - ahead.precision * mean))
    back = [jnp.moveaxis(array, 0, site.along) for array in (x, z, jnp.log(ahead.k))]
    return back[0], back[1], back[2]


def _unwalked(lowering: Lowering, choice: Choice, value: Array, scale: Array, z: Array) -> Array:
    """u of the scaled steps of a walk."""
    site = choice.site
    walk = _walk(lowering, site, value.shape, scale)
    ahead = _ahead(lowering, choice, walk)
    mean = jnp.moveaxis(_locations(lowering, site, value), site.along, 0)
    shift = ahead.k * walk.scale * (ahead.pull - ahead.precision * mean)
    return jnp.moveaxis(jnp.moveaxis(z, site.along, 0) / ahead.k - shift, 0, site.along)


def _walk(lowering: Lowering, site: Site, shape: tuple[int, ...], scale: Array) -> Walk:
    """Time first."""
    offset, (coefficient,) = _linear(lowering, site, shape)
    arrays = (coefficient, offset, _spread(scale, shape))
    return Walk(*(jnp.moveaxis(array, site.along, 0) for array in arrays))


def _ahead(lowering: Lowering, choice: Choice, walk: Walk) -> Ahead:
    precision, pull = (jnp.moveaxis(array, choice.site.along, 0) for array in _evidence(lowering, choice))
    return look_ahead(walk, precision, pull)


def _locations(lowering: Lowering, site: Site, x: Array) -> Array:
    """The location of each element, given all of them."""
    return _spread(_parameter(_with(lowering, site, x), site, None, x.shape), x.shape)


def _linear(lowering: Lowering, site: Site, shape: tuple[int, ...]) -> tuple[Array, list[Array]]:
    """Locations where the walk is 0; and their coefficients of x[t-1], x[t-2], ..."""
    zeros = jnp.zeros(shape, REAL)
    at = jnp.arange(shape[site.along]).reshape([-1 if d == site.along else 1 for d in range(len(shape))])
    if site.summed:
        return _locations(lowering, site, zeros), [_spread((at > 0).astype(REAL), shape)]
    offset, linear = jax.linearize(lambda x: _locations(lowering, site, x), zeros)
    lags = site.lags
    # Elements that are `lags` apart never meet in one location.
    parts = [linear(_spread((at % lags == r).astype(REAL), shape)) for r in range(lags)]
    coefficients = []
    for lag in range(1, lags + 1):
        chosen = zeros
        for r in range(lags):
            chosen = jnp.where((at - lag) % lags == r, parts[r], chosen)
        coefficients.append(chosen)
    return offset, coefficients


# --- vectors -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Normal:
    """mean: (batch..., n) or something that broadcasts to it; kind: which matrix is given; factor: its Cholesky factor,
    (n, n) or (batch..., n, n); valid: where it has one."""

    mean: Array
    kind: str
    factor: Array
    valid: Array


def _normal(lowering: Lowering, site: Site, shape: tuple[int, ...]) -> _Normal:
    (term,) = site.terms
    distribution = term.distribution
    if not isinstance(term.target, Read):
        raise CompilerBug("the target of a term is not a name")
    axes = tuple(s.axis for s in term.target.subscripts if isinstance(s, Aligned))
    batch = len(shape) - 1 - len(axes)
    given = {name: lowering.value(expr, REAL) for name, expr in distribution.parameters}
    mean = _laid(given.pop("mean"), axes, batch + 1)
    ((kind, matrix),) = given.items()
    array = matrix.array if not matrix.axes and matrix.rank == 2 else _laid(matrix, axes, batch + 2)
    factor, valid = safe_cholesky(array) if kind != "cholesky" else _given_factor(array)
    return _Normal(mean, kind, factor, valid)


def _laid(value: Named, axes: tuple[Axis, ...], rank: int) -> Array:
    return aligned(jnp, value, axes, rank)


def _given_factor(lower: Array) -> tuple[Array, Array]:
    diagonal = jnp.diagonal(lower, axis1=-2, axis2=-1)
    valid = jnp.all(jnp.isfinite(lower), (-2, -1)) & jnp.all(diagonal > 0, -1)
    return jnp.where(valid[..., None, None], jnp.tril(lower), jnp.tril(jnp.ones_like(lower))), valid


def _vector(lowering: Lowering, choice: Choice, u: Array) -> Standardised:
    site = choice.site
    normal = _normal(lowering, site, u.shape)
    z, log_jacobian = u, jnp.zeros((), REAL)
    if choice.form == BETWEEN:
        inner, shift = _posterior(lowering, choice, normal)
        z = solved(inner, u + shift, transpose=True)
        log_jacobian = -_sum(_log_diagonal(inner), u.shape[:-1])
    value = normal.mean + (
        solved(normal.factor, z, transpose=True) if normal.kind == "precision" else _times(normal.factor, z)
    )
    sign = -1.0 if normal.kind == "precision" else 1.0
    log_scale = sign * _sum(_log_diagonal(normal.factor), u.shape[:-1])
    total = -0.5 * (u.size * math.log(2.0 * math.pi) + jnp.sum(z * z)) - log_scale
    (term,) = site.terms
    totals = {id(term): jnp.where(jnp.all(normal.valid), total, -jnp.inf)}
    return Standardised(value, log_scale + log_jacobian, totals)


def _unvector(lowering: Lowering, choice: Choice, value: Array) -> Array:
    normal = _normal(lowering, choice.site, value.shape)
    deviation = value - normal.mean
    if normal.kind == "precision":
        return _times(jnp.swapaxes(normal.factor, -1, -2), deviation)
    z = solved(normal.factor, deviation)
    if choice.form != BETWEEN:
        return z
    inner, shift = _posterior(lowering, choice, normal)
    return _times(jnp.swapaxes(inner, -1, -2), z) - shift


def _posterior(lowering: Lowering, choice: Choice, normal: _Normal) -> tuple[Array, Array]:
    """The Cholesky factor C of I + L' P L, the precision of z given the data, and C^-1 L' (h - P m)."""
    precision, pull = _evidence(lowering, choice)
    lower = normal.factor
    if precision.ndim == pull.ndim:  # of each element alone
        weighted, explained = precision[..., None] * lower, precision * normal.mean
    else:
        weighted, explained = precision @ lower, jnp.sum(precision * normal.mean[..., None, :], -1)
    eye = jnp.eye(lower.shape[-1], dtype=REAL)
    transposed = jnp.swapaxes(lower, -1, -2)
    inner = transposed @ weighted
    inner = cholesky_above_one(inner + eye.reshape((1,) * (inner.ndim - 2) + eye.shape))
    return inner, solved(inner, _times(transposed, pull - explained))


def _log_diagonal(lower: Array) -> Array:
    """log of the determinant."""
    return jnp.sum(jnp.log(jnp.diagonal(lower, axis1=-2, axis2=-1)), -1)


def _times(matrix: Array, rows: Array) -> Array:
    """The matrix times each row; one matrix for all, or one for each."""
    if matrix.ndim == 2:
        return rows @ matrix.T
    return jnp.sum(matrix * rows[..., None, :], -1)
