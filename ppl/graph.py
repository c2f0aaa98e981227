"""The model graph: what a checked model says, without syntax, data or JAX.

Expressions are typed and carry named axes. A quantity declared `alpha[county, k]` is an array over its dims; an
expression has *axes* (bound indices, aligned by identity, in any order) and, after them, *event* dims (whole,
positional dimensions). `alpha[county_of[obs]]` has axis obs and event dim k; `alpha` alone has no axes and event
dims (county, k). Lowering keeps every array as [axes..., event...].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ppl.source import Source, Span
from ppl.types import Dim, Element

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

# --- distributions -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Distribution:
    """A distribution of the catalogue, with its parameters by canonical name, or a combinator over a base.

    `truncated`, `censored`: `base` with `lower`/`upper` among the parameters. `ordered`: `base` independent along the
    last dim. `zerosum`: `base`, a Normal of mean 0, along the last `event_rank` dims, each of which sums to zero.
    `zeroinflated`: `base`, or 0 with a `probability`. `mixture`: of `base` and `others` with `weights`, a vector of one
    for each, or (of two) the `weight` of the first; or, with a `family`, of `base` at each element of that axis, which
    the parameters of `base` may run over, with the vector of `weights` over its dim. `partly`, which no text says:
    `base`, a `MvNormal`, of a `value` of which only the elements are there for which `present` holds.
    event_rank: how many trailing event dims of the target make one event; event dims before those are independent
    elements. Parameters are given in the catalogue's order, defaults filled in. A parameter of rank 0 has no event
    dims, or the target's batch of independent elements; one of rank r > 0 has exactly that batch and then r dims
    (`MvNormal(0, K)` arrives with its mean filled to a vector). The base of `ordered` and `zerosum` has parameters of
    rank 0 that have no event dims, or those of the target (batch and event).
    """

    name: str
    parameters: tuple[tuple[str, Expr], ...]
    base: Distribution | None
    event_rank: int
    span: Span
    others: tuple[Distribution, ...] = ()
    family: Axis | None = None

    def parameter(self, name: str) -> Expr | None:
        """Its own parameter of that name, not one of its base."""
        return dict(self.parameters).get(name)

    @property
    def parts(self) -> tuple[Distribution, ...]:
        """What a combinator combines; nothing of a distribution of the catalogue."""
        return () if self.base is None else (self.base, *self.others)

    @property
    def leaf(self) -> Distribution:
        """The distribution of the catalogue inside combinators, in the first component of a mixture."""
        return self if self.base is None else self.base.leaf

    def walk(self) -> Iterator[Distribution]:
        """Itself and every distribution inside."""
        yield self
        for part in self.parts:
            yield from part.walk()


# --- the model's nodes -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Support:
    """Where a quantity lives. kind: a key of `ppl.catalogue.supports.SUPPORTS`; bounds: of the kinds that take them."""

    kind: str
    lower: Expr | None = None
    upper: Expr | None = None


@dataclass(frozen=True)
class Input:
    """Declared data. `axes`: one for each dim; the axes that expressions of the bounds run over. An undeclared type
    is the one that the observing distribution or a use as an index asks for. `optional`: elements may be missing."""

    name: str
    dims: tuple[str, ...]
    element: Element
    lower: Expr | None
    upper: Expr | None
    strict: bool
    span: Span
    axes: tuple[Axis, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Latent:
    """A quantity to infer. Its last `event_rank` dims are one event of `support`. `flat`: declared by `var`.

    axes: one for each dim before the event; the axes that the support's bounds run over (they have no event dims)."""

    name: str
    dims: tuple[str, ...]
    element: Element
    support: Support
    event_rank: int
    flat: bool
    span: Span
    axes: tuple[Axis, ...] = ()


@dataclass(frozen=True)
class Piece:
    """One assignment to part of a value: `value[subscripts] = expr` for each element of `axes`.

    One subscript (Aligned without shift, Fixed, Labelled or Whole) for each dim; the Whole ones are the expression's
    event dims, in order. The axes of the expression are among `axes`. Pieces never overlap; `where` is None.
    Of data with missing elements the first piece is whole, and later ones replace elements at positions that data give
    (Gather)."""

    axes: tuple[Axis, ...]
    where: Expr | None
    subscripts: tuple[Subscript, ...]
    value: Expr
    span: Span


@dataclass(frozen=True)
class Value:
    """A deterministic quantity. One piece unless it is written in several that tile its dims.

    Pieces may read the quantity itself, and quantities that read it, at elements that come before theirs along one dim
    (`ppl.compiler.passes.recurrences`)."""

    name: str
    dims: tuple[str, ...]
    element: Element
    pieces: tuple[Piece, ...]
    span: Span
    recorded: bool = True


@dataclass(frozen=True)
class Term:
    """One piece of the energy: -log p of `target` under `distribution`, once for each element of `axes`.

    name: unique among the terms, as a reader would write the left side (`x`, `x[0]`, `x[t]`).
    target: the expression on the left (a Read; event dims beyond the distribution's event rank are independent
    elements). `role`: `latent` (defines it), `observed` (data only), `density` (a further term on a `var`).
    `where` (bool, over `axes`, data only) keeps the elements for which it holds; never on a latent's own terms.
    support: of what is drawn, in terms that observe; None if a latent could not have this distribution.
    """

    name: str
    role: str
    axes: tuple[Axis, ...]
    where: Expr | None
    target: Expr
    distribution: Distribution
    span: Span
    support: Support | None = None


@dataclass(frozen=True)
class Prediction:
    """Drawn forward for every posterior draw; never part of the density. It covers its dims in one statement: one
    subscript for each dim, Aligned without shift to the axis of that place, or Whole; `where` is None. One that is not
    `recorded` stands for missing elements: it may cover some elements only, and `where` may choose them."""

    name: str
    dims: tuple[str, ...]
    axes: tuple[Axis, ...]
    where: Expr | None
    subscripts: tuple[Subscript, ...]
    distribution: Distribution
    element: Element
    span: Span
    recorded: bool = True


@dataclass(frozen=True)
class Energy:
    """`energy name: value`: one piece of the energy, `value` once for each element of `axes` for which `where` (bool,
    over `axes`, data only) holds. The value has no event dims. `name`: unique among the terms. `unnormalised`: the
    author says that it is no density of the quantities it touches, whatever it depends on besides."""

    name: str
    axes: tuple[Axis, ...]
    where: Expr | None
    value: Expr
    span: Span
    unnormalised: bool = False


@dataclass(frozen=True)
class Clamp:
    """`observe name[...] = value`: elements of a latent that are given, once for each element of `axes`.

    subscripts: one for each dim of the latent, Aligned without shift, Fixed or Labelled. The value has no event dims
    and follows from data alone; its axes are among `axes`."""

    name: str
    axes: tuple[Axis, ...]
    subscripts: tuple[Subscript, ...]
    value: Expr
    span: Span


Quantity = Input | Latent | Value | Prediction
Node = Quantity | Term | Energy | Clamp


@dataclass(frozen=True)
class Outcome:
    """Partly missing data that are observed, in a graph in which their missing elements are quantities.

    observing: the terms that the elements that are there enter, each of these once; drawn: the terms of the text, of
    all elements; missing: the value that holds the missing elements, one after the other over `dim`, a dim of their
    own (None for data without dims); positions: the inputs that say where they are, one for each dim of the data;
    sampled: the latents among them, and where in `missing` each has its elements.
    """

    observing: tuple[Term, ...]
    drawn: tuple[Term, ...]
    missing: str
    dim: str | None
    positions: tuple[str, ...]
    sampled: tuple[tuple[str, Read], ...]


@dataclass(frozen=True)
class ModelGraph:
    """A checked model. `nodes` are in an order in which every name is defined before it is used, except that terms and
    values may read earlier elements of what they define, and of what reads that. outcomes: once missing elements are
    quantities (`ppl.compiler.passes.missing`), the data that had any. assembled: latents that are no quantities of the
    text but elements of some value, and where in it they are."""

    title: str | None
    source: Source
    dims: Mapping[str, Dim]
    nodes: tuple[Node, ...]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    assembled: Mapping[str, Read] = field(default_factory=dict)
    _by_name: Mapping[str, Quantity] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = {n.name: n for n in self.nodes if isinstance(n, Quantity)}
        object.__setattr__(self, "_by_name", named)

    def __getitem__(self, name: str) -> Quantity:
        """The input, latent, value or prediction of that name."""
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    @property
    def inputs(self) -> tuple[Input, ...]:
        return tuple(n for n in self.nodes if isinstance(n, Input))

    @property
    def latents(self) -> tuple[Latent, ...]:
        return tuple(n for n in self.nodes if isinstance(n, Latent))

    @property
    def values(self) -> tuple[Value, ...]:
        return tuple(n for n in self.nodes if isinstance(n, Value))

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple(n for n in self.nodes if isinstance(n, Term))

    @property
    def energies(self) -> tuple[Energy, ...]:
        return tuple(n for n in self.nodes if isinstance(n, Energy))

    @property
    def factors(self) -> tuple[Term | Energy, ...]:
        """Every piece of the log density, in the order of the text."""
        return tuple(n for n in self.nodes if isinstance(n, Term | Energy))

    @property
    def clamps(self) -> tuple[Clamp, ...]:
        return tuple(n for n in self.nodes if isinstance(n, Clamp))

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        return tuple(n for n in self.nodes if isinstance(n, Prediction) and n.recorded)

    @property
    def forward(self) -> tuple[Prediction, ...]:
        """What stands for missing elements that are drawn after sampling."""
        return tuple(n for n in self.nodes if isinstance(n, Prediction) and not n.recorded)


# --- walking -----------------------------------------------------------------------------------------


def subscript_children(subscripts: tuple[Subscript, ...]) -> Iterator[Expr]:
    """The expressions of positions among subscripts."""
    for s in subscripts:
        if isinstance(s, Gather):
            yield s.index


def children(expr: Expr) -> Iterator[Expr]:
    """The direct sub-expressions."""
    match expr:
        case Read():
            yield from subscript_children(expr.subscripts)
        case Apply():
            yield from expr.arguments
        case Reduce():
            yield expr.body
            if expr.where is not None:
                yield expr.where
        case Lift():
            yield expr.body
        case Fill():
            yield expr.value
        case Stack():
            yield from expr.items
        case Select():
            yield expr.value
            yield from subscript_children(expr.subscripts)
        case OdeSolve():
            yield from (expr.rate, expr.initial, expr.start, expr.times)
        case Literal() | Position() | Local():
            return


def reads(expr: Expr) -> Iterator[str]:
    """Names of the quantities an expression touches, with repeats."""
    if isinstance(expr, Read):
        yield expr.name
    for child in children(expr):
        yield from reads(child)


def distribution_expressions(distribution: Distribution) -> Iterator[Expr]:
    """All parameter expressions, those of the bases included."""
    for part in distribution.walk():
        for _, expr in part.parameters:
            yield expr


def node_expressions(node: Node) -> Iterator[Expr]:
    """The outermost expressions that a node holds."""
    match node:
        case Input():
            yield from _present(node.lower, node.upper)
        case Latent():
            yield from _present(node.support.lower, node.support.upper)
        case Value():
            for piece in node.pieces:
                yield from (piece.value, *_present(piece.where), *subscript_children(piece.subscripts))
        case Term():
            yield from (node.target, *distribution_expressions(node.distribution), *_present(node.where))
        case Energy():
            yield from (node.value, *_present(node.where))
        case Clamp():
            yield from (node.value, *subscript_children(node.subscripts))
        case Prediction():
            yield from (*distribution_expressions(node.distribution), *_present(node.where))
            yield from subscript_children(node.subscripts)


def _present(*exprs: Expr | None) -> Iterator[Expr]:
    return (expr for expr in exprs if expr is not None)
