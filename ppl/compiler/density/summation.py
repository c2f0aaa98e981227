"""Discrete latents summed out: tables of terms over all values, and what follows from their sum."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.density.elimination import Elimination, Part, Tabled, Tabulation, plates_of, sizes_of
from ppl.compiler.density.scoring import Scored, score
from ppl.compiler.elimination import log_normaliser, sample
from ppl.compiler.elimination import marginals as marginal_probabilities
from ppl.compiler.lowering.context import Context, Enumerated
from ppl.compiler.lowering.enumeration import read_key
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import Array, Named, aligned, broadcast, dtype_of
from ppl.compiler.passes.enumeration import discrete_latents
from ppl.errors import CompilerBug
from ppl.graph import Axis, Term
from ppl.types import IndexOf

# --- tables ------------------------------------------------------------------------------------------


def _table(tabulation: Tabulation, lowering: Lowering, tabled: Tabled) -> Array:
    return _over_plates(tabulation, tabled, _weighed(tabulation, lowering, tabled))


def _weighed(tabulation: Tabulation, lowering: Lowering, tabled: Tabled) -> Scored:
    """The log-probabilities of a term over its plates and all values of the latents that it reads."""
    return score(lowering.enumerating(_enumerated(tabulation, lowering, tabled)), tabled.site.node)


def _enumerated(tabulation: Tabulation, lowering: Lowering, tabled: Tabled) -> dict[Hashable, Enumerated]:
    """What each read of a discrete latent is: all combinations of values of the elements that it reads."""
    found: dict[Hashable, Enumerated] = {}
    begin = 0
    for reading, count in zip(tabled.site.readings, tabled.counts, strict=True):
        read, axes = reading.read, tabled.axes[begin : begin + count]
        begin += count
        values = np.asarray(tabulation.values[read.name], dtype_of(read.meta.element))
        if not (reading.bound or reading.wholes):
            plain = isinstance(read.meta.element, IndexOf)
            found[read_key(read)] = Enumerated(axes[0], Named(values, axes), plain)
            continue
        grid = values[np.indices((len(values),) * count)]
        grid = grid.reshape((*sizes_of(lowering.program, reading), *grid.shape[1:]))
        first, last = len(reading.bound), len(reading.bound) + len(reading.wholes)
        order = (*range(first), *range(last, grid.ndim), *range(first, last))
        found[read_key(read)] = Enumerated(None, Named(np.transpose(grid, order), (*reading.bound, *axes)), False)
    return found


def _over_plates(tabulation: Tabulation, tabled: Tabled, scored: Scored, *, apart: bool = False) -> Array:
    """(m, K_1, ..., K_r): the elements of a term one after the other; 0 for those that a filter leaves out. If all are
    equal, one stands for them (a scan need not read it anew at each step), unless they are wanted apart."""
    log_prob, lowering = scored.log_prob, scored.lowering
    if log_prob.rank:
        log_prob = Named(jnp.sum(log_prob.array, axis=tuple(range(-log_prob.rank, 0))), log_prob.axes)
    if scored.mask is not None:
        joined, (held, weights) = broadcast(jnp, [scored.mask, log_prob])
        log_prob = Named(jnp.where(held, weights, np.float64(0)), joined)
    plates = plates_of(tabled, lowering)
    states = tuple(len(tabulation.values[name]) for name in tabled.names)
    equal = not apart and not any(axis in plates for axis in log_prob.axes)
    shape = (*(1 if equal else lowering.size(axis) for axis in plates), *states)
    array = jnp.broadcast_to(aligned(jnp, log_prob, (*plates, *tabled.axes), 0), shape)
    return jnp.reshape(array, (math.prod(shape[: len(plates)]), *states))


def tables(tabulation: Tabulation, lowering: Lowering) -> list[Array]:
    """One for each scope."""
    return _parts(tabulation, lowering, _tables(tabulation, lowering))


def _parts(tabulation: Tabulation, lowering: Lowering, whole: list[Array]) -> list[Array]:
    """Tables by scope."""
    return [_part(whole[part.table], part, lowering) for part in tabulation.parts]


def _part(table: Array, part: Part, lowering: Lowering) -> Array:
    if part.rows is not None and len(table) > 1:
        table = table[_constant(lowering, part.rows)]
    for i in reversed(range(len(part.pattern))):
        if part.pattern[i] != i:  # the same element twice: only equal values are possible
            table = jnp.diagonal(table, axis1=1 + part.pattern[i], axis2=1 + i)
            table = jnp.moveaxis(table, -1, 1 + part.pattern[i])
    return table


def _constant(lowering: Lowering, key: Hashable) -> Array:
    def never(data: Context) -> Named:
        raise CompilerBug("a constant of the elimination was not recorded")

    return lowering.recorded(key, (), never).array


# --- sums, draws, probabilities ----------------------------------------------------------------------


def _summed(elimination: Elimination, lowering: Lowering, whole: list[Array]) -> Array:
    arrays = tuple(_constant(lowering, key) for key in elimination.keys)
    return log_normaliser(elimination.structure, arrays, _parts(elimination, lowering, whole))


def _tables(tabulation: Tabulation, lowering: Lowering) -> list[Array]:
    return [_table(tabulation, lowering, tabled) for tabled in tabulation.tables]


def summed_out(elimination: Elimination, lowering: Lowering) -> Array:
    """(): the logarithm of the sum over all values of the discrete latents."""
    return _summed(elimination, lowering, _tables(elimination, lowering))


def drawn(elimination: Elimination, lowering: Lowering, key: Array) -> dict[str, Array]:
    """A joint draw of the discrete latents from their posterior given everything else, each over its dims."""
    arrays = tuple(_constant(lowering, key) for key in elimination.keys)
    parts = tables(elimination, lowering)
    states = sample(elimination.structure, arrays, parts, key)
    found = {}
    for latent in discrete_latents(lowering.program.graph):
        values = np.asarray(elimination.values[latent.name], dtype_of(latent.element))
        found[latent.name] = jnp.asarray(values)[states[latent.name]]
    return found


def marginals(elimination: Elimination, lowering: Lowering) -> dict[str, Array]:
    """The probability of each value of each discrete latent, (dims..., values)."""
    arrays = tuple(_constant(lowering, key) for key in elimination.keys)
    parts = tables(elimination, lowering)
    found: dict[str, Array] = marginal_probabilities(elimination.structure, arrays, parts)
    return found


def best_scores(elimination: Elimination, lowering: Lowering) -> dict[int, Scored]:
    """Each term that reads discrete latents, by identity, at the most probable of their values for every element; what
    it was computed from is that of their first values."""
    found = {}
    for tabled in elimination.tables:
        scored = _weighed(elimination, lowering, tabled)
        first = {name: _without(p, tabled.axes, _first) for name, p in scored.parameters.items()}
        found[id(tabled.site.node)] = replace(
            scored,
            log_prob=_without(scored.log_prob, tabled.axes, jnp.max),
            value=_without(scored.value, tabled.axes, _first),
            parameters=first,
        )
    return found


def _without(value: Named, axes: tuple[Axis, ...], reduce: Callable[..., Array]) -> Named:
    """With some axes reduced."""
    places = tuple(i for i, axis in enumerate(value.axes) if axis in axes)
    if not places:
        return value
    return Named(reduce(value.array, axis=places), tuple(axis for axis in value.axes if axis not in axes))


def _first(array: Array, axis: tuple[int, ...]) -> Array:
    return array[tuple(0 if i in axis else slice(None) for i in range(array.ndim))]


# Below e^-600 of the greatest, an element's probability counts as that: none underflows, and all can be divided by.
_LEAST = 600.0


def predictive_scores(elimination: Elimination, lowering: Lowering) -> dict[int, Scored]:
    """For each observing term that reads discrete latents, by identity: of every element its log-probability given
    everything else, with the latents summed out.

    With p(z | y) the joint probability of the values that an element y_i reads, p(z | y without y_i) is in proportion
    to p(z | y) / p(y_i | z), over which p(y_i | z) is averaged. p(z | y) is the derivative of the log sum by the
    element's table. This is the factor of leave-one-out cross-validation (Bürkner, Gabry & Vehtari 2021), and where no
    other element depends on these latents it is p(y_i) itself.
    """
    nodes = [tabled.site.node for tabled in elimination.tables]
    observing = [n for n, node in enumerate(nodes) if isinstance(node, Term) and node.role == "observed"]
    if not observing:
        return {}
    scores = {n: _weighed(elimination, lowering, elimination.tables[n]) for n in observing}
    raised = {n: replace(s, log_prob=_raised(s.log_prob, elimination.tables[n].axes)) for n, s in scores.items()}
    every = [
        _over_plates(elimination, tabled, raised[n], apart=True)
        if n in raised
        else _table(elimination, lowering, tabled)
        for n, tabled in enumerate(elimination.tables)
    ]
    joint = jax.grad(lambda whole: _summed(elimination, lowering, whole))(every)
    found = {}
    for n in observing:
        tabled, scored = elimination.tables[n], scores[n]
        plates = plates_of(tabled, scored.lowering)
        axes, rank = (*plates, *tabled.axes), scored.log_prob.rank
        shape = (*(scored.lowering.size(axis) for axis in plates), *joint[n].shape[1:])
        probability = aligned(jnp, Named(jnp.reshape(joint[n], shape), axes), axes, rank)
        own = aligned(jnp, raised[n].log_prob, axes, rank)
        possible = (probability > 0) & (own > -np.inf)
        without = jnp.log(jnp.where(possible, probability, 1.0)) - jnp.where(possible, own, 0.0)
        without = jnp.where(possible, without, -np.inf)
        over = tuple(range(len(plates), len(axes)))
        logsumexp = partial(jax.scipy.special.logsumexp, axis=over)
        log_prob = logsumexp(without + aligned(jnp, scored.log_prob, axes, rank)) - logsumexp(without)
        found[id(nodes[n])] = replace(scored, log_prob=Named(log_prob, plates))
    return found


def _raised(log_prob: Named, axes: tuple[Axis, ...]) -> Named:
    """With the least values along some axes brought up to what can be divided by."""
    over = tuple(i for i, axis in enumerate(log_prob.axes) if axis in axes)
    if not over:
        return log_prob
    most = jnp.max(log_prob.array, axis=over, keepdims=True)
    raised = jnp.where(most > -np.inf, jnp.maximum(log_prob.array, most - _LEAST), log_prob.array)
    return Named(raised, log_prob.axes)
