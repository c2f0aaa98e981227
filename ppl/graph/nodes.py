"""What a model says, a node a statement: inputs, latents, values, terms of its density, predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ppl.graph.expressions import Axis, Expr, Subscript
from ppl.source import Span
from ppl.types import Element

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
