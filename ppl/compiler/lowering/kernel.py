"""Expressions that are computed again and again, at one element of some axes: the steps of a recurrence, the rate of a
differential equation.

What does not change from one time to the next is taken out of them and computed once, as whole arrays: those are a
kernel's inputs. What is left reads the inputs, at the element, and what does change, by names of its own; it is a small
graph, and is lowered like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType

import numpy as np

from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.fold import Recorder
from ppl.compiler.lowering.guards import can_fail
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import Array
from ppl.compiler.lowering.shaping import spread
from ppl.compiler.passes.program import Program
from ppl.errors import CompilerBug
from ppl.graph import (
    Aligned,
    Apply,
    Axis,
    Expr,
    Fill,
    Gather,
    Latent,
    Lift,
    Literal,
    Local,
    Meta,
    ModelGraph,
    OdeSolve,
    Position,
    Read,
    Reduce,
    Select,
    Stack,
    Subscript,
    Support,
    Whole,
    children,
)
from ppl.source import Span
from ppl.types import Dim, Element

Changing = Callable[[Expr], Expr | None]
"""What stands for an expression that changes from one time to the next, read by a name of the kernel; None: it is none
itself."""


@dataclass(frozen=True, eq=False)
class Given:
    """A name of the kernel: an expression of the model, without the axes at one element of which the kernel works.

    place: which of its event dims runs along such an axis (in a definition of whole arrays); None: none does.
    """

    name: str
    expr: Expr
    axes: tuple[Axis, ...]
    place: int | None = None


@dataclass(eq=False)
class Taking:
    """Takes out of expressions what does not change; `axes`: those at one element of which the kernel works, in the
    expressions at hand."""

    program: Program
    changing: Changing
    axes: tuple[Axis, ...] = ()
    given: list[Given] = field(default_factory=list)
    nodes: list[Latent] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    _reads: dict[int, Expr] = field(default_factory=dict)
    _changes: dict[int, bool] = field(default_factory=dict)
    _free: dict[int, frozenset[str]] = field(default_factory=dict)

    def along(self, axes: tuple[Axis, ...]) -> None:
        """Turns to expressions in which these are the axes."""
        self.axes = axes
        for memory in (self._reads, self._changes, self._free):
            memory.clear()

    def declare(self, name: str, sizes: Sequence[int], element: Element) -> tuple[str, ...]:
        """Makes a name of the kernel; its dims are new."""
        dims = tuple(f"{name}.{i}" for i in range(len(sizes)))
        self.sizes.update(zip(dims, sizes, strict=True))
        self.name(name, dims, element)
        return dims

    def name(self, name: str, dims: tuple[str, ...], element: Element) -> None:
        """Makes a name of the kernel over dims of the model or of its own."""
        self.nodes.append(Latent(name, dims, element, Support("real"), 0, False, _NOWHERE))

    def kernel(self) -> Program:
        """The graph of the names, with the sizes of their dims: what the kernel is lowered in."""
        model = self.program.graph
        dims = {**model.dims, **{d: Dim(d, _NOWHERE) for d in self.sizes}}
        graph = ModelGraph(None, model.source, dims, tuple(self.nodes))
        return Program(graph, {**self.program.sizes, **self.sizes}, self.program.labels)

    # --- what is taken out ---------------------------------------------------------------------------

    def out(self, expr: Expr, branch: bool = False) -> Expr:
        """The expression as the kernel computes it. branch: inside one that need not be taken, where nothing that can
        fail may be computed for its own sake."""
        if not self.changes(expr) and not self._bound(expr):
            if self.program.kind(expr) == "number":
                return expr
            if self._worth_it(expr) and not (branch and can_fail(expr)):
                return self.taken(expr)
        changing = self.changing(expr)
        return self._parts(expr, branch) if changing is None else changing

    def changes(self, expr: Expr) -> bool:
        """Whether an expression has a part that changes."""
        known = self._changes.get(id(expr))
        if known is None:
            known = self.changing(expr) is not None or any(self.changes(part) for part in children(expr))
            self._changes[id(expr)] = known
        return known

    def _bound(self, expr: Expr) -> frozenset[str]:
        """The states and times, of differential equations around it, that an expression reads."""
        known = self._free.get(id(expr))
        if known is None:
            known = frozenset().union(*(self._bound(part) for part in children(expr)))
            if isinstance(expr, Local):
                known |= {expr.name}
            elif isinstance(expr, OdeSolve):
                known -= {expr.state.name, expr.time.name}
            self._free[id(expr)] = known
        return known

    def _worth_it(self, expr: Expr) -> bool:
        """Whether an expression, computed whole, is no larger than one of its parts."""
        if isinstance(expr, Read | Position) or not any(a in self.axes for a in expr.meta.axes):
            return True
        return any(
            set(expr.meta.axes) <= set(part.meta.axes) and len(expr.meta.event) <= len(part.meta.event)
            for part in children(expr)
        )

    def taken(self, expr: Expr) -> Expr:
        """An input of the kernel, read."""
        if id(expr) not in self._reads:
            kept = [a for a in expr.meta.axes if a not in self.axes]
            spans: list[Axis | Whole] = [*kept, *expr.meta.event]
            name = f"#{len(self.given)}"
            dims = self.declare(name, [self.program.size(s) for s in spans], expr.meta.element)
            self.given.append(Given(name, expr, self.axes))
            subscripts: list[Subscript] = [Aligned(a, -self.program.span(a)[0]) for a in kept]
            subscripts += [Whole(d) for d in dims[len(kept) :]]
            self._reads[id(expr)] = Read(name, tuple(subscripts), replace(expr.meta, axes=tuple(kept)))
        return self._reads[id(expr)]

    def taken_at(self, expr: Expr, place: int) -> Expr:
        """The same of a whole array, one of whose event dims is what the kernel works along."""
        if any(a not in self.axes for a in expr.meta.axes):
            raise CompilerBug("a definition of whole arrays has axes of its own")
        event = (*expr.meta.event[:place], *expr.meta.event[place + 1 :])
        name = f"#{len(self.given)}"
        dims = self.declare(name, [self.program.size(w) for w in event], expr.meta.element)
        self.given.append(Given(name, expr, self.axes, place))
        return Read(name, tuple(map(Whole, dims)), replace(expr.meta, axes=(), event=event))

    def meta(self, meta: Meta) -> Meta:
        """Without the axes at one element of which the kernel works."""
        return replace(meta, axes=tuple(a for a in meta.axes if a not in self.axes))

    def subscripts(self, subscripts: Sequence[Subscript], branch: bool = False) -> tuple[Subscript, ...]:
        """Subscripts as the kernel computes them."""
        return tuple(Gather(self.out(s.index, branch)) if isinstance(s, Gather) else s for s in subscripts)

    def _parts(self, expr: Expr, branch: bool) -> Expr:
        """The expression of its parts, taken out of."""
        meta = self.meta(expr.meta)
        match expr:
            case Apply():
                into = [branch or (expr.function == "where" and n > 0) for n in range(len(expr.arguments))]
                parts = tuple(self.out(a, b) for a, b in zip(expr.arguments, into, strict=True))
                return replace(expr, arguments=parts, meta=meta)
            case Reduce():
                where = None if expr.where is None else self.out(expr.where, branch)
                return replace(expr, body=self.out(expr.body, branch), where=where, meta=meta)
            case Lift():
                return replace(expr, body=self.out(expr.body, branch), meta=meta)
            case Fill():
                return replace(expr, value=self.out(expr.value, branch), meta=meta)
            case Stack():
                return replace(expr, items=tuple(self.out(i, branch) for i in expr.items), meta=meta)
            case Select():
                subscripts = self.subscripts(expr.subscripts, branch)
                return replace(expr, value=self.out(expr.value, branch), subscripts=subscripts, meta=meta)
            case OdeSolve():
                state, time = (replace(local, meta=self.meta(local.meta)) for local in (expr.state, expr.time))
                return replace(expr.mapped(lambda part: self.out(part, branch)), state=state, time=time, meta=meta)
            case Literal() | Local():
                return replace(expr, meta=meta)
            case Read() | Position():
                raise CompilerBug("a read that changes has nothing to stand for it")


_NOWHERE = Span(0, 0)


# --- inside ------------------------------------------------------------------------------------------


def inside(program: Program, xp: ModuleType, given: Mapping[str, Array]) -> Lowering:
    """Lowers what a kernel computes, given the arrays of its names. No data are left in it, but positions are."""
    if xp is np:
        return Lowering(program, np, given.__getitem__)
    return Lowering(program, xp, given.__getitem__, Recorder(), Lowering(program, np, given.__getitem__))


# --- outside -----------------------------------------------------------------------------------------


def outside(lowering: Context, item: Given) -> tuple[tuple[Axis, ...], Array]:
    """The array of an input: `[axes of the kernel..., other axes..., event...]`, with the first, as far as it has them.
    A whole array that runs along such an axis begins with that dim."""
    named = lowering.value(item.expr)
    if item.place is not None:
        return (), lowering.xp.moveaxis(named.array, item.place, 0)
    leading = tuple(a for a in dict.fromkeys(map(lowering.seen, item.axes)) if a in named.axes)
    kept = tuple(lowering.seen(a) for a in item.expr.meta.axes if a not in item.axes)
    return leading, spread(lowering, named, (*leading, *kept)).array
