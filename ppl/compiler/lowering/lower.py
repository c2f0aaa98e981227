"""Expressions of the graph as arrays over named axes, in NumPy (of data alone) or in JAX.

Nothing here loops over elements: a subscript by a bound index aligns axes, a shift is a slice, a subscript by data is
one gather, a sum of products one contraction. What data alone determine comes from the recorded constants.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Protocol

import numpy as np

from ppl.compiler.lowering.context import Attempt, Context, Enumerated, Selection
from ppl.compiler.lowering.enumeration import enumerated_read
from ppl.compiler.lowering.guards import Guard, guarded, keeps_places, of_scalars
from ppl.compiler.lowering.named import BOOL, INT, Array, DType, Named, cast, dtype_of
from ppl.compiler.lowering.operators import apply
from ppl.compiler.lowering.reads import read, select
from ppl.compiler.lowering.reductions import reduce
from ppl.compiler.lowering.selections import selected, selection
from ppl.compiler.lowering.shaping import fill, lift, stack
from ppl.compiler.passes.memory import is_out_of_memory, largest_part, out_of_memory
from ppl.compiler.passes.program import Program
from ppl.errors import CompilerBug, PplError
from ppl.graph import Apply, Axis, Expr, Fill, Lift, Literal, Local, OdeSolve, Position, Read, Reduce, Select, Stack


class Store(Protocol):
    """Where constants come from: recorded, or being recorded."""

    def get(self, key: Hashable, compute: Callable[[], Named]) -> Named:
        """The constant under a key."""


@dataclass(frozen=True, eq=False)
class Lowering:
    """Lowers expressions that read `quantity(name)`: whole arrays over the declared dims.

    selections: of the bound axes in force; store, data: for JAX, the constants and the NumPy lowering that computes
    them while they are recorded; guards: of the branches that we are in; enumerated: reads of discrete latents that
    take all their values at once; attempts: where it is noted which differential equations were solved, by those who
    ask (otherwise a solution that is not found is NaN).
    """

    program: Program
    xp: ModuleType
    quantity: Callable[[str], Array]
    store: Store | None = None
    data: Lowering | None = None
    selections: tuple[Selection, ...] = ()
    guards: tuple[Guard, ...] = ()
    enumerated: Mapping[Hashable, Enumerated] = field(default_factory=dict)
    attempts: dict[Hashable, Attempt] | None = None
    memo: dict[Hashable, Named] = field(default_factory=dict)

    @property
    def records(self) -> bool:
        """Whether what data determine comes from constants (in JAX), and is not computed here (in NumPy)."""
        return self.store is not None

    # --- values --------------------------------------------------------------------------------------

    def value(self, expr: Expr, dtype: DType | None = None) -> Named:
        """The array of an expression, in `dtype` or that of its own element type.

        Raises:
            PplError: data that the expression reads are at fault, or it needs more memory than there is.
            CompilerBug: it cannot be computed, at this place of the text.
        """
        try:
            return self._value(expr, dtype if dtype is not None else dtype_of(expr.meta.element))
        except (PplError, CompilerBug):
            raise
        except Exception as error:  # whatever else NumPy and JAX raise here is our fault: it is told with its place
            source = self.program.graph.source
            if is_out_of_memory(error):
                array = largest_part(expr, self.program.sizes)
                raise PplError([out_of_memory(error, array)], source) from None
            line, column = source.position(expr.meta.span.start)
            raise CompilerBug(f"line {line}, column {column}: {type(error).__name__}: {error}") from error

    def _value(self, expr: Expr, dtype: DType) -> Named:
        kind = self.program.kind(expr)
        if kind == "number":
            return Named(np.asarray(Lowering(self.program, np, self.quantity)._by_rule(expr).array, dtype))
        if kind == "data" and self.records:
            return self._constant(expr, dtype)
        in_force = tuple(s.key for s in self.relevant(expr.meta.axes))
        key = (id(expr), in_force, tuple(guard.key for guard in self.guards))
        named = self.memo.get(key)
        if named is None:
            lowering = self if keeps_places(expr) else replace(self, guards=of_scalars(self.guards))
            named = lowering._by_rule(expr)
            if isinstance(expr, Read):
                named = guarded(named, self.guards)
            self.memo[key] = named
        return Named(cast(self.xp, named.array, dtype), named.axes)

    def _by_rule(self, expr: Expr) -> Named:
        """The one place where the kinds of expressions meet their rules."""
        match expr:
            case Literal():
                return Named(np.asarray(expr.value, dtype_of(expr.meta.element)))
            case Read():
                found = enumerated_read(self, expr)
                return read(self, expr) if found is None else found.value
            case Select():
                return select(self, expr)
            case Position():
                return Named(self.positions_along(expr.axis), (self.seen(expr.axis),))
            case Apply():
                return apply(self, expr)
            case Reduce():
                return reduce(self, expr)
            case Lift():
                return lift(self, self.value(expr.body), expr.axes)
            case Fill():
                return fill(self, expr)
            case Stack():
                return stack(self, expr)
            case OdeSolve():
                from ppl.compiler.lowering.odes import solution  # brings diffrax, which few models need

                return solution(self, expr)
            case Local():
                raise CompilerBug(f"`{expr.name}` is read outside its differential equation")

    # --- constants -----------------------------------------------------------------------------------

    def _constant(self, expr: Expr, dtype: DType) -> Named:
        """A recorded constant, restricted to the elements that are selected at run time."""
        static = self.static(expr.meta.axes)
        key = (id(expr), str(dtype), tuple(s.key for s in static))
        return selected(self, key, self.recorded(key, static, lambda data: data.value(expr, dtype)))

    def whole(self, name: str, dtype: DType) -> Array:
        """A quantity that data alone determine, as a constant over its declared dims."""
        return self.recorded((name, str(dtype)), (), lambda data: Named(cast(np, data.quantity(name), dtype))).array

    def recorded(self, key: Hashable, static: tuple[Selection, ...], compute: Callable[[Context], Named]) -> Named:
        """What `compute` makes of the lowering of data under the selections `static`: once, when it is recorded."""
        if self.store is None:
            raise CompilerBug("a lowering of data alone records no constants")
        return self.store.get(key, lambda: compute(self._of_data(static)))

    def _of_data(self, static: tuple[Selection, ...]) -> Lowering:
        if self.data is None:
            raise CompilerBug("a constant is asked for that was not recorded")
        return self.data.selecting(static)

    # --- what is in force ----------------------------------------------------------------------------

    def within(self, selection: Selection) -> Lowering:
        """Under one selection more."""
        return self.selecting((*self.selections, selection))

    def selecting(self, selections: tuple[Selection, ...]) -> Lowering:
        """Under these selections and no others."""
        return replace(self, selections=selections)

    def enumerating(self, enumerated: Mapping[Hashable, Enumerated]) -> Lowering:
        """With these reads of discrete latents taking all their values at once."""
        return replace(self, enumerated=enumerated, memo={})

    def guarded_by(self, guard: Guard) -> Lowering:
        """Inside one branch more."""
        return replace(self, guards=(*self.guards, guard))

    def filtered(self, axes: tuple[Axis, ...], where: Expr | None, key: Hashable) -> tuple[Lowering, Named | None]:
        """Where to lower what a filter of `axes` governs; and the filter, if it cannot be a selection."""
        if where is None:
            return self, None
        kept = selection(self, axes, where, key)
        return (self, self.value(where, BOOL)) if kept is None else (self.within(kept), None)

    def relevant(self, axes: tuple[Axis, ...]) -> tuple[Selection, ...]:
        """The selections of any of these axes."""
        return tuple(s for s in self.selections if any(axis in s.over for axis in axes))

    def static(self, axes: tuple[Axis, ...]) -> tuple[Selection, ...]:
        """The selections of these axes that are known when the model is compiled."""
        return tuple(s for s in self.relevant(axes) if s.static)

    # --- axes ----------------------------------------------------------------------------------------

    def seen(self, axis: Axis) -> Axis:
        """The axis that stands for a bound one: itself, or that of the selection it is in."""
        return next((s.axis for s in self.selections if axis in s.over), axis)

    def size(self, axis: Axis) -> int:
        """Of an axis of a lowered value."""
        for s in self.selections:
            if s.axis == axis:
                return s.size
        return self.program.size(axis)

    def positions_along(self, axis: Axis) -> Array:
        """Positions along its dim of the elements of a bound axis, (m,) int64."""
        for s in self.selections:
            if axis in s.over:
                return s.positions(axis).astype(INT)
        return self.xp.arange(*self.program.span(axis), dtype=INT)
