"""Subscripts: `alpha[county_of[obs]]`, `y[t-1]`, `P[k]`, `x[1:]`, `z.predator`."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.compiler.check.affine import affine
from ppl.compiler.check.extents import outside
from ppl.compiler.check.names import closest, quoted
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Quantity, Scope, TreeExpr
from ppl.compiler.check.shapes import show_shape, whole_number
from ppl.compiler.check.subscripted import read, select
from ppl.grammar import nodes as syntax
from ppl.graph import (
    Affine,
    Aligned,
    Axis,
    Expr,
    Fixed,
    Gather,
    Labelled,
    Read,
    Subscript,
    Whole,
    subscript_axes,
)
from ppl.source import Span
from ppl.types import Dim, Element, IndexOf, Scalar

Place = TreeExpr | syntax.Slice


# --- whole index expressions -------------------------------------------------------------------------


def index(node: syntax.Index, scope: Scope, within: tuple[str, str] | None = None) -> Expr:
    """`base[i, j]`. within: the quantity and dim that this expression itself indexes, for suggestions."""
    if isinstance(node.base, syntax.Name) and _is_quantity(node.base, scope):
        quantity = scope.quantity(node.base)
        if quantity.role == "prediction" and not scope.names.predicting:
            scope.expr(node.base)
        return _read(quantity, node, scope, within)
    base = scope.expr(node.base)
    if len(node.indices) > len(base.meta.event):
        extra = node.indices[len(base.meta.event)].span.to(node.indices[-1].span)
        raise scope.report.fail(
            "E106",
            extra,
            f"`{scope.report.text(node.base.span)}` is {show_shape(base.meta.event)}: "
            + (f"{len(base.meta.event)} is enough" if base.meta.event else "it takes no index"),
        )
    owner = scope.report.text(node.base.span)
    subscripts = _each_subscript(
        scope, node, [w.dim for w in base.meta.event], owner, within, [w.start != 0 for w in base.meta.event]
    )
    return select(base, subscripts, node.span)


def _is_quantity(node: syntax.Name, scope: Scope) -> bool:
    return node.id not in scope.parameters and node.id not in scope.indices and node.id not in scope.names.dims


def _read(quantity: Quantity, node: syntax.Index, scope: Scope, within: tuple[str, str] | None) -> Expr:
    if len(node.indices) > len(quantity.dims):
        extra = node.indices[len(quantity.dims)].span.to(node.indices[-1].span)
        known = (
            f"`{quantity.name}` is indexed by {quoted(quantity.dims)}"
            if quantity.dims
            else f"`{quantity.name}` is a single number"
        )
        raise scope.report.fail("E106", extra, known, _declare_hint(quantity, node, scope))
    subscripts = _each_subscript(scope, node, list(quantity.dims), quantity.name, within, None)
    rest = tuple(Whole(d) for d in quantity.dims[len(subscripts) :])
    return read(quantity, (*subscripts, *rest), node.span)


def _declare_hint(quantity: Quantity, node: syntax.Index, scope: Scope) -> str:
    names = [i.id for i in node.indices if isinstance(i, syntax.Name) and i.id in scope.names.dims]
    if quantity.dims or len(names) != len(node.indices):
        return ""
    return f"if it has one for each, define it as `{quantity.name}[{', '.join(names)}]`"


def _instead_of(label: str, known: Sequence[str], base: str, possible: Sequence[str]) -> str:
    """What to write for a label that is none of those known; possible: dims that it could be one of."""
    if known:
        found = closest(label, known)
        return f"did you mean `{found}`?" if found else f"its labels are {quoted(known)}"
    if label == "T":
        return f"the transpose of a matrix is `transpose({base})`"
    place = ", ".join((f'"{label}"', *possible[1:]))
    return f"write it in its place: `{base}[{place}]`" if possible else ""


def attribute(node: syntax.Attribute, scope: Scope) -> Expr:
    """`z.predator`: the element of that label."""
    base = scope.expr(node.base)
    label = node.name.id
    dims = [scope.names.dims[w.dim] for w in base.meta.event]
    if not dims:
        raise scope.report.fail(
            "E112", node.name.span, f"`{scope.report.text(node.base.span)}` is a single number and has no labels"
        )
    places = [n for n, d in enumerate(dims) if d.labels is not None and label in d.labels]
    if not places:
        places = [n for n, d in enumerate(dims) if d.labels is None and d.size is None and not d.ordered]
    if len(places) != 1:
        known = [x for d in dims for x in d.labels or ()]
        raise scope.report.fail(
            "E112",
            node.name.span,
            f"`{label}` is not a label of {quoted(d.name for d in dims)}"
            if not places
            else f"`{label}` could be a label of {quoted(dims[n].name for n in places)}",
            _instead_of(label, known, scope.report.text(node.base.span), [dims[n].name for n in places]),
        )
    place = places[0]
    subscripts: list[Subscript] = list(base.meta.event[:place])
    subscripts.append(_label(scope, dims[place], label, node.name.span))
    return select(base, subscripts, node.span)


def _label(scope: Scope, dim: Dim, label: str, span: Span) -> Subscript:
    if dim.labels is None:
        if dim.size is not None:
            raise scope.report.fail(
                "E112", span, f"`{dim.name}` has a size and no labels", f"give them: `dim {dim.name} = {{a, b, ...}}`"
            )
        return Labelled(label, span)
    if label in dim.labels:
        return Fixed(dim.labels.index(label))
    found = closest(label, dim.labels)
    hint = f"did you mean `{found}`?" if found else f"its labels are {quoted(dim.labels)}"
    raise scope.report.fail("E112", span, f"`{label}` is not a label of `{dim.name}`", hint)


# --- one subscript -----------------------------------------------------------------------------------


def _each_subscript(
    scope: Scope,
    node: syntax.Index,
    dims: Sequence[str],
    owner: str,
    within: tuple[str, str] | None,
    sliced: Sequence[bool] | None,
) -> list[Subscript]:
    found: list[Subscript] = []
    failed = False
    for n, place in enumerate(node.indices):
        try:
            if sliced is not None and sliced[n]:
                raise scope.report.fail(
                    "E411",
                    place.span,
                    "this indexes a slice, which could count from its own beginning or from that of the array",
                    f"index the array itself, from its own beginning: `{owner.partition('[')[0]}[...]`",
                )
            found.append(_subscript(scope, n, dims, owner, node, within))
        except Abandon:
            failed = True
    if failed:
        raise Abandon
    arrays = [s for s in found if isinstance(s, Gather) and s.index.meta.event]
    if len(arrays) > 1:
        raise scope.report.fail(
            "E411",
            arrays[1].index.meta.span,
            "a second index that is a whole array: it could go along with the first one, or cross it",
            f"use indices: `{owner}[a[i], b[i]] ... for i in obs`, or `{owner}[a[i], b[j]] ... for i in obs, j in obs`",
        )
    return found


def _subscript(
    scope: Scope, n: int, dims: Sequence[str], owner: str, node: syntax.Index, within: tuple[str, str] | None
) -> Subscript:
    subscript: Subscript
    place, dim = node.indices[n], dims[n]
    if isinstance(place, syntax.Slice):
        subscript = whole_range(scope, dim, place)
    elif isinstance(place, syntax.Text):
        subscript = _label(scope, scope.names.dims[dim], place.value, place.span)
    elif (form := affine(scope, place)) is not None:
        if not form[0]:
            need_positions(scope, dim, place.span, _by_labels(scope, node, dims))
        subscript = _affine_subscript(scope, place, form, dim, owner, node, within)
    else:
        subscript = _gather(scope, place, dim, owner, node)
    size = scope.names.size(dim)
    sizes = {} if size is None else {dim: size}
    for axis in subscript_axes(subscript) if isinstance(subscript, Affine) else ():
        if (known := scope.names.size(axis.dim)) is not None:
            sizes[axis.dim] = known
    problem = outside(subscript, dim, sizes)
    if problem is not None:
        raise scope.report.fail("E109", place.span, problem[0], problem[1])
    return subscript


def whole_range(scope: Scope, dim: str, node: syntax.Slice) -> Whole:
    """`1:`, `:-1`, `:` of a dim."""
    start = 0 if node.start is None else constant(scope, node.start, ">=")
    stop = None if node.stop is None else constant(scope, node.stop, "<")
    if node.start is not None or node.stop is not None:
        need_positions(scope, dim, node.span)
    return Whole(dim, start, stop)


def constant(scope: Scope, node: TreeExpr, relation: str) -> int:
    """A constant whole number, as ranges need; relation: of their elements to it."""
    value = whole_number(scope.expr(node))
    if value is None:
        raise scope.report.fail(
            "E411",
            node.span,
            "the ends of a range are whole numbers, so that shapes are known before the data are",
            f"filter instead: `for t in time if t {relation} {scope.report.text(node.span)}`",
        )
    return value


def need_positions(scope: Scope, dim: str, span: Span, by_labels: str = "") -> None:
    """Reports a position, lag or range in a dim that has no order. by_labels: what to write with labels, if not one of
    the dim alone."""
    if scope.names.positional(dim):
        return
    labels = scope.names.dims[dim].labels
    by_label = f"a label: `.{labels[0]}`" if labels else 'a label: `["..."]`'
    raise scope.report.fail(
        "E108",
        span,
        f"`{dim}` has no order, so no position",
        f"declare `dim {dim} ordered` if it has one; or use {by_labels or by_label}",
    )


def _by_labels(scope: Scope, node: syntax.Index, dims: Sequence[str]) -> str:
    """`labels: ["intercept", "slope"]` for the positions among several subscripts."""
    if len(node.indices) < 2:
        return ""
    positions = [place.value if isinstance(place, syntax.Number) else None for place in node.indices]
    written = []
    for place, position, dim in zip(node.indices, positions, dims, strict=False):
        labels = scope.names.dims[dim].labels
        if not isinstance(position, int) or scope.names.positional(dim):
            written.append(scope.report.text(place.span))
        else:
            written.append(f'"{labels[position]}"' if labels and position < len(labels) else '"..."')
    several = sum(isinstance(position, int) for position in positions) > 1
    return f"{'labels' if several else 'a label'}: `[{', '.join(written)}]`"


def _affine_subscript(
    scope: Scope,
    place: TreeExpr,
    form: tuple[dict[Axis, int], int],
    dim: str,
    owner: str,
    node: syntax.Index,
    within: tuple[str, str] | None,
) -> Subscript:
    terms, offset = form
    if not terms:
        return Fixed(offset)
    if all(axis.dim != dim for axis in terms):
        raise _mismatch(scope, next(iter(terms)), dim, owner, node, place, within)
    if len(terms) == 1 and set(terms.values()) == {1}:
        axis = next(iter(terms))
        if offset:
            need_positions(scope, dim, place.span)
        return Aligned(axis, offset)
    for axis in terms:
        need_positions(scope, axis.dim, place.span)
    return Affine(tuple(terms.items()), offset)


def _mismatch(
    scope: Scope,
    axis: Axis,
    dim: str,
    owner: str,
    node: syntax.Index,
    place: TreeExpr,
    within: tuple[str, str] | None,
) -> Abandon:
    """`q[i]` where `i` runs over another dim than `q`: say so, and find data that lead from one to the other."""
    shown = scope.report.text(place.span)
    hint = ""
    quantity = scope.names.quantities.get(owner)
    if within is not None and quantity is not None and quantity.element != IndexOf(within[1]):
        outer, wanted, inner = within[0], within[1], "{}"
    else:
        outer, wanted, inner = owner, dim, "{}"
        if within is not None:
            inner = f"{within[0]}[{{}}]"
    for data in scope.names.index_data(axis.dim, wanted):
        fixed = _with_place(scope, node, place, f"{data.name}[{shown}]") if outer == owner else f"{data.name}[{shown}]"
        written = inner.format(fixed) if outer == owner else f"{outer}[{fixed}]"
        hint = (
            f"did you mean `{written}`?  (`{data.name} : {axis.dim} -> {wanted}`, "
            f"and `{outer}` is indexed by `{wanted}`)"
        )
        break
    if not hint and quantity is not None and axis.dim in quantity.dims:
        hint = f"the order is `{quantity.name}[{', '.join(quantity.dims)}]`"
    if not hint and within is None:
        hint = f"to look up one from the other, declare data of that type: `data {dim}_of[{axis.dim}] : {dim}`"
    return scope.report.fail(
        "E104", node.span, f"`{owner}` is indexed by `{dim}`, but here the index runs over `{axis.dim}`", hint
    )


def _with_place(scope: Scope, node: syntax.Index, place: TreeExpr, written: str) -> str:
    places = [written if p is place else scope.report.text(p.span) for p in node.indices]
    return f"{scope.report.text(node.base.span)}[{', '.join(places)}]"


def _gather(scope: Scope, place: TreeExpr, dim: str, owner: str, node: syntax.Index) -> Subscript:
    if isinstance(place, syntax.Name) and place.id in scope.names.dims and place.id not in scope.parameters:
        raise unbound(place, scope)
    inner = index(place, scope, (owner, dim)) if isinstance(place, syntax.Index) else scope.expr(place)
    element = inner.meta.element
    if isinstance(element, IndexOf):
        if element.dim == dim:
            return Gather(inner)
        raise scope.report.fail(
            "E107",
            place.span,
            f"this is an element of `{element.dim}`, but `{owner}` is indexed by `{dim}`",
            _through(scope, element.dim, dim, owner, place),
        )
    raise scope.report.fail(
        "E107",
        place.span,
        f"`{owner}` is indexed by `{dim}`; this is {_kind(element)}",
        _index_type_hint(scope, inner, dim),
    )


def _through(scope: Scope, source: str, target: str, owner: str, place: TreeExpr) -> str:
    for data in scope.names.index_data(source, target):
        return f"did you mean `{owner}[{data.name}[{scope.report.text(place.span)}]]`?"
    return ""


def _index_type_hint(scope: Scope, inner: Expr, dim: str) -> str:
    if isinstance(inner, Read):
        quantity = scope.names.quantities.get(inner.name)
        if quantity is not None and quantity.role == "data":
            dims = f"[{', '.join(quantity.dims)}]" if quantity.dims else ""
            return (
                f"declare it as `data {quantity.name}{dims} : {dim}` (`: {dim} from 1` if it counts positions from 1)"
            )
    return f"an index is a bound index, a label, a constant position, or data of type `{dim}`"


def _kind(element: Element) -> str:
    match element:
        case Scalar.REAL:
            return "a real number"
        case Scalar.BOOL:
            return "true or false"
        case IndexOf():
            return f"an element of `{element.dim}`"
        case _:
            return "a whole number"


def unbound(node: syntax.Name, scope: Scope) -> Abandon:
    """A dim's name where nothing runs over it: say which reduction or plate is missing."""
    dim = node.id
    others = [name for name, b in scope.indices.items() if b.axis.dim == dim]
    if others:
        hint = f"here the index over `{dim}` is called `{others[0]}`"
    elif scope.indices:
        hint = f"sum over it: `sum(..., {dim})`, or put it on the left: `[{', '.join([*scope.indices, dim])}]`"
    else:
        hint = f"put it on the left, `...[{dim}]`, or reduce over it: `sum(..., {dim})`"
    return scope.report.fail("E105", node.span, f"nothing here runs over `{dim}`", hint)
