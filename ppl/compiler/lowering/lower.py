"""Expressions of the graph as arrays over named axes, in NumPy (of data alone) or in JAX.

Nothing here loops over elements: a subscript by a bound index aligns axes, a shift is a slice, a subscript by data is
one gather, a sum of products one contraction. What data alone determine comes from the recorded constants.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from ppl.catalogue.functions import FUNCTIONS
from ppl.compiler.density.program import Program
from ppl.compiler.lowering import functions
from ppl.compiler.lowering.contraction import sum_of_product
from ppl.compiler.lowering.gather import gather, plan, planned_gather
from ppl.compiler.lowering.guards import Guard, can_fail, guarded, keeps_places, of_scalars
from ppl.compiler.lowering.named import Named, aligned, broadcast, cast, dtype_of, union
from ppl.compiler.lowering.predictor import linear_predictor
from ppl.compiler.lowering.subscripts import At, Item, Pick, Slice, joint, linear_positions, subscript
from ppl.errors import CompilerBug, Diagnostic, PplError
from ppl.graph import (
    Affine,
    Aligned,
    Apply,
    Axis,
    Expr,
    Fill,
    Fixed,
    Gather,
    Labelled,
    Lift,
    Literal,
    Position,
    Read,
    Reduce,
    Select,
    Stack,
    Subscript,
    Value,
    Whole,
)

Array = Any
DType = np.dtype[np.generic]

REAL = np.dtype(np.float64)
BOOL = np.dtype(np.bool_)
INT = np.dtype(np.int64)


class Store(Protocol):
    """Where constants come from: recorded, or being recorded."""

    def get(self, key: Hashable, compute: Callable[[], Named]) -> Named: ...


@dataclass(frozen=True, eq=False)
class Selection:
    """The elements of some axes that count, as one axis in their place.

    positions: along the dim of each axis, (m,) each; size: m; static: known when the model is compiled (a filter by
    data) rather than given to the program (a minibatch); key: what it is, under which constants are recorded.
    """

    axis: Axis
    positions: Callable[[Axis], Array]
    over: tuple[Axis, ...]
    size: int
    static: bool
    key: Hashable


@dataclass(frozen=True, eq=False)
class Lowering:
    """Lowers expressions that read `quantity(name)`: whole arrays over the declared dims.

    selections: of the bound axes in force; store, data: for JAX, the constants and the NumPy lowering that computes
    them while they are recorded.
    """

    program: Program
    xp: ModuleType
    quantity: Callable[[str], Array]
    store: Store | None = None
    data: Lowering | None = None
    selections: tuple[Selection, ...] = ()
    guards: tuple[Guard, ...] = ()
    memo: dict[Hashable, Named] = field(default_factory=dict)

    @property
    def records(self) -> bool:
        """Whether what data determine comes from constants (in JAX), and is not computed here (in NumPy)."""
        return self.store is not None

    def within(self, selection: Selection) -> Lowering:
        return replace(self, selections=(*self.selections, selection))

    # --- entry ---------------------------------------------------------------------------------------

    def value(self, expr: Expr, dtype: DType | None = None) -> Named:
        """The array of an expression, in `dtype` or that of its own element type."""
        try:
            return self._value(expr, dtype if dtype is not None else dtype_of(expr.meta.element))
        except (PplError, CompilerBug):
            raise
        except Exception as error:
            line, column = self.program.graph.source.position(expr.meta.span.start)
            raise CompilerBug(f"line {line}, column {column}: {type(error).__name__}: {error}") from error

    def _value(self, expr: Expr, dtype: DType) -> Named:
        kind = self.program.kind(expr)
        if kind == "number":
            return Named(np.asarray(Lowering(self.program, np, self.quantity)._lower(expr).array, dtype))
        if kind == "data" and self.store is not None:
            return self.constant(expr, dtype)
        key = (id(expr), self._key(expr.meta.axes), tuple(guard.key for guard in self.guards))
        named = self.memo.get(key)
        if named is None:
            lowering = self if keeps_places(expr) else replace(self, guards=of_scalars(self.guards))
            named = lowering._lower(expr)
            if isinstance(expr, Read):
                named = guarded(named, self.guards)
            self.memo[key] = named
        return Named(cast(self.xp, named.array, dtype), named.axes)

    def constant(self, expr: Expr, dtype: DType) -> Named:
        """A recorded constant, restricted to the elements that are selected at run time."""
        static = self.static(expr.meta.axes)
        key = (id(expr), str(dtype), tuple(s.key for s in static))
        named = self.recorded(key, static, lambda data: data.value(expr, dtype))
        return self.selected(named)

    def whole(self, name: str, dtype: DType) -> Array:
        """A quantity that data alone determine, as a constant over its declared dims."""
        compute = functools.partial(_quantity, name=name, dtype=dtype)
        return self.recorded((name, str(dtype)), (), compute).array

    def recorded(self, key: Hashable, static: tuple[Selection, ...], compute: Callable[[Lowering], Named]) -> Named:
        assert self.store is not None
        return self.store.get(key, lambda: compute(self._data(static)))

    def _data(self, static: tuple[Selection, ...]) -> Lowering:
        if self.data is None:
            raise CompilerBug("a constant is asked for that was not recorded")
        return replace(self.data, selections=static)

    def _relevant(self, axes: tuple[Axis, ...]) -> tuple[Selection, ...]:
        return tuple(s for s in self.selections if any(axis in s.over for axis in axes))

    def static(self, axes: tuple[Axis, ...]) -> tuple[Selection, ...]:
        """The selections of these axes that are known when the model is compiled."""
        return tuple(s for s in self._relevant(axes) if s.static)

    def _key(self, axes: tuple[Axis, ...]) -> Hashable:
        return tuple(s.key for s in self._relevant(axes))

    def selected(self, named: Named) -> Named:
        """Restricted to the selections made at run time."""
        for s in self.selections:
            mine = [axis for axis in named.axes if axis in s.over]
            if s.static or not mine:
                continue
            picks = [Named(s.positions(a) - np.int64(self.program.span(a)[0]), (s.axis,)) for a in mine]
            index = linear_positions(self.xp, picks, [self.program.size(a) for a in mine])
            pick = Pick((s.axis,), 0, functools.partial(_itself, index))
            places = [*named.axes, *(None for _ in range(named.rank))]
            sizes = named.array.shape
            items = [pick if a in mine else Slice(0, n, a) for a, n in zip(places, sizes, strict=True)]
            named = subscript(self.xp, named.array, items, pick.positions)
        return named

    def size(self, axis: Axis) -> int:
        """Of an axis of a lowered value."""
        for s in self.selections:
            if s.axis == axis:
                return s.size
        return self.program.size(axis)

    def positions_along(self, axis: Axis) -> Array:
        """Positions along its dim of the elements of a bound axis, (m,) int64."""
        return self._position(axis).array

    def seen(self, axis: Axis) -> Axis:
        """The axis that stands for a bound one: itself, or that of the selection it is in."""
        return next((s.axis for s in self.selections if axis in s.over), axis)

    # --- one rule for each kind of node ------------------------------------------------------------------

    def _lower(self, expr: Expr) -> Named:
        match expr:
            case Literal():
                return Named(np.asarray(expr.value, dtype_of(expr.meta.element)))
            case Read():
                inlined = self._inlined(expr)
                if inlined is not None:
                    return inlined
                array = self.quantity(expr.name)
                return self._subscript(array, (), self.program.dims(expr.name), expr.subscripts, expr)
            case Select():
                value = self.value(expr.value)
                dims = tuple(whole.dim for whole in expr.value.meta.event)
                return self._subscript(value.array, value.axes, dims, expr.subscripts, expr)
            case Position():
                return self._position(expr.axis)
            case Apply():
                return self._apply(expr)
            case Reduce():
                return self._reduce(expr)
            case Lift():
                return self._lift(self.value(expr.body), expr.axes)
            case Fill():
                value = self.value(expr.value)
                n = len(value.axes)
                sizes = tuple(self.program.size(whole) for whole in expr.dims)
                array = self.xp.expand_dims(value.array, tuple(range(n, n + len(sizes))))
                shape = (*array.shape[:n], *sizes, *array.shape[n + len(sizes) :])
                return Named(self.xp.broadcast_to(array, shape), value.axes)
            case Stack():
                return self._stack(expr)

    def _inlined(self, expr: Read) -> Named | None:
        """A quantity defined by one piece, for the elements of a minibatch only: its expression for its name."""
        node = self.program.graph[expr.name]
        batches = [s for s in self._relevant(expr.meta.axes) if not s.static]
        if not batches or not isinstance(node, Value) or len(node.pieces) != 1 or node.pieces[0].where is not None:
            return None
        piece = node.pieces[0]
        pairs = list(zip(piece.subscripts, expr.subscripts, strict=True))
        renamed: dict[Axis, Axis] = {}
        for mine, theirs in pairs:
            if not (isinstance(mine, Aligned) and isinstance(theirs, Aligned) and mine.shift == theirs.shift == 0):
                return None
            if mine.axis in renamed or any(theirs.axis in s.over for s in self.selections if s.static):
                return None
            renamed[mine.axis] = theirs.axis
        if any(axis not in s.over for s in batches for axis in renamed.values()) or len(self.selections) != len(
            batches
        ):
            return None  # some axes are whole: left to the general rule
        inner = replace(self, selections=tuple(_renamed(s, renamed) for s in batches))
        return inner.value(piece.value)

    def _position(self, axis: Axis) -> Named:
        for s in self.selections:
            if axis in s.over:
                return Named(s.positions(axis).astype(INT), (s.axis,))
        return Named(self.xp.arange(*self.program.span(axis), dtype=INT), (axis,))

    def _lift(self, body: Named, axes: tuple[Axis, ...]) -> Named:
        kept = tuple(axis for axis in body.axes if axis not in axes)
        array = aligned(self.xp, body, (*kept, *axes), body.rank)
        sizes = tuple(self.size(axis) for axis in axes)
        shape = (*array.shape[: len(kept)], *sizes, *array.shape[len(kept) + len(axes) :])
        return Named(array if array.shape == shape else self.xp.broadcast_to(array, shape), kept)

    def _stack(self, expr: Stack) -> Named:
        dtype = dtype_of(expr.meta.element)
        values = [self.value(item, dtype) for item in expr.items]
        axes = union(values)
        rank = max(v.rank for v in values)
        arrays = [aligned(self.xp, v, axes, rank) for v in values]
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        arrays = [a if a.shape == shape else self.xp.broadcast_to(a, shape) for a in arrays]
        return Named(self.xp.stack(arrays, axis=len(axes)), axes)

    # --- functions -----------------------------------------------------------------------------------

    def _apply(self, expr: Apply) -> Named:
        name = expr.function
        spec = FUNCTIONS[name]
        if spec.shape == "elementwise":
            return self._elementwise(expr)
        dtype = dtype_of(expr.meta.element) if spec.result == "same" else REAL
        if name == "matmul" and self.store is not None and self._is_data_times_vector(expr):
            return self._data_times_vector(expr)
        values = [self.value(argument, dtype) for argument in expr.arguments]
        axes = union(values)
        arrays = [aligned(self.xp, v, axes, v.rank) for v in values]
        if spec.shape == "reduce":
            positions = tuple(range(len(axes), arrays[0].ndim))
            return Named(functions.REDUCTIONS[name](self.xp, arrays[0], positions), axes)
        if spec.shape == "last":
            return Named(functions.LAST[name](self.xp, arrays[0]), axes)
        return Named(functions.MATRIX[name](self.xp, len(axes), *arrays), axes)

    def _is_data_times_vector(self, expr: Apply) -> bool:
        a, b = expr.arguments
        fixed = self.program.kind(a) == "data" and not a.meta.axes
        return fixed and len(a.meta.event) == 2 and len(b.meta.event) == 1 and not b.meta.axes

    def _data_times_vector(self, expr: Apply) -> Named:
        """`X @ b` as b X', with X' made when the model is compiled: see `contraction`."""
        matrix, vector = expr.arguments
        key = (id(matrix), "transposed")
        transposed = self.recorded(key, (), lambda data: Named(data.value(matrix, REAL).array.T))
        return Named(self.xp.matmul(self.value(vector, REAL).array, transposed.array))

    def _elementwise(self, expr: Apply) -> Named:
        name, arguments = expr.function, expr.arguments
        spec = FUNCTIONS[name]
        if name in ("add", "subtract") and self.store is not None and not self.guards and not expr.meta.event:
            total = linear_predictor(self, expr)
            if total is not None:
                return total
        if name == "power" and isinstance(arguments[1], Literal) and isinstance(arguments[1].value, int):
            base = self.value(arguments[0], REAL)
            return Named(base.array ** int(arguments[1].value), base.axes)
        if name in ("and", "or", "not"):
            dtypes: list[DType] = [BOOL] * len(arguments)
        elif spec.result == "bool":
            real = any(dtype_of(a.meta.element) == REAL for a in arguments)
            dtypes = [REAL if real else INT] * len(arguments)
        else:
            result = dtype_of(expr.meta.element) if spec.result == "same" else REAL
            if result == BOOL:
                result = INT
            dtypes = [BOOL, result, result] if name == "where" else [result] * len(arguments)
        if name == "where" and self.store is not None:
            values = self._branches(arguments, dtypes)
        else:
            values = [self.value(a, d) for a, d in zip(arguments, dtypes, strict=True)]
        axes, arrays = broadcast(self.xp, values)
        return Named(functions.ELEMENTWISE[name](self.xp, *arrays), axes)

    def _branches(self, arguments: tuple[Expr, ...], dtypes: list[DType]) -> list[Named]:
        """A condition and its two branches, each guarded where the other one is taken."""
        condition = self.value(arguments[0], BOOL)
        values = [condition]
        for branch, dtype, taken in zip(arguments[1:], dtypes[1:], (True, False), strict=True):
            inner = self
            if self.program.kind(branch) == "live" and can_fail(branch):
                mask = condition if taken else Named(self.xp.logical_not(condition.array), condition.axes)
                inner = replace(self, guards=(*self.guards, Guard(mask, (id(arguments[0]), taken))))
            values.append(inner.value(branch, dtype))
        return values

    # --- reductions ----------------------------------------------------------------------------------

    def _reduce(self, expr: Reduce) -> Named:
        if expr.where is not None:
            selection = self.selection(expr.axes, expr.where, (id(expr), "where"))
            if selection is None:
                return self._masked(expr, expr.where)
            others = tuple(axis for axis in expr.axes if axis not in selection.over)
            return self.within(selection)._reduce_over(expr, (selection.axis, *others))
        return self._reduce_over(expr, expr.axes)

    def _reduce_over(self, expr: Reduce, axes: tuple[Axis, ...]) -> Named:
        dtype = dtype_of(expr.meta.element)
        if expr.operation == "cumsum":
            body = self._lift(self.value(expr.body, dtype), axes)
            if body.rank > 1:
                raise CompilerBug("cumsum of a body with whole dims")
            return Named(functions.LAST["cumsum"](self.xp, body.array), body.axes)
        if expr.operation in ("sum", "mean"):
            total = sum_of_product(self, expr.body, axes, dtype)
            if expr.operation == "sum":
                return total
            count = 1
            for axis in axes:
                count *= self.size(axis)
            return Named(total.array / np.float64(count), total.axes)
        body = self.value(expr.body, dtype)
        present = [axis for axis in axes if axis in body.axes]
        array = body.array
        if expr.operation in ("prod", "logsumexp"):  # repeats count
            missing = tuple(axis for axis in axes if axis not in body.axes)
            if missing:
                repeated = self.spread(body, (*body.axes, *missing))
                body, present, array = repeated, list(axes), repeated.array
        positions = tuple(body.axes.index(axis) for axis in present)
        kept = tuple(axis for axis in body.axes if axis not in axes)
        if not positions:
            return Named(array, kept)
        return Named(functions.REDUCTIONS[expr.operation](self.xp, array, positions), kept)

    def spread(self, value: Named, axes: tuple[Axis, ...]) -> Named:
        """Over all of `axes`, in that order."""
        array = aligned(self.xp, value, axes, value.rank)
        shape = (*(self.size(axis) for axis in axes), *array.shape[len(axes) :])
        return Named(array if array.shape == shape else self.xp.broadcast_to(array, shape), axes)

    def _masked(self, expr: Reduce, where: Expr) -> Named:
        """A filter that differs between the elements of the outer axes: elements left out are neutral."""
        dtype = dtype_of(expr.meta.element)
        mask, body = self.value(where, BOOL), self.value(expr.body, dtype)
        axes = tuple(dict.fromkeys((*body.axes, *mask.axes, *(self.seen(a) for a in expr.axes))))
        full = self.spread(body, axes)
        held = self.spread(mask, axes).array
        held = self.xp.expand_dims(held, tuple(range(held.ndim, full.array.ndim)))
        neutral = {"sum": 0, "mean": 0, "prod": 1, "max": -np.inf, "min": np.inf, "logsumexp": -np.inf}
        array = self.xp.where(held, full.array, np.asarray(neutral[expr.operation], dtype))
        positions = tuple(axes.index(self.seen(a)) for a in expr.axes)
        kept = tuple(axis for i, axis in enumerate(axes) if i not in positions)
        operation = "sum" if expr.operation == "mean" else expr.operation
        result = functions.REDUCTIONS[operation](self.xp, array, positions)
        if expr.operation == "mean":
            result = result / self.xp.sum(held.astype(REAL), axis=positions)
        return Named(result, kept)

    def filtered(self, axes: tuple[Axis, ...], where: Expr | None, key: Hashable) -> tuple[Lowering, Named | None]:
        """Where to lower what a filter of `axes` governs; and the filter, if it cannot be a selection."""
        if where is None:
            return self, None
        selection = self.selection(axes, where, key)
        return (self, self.value(where, BOOL)) if selection is None else (self.within(selection), None)

    def selection(self, bound: tuple[Axis, ...], where: Expr, key: Hashable) -> Selection | None:
        """The elements for which a condition of data on some of the bound axes holds; None for other conditions."""
        axes = where.meta.axes
        if self.program.kind(where) == "live" or not axes or not all(axis in bound for axis in axes):
            return None
        if any(axis in s.over for s in self.selections for axis in axes):
            return None

        def positions(data: Lowering, axis: Axis) -> Named:
            mask = data.spread(data.value(where, BOOL), axes).array
            return Named(np.nonzero(mask)[axes.index(axis)] + data.program.span(axis)[0])

        fixed: dict[Axis, Array] = {}
        for axis in axes:
            compute = functools.partial(positions, axis=axis)
            fixed[axis] = compute(self).array if self.store is None else self.recorded((key, axis), (), compute).array
        size = next(iter(fixed.values())).shape[0]
        name = "|".join((*(axis.name for axis in axes), "kept"))
        return Selection(Axis(name, axes[0].dim), fixed.__getitem__, axes, size, True, key)

    # --- subscripts ----------------------------------------------------------------------------------

    def _subscript(
        self, array: Array, axes: tuple[Axis, ...], dims: tuple[str, ...], subscripts: tuple[Subscript, ...], expr: Expr
    ) -> Named:
        """`array` has the axes, then `dims`; subscripts for the first of the dims, the others stay whole."""
        if self.store is not None and isinstance(expr, Read) and self.program.is_data(expr.name):
            raise CompilerBug(f"`{expr.name}` is data, read at positions that are not")
        items: list[Item] = [Slice(0, n, axis) for n, axis in zip(array.shape, axes, strict=False)]
        sizes = array.shape[len(axes) :]
        for dim, size, s in zip(dims, sizes, subscripts, strict=False):
            items.append(self.item(dim, size, s))
        items += [Slice(0, n, None) for n in sizes[len(subscripts) :]]
        items = joint(items, self.pick)
        picks = [item for item in items if isinstance(item, Pick)]
        picked_sizes = [n for n, item in zip(array.shape, items, strict=True) if isinstance(item, Pick)]

        def linear_here() -> Named:
            return linear_positions(self.xp, [pick.positions() for pick in picks], picked_sizes)

        static = self._relevant(expr.meta.axes)
        fixed = all(self.program.kind(s.index) != "live" for s in subscripts if isinstance(s, Gather))
        if self.store is None or not fixed or not all(s.static for s in static):
            return subscript(self.xp, array, items, linear_here)

        shape, key = array.shape, (id(expr), tuple(s.key for s in static))

        def linear() -> Named:
            return self.recorded((key, "positions"), static, lambda data: data.positions(shape, axes, dims, subscripts))

        def list_of(i: int) -> Array:
            def compute(data: Lowering) -> Named:
                lists = plan(data.positions(shape, axes, dims, subscripts).array, math.prod(picked_sizes))
                return Named(lists[i] if lists is not None else np.zeros((0, 0), np.int32))

            return self.recorded((key, "plan", i), static, compute).array

        if not (isinstance(expr, Read) and self.program.gathers_alone(expr)):
            return subscript(self.xp, array, items, linear)

        def take(xp: ModuleType, flat: Array, positions: Array) -> Array:
            rows, groups = list_of(0), list_of(1)
            return planned_gather(flat, positions, rows, groups) if rows.size else gather(flat, positions)

        return subscript(self.xp, array, items, linear, take)

    def positions(
        self, shape: tuple[int, ...], axes: tuple[Axis, ...], dims: tuple[str, ...], subscripts: tuple[Subscript, ...]
    ) -> Named:
        """Flat positions of the picked dims of an array of that shape."""
        items: list[Item] = [Slice(0, n, axis) for n, axis in zip(shape, axes, strict=False)]
        sizes = shape[len(axes) :]
        items += [self.item(dim, size, s) for dim, size, s in zip(dims, sizes, subscripts, strict=False)]
        items += [Slice(0, n, None) for n in sizes[len(subscripts) :]]
        items = joint(items, self.pick)
        picks = [(item.positions(), n) for item, n in zip(items, shape, strict=True) if isinstance(item, Pick)]
        return linear_positions(self.xp, [p for p, _ in picks], [n for _, n in picks])

    def pick(self, item: Item) -> Pick:
        """The same positions, as a pick."""
        if isinstance(item, Pick):
            return item
        if isinstance(item, At):
            return Pick((), 0, lambda: Named(np.asarray(item.position, INT)))
        axis = item.axis
        if axis is None:
            raise CompilerBug("a whole dim has no positions")
        return Pick((axis,), 0, lambda: Named(self.xp.arange(item.start, item.stop, dtype=INT), (axis,)))

    def item(self, dim: str, size: int, s: Subscript) -> Item:
        match s:
            case Whole():
                start, stop, _ = slice(s.start, s.stop).indices(size)
                return Slice(start, max(start, stop), None)
            case Fixed():
                return At(s.position + (size if s.position < 0 else 0))
            case Labelled():
                return At(self.program.position(dim, s.label))
            case Aligned():
                return self._affine(((s.axis, 1),), s.shift)
            case Affine():
                return self._affine(s.terms, s.offset)
            case Gather():
                axes = tuple(dict.fromkeys(self.seen(axis) for axis in s.index.meta.axes))
                return Pick(axes, len(s.index.meta.event), lambda: self._gathered(dim, size, s.index))

    def _affine(self, terms: tuple[tuple[Axis, int], ...], offset: int) -> Item:
        if len(terms) == 1 and terms[0][1] == 1 and self.seen(terms[0][0]) is terms[0][0]:
            axis = terms[0][0]
            start, stop = self.program.span(axis)
            return Slice(start + offset, stop + offset, axis)

        def positions() -> Named:
            parts = [Named(self._position(a).array * np.int64(c), self._position(a).axes) for a, c in terms]
            axes, arrays = broadcast(self.xp, parts)
            total = arrays[0]
            for array in arrays[1:]:
                total = total + array
            return Named(total + np.int64(offset), axes)

        seen = tuple(dict.fromkeys(self.seen(axis) for axis, _ in terms))
        return Pick(seen, 0, positions)

    def _gathered(self, dim: str, size: int, expr: Expr) -> Named:
        """Positions by an expression; those of data are checked."""
        index = self.value(expr, INT)
        if self.xp is np:
            wrong = index.array[(index.array < 0) | (index.array >= size)]
            if wrong.size:
                title = f"a position of `{dim}` must be from 0 to {size - 1}, but here one is {int(wrong[0])}"
                raise PplError([Diagnostic("E550", title, expr.meta.span)], self.program.graph.source)
        return index


def _itself(named: Named) -> Named:
    return named


def _renamed(selection: Selection, axes: Mapping[Axis, Axis]) -> Selection:
    """The same elements, for other axes over the same dims."""
    return replace(
        selection,
        positions=lambda axis: selection.positions(axes[axis]),
        over=tuple(axes),
        key=(selection.key, tuple(axes)),
    )


def _quantity(data: Lowering, name: str, dtype: DType) -> Named:
    return Named(cast(np, data.quantity(name), dtype))
