"""Mixtures: their weights, and components that are one family over a dim."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.compiler.check.heads import Head
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Binding, Scope
from ppl.compiler.check.shapes import show_shape
from ppl.grammar import nodes as syntax
from ppl.graph import Axis, Expr, Lift, Meta, Whole


def bound_family(scope: Scope, found: Head, node: syntax.Expr) -> tuple[Scope, Axis | None, Expr]:
    """The scope of the components, the axis that they run over if they are one family, and the weights: a vector,
    or a number for two.

    One component is a family: `mixture(w[comp], Normal(mu[comp], 1))` binds `comp`, the dim that the weights are
    indexed by and that nothing else binds; of whole weights, `mixture(w, Normal(mu[comp], 1))`, their dim.
    """
    if len(found.parts) > 1:
        return scope, None, scope.expr(node)
    free = list(dict.fromkeys(_free(node, scope)))
    if len(free) == 1:
        axis = scope.names.axis(free[0], free[0])
        inner = scope.bind({axis.dim: Binding(axis, named=False)})
        weights = inner.expr(node)
        if axis not in weights.meta.axes or weights.meta.event:
            raise _no_family(scope, found, weights)
        kept = tuple(a for a in weights.meta.axes if a != axis)
        whole = Whole(axis.dim, axis.start, axis.stop)
        return inner, axis, Lift(weights, (axis,), Meta(kept, (whole,), weights.meta.element, weights.meta.span))
    weights = scope.expr(node)
    if len(weights.meta.event) != 1:
        raise _no_family(scope, found, weights)
    whole = weights.meta.event[0]
    axis = scope.names.axis(whole.dim, whole.dim, whole.start, whole.stop)
    return scope.bind({axis.dim: Binding(axis, named=False)}), axis, weights


def _no_family(scope: Scope, found: Head, weights: Expr) -> Abandon:
    return scope.report.fail(
        "E202",
        weights.meta.span,
        f"one distribution with weights that are {show_shape(weights.meta.event)}",
        "write several, `mixture(w, d1, d2)`, or one for each element of a dim, `mixture(w[k], Normal(mu[k], 1))`",
    )


def _free(node: syntax.Expr | syntax.Slice, scope: Scope) -> Iterator[str]:
    """Dims named as an index that nothing binds."""
    match node:
        case syntax.Index():
            yield from _free(node.base, scope)
            for place in node.indices:
                if isinstance(place, syntax.Name):
                    if place.id in scope.names.dims and place.id not in scope.indices:
                        yield place.id
                else:
                    yield from _free(place, scope)
        case syntax.Unary():
            yield from _free(node.operand, scope)
        case syntax.Binary():
            yield from _free(node.left, scope)
            yield from _free(node.right, scope)
        case syntax.Conditional():
            for part in (node.then, node.test, node.otherwise):
                yield from _free(part, scope)
        case syntax.Call() if node.loop is None:
            named = {a.value.id for a in node.arguments if isinstance(a.value, syntax.Name)}
            for argument in node.arguments:
                yield from (dim for dim in _free(argument.value, scope) if dim not in named)


def weights_over(scope: Scope, found: Head, weights: Expr | None, family: Axis | None) -> None:
    """Reports weights that are not one for each component."""
    count = len(found.parts)
    if family is not None:
        return
    if weights is None:
        if count != 2:
            raise scope.report.fail(
                "E202",
                found.call.span,
                f"a single weight is for two distributions, and here are {count}",
                f"give a vector over a dim of {count} elements: `w[k] ~ Dirichlet(fill(1, k))`",
            )
        return
    whole = weights.meta.event[-1]
    size = scope.names.size(whole.dim)
    if size is not None and len(range(*slice(whole.start, whole.stop).indices(size))) != count:
        raise scope.report.fail(
            "E202",
            weights.meta.span,
            f"here are {len(range(*slice(whole.start, whole.stop).indices(size)))} weights for {count} distributions",
            f"they run over `{whole.dim}`",
        )
