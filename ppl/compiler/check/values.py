"""`target = expression`: deterministic quantities, whole or in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ppl.compiler.check.build import Build, Part
from ppl.compiler.check.calls import is_distribution
from ppl.compiler.check.declarations import free_quantity
from ppl.compiler.check.intervals import UNKNOWN, union
from ppl.compiler.check.places import Place, place
from ppl.compiler.check.ranges import range_of
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Quantity
from ppl.compiler.check.shapes import same_extent, show_shape, show_whole
from ppl.compiler.check.tiling import check_tiling
from ppl.grammar import nodes as syntax
from ppl.graph import Aligned, Expr, Fill, Meta, Piece, Subscript, Value, Whole, each_read
from ppl.types import Scalar


def assign(build: Build, statement: syntax.Assign, loops: Sequence[syntax.Loop]) -> None:
    """`x[i] = ...`: a piece of a value. A wrong one is marked as broken."""
    for target in statement.targets:
        try:
            _assign(build, target, statement, loops)
        except Abandon:
            build.fail(target.name, "value")
            begun = build.names.quantities[target.name.id]
            begun.broken = begun.broken or not begun.complete


def _draws_nothing(where: Place, statement: syntax.Assign) -> None:
    """Reports `mu = Normal(0, 1)`."""
    value, report = statement.value, where.scope.report
    if isinstance(value, syntax.Call) and is_distribution(value.function.id):
        label = f"`{value.function.id}` is a distribution, not a number"
        hint = f"draw from it with `~`: `{report.text(where.target.span)} ~ {report.text(value.span)}`"
        raise report.fail("E205", value.span, label, hint)


def _assign(build: Build, target: syntax.Target, statement: syntax.Assign, loops: Sequence[syntax.Loop]) -> None:
    name = target.name.id
    left = build.assignments_left[name] = build.assignments_left.get(name, 1) - 1
    if name not in build.pieces:
        known = build.names.quantities.get(name)
        if (known is None or not known.broken) and not free_quantity(build, target.name):
            raise Abandon
        _begins(build, target, statement)
    dims = build.left_dims.get(name, [])
    where = place(build.scope, target, loops, dims if target.indices else None)
    _draws_nothing(where, statement)
    value = where.scope.expr(statement.value)
    if where.where is not None:
        raise build.report.fail(
            "E110",
            where.where.meta.span,
            f"the elements of `{name}` that the filter leaves out would have no value",
            "define every element: `a if c[i] else b`",
        )
    piece = _piece(build, where, value, statement)
    pieces = build.pieces.setdefault(name, [])
    pieces.append(piece)
    build.assigned.setdefault(name, []).append(Part(piece.subscripts, target.span))
    if left > 0:
        _begun(build, target, pieces)
        return
    if name in build.failed:
        raise Abandon
    _finish(build, target, pieces)


def _begun(build: Build, target: syntax.Target, pieces: list[Piece]) -> None:
    """Makes known what has some of its pieces, so that the others can read them."""
    name = target.name.id
    shapes = {tuple(_dim(s) for s in p.subscripts) for p in pieces}
    left = build.left_dims.get(name, [])
    if len({len(shape) for shape in shapes}) > 1 or name in build.failed:
        return
    dims = []
    for n in range(len(pieces[0].subscripts)):
        found = {shape[n] for shape in shapes} - {None} or set(left[n : n + 1]) - {None}
        if len(found) != 1:
            return
        dims.append(str(found.pop()))
    true_or_false = all(p.value.meta.element is Scalar.BOOL for p in pieces)
    element = Scalar.BOOL if true_or_false else Scalar.REAL
    own = frozenset({name})
    known = replace(UNKNOWN, depends=own, mentions=own, repeats=True)  # so that nothing is certain of it
    build.define(Quantity(name, "value", tuple(dims), element, pieces[0].span, known, complete=False))


def _finish(build: Build, target: syntax.Target, pieces: list[Piece]) -> None:
    name = target.name.id
    begun = build.names.quantities.get(name)
    shapes = {tuple(_dim(s) for s in p.subscripts) for p in pieces}
    dims = _merged(build, target, shapes)
    if not check_tiling(build, name, dims, build.assigned[name], drawn=False):
        raise Abandon
    elements = {p.value.meta.element for p in pieces}
    element = elements.pop() if len(elements) == 1 else Scalar.REAL
    read = [r for p in pieces for r in each_read(p.value)]
    if begun is not None and begun.element is Scalar.BOOL and element is not Scalar.BOOL:
        raise build.report.fail(
            "E114", target.span, f"this piece of `{name}` is a number, but those above are true or false"
        )
    data_only = all(build.names.quantities[r.name].data_only for r in read if r.name != name)
    known = union([range_of(p.value, build.names) for p in pieces], certain=True)
    if any(not build.names.quantities[r.name].complete for r in read):
        known = replace(UNKNOWN, interval=known.interval, depends=known.depends, mentions=known.mentions, repeats=True)
    span = target.name.span if len(pieces) == 1 else pieces[0].span
    build.define(Quantity(name, "value", dims, element, span, known, data_only=data_only))
    build.nodes.append(Value(name, dims, element, tuple(pieces), span, recorded=not name.startswith("_")))


def _dim(s: Subscript) -> str | None:
    match s:
        case Aligned(axis):
            return axis.dim
        case Whole():
            return s.dim
        case _:
            return None


def _merged(build: Build, target: syntax.Target, shapes: set[tuple[str | None, ...]]) -> tuple[str, ...]:
    lengths = {len(shape) for shape in shapes}
    if len(lengths) > 1:
        raise build.report.fail(
            "E106", target.span, f"the statements for `{target.name.id}` have different numbers of dims"
        )
    left = build.left_dims.get(target.name.id, [])
    dims = []
    for n in range(lengths.pop()):
        found = {shape[n] for shape in shapes} - {None}
        if not found and n < len(left):
            found = {left[n]} - {None}
        if len(found) != 1:
            raise build.report.fail("E123", target.span, f"nothing says which dim index {n + 1} runs over")
        dims.append(str(found.pop()))
    return tuple(dims)


def _piece(build: Build, where: Place, value: Expr, statement: syntax.Assign) -> Piece:
    """Event dims of the value onto the left side: whole dims written there, trailing dims that stand for whole
    ones, or dims that the left side does not write."""
    report = build.report
    subscripts = list(where.subscripts)
    event = list(value.meta.event)
    for w in event:
        if (w.start, w.stop) != (0, None) and not any(isinstance(s, Whole) for s in subscripts):
            raise report.fail(
                "E111",
                value.meta.span,
                f"this runs over {show_whole(w)}, a part of `{w.dim}`, which is no dim of its own",
                f"write the elements one by one, `{where.name}[t] = ... for t in {show_whole(w)}`, "
                "and define those left out too",
            )
    written = [s for s in subscripts if isinstance(s, Whole)]
    if not event and written:
        value = Fill(value, tuple(written), Meta(value.meta.axes, tuple(written), value.meta.element, value.meta.span))
        event = list(written)
    spare = len(event) - len(written)
    if spare < 0:
        raise report.fail(
            "E111", value.meta.span, f"the left side is {show_shape(written)}; this is {show_shape(event)}"
        )
    if spare:
        tail = subscripts[len(subscripts) - spare :]
        stands = len(tail) == spare and all(
            isinstance(s, Aligned)
            and s.axis not in value.meta.axes
            and same_extent(Whole(s.axis.dim, s.axis.start, s.axis.stop), w, build.names)
            for s, w in zip(tail, event[len(event) - spare :], strict=True)
        )
        if stands:
            subscripts[len(subscripts) - spare :] = event[len(event) - spare :]
        else:
            subscripts += event[len(event) - spare :]
    for s, w in zip([s for s in subscripts if isinstance(s, Whole)], event, strict=True):
        if not same_extent(s, w, build.names):
            raise report.fail(
                "E111", value.meta.span, f"this runs over {show_whole(w)}, but the left side over {show_whole(s)}"
            )
    loose = [s.axis for s in subscripts if isinstance(s, Aligned)]
    return Piece(tuple(loose), None, tuple(subscripts), value, statement.span)


# --- recurrences -------------------------------------------------------------------------------------


def _begins(build: Build, target: syntax.Target, statement: syntax.Assign) -> None:
    """The first statement about a value reads none of its elements: there are none yet."""
    name = target.name.id
    for node in _mentions(statement.value, name):
        if isinstance(node, syntax.Index) and target.indices:
            hint = f"define the elements that it begins with above: `{name}[0] = ...`"
            raise build.report.fail("E116", node.span, f"no element of `{name}` is defined above", hint)
        raise build.report.fail(
            "E116", node.span, f"`{name}` is computed from itself", "give the new quantity another name"
        )


def _mentions(node: syntax.Expr | syntax.Slice | None, name: str) -> Iterator[syntax.Expr]:
    """Where a tree names a quantity, with its indices if it has any."""
    match node:
        case syntax.Name():
            if node.id == name:
                yield node
        case syntax.Index():
            if isinstance(node.base, syntax.Name) and node.base.id == name:
                yield node
            else:
                yield from _mentions(node.base, name)
            for i in node.indices:
                yield from _mentions(i, name)
        case syntax.Attribute():
            yield from _mentions(node.base, name)
        case syntax.Unary():
            yield from _mentions(node.operand, name)
        case syntax.Binary():
            yield from _mentions(node.left, name)
            yield from _mentions(node.right, name)
        case syntax.Conditional():
            for part in (node.then, node.test, node.otherwise):
                yield from _mentions(part, name)
        case syntax.Call():
            for argument in node.arguments:
                yield from _mentions(argument.value, name)
            if node.loop is not None and node.loop.condition is not None:
                yield from _mentions(node.loop.condition, name)
