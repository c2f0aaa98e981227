"""Expressions: typed, over named axes, with whole dims after them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ppl.source import Span
from ppl.types import Element

# --- axes --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Axis:
    """A bound index. Two axes are the same if they are equal; the checker gives each binding its own `name`.

    It runs over positions `start:stop` of `dim` as in Python (negative: from the end; None: to the end).
    """

    name: str
    dim: str
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True)
class Whole:
    """A whole (or sliced) dimension of a value, `start:stop` as in Python."""

    dim: str
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True)
class Meta:
    """What the checker knows of an expression."""

    axes: tuple[Axis, ...]
    event: tuple[Whole, ...]
    element: Element
    span: Span


# --- expressions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Literal:
    """A number or truth value of the text."""

    value: float | int | bool
    meta: Meta


@dataclass(frozen=True)
class Aligned:
    """Subscript `i + shift` by a bound index: no gather, a slice if shifted or restricted."""

    axis: Axis
    shift: int = 0


@dataclass(frozen=True)
class Affine:
    """Subscript `sum(coefficient * index) + offset` over several bound indices: `y[t-1-k]`."""

    terms: tuple[tuple[Axis, int], ...]
    offset: int


@dataclass(frozen=True)
class Fixed:
    """Subscript by a constant position (negative: from the end)."""

    position: int


@dataclass(frozen=True)
class Labelled:
    """Subscript by a label, resolved when labels are known."""

    label: str
    span: Span


@dataclass(frozen=True)
class Gather:
    """Subscript by an integer-valued expression (0-based positions of the dim). Its event dims, if it has any
    (`alpha[county_of]`), take the place of the dim; at most one Gather of a Read or Select has event dims."""

    index: Expr


Subscript = Aligned | Affine | Fixed | Labelled | Gather | Whole


@dataclass(frozen=True)
class Read:
    """`name[...]`: one subscript for each dim of the quantity. Event dims of the result, in order of the subscripts:
    a Whole gives itself, a Gather its index's event dims, the others nothing."""

    name: str
    subscripts: tuple[Subscript, ...]
    meta: Meta


@dataclass(frozen=True)
class Position:
    """The bound index itself, as a 0-based number."""

    axis: Axis
    meta: Meta


@dataclass(frozen=True)
class Apply:
    """A function of the catalogue. Elementwise ones broadcast over axes; their event dims agree or are absent."""

    function: str
    arguments: tuple[Expr, ...]
    meta: Meta


@dataclass(frozen=True)
class Reduce:
    """`sum`, `prod`, `mean`, `max`, `min`, `logsumexp` over `axes` (where `where` holds). `cumsum` keeps its one axis
    as a trailing event dim. A body without one of the axes counts once for each of its elements: the sum of `1` over
    an axis is the length of its range. Event dims of the body stay, elementwise."""

    operation: str
    body: Expr
    axes: tuple[Axis, ...]
    where: Expr | None
    meta: Meta


@dataclass(frozen=True)
class Lift:
    """Turns axes of the body into event dims, in this order, before those it has."""

    body: Expr
    axes: tuple[Axis, ...]
    meta: Meta


@dataclass(frozen=True)
class Fill:
    """`fill(value, dim, ...)`: the value repeated over event dims, before those it has."""

    value: Expr
    dims: tuple[Whole, ...]
    meta: Meta


@dataclass(frozen=True)
class Stack:
    """Items along a new first event dim, in order of its positions; their event dims are equal. `labels` when made as
    `species(prey=..., predator=...)`: already in the order of the dim's labels."""

    items: tuple[Expr, ...]
    dim: str
    labels: tuple[str, ...] | None
    meta: Meta


@dataclass(frozen=True)
class Select:
    """Subscript of a computed value: its first event dims, one subscript each; the event dims left over follow.
    Positions count within each event dim as it stands, slices included."""

    value: Expr
    subscripts: tuple[Subscript, ...]
    meta: Meta


@dataclass(frozen=True)
class Local:
    """A number or array that an enclosing OdeSolve gives a value: its state or its time."""

    name: str
    meta: Meta


@dataclass(frozen=True)
class OdeSolve:
    """The solution of `d state / d time = rate` that is `initial` at the time `start`, at `times` (one, or a vector).

    state: of the event dims of `initial` and `rate`; the result has those of `times` before them. Each element of the
    axes of any of its parts is a problem of its own. stiff: an implicit method; rtol, atol: tolerances of a step;
    max_steps: at most, between neighbouring times.
    """

    state: Local
    time: Local
    rate: Expr
    initial: Expr
    start: Expr
    times: Expr
    stiff: bool
    rtol: float
    atol: float
    max_steps: int
    meta: Meta

    def mapped(self, change: Callable[[Expr], Expr]) -> OdeSolve:
        """With each of its parts changed; itself where none is."""
        parts = (self.rate, self.initial, self.start, self.times)
        rate, initial, start, times = new = tuple(map(change, parts))
        if all(a is b for a, b in zip(new, parts, strict=True)):
            return self
        return replace(self, rate=rate, initial=initial, start=start, times=times)


Expr = Literal | Read | Position | Apply | Reduce | Lift | Fill | Stack | Select | Local | OdeSolve
