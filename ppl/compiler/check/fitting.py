"""Parameters onto the place where a distribution stands: their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppl.catalogue.distributions import Parameter
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Names, Scope
from ppl.compiler.check.shapes import same_event, same_extent, show_shape
from ppl.compiler.passes.elements import at_axes
from ppl.graph import Axis, Expr, Fill, Lift, Meta, Read, Whole


@dataclass(frozen=True)
class Site:
    """Where a distribution stands. plates: axes of the target, one element each; batch: whole dims of independent
    elements; event: the dims of one event (None: not known yet); event_axes: indices on the left that stand for
    event dims (`state` in `P[k, state] ~ Dirichlet(...)`)."""

    plates: tuple[Axis, ...]
    batch: tuple[Whole, ...] | None
    event: tuple[Whole, ...] | None
    event_axes: tuple[Axis, ...]


@dataclass(frozen=True)
class Fit:
    """Parameters of one distribution or combinator onto a site.

    owner: its name; event_rank: of a distribution of the catalogue, 0 of a combinator; shared: the combinator around
    it that draws a whole array with one set of parameters, if there is one (`ordered`, `zerosum`)."""

    scope: Scope
    owner: str
    event_rank: int
    shared: str
    site: Site

    def lifted(self, p: Parameter, e: Expr) -> Expr:
        """Indices on the left that stand for event dims become event dims of the parameter."""
        axes = tuple(a for a in self.site.event_axes if a in e.meta.axes)
        if not axes:
            return e
        if p.rank == 0 or self.event_rank == 0:
            raise self._varying(p, e, axes[0].dim)
        kept = tuple(a for a in e.meta.axes if a not in axes)
        event = tuple(Whole(a.dim, a.start, a.stop) for a in axes)
        return Lift(e, axes, Meta(kept, (*event, *e.meta.event), e.meta.element, e.meta.span))

    def _varying(self, p: Parameter, e: Expr, dim: str) -> Abandon:
        name, hint = self.owner, ""
        if self.shared:
            name = f"{self.shared}({name}(...))"
        if self.shared == "ordered":
            hint = (
                f"`ordered` sorts draws from one distribution; else declare `var x[{dim}] : ordered` and give the "
                f"elements their densities, `x[{dim}] ~ ...`"
            )
        return self.scope.report.fail(
            "E204",
            e.meta.span,
            f"this differs along `{dim}`, but one draw of `{name}` is the whole array over `{dim}`, "
            f"with one `{p.name}`",
            hint,
        )

    def shaped(self, p: Parameter, e: Expr, batch: tuple[Whole, ...], event: tuple[Whole, ...]) -> Expr:
        """The parameter with the event dims that one of its rank has here. Reports another shape."""
        shape = e.meta.event
        names = self.scope.names
        if p.rank == 0:
            allowed = (*batch, *event) if self.shared else batch
            if self.shared and shape and not isinstance(e, Fill):
                raise self._varying(p, e, shape[-1].dim)
            if not shape or same_event(shape, allowed, names):
                return e
            if self.shared and same_event(shape, event, names):
                return self._filled(e, batch)
            plates = self.site.plates[len(self.site.plates) - len(shape) :]
            if not batch and not self.shared and len(plates) == len(shape) and _in_step(shape, plates, names):
                return at_axes(e, plates)
            raise self._misshapen(p, e, "a single number" if not allowed else f"a number or {show_shape(allowed)}")
        wanted = self._rank_dims(p, event, shape)
        if not shape and p.scalar:
            return self._filled(e, (*batch, *wanted))
        if wanted and same_event(shape, (*batch, *wanted), names):
            return e
        if wanted and same_event(shape, wanted, names):
            return self._filled(e, batch)
        raise self._misshapen(p, e, show_shape(wanted) if wanted else "a vector" if p.rank == 1 else "a matrix")

    def _rank_dims(self, p: Parameter, event: tuple[Whole, ...], shape: tuple[Whole, ...]) -> tuple[Whole, ...]:
        if self.event_rank == 0:
            return shape[len(shape) - p.rank :] if len(shape) >= p.rank else ()
        if p.rank == 1 or self.event_rank == 2:
            return event[len(event) - p.rank :]
        return (event[-1],) * p.rank

    def _filled(self, e: Expr, dims: tuple[Whole, ...]) -> Expr:
        if not dims:
            return e
        return Fill(e, dims, Meta(e.meta.axes, (*dims, *e.meta.event), e.meta.element, e.meta.span))

    def _misshapen(self, p: Parameter, e: Expr, wanted: str) -> Abandon:
        hint = ""
        shape = e.meta.event
        if p.rank == 1 and not shape and self.site.event:
            hint = f"repeat it: `fill({self.scope.report.text(e.meta.span)}, {self.site.event[-1].dim})`"
        elif p.rank == 0 and shape and isinstance(e, Read) and len(shape) == 1:
            over = [a.name.partition("#")[0] for a in self.site.plates if a.dim == shape[0].dim]
            if over:
                hint = f"for its element, write `{self.scope.report.text(e.meta.span)}[{over[0]}]`"
        return self.scope.report.fail(
            "E204",
            e.meta.span,
            f"`{p.name}` of `{self.owner}` is {wanted} here; this is {show_shape(shape)}",
            hint,
        )


def _in_step(shape: Sequence[Whole], plates: Sequence[Axis], names: Names) -> bool:
    """Whether plates run over as many positions as an array's dims, in order."""
    return all(
        w.start >= 0 and a.start >= 0 and same_extent(w, Whole(a.dim, a.start, a.stop), names)
        for w, a in zip(shape, plates, strict=True)
    )
