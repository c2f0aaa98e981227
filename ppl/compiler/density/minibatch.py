"""Terms restricted to some elements of their plates, and rescaled: minibatches.

What is subsampled are the observing terms and the energies: sums over plates, of which the scaled sum over a uniform
sample is an unbiased estimate. The densities of latents stay whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np

from ppl.compiler.lowering.context import Context, Selection
from ppl.compiler.lowering.named import Array, Named, broadcast
from ppl.compiler.passes.program import Program
from ppl.errors import Diagnostic, PplError
from ppl.graph import Axis, Energy, Term


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
    problems = []
    for dim in batch:
        if dim in possible:
            continue
        hint = f"dims that can be: {', '.join(f'`{d}`' for d in possible)}" if possible else "no dim of it can be"
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


def subsampled(lowering: Context, term: Term | Energy, batch: Mapping[str, Array]) -> tuple[Context, Named | None]:
    """Where to lower the term, and the weight of each of its elements (None: 1)."""
    program = lowering.program
    weight: Named | None = None
    for dim, positions in batch.items():
        for axis in _axes(term, dim):
            start, stop = program.span(axis)
            positions = positions.astype(np.int64)
            inside = (positions >= start) & (positions < stop)
            clipped = jnp.clip(positions, start, stop - 1)
            here = Axis(f"{axis.name}~", dim)
            size = positions.shape[0]
            lowering = lowering.within(Selection(here, _always(clipped), (axis,), size, False, ("batch", axis)))
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
