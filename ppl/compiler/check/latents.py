"""Latents introduced by `~`, whole or in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ppl.catalogue.supports import in_words
from ppl.compiler.check.build import Build, Part
from ppl.compiler.check.distributions import check_drawable, draw
from ppl.compiler.check.heads import Head
from ppl.compiler.check.history import check_looks_back
from ppl.compiler.check.intervals import UNKNOWN
from ppl.compiler.check.places import place
from ppl.compiler.check.ranges import of_latent
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.sameness import canonical
from ppl.compiler.check.scope import Quantity
from ppl.compiler.check.sites import check_whole, dims_of, element_of, everything, site_of, written
from ppl.compiler.check.subscripted import read
from ppl.compiler.passes.elements import at_axes
from ppl.grammar import nodes as syntax
from ppl.graph import (
    Aligned,
    Axis,
    Expr,
    Latent,
    Literal,
    Subscript,
    Support,
    Term,
    Whole,
    distribution_expressions,
)
from ppl.types import Scalar


def latent(
    build: Build,
    target: syntax.Target,
    statement: syntax.Sample,
    loops: Sequence[syntax.Loop],
    found: Head,
    known: Quantity | None,
) -> None:
    """A statement that draws a new quantity, or (`known`) another piece of one."""
    name = target.name.id
    left = build.left_dims.get(name, [])
    indexed = bool(target.indices)
    where = place(build.scope, target, loops, known.dims if known else left if indexed else None).with_slices_bound()
    if where.where is not None:
        raise build.report.fail(
            "E110",
            where.where.meta.span,
            f"the elements of `{name}` that the filter leaves out would have no distribution",
            "define every element; choose between distributions by their parameters: `a if c[i] else b`",
        )
    dims = known.dims if known else dims_of(where, left) if indexed else None
    site, subscripts = site_of(found, where, dims)
    check_whole(found, where, dims, subscripts)
    if known is None and indexed and dims is not None:
        # The quantity exists from here on, so that its earlier elements can be read.
        build.define(Quantity(name, "latent", dims, Scalar.REAL, target.name.span, UNKNOWN, complete=False))
    drawn = draw(where.scope, found, site)
    check_drawable(build.scope, found, drawn)
    element = element_of(drawn) if drawn.spec.discrete else Scalar.REAL
    if dims is None:
        dims = tuple(w.dim for w in (*drawn.batch, *drawn.event))
        subscripts = tuple(Whole(d) for d in dims)
    parameters = list(distribution_expressions(drawn.distribution))
    check_looks_back(build, name, dims, subscripts, parameters)
    parts = build.parts.setdefault(name, [])
    axes, support = _support_axes(build, dims, subscripts, found.event_rank, drawn.support)
    quantity = build.names.quantities.get(name)
    first = quantity is None or quantity.support is None
    if quantity is None or first:
        quantity = Quantity(
            name,
            "latent",
            dims,
            element,
            target.name.span,
            of_latent(name, support, build.names),
            event_rank=found.event_rank,
            support=support,
        )
        build.define(quantity)
        build.nodes.append(Latent(name, dims, element, support, found.event_rank, False, statement.span, axes))
    quantity.complete = build.draws_left.get(name, 0) <= 0
    if not first:
        _same_support(build, target, quantity, support, parts[0], found.event_rank)
    parts.append(Part(subscripts, target.span))
    expr = read(quantity, subscripts, target.span)
    build.nodes.append(
        Term(
            build.term_name(written(name, where, subscripts)),
            "latent",
            site.plates,
            None,
            expr,
            drawn.distribution,
            statement.span,
        )
    )


def _support_axes(
    build: Build, dims: Sequence[str], subscripts: Sequence[Subscript], rank: int, support: Support
) -> tuple[tuple[Axis, ...], Support]:
    """One axis for each dim before the event, and the bounds over them."""
    axes: list[Axis] = []
    fresh: list[Axis] = []
    for s, dim in zip(subscripts[: len(dims) - rank], dims, strict=False):
        if isinstance(s, Aligned) and everything(s):
            axes.append(s.axis)
        else:
            axes.append(build.names.axis(dim, dim))
            if isinstance(s, Whole):
                fresh.append(axes[-1])
    lower, upper = (_bound_at(b, tuple(fresh)) for b in (support.lower, support.upper))
    return tuple(axes), replace(support, lower=lower, upper=upper)


def _bound_at(bound: Expr | None, fresh: tuple[Axis, ...]) -> Expr | None:
    if bound is None or not bound.meta.event:
        return bound
    return at_axes(bound, fresh)


def _same_support(
    build: Build, target: syntax.Target, quantity: Quantity, support: Support, first: Part, rank: int
) -> None:
    expected = quantity.support
    if expected is None:
        raise Abandon
    line = build.report.line(first.span)
    same = quantity.event_rank == rank and canonical(expected) == canonical(support)
    same = same or {expected.kind, support.kind} == {"real", "real_vector"}  # numbers, one by one or together
    if not same or any(b is not None and b.meta.axes for b in (support.lower, support.upper)):
        raise build.report.fail(
            "E206",
            target.span,
            f"here `{quantity.name}` is {_in_words(support)}, on line {line} {_in_words(expected)}"
            if expected.kind != support.kind
            else f"here `{quantity.name}` has other bounds than on line {line}",
            "all elements of a quantity have the same support; its bounds may not differ between statements",
        )


def _in_words(support: Support) -> str:
    """With bounds that are numbers in the text; of others it is said only that they are there."""
    lower, upper = (bound.value if isinstance(bound, Literal) else None for bound in (support.lower, support.upper))
    if support.kind == "interval" and (lower, upper) == (None, None):
        return "a number between bounds"
    return in_words(support.kind, lower, upper)
