"""What the rules of lowering share: the lowering that is under way, and the selections that are in force in it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from ppl.compiler.lowering.guards import Guard
from ppl.compiler.lowering.named import Array, DType, Named
from ppl.compiler.passes.program import Program
from ppl.graph import Axis, Expr, OdeSolve


@dataclass(frozen=True, eq=False)
class Selection:
    """The elements of some axes that count, as one axis in their place.

    positions: along the dim of each axis, (m,) each; size: m; static: known when the model is compiled (a filter by
    data) rather than given to the program (a minibatch); key: what it is, under which constants are recorded; rows: of
    a constant recorded under a key its selected elements along an axis, where they need no gather.
    """

    axis: Axis
    positions: Callable[[Axis], Array]
    over: tuple[Axis, ...]
    size: int
    static: bool
    key: Hashable
    rows: Callable[[Hashable, Named, Axis], Array] | None = None


@dataclass(frozen=True, eq=False)
class Enumerated:
    """A read of a discrete latent that takes all values at once, along an axis of its own.

    value: the values, over `axis` alone; positions: whether they are 0, 1, ..., K - 1. If many elements are read, the
    value has an axis for each of them, and `axis` is None.
    """

    axis: Axis | None
    value: Named
    positions: bool


@dataclass(frozen=True, eq=False)
class Attempt:
    """A differential equation, and whether its solution was found, 1.0 or 0.0, for each element of its axes."""

    expr: OdeSolve
    found: Named


class Context(Protocol):
    """A lowering in NumPy (`records` is False) or in JAX; see `ppl.compiler.lowering.lower.Lowering`."""

    @property
    def program(self) -> Program: ...

    @property
    def xp(self) -> ModuleType: ...

    @property
    def quantity(self) -> Callable[[str], Array]: ...

    @property
    def selections(self) -> tuple[Selection, ...]: ...

    @property
    def guards(self) -> tuple[Guard, ...]: ...

    @property
    def enumerated(self) -> Mapping[Hashable, Enumerated]: ...

    @property
    def attempts(self) -> dict[Hashable, Attempt] | None: ...

    @property
    def records(self) -> bool: ...

    def value(self, expr: Expr, dtype: DType | None = None) -> Named: ...

    def recorded(self, key: Hashable, static: tuple[Selection, ...], compute: Callable[[Context], Named]) -> Named: ...

    def whole(self, name: str, dtype: DType) -> Array: ...

    def within(self, selection: Selection) -> Context: ...

    def selecting(self, selections: tuple[Selection, ...]) -> Context: ...

    def guarded_by(self, guard: Guard) -> Context: ...

    def filtered(self, axes: tuple[Axis, ...], where: Expr | None, key: Hashable) -> tuple[Context, Named | None]: ...

    def relevant(self, axes: tuple[Axis, ...]) -> tuple[Selection, ...]: ...

    def static(self, axes: tuple[Axis, ...]) -> tuple[Selection, ...]: ...

    def seen(self, axis: Axis) -> Axis: ...

    def size(self, axis: Axis) -> int: ...

    def positions_along(self, axis: Axis) -> Array: ...
