"""Terms restricted to some elements of their plates, and rescaled: minibatches.

What is subsampled are the observing terms and the energies: sums over plates, of which the scaled sum over a uniform
sample is an unbiased estimate. The densities of latents stay whole.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from ppl.compiler.lowering.context import Context, Selection
from ppl.compiler.lowering.named import Array, Named, broadcast
from ppl.compiler.passes.program import Program
from ppl.errors import Diagnostic, Exit, PplError
from ppl.graph import Axis, Energy, Term

# (first, end), a key, a constant, an axis of it over the dim -> the selected elements along this axis, of which those
# outside `first:end` have one from within in their place.
Rows = Callable[[tuple[int, int], Hashable, Named, Axis], Array]


class Sample(NamedTuple):
    """Some elements of a dim. positions: (m,) integers; rows: how to find them in constants, or None: gathered."""

    positions: Array
    rows: Rows | None = None


def batch_dims(program: Program) -> tuple[str, ...]:
    """The dims that can be subsampled: each subsampled term has one axis over it, or none and no event dim."""
    terms = [term for term in program.graph.factors if is_subsampled(term)]
    return tuple(
        dim
        for dim in program.graph.dims
        if any(_axes(term, dim) for term in terms) and all(_subsamples(term, dim) for term in terms)
    )


def is_subsampled(term: Term | Energy) -> bool:
    """Whether a minibatch takes some elements of a term, if it runs over the dim."""
    return isinstance(term, Energy) or term.role == "observed"


def _axes(term: Term | Energy, dim: str) -> list[Axis]:
    return [axis for axis in term.axes if axis.dim == dim]


def _subsamples(term: Term | Energy, dim: str) -> bool:
    event = term.target.meta.event if isinstance(term, Term) else ()
    return len(_axes(term, dim)) <= 1 and all(whole.dim != dim for whole in event)


def check_batch(program: Program, batch: Mapping[str, Array]) -> None:
    """Refuses dims over which the model cannot be subsampled."""
    possible = batch_dims(program)
    hint = _hint(possible)
    problems = []
    for dim in batch:
        if dim in possible:
            continue
        terms = [t for t in program.graph.factors if is_subsampled(t) and not _subsamples(t, dim)]
        if dim not in program.graph.dims:
            problems.append(Diagnostic("E551", f"the model has no dim `{dim}` to take a minibatch of", hints=(hint,)))
        elif terms:
            what = "runs over" if isinstance(terms[0], Energy) else "observes whole vectors or"
            label = f"this {what} pairs over `{dim}`"
            title = f"the model cannot be minibatched over `{dim}`"
            problems.append(Diagnostic("E551", title, terms[0].span, label, (hint,)))
        else:
            problems.append(Diagnostic("E551", f"no observation and no energy runs over `{dim}`", hints=(hint,)))
    if problems:
        raise PplError(problems, program.graph.source)


def _hint(possible: tuple[str, ...]) -> str:
    return f"dims that can be: {', '.join(f'`{d}`' for d in possible)}" if possible else "no dim of it can be"


def check_setting(program: Program, dim: str, count: int, whole: Callable[[Term | Energy], bool]) -> None:
    """Refuses `minibatch=dim=count` where the model has no such dim or fewer elements (E608), or cannot be subsampled
    over it (E551). whole: of which terms no elements are taken, since discrete latents are summed out of them."""
    if dim not in program.graph.dims:
        title = f"`minibatch` is `{dim}={count}`, but the model has no dim `{dim}`"
        raise PplError([Diagnostic("E608", title, hints=(_hint(batch_dims(program)),))], exit_code=Exit.USAGE)
    check_batch(program, {dim: None})
    terms = [term for term in program.graph.factors if is_subsampled(term) and _axes(term, dim)]
    if all(whole(term) for term in terms):
        title = f"the model cannot be minibatched over `{dim}`"
        label = "discrete latents are summed out of this, over all its elements"
        raise PplError([Diagnostic("E551", title, terms[0].span, label)], program.graph.source)
    if count > program.sizes[dim]:
        title = f"`minibatch` is `{dim}={count}`, but `{dim}` has {program.sizes[dim]} elements"
        hint = "leave it out for the gradient of all of them"
        raise PplError([Diagnostic("E608", title, hints=(hint,))], exit_code=Exit.USAGE)


def subsampled(lowering: Context, term: Term | Energy, batch: Mapping[str, Sample]) -> tuple[Context, Named | None]:
    """Where to lower the term, and the weight of each of its elements (None: 1)."""
    program = lowering.program
    weight: Named | None = None
    for dim, sample in batch.items():
        for axis in _axes(term, dim):
            start, stop = program.span(axis)
            positions = sample.positions.astype(np.int64)
            inside = (positions >= start) & (positions < stop)
            clipped = jnp.clip(positions, start, stop - 1)
            here = Axis(f"{axis.name}~", dim)
            size = positions.shape[0]
            rows = None if sample.rows is None else functools.partial(sample.rows, (start, stop))
            key = ("batch", axis)
            lowering = lowering.within(Selection(here, _always(clipped), (axis,), size, False, key, rows))
            scale = np.float64(program.sizes[dim] / size)
            own = Named(jnp.where(inside, scale, np.float64(0)) if (start, stop) != (0, program.sizes[dim]) else scale)
            own = Named(own.array, (here,) if own.array.ndim else ())
            if weight is None:
                weight = own
            else:
                axes, (a, b) = broadcast(jnp, [weight, own])
                weight = Named(a * b, axes)
    return lowering, weight


def _always(positions: Array) -> Callable[[Axis], Array]:
    """The positions of a selection of one axis."""
    return lambda _: positions
