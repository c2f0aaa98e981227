"""A distribution where it stands: its parameters shaped and checked, and the support of what it draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppl.catalogue.distributions import DistributionSpec, Parameter
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.domains import check_domain
from ppl.compiler.check.matching import Head, combinator_arguments, matched
from ppl.compiler.check.ranges import range_of
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Names, Scope
from ppl.compiler.check.shapes import (
    apply,
    at_axes,
    broadcast,
    same_event,
    same_extent,
    show_shape,
)
from ppl.graph import Axis, Distribution, Expr, Fill, Lift, Literal, Meta, Read, Support, Whole
from ppl.source import Span
from ppl.types import Scalar


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
class Drawn:
    """A distribution at its site, with the support of what is drawn and the dims that it decided."""

    distribution: Distribution
    support: Support
    batch: tuple[Whole, ...]
    event: tuple[Whole, ...]
    spec: DistributionSpec


def draw(scope: Scope, found: Head, site: Site) -> Drawn:
    """The distribution at its site. Reports parameters that are missing, unknown, misshapen or out of their domain."""
    extra = combinator_arguments(scope, found)
    given = matched(scope, found.base, found.spec)
    values: dict[str, Expr] = {}
    failed = extra is None
    for p in found.spec.parameters:
        if p.name not in given:
            continue
        try:
            node = given[p.name]
            values[p.name] = _default(p, found.base.span) if node is None else scope.expr(node)
        except Abandon:
            failed = True
    limits: dict[str, Expr] = {}
    for name, node in (extra or {}).items():
        try:
            limits[name] = scope.expr(node)
        except Abandon:
            failed = True
    fit = _Fit(scope, found, site)
    if failed:
        fit.check_domains(values)
        raise Abandon
    return fit.drawn(values, limits)


def _default(p: Parameter, span: Span) -> Expr:
    assert p.default is not None
    return Literal(p.default, Meta((), (), Scalar.REAL, span))


@dataclass(frozen=True)
class _Fit:
    """Parameters onto a site."""

    scope: Scope
    found: Head
    site: Site

    def drawn(self, values: dict[str, Expr], limits: dict[str, Expr]) -> Drawn:
        spec, ordered = self.found.spec, self.found.combinator == "ordered"
        values = {name: self._lifted(spec_parameter(spec, name), e, ordered) for name, e in values.items()}
        limits = {name: self._lifted(Parameter(name, "real"), e, False) for name, e in limits.items()}
        batch, event = self._dims(values, limits)
        fitted: dict[str, Expr] = {}
        failed = False
        for name, e in values.items():
            p = spec_parameter(spec, name)
            try:
                fitted[name] = self._shaped(p, e, batch, event, ordered)
                check_domain(self.scope, self.found, p, fitted[name])
            except Abandon:
                failed = True
        for name, e in limits.items():
            try:
                limits[name] = self._shaped(Parameter(name, "real"), e, batch, event, False)
            except Abandon:
                failed = True
        if failed:
            raise Abandon
        parameters = tuple((p.name, fitted[p.name]) for p in spec.parameters if p.name in fitted)
        base = Distribution(spec.name, parameters, None, spec.event_rank, self.found.base.span)
        distribution = base
        if self.found.combinator:
            distribution = Distribution(
                self.found.combinator, tuple(limits.items()), base, self.found.event_rank, self.found.call.span
            )
        return Drawn(distribution, self._support(fitted, limits), batch, event, spec)

    def check_domains(self, values: dict[str, Expr]) -> None:
        """Domains alone, of the parameters that are right when others are not."""
        for name, e in values.items():
            check_domain(self.scope, self.found, spec_parameter(self.found.spec, name), e)

    def _lifted(self, p: Parameter, e: Expr, ordered: bool) -> Expr:
        """Indices on the left that stand for event dims become event dims of the parameter."""
        axes = tuple(a for a in self.site.event_axes if a in e.meta.axes)
        if not axes:
            return e
        if p.rank == 0:
            raise self._varying(p, e, axes[0].dim)
        kept = tuple(a for a in e.meta.axes if a not in axes)
        event = tuple(Whole(a.dim, a.start, a.stop) for a in axes)
        return Lift(e, axes, Meta(kept, (*event, *e.meta.event), e.meta.element, e.meta.span))

    def _varying(self, p: Parameter, e: Expr, dim: str) -> Abandon:
        name, hint = self.found.spec.name, ""
        if self.found.combinator == "ordered":
            name = f"ordered({name}(...))"
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

    def _dims(self, values: dict[str, Expr], limits: dict[str, Expr]) -> tuple[tuple[Whole, ...], tuple[Whole, ...]]:
        """Batch and event dims: those of the left side, or those that the parameters have."""
        if self.site.batch is not None and self.site.event is not None:
            return self.site.batch, self.site.event
        spec, rank = self.found.spec, self.found.event_rank
        if spec.event_rank == 0:
            scalars = [e for name, e in values.items() if spec_parameter(spec, name).rank == 0]
            shape = broadcast(self.scope, [*scalars, *limits.values()])
            if len(shape) >= rank:
                return shape[: len(shape) - rank], shape[len(shape) - rank :]
        for name, e in values.items():
            r = spec_parameter(spec, name).rank
            if r > 0 and rank == 1 and len(e.meta.event) >= r:
                return e.meta.event[:-r], e.meta.event[-1:]
        raise self.scope.report.fail(
            "E123",
            self.found.call.span,
            f"a draw of `{self.found.call.function.id}` is an array, and nothing says over which dims",
            "name them on the left: `x[k] ~ ...`"
            if rank == 1
            else "name them on the left: `L[i, j] ~ ... for i in k, j in k`",
        )

    def _shaped(self, p: Parameter, e: Expr, batch: tuple[Whole, ...], event: tuple[Whole, ...], ordered: bool) -> Expr:
        shape = e.meta.event
        names = self.scope.names
        if p.rank == 0:
            allowed = (*batch, *event) if ordered else batch
            if ordered and shape and not isinstance(e, Fill):
                raise self._varying(p, e, shape[-1].dim)
            if not shape or same_event(shape, allowed, names):
                return e
            if ordered and same_event(shape, event, names):
                return self._filled(e, batch)
            plates = self.site.plates[len(self.site.plates) - len(shape) :]
            if not batch and not ordered and len(plates) == len(shape) and _in_step(shape, plates, names):
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
        if self.found.spec.event_rank == 0:
            return shape[len(shape) - p.rank :] if len(shape) >= p.rank else ()
        if p.rank == 1 or self.found.spec.event_rank == 2:
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
            f"`{p.name}` of `{self.found.spec.name}` is {wanted} here; this is {show_shape(shape)}",
            hint,
        )

    # --- support ---

    def _support(self, values: dict[str, Expr], limits: dict[str, Expr]) -> Support:
        spec = self.found.spec
        lower = values.get(spec.lower) if spec.lower is not None else None
        upper = values.get(spec.upper) if spec.upper is not None else None
        if self.found.combinator == "ordered":
            return Support(SUPPORTS[spec.support].ordered, lower, upper)
        if self.found.combinator == "truncated":
            lower, upper = self._truncated_bounds(limits, lower, upper)
            kind = spec.support if spec.discrete else "interval"
        else:
            kind = spec.support
        self._check_bounds(lower, upper)
        return Support(kind, lower, upper)

    def _truncated_bounds(
        self, limits: dict[str, Expr], lower: Expr | None, upper: Expr | None
    ) -> tuple[Expr | None, Expr | None]:
        fixed = SUPPORTS[self.found.spec.support]
        meta = Meta((), (), Scalar.REAL, self.found.call.span)
        if lower is None and fixed.lower is not None:
            lower = Literal(fixed.lower, meta)
        if upper is None and fixed.upper is not None:
            upper = Literal(fixed.upper, meta)
        return self._tighter("maximum", limits.get("lower"), lower), self._tighter(
            "minimum", limits.get("upper"), upper
        )

    def _tighter(self, function: str, given: Expr | None, own: Expr | None) -> Expr | None:
        """The bound that a truncation gives or that the base has, whichever is inside the other."""
        if given is None or own is None:
            return own if given is None else given
        a, b = range_of(given, self.scope.names).interval, range_of(own, self.scope.names).interval
        low = function == "maximum"
        if a.lower >= b.upper:
            return given if low else own
        if a.upper <= b.lower:
            return own if low else given
        return apply(self.scope, function, [given, own], given.meta.span)

    def _check_bounds(self, lower: Expr | None, upper: Expr | None) -> None:
        if lower is None or upper is None:
            return
        low, high = range_of(lower, self.scope.names).interval, range_of(upper, self.scope.names).interval
        if low.lower >= high.upper:
            base = self.found.base
            swapped = ""
            if not self.found.combinator and low.lower > high.upper and len(base.arguments) == 2:
                texts = [self.scope.report.text(a.span) for a in base.arguments if a.name is None]
                swapped = f"did you mean `{base.function.id}({', '.join(texts[::-1])})`?" if len(texts) == 2 else ""
            self.scope.report.error(
                "E208", self.found.call.span, f"no number lies between {low.lower:g} and {high.upper:g}", swapped
            )


def spec_parameter(spec: DistributionSpec, name: str) -> Parameter:
    """A parameter of a distribution, by its name."""
    return next(p for p in spec.parameters if p.name == name)


def _in_step(shape: Sequence[Whole], plates: Sequence[Axis], names: Names) -> bool:
    """Whether plates run over as many positions as an array's dims, in order."""
    return all(
        w.start >= 0 and a.start >= 0 and same_extent(w, Whole(a.dim, a.start, a.stop), names)
        for w, a in zip(shape, plates, strict=True)
    )
