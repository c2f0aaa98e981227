"""What follows from a draw: pointwise log-likelihoods, replicated data, predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.density.elimination import Elimination
from ppl.compiler.density.evaluation import Evaluation
from ppl.compiler.density.laws import families, law_of
from ppl.compiler.density.scoring import (
    Scored,
    aligned_parameters,
    is_discrete,
    parameter_expressions,
    score,
    without_families,
)
from ppl.compiler.density.summation import predictive_scores
from ppl.compiler.lowering.assemble import covers, place
from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.named import INT, REAL, Array, Named, union
from ppl.compiler.passes.program import Program
from ppl.errors import CompilerBug
from ppl.graph import Axis, Distribution, Prediction, Read, Term, Whole


def observed(program: Program) -> dict[str, Sequence[Term]]:
    """The observing terms of each observed quantity, for the elements that are there."""
    outcomes = program.graph.outcomes
    apart = {id(term) for outcome in outcomes.values() for term in outcome.observing}
    found: dict[str, list[Term]] = {}
    for term in program.graph.terms:
        if term.role == "observed" and id(term) not in apart:
            found.setdefault(target_of(term).name, []).append(term)
    return {**found, **{name: outcome.observing for name, outcome in outcomes.items() if outcome.observing}}


def replicated(program: Program) -> Mapping[str, Sequence[Term]]:
    """The observing terms of each observed quantity, for all its elements, missing ones included."""
    return {**observed(program), **{name: outcome.drawn for name, outcome in program.graph.outcomes.items()}}


def target_of(term: Term) -> Read:
    """The quantity that a term is about, at its subscripts."""
    if not isinstance(term.target, Read):
        raise CompilerBug("the target of a term is not a name")
    return term.target


def likelihood_dims(program: Program) -> dict[str, tuple[str, ...]]:
    """Of each observed quantity, the dims of its pointwise log-likelihood: its own, less those of one event."""
    dims = {}
    for name, terms in observed(program).items():
        own = program.dims(name)
        dims[name] = own[: len(own) - max(term.distribution.event_rank for term in terms)]
    return dims


# --- log-likelihood ----------------------------------------------------------------------------------


def log_likelihood(evaluation: Evaluation, elimination: Elimination | None) -> dict[str, Array]:
    """Pointwise, for each observed quantity; NaN for elements that no term observes. Discrete latents are summed out:
    an element counts with its probability given all other elements that the same discrete latents bear on."""
    program = evaluation.program
    dims = likelihood_dims(program)
    given_others = {} if elimination is None else predictive_scores(elimination, evaluation.lowering)
    return {
        name: _pointwise(
            evaluation, dims[name], [given_others.get(id(t)) or score(evaluation.lowering, t) for t in terms], terms
        )
        for name, terms in observed(program).items()
    }


def _pointwise(evaluation: Evaluation, dims: tuple[str, ...], scores: list[Scored], terms: Sequence[Term]) -> Array:
    shape = evaluation.program.shape(dims)
    combined: Array = None
    for term, scored in zip(terms, scores, strict=True):
        subscripts = target_of(term).subscripts[: len(dims)]
        log_prob = over_target(scored.lowering, scored.log_prob, target_of(term), summed=True)
        extra = log_prob.rank - sum(isinstance(s, Whole) for s in subscripts)
        if extra > 0:  # a scalar distribution on dims that are one event elsewhere
            log_prob = Named(jnp.sum(log_prob.array, axis=tuple(range(-extra, 0))), log_prob.axes)
        blank = jnp.full(shape, np.nan, REAL)
        part = place(scored.lowering, blank, dims, subscripts, log_prob, scored.mask)
        combined = part if combined is None else _sum_where_present(combined, part)
    return combined


def _sum_where_present(a: Array, b: Array) -> Array:
    return jnp.where(jnp.isnan(a), b, jnp.where(jnp.isnan(b), a, a + b))


def over_target(lowering: Context, value: Named, target: Read, *, summed: bool) -> Named:
    """Over the axes of the target alone: others are summed out, or (draws) their first element is taken."""
    mine = {lowering.seen(axis) for axis in target.meta.axes}
    other = tuple(i for i, axis in enumerate(value.axes) if axis not in mine)
    kept = tuple(axis for axis in value.axes if axis in mine)
    if not other:
        return value
    if summed:
        return Named(jnp.sum(value.array, axis=other), kept)
    first = jnp.moveaxis(value.array, other, range(len(other)))
    return Named(first[(0,) * len(other)], kept)


# --- replicated data and predictions -----------------------------------------------------------------


def replicate(evaluation: Evaluation, key: Array) -> dict[str, Array]:
    """New data in the place of the observed ones, from the same parameters; elements that no term observes keep the
    values they have."""
    program = evaluation.program
    out: dict[str, Array] = {}
    for i, (name, terms) in enumerate(replicated(program).items()):
        dims = program.dims(name)
        dtype = INT if is_discrete(terms[0].distribution) else REAL
        if len(terms) == 1 and covers(evaluation.lowering, dims, target_of(terms[0]).subscripts, terms[0].where):
            values = jnp.zeros(program.shape(dims), dtype)
        elif program.is_data(name):
            values = evaluation.lowering.whole(name, dtype)
        else:
            values = jnp.asarray(evaluation.quantity(name)).astype(dtype)
        for j, term in enumerate(terms):
            inner, mask = evaluation.lowering.filtered(term.axes, term.where, (id(term), "where"))
            term_key = jax.random.fold_in(jax.random.fold_in(key, i), j)
            drawn = draw_elements(inner, term.distribution, term.axes, _event_shape(inner, target_of(term)), term_key)
            drawn = over_target(inner, Named(drawn.array.astype(dtype), drawn.axes), target_of(term), summed=False)
            values = place(inner, values, dims, target_of(term).subscripts, drawn, mask)
        out[name] = values
    return out


def predict(evaluation: Evaluation, key: Array) -> dict[str, Array]:
    """A draw of every prediction."""
    predictions = evaluation.program.graph.predictions
    return {p.name: predicted(evaluation, p, jax.random.fold_in(key, i)) for i, p in enumerate(predictions)}


def predicted(evaluation: Evaluation, prediction: Prediction, key: Array) -> Array:
    """One prediction, whole."""
    shape = evaluation.program.shape(prediction.dims)
    dtype = INT if is_discrete(prediction.distribution) else REAL
    inner, mask = evaluation.lowering.filtered(prediction.axes, prediction.where, (id(prediction), "where"))
    event = tuple(inner.program.size(s) for s in prediction.subscripts if isinstance(s, Whole))
    drawn = draw_elements(inner, prediction.distribution, prediction.axes, event, key)
    blank = jnp.full(shape, np.nan, REAL) if dtype == REAL else jnp.zeros(shape, INT)
    drawn = Named(drawn.array.astype(dtype), drawn.axes)
    return place(inner, blank, prediction.dims, prediction.subscripts, drawn, mask)


def _event_shape(lowering: Context, target: Read) -> tuple[int, ...]:
    return tuple(lowering.program.size(whole) for whole in target.meta.event)


def draw_elements(
    lowering: Context, distribution: Distribution, axes: tuple[Axis, ...], event: tuple[int, ...], key: Array
) -> Named:
    """Independent draws over all axes."""
    seen = tuple(dict.fromkeys(lowering.seen(axis) for axis in axes))
    parameters = {name: lowering.value(e, REAL) for name, e in parameter_expressions(distribution).items()}
    summed = families(distribution)
    if any(axis not in seen and axis not in summed for axis in union(parameters.values())):
        raise CompilerBug("a parameter varies over an axis that its term has not got")
    axes = (*seen, *summed)
    arrays = aligned_parameters(lowering, distribution, parameters, axes, len(event) - distribution.event_rank)
    shape = (*(lowering.size(axis) for axis in seen), *(1 for _ in summed), *event)
    return without_families(Named(law_of(distribution, arrays, axes).sample(key, shape), axes), distribution)
