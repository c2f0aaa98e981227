"""`observe c = +1`: latents, or elements of them, that are given."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from ppl.catalogue.functions import Interval
from ppl.catalogue.supports import SUPPORTS, in_words, joint_rank
from ppl.compiler.check.build import Build, Part
from ppl.compiler.check.names import closest, quoted
from ppl.compiler.check.places import Place, place
from ppl.compiler.check.ranges import of_latent, range_of
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Quantity
from ppl.compiler.check.shapes import describe, extent, leaves, show_shape, show_whole
from ppl.compiler.passes.elements import at_axes
from ppl.grammar import nodes as syntax
from ppl.graph import Aligned, Axis, Clamp, Expr, Fixed, Labelled, Literal, Meta, Subscript, Whole
from ppl.types import IndexOf, Scalar


def observe(build: Build, statement: syntax.Observe) -> None:
    """Clamps the elements of a latent that the target names, or all of them, to values that data alone determine."""
    try:
        quantity = _latent(build, statement.target)
        where = place(build.scope, statement.target, (), quantity.dims)
        axes, subscripts = _each_element(where, quantity)
        value = _value(build, statement, quantity, where)
        value = _for_each(build, value, axes, subscripts)
        _check_value(build, value, quantity)
    except Abandon:
        return
    parts = build.clamped.setdefault(quantity.name, [])
    for part in parts:
        if _overlap(part.subscripts, subscripts):
            line = build.report.line(part.span)
            build.report.error("E213", statement.target.span, f"line {line} clamps it already", "leave one of them out")
            return
    parts.append(Part(subscripts, statement.target.span))
    build.nodes.append(Clamp(quantity.name, axes, subscripts, value, statement.span))


def _latent(build: Build, target: syntax.Target) -> Quantity:
    quantity = build.scope.quantity(target.name)
    match quantity.role:
        case "latent" | "var":
            return quantity
        case "data":
            hint = f"its value comes with the data; to say how likely it is, draw it: `{quantity.name} ~ ...`"
            label = f"`{quantity.name}` is data"
        case "prediction":
            hint, label = "draw it without `predict`", f"`{quantity.name}` is a prediction, drawn after sampling"
        case _:
            label = f"`{quantity.name}` is computed, on line {build.report.line(quantity.span)}"
            hint = "clamp what it is computed from"
    raise build.report.fail("E122", target.span, f"{label}; only latent quantities can be clamped", hint)


def _each_element(where: Place, quantity: Quantity) -> tuple[tuple[Axis, ...], tuple[Subscript, ...]]:
    """The subscripts of the target, an axis in the place of each whole dim."""
    subscripts: list[Subscript] = []
    kind = "real" if quantity.support is None else quantity.support.kind
    single = len(quantity.dims) - joint_rank(kind)
    for n, s in enumerate(where.padded(quantity.dims)):
        if n >= single and isinstance(s, (Fixed, Labelled)):
            raise _part_of_a_draw(where, quantity, single)
        subscripts.append(Aligned(where.scope.names.axis(s.dim, s.dim, s.start, s.stop)) if isinstance(s, Whole) else s)
    return tuple(s.axis for s in subscripts if isinstance(s, Aligned)), tuple(subscripts)


def _part_of_a_draw(where: Place, quantity: Quantity, single: int) -> Abandon:
    """One element of what is drawn as a whole: `w[0]` of a `Dirichlet`. single: dims before those of a draw."""
    report, indices = where.scope.report, where.target.indices[:single]
    whole = quantity.name + (f"[{', '.join(report.text(i.span) for i in indices)}]" if indices else "")
    return report.fail(
        "E122",
        where.target.span,
        f"the elements of `{whole}` depend on each other, so that none can be clamped alone",
        f"clamp them together: `data given[{', '.join(quantity.dims[single:])}]`, `observe {whole} = given`\n"
        f"or hold this one near a value: `data seen`, `seen ~ Normal({report.text(where.target.span)}, 0.01)`",
    )


def _value(build: Build, statement: syntax.Observe, quantity: Quantity, where: Place) -> Expr:
    element, node = quantity.element, statement.value
    if isinstance(node, syntax.Name) and isinstance(element, IndexOf) and node.id not in build.names.later:
        return _label(build, node, element)
    value = where.scope.expr(node)
    if not build.data_only(value):
        raise build.report.fail(
            "E114", value.meta.span, "a clamped value follows from numbers and data alone; this depends on a latent"
        )
    return value


def _label(build: Build, node: syntax.Name, element: IndexOf) -> Expr:
    """`observe c = red`: an element by its label."""
    labels = build.names.dims[element.dim].labels
    if labels is None:
        raise build.report.fail(
            "E112",
            node.span,
            f"the labels of `{element.dim}` are not in the text",
            f"declare them, `dim {element.dim} = {{...}}`; from outside, `--set` takes labels too",
        )
    if node.id not in labels:
        found = closest(node.id, labels)
        hint = f"did you mean `{found}`?" if found else f"its labels are {quoted(labels)}"
        raise build.report.fail("E112", node.span, f"`{node.id}` is not a label of `{element.dim}`", hint)
    return Literal(labels.index(node.id), Meta((), (), element, node.span))


def _for_each(build: Build, value: Expr, axes: Sequence[Axis], subscripts: Sequence[Subscript]) -> Expr:
    """The value for one element: of an array, that at the same place along the last indices of the target."""
    event = value.meta.event
    if not event:
        return value
    last = axes[len(axes) - len(event) :]
    fits = len(last) == len(event) and not set(last) & set(value.meta.axes)
    if not fits or any(
        w.dim != a.dim or extent(w, build.names.size(w.dim)) != extent(a, build.names.size(a.dim))
        for w, a in zip(event, last, strict=True)
    ):
        shown = " x ".join(show_whole(a) for a in axes)
        raise build.report.fail(
            "E111",
            value.meta.span,
            f"this is {show_shape(event)}, but what is clamped is " + (f"one over {shown}" if axes else "one number"),
        )
    return at_axes(value, last)


def _check_value(build: Build, value: Expr, quantity: Quantity) -> None:
    """Reports a value that the support excludes whatever the data are."""
    if quantity.support is None:
        return
    span, report = value.meta.span, build.report
    wanted, given = quantity.element, value.meta.element
    kind = SUPPORTS[quantity.support.kind]
    if isinstance(given, IndexOf) and given != wanted:
        what = f"an element of `{wanted.dim}`" if isinstance(wanted, IndexOf) else kind.description
        raise report.fail("E114", span, f"this is an element of `{given.dim}`; `{quantity.name}` is {what}")
    known = range_of(value, build.names)
    exact = known.interval.lower if known.interval.lower == known.interval.upper and not known.depends else None
    spins = wanted is Scalar.SPIN and exact is not None and abs(exact) != 1
    broken = wanted is not Scalar.REAL and exact is not None and exact % 1 != 0
    if spins or broken:
        raise report.fail("E214", span, f"this is {exact:g}; `{quantity.name}` is {kind.description}")
    allowed = of_latent(quantity.name, quantity.support, build.names).interval
    size = build.names.size(wanted.dim) if isinstance(wanted, IndexOf) else None
    if size is not None:
        allowed = Interval(0.0, size - 1.0)
    if kind.event_rank == 0 and exact is not None and leaves(known, allowed):
        ends = (end if abs(end) < inf else None for end in (allowed.lower, allowed.upper))
        raise report.fail(
            "E214", span, f"{describe(known, allowed)}; `{quantity.name}` is {in_words(kind.name, *ends)}"
        )


def _overlap(first: Sequence[Subscript], second: Sequence[Subscript]) -> bool:
    """Whether two targets certainly share an element."""
    return all(_meet(a, b) for a, b in zip(first, second, strict=True))


def _meet(a: Subscript, b: Subscript) -> bool:
    match a, b:
        case Fixed(x), Fixed(y):
            return x == y
        case Labelled(x), Labelled(y):
            return x == y
        case Aligned(x), Aligned(y):
            return (x.start, x.stop) == (y.start, y.stop) or (0, None) in ((x.start, x.stop), (y.start, y.stop))
        case Aligned(x), (Fixed() | Labelled()):
            return (x.start, x.stop) == (0, None)
        case ((Fixed() | Labelled()), Aligned(x)):
            return (x.start, x.stop) == (0, None)
    return False
