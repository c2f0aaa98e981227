"""Terms whose elements are all bound one by one: `y ~ Normal(X @ b, s)` as `y[i] ~ Normal((X @ b)[i], s)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.compiler.passes.elements import at_axes
from ppl.graph import Aligned, Axis, Distribution, Expr, Read, Select, Subscript, Support, Term, Whole


def with_plates(term: Term, span: Callable[[Whole], tuple[int, int | None]]) -> Term:
    """The term with an axis for each whole dim of its target that is no event dim. span: of a whole dim, its positions
    from one not below 0."""
    target = term.target
    assert isinstance(target, Read)
    count = len(target.meta.event) - term.distribution.event_rank
    if not count:
        return term
    taken = {axis.name for axis in term.axes}
    axes: list[Axis] = []
    subscripts: list[Subscript] = []
    for s in target.subscripts:
        if isinstance(s, Whole) and len(axes) < count:
            start, stop = span(s)
            name = s.dim
            while name in taken:
                name += "'"
            taken.add(name)
            axes.append(Axis(name, s.dim, start, stop))
            subscripts.append(Aligned(axes[-1]))
        else:
            subscripts.append(s)
    over = tuple(axes)
    meta = replace(target.meta, axes=(*target.meta.axes, *over), event=target.meta.event[count:])
    return replace(
        term,
        axes=(*term.axes, *over),
        target=replace(target, subscripts=tuple(subscripts), meta=meta),
        distribution=_distribution(term.distribution, over),
        support=None if term.support is None else _support(term.support, over),
    )


def _distribution(d: Distribution, axes: tuple[Axis, ...]) -> Distribution:
    ranks = {} if d.parts else {p.name: p.rank for p in DISTRIBUTIONS[d.name].parameters}
    parameters = tuple((name, _at(e, axes, ranks.get(name, 1 if name == "weights" else 0))) for name, e in d.parameters)
    base = None if d.base is None else _distribution(d.base, axes)
    return replace(d, parameters=parameters, base=base, others=tuple(_distribution(o, axes) for o in d.others))


def _support(support: Support, axes: tuple[Axis, ...]) -> Support:
    lower, upper = (None if b is None else _at(b, axes, 0) for b in (support.lower, support.upper))
    return replace(support, lower=lower, upper=upper)


def _at(expr: Expr, axes: tuple[Axis, ...], rank: int) -> Expr:
    """A parameter, of which one value has `rank` dims, at the axes: itself if it is the same for all elements."""
    event = expr.meta.event
    if len(event) < len(axes) + rank:
        return expr
    if len(event) == len(axes):
        return at_axes(expr, axes)
    meta = replace(expr.meta, axes=(*expr.meta.axes, *axes), event=event[len(axes) :])
    return Select(expr, tuple(Aligned(a, -a.start) for a in axes), meta)
