"""A distribution where it stands: its parameters shaped and checked, and the support of what it draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ppl.catalogue.distributions import DistributionSpec, Parameter
from ppl.catalogue.domains import NUMBERS
from ppl.compiler.check.domains import check_domain
from ppl.compiler.check.families import bound_family, weights_over
from ppl.compiler.check.fitting import Fit, Site
from ppl.compiler.check.heads import Head
from ppl.compiler.check.matching import matched, own_arguments
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Scope
from ppl.compiler.check.shapes import broadcast
from ppl.compiler.check.supporting import Drawable, of_catalogue, of_combinator
from ppl.graph import Axis, Distribution, Expr, Literal, Meta, Support, Whole
from ppl.source import Span
from ppl.types import Scalar


@dataclass(frozen=True)
class Drawn:
    """A distribution at its site, with the support of what is drawn and the dims that it decided. refusal: why no
    latent can have it, and what to write instead, if so."""

    distribution: Distribution
    support: Support
    batch: tuple[Whole, ...]
    event: tuple[Whole, ...]
    spec: DistributionSpec
    refusal: tuple[str, str] | None


def draw(scope: Scope, found: Head, site: Site) -> Drawn:
    """The distribution at its site. Reports parameters that are missing, unknown, misshapen or out of their domain."""
    written = _written(scope, found)
    batch, event = _dims(scope, found, written, site)
    distribution, drawable = _placed(_Place(scope, site, batch, event), written, "")
    return Drawn(distribution, drawable.support, batch, event, found.spec, drawable.refusal)


def check_drawable(scope: Scope, found: Head, drawn: Drawn) -> None:
    """Reports a distribution that no latent can have."""
    if drawn.refusal is not None:
        raise scope.report.fail("E220", found.call.span, *drawn.refusal)


# --- what is written ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Written:
    """A distribution with the expressions of its own parameters, by name."""

    found: Head
    values: Mapping[str, Expr]
    parts: tuple[_Written, ...]
    family: Axis | None

    def walk(self) -> Iterator[_Written]:
        yield self
        for part in self.parts:
            yield from part.walk()

    def parameter(self, name: str) -> Parameter:
        """What is known of a parameter of that name."""
        if self.found.parts:
            return NUMBERS[name]
        return next(p for p in self.found.spec.parameters if p.name == name)


def _written(scope: Scope, found: Head) -> _Written:
    """The parameters as expressions. Reports the errors of all of them, then abandons."""
    if found.parts:
        return _written_combinator(scope, found)
    given = matched(scope, found.call, found.spec)
    values: dict[str, Expr] = {}
    failed = False
    for p in found.spec.parameters:
        if p.name not in given:
            continue
        try:
            node = given[p.name]
            values[p.name] = _default(p, found.call.span) if node is None else scope.expr(node)
        except Abandon:
            failed = True
    written = _Written(found, values, (), None)
    if failed:
        for name, e in values.items():
            check_domain(scope, found, written.parameter(name), e)
        raise Abandon
    return written


def _default(p: Parameter, span: Span) -> Expr:
    assert p.default is not None
    return Literal(p.default, Meta((), (), Scalar.REAL, span))


def _written_combinator(scope: Scope, found: Head) -> _Written:
    own = own_arguments(scope, found)
    failed = own is None
    inner, family, values = scope, None, {}
    if found.combinator == "mixture" and own is not None:
        try:
            inner, family, weights = bound_family(scope, found, own.pop("weights"))
            values["weights" if weights.meta.event else "weight"] = weights
        except Abandon:
            failed = True
    parts: list[_Written] = []
    for part in found.parts:
        try:
            parts.append(_written(inner, part))
        except Abandon:
            failed = True
    for name, node in (own or {}).items():
        try:
            values[name] = scope.expr(node)
        except Abandon:
            failed = True
    if failed:
        raise Abandon
    return _Written(found, values, tuple(parts), family)


# --- where it stands ---------------------------------------------------------------------------------


def _dims(scope: Scope, found: Head, written: _Written, site: Site) -> tuple[tuple[Whole, ...], tuple[Whole, ...]]:
    """Batch and event dims: those of the left side, or those that the parameters have."""
    named = tuple(Whole(dim) for dim in found.dims)
    if site.batch is not None and site.event is not None:
        if named and tuple(w.dim for w in site.event) != found.dims:
            left = ", ".join(w.dim for w in site.event)
            raise scope.report.fail(
                "E204",
                found.call.span,
                f"the last dims on the left are `{left}`",
                f"`zerosum` sums to zero along the last dims: name them last, `[..., {', '.join(found.dims)}]`",
            )
        return site.batch, site.event
    rank = found.event_rank
    if found.spec.event_rank == 0:
        shape = broadcast(
            scope, [e for w in written.walk() for name, e in w.values.items() if w.parameter(name).rank == 0]
        )
        if named:
            return shape, named
        if len(shape) >= rank:
            return shape[: len(shape) - rank], shape[len(shape) - rank :]
    for part in written.walk():
        for name, e in part.values.items():
            r = part.parameter(name).rank
            if not part.found.parts and r > 0 and rank == 1 and len(e.meta.event) >= r:
                return e.meta.event[:-r], e.meta.event[-1:]
    raise scope.report.fail(
        "E123",
        found.call.span,
        f"a draw of `{found.call.function.id}` is an array, and nothing says over which dims",
        "name them on the left: `x[k] ~ ...`"
        if rank == 1
        else "name them on the left: `L[i, j] ~ ... for i in k, j in k`",
    )


@dataclass(frozen=True)
class _Place:
    scope: Scope
    site: Site
    batch: tuple[Whole, ...]
    event: tuple[Whole, ...]


def _placed(place: _Place, written: _Written, shared: str) -> tuple[Distribution, Drawable]:
    """The distribution with its parameters shaped and checked. shared: the combinator around it whose draw is a whole
    array with one set of parameters."""
    scope, found = place.scope, written.found
    owner = found.combinator or found.spec.name
    fit = Fit(scope, owner, 0 if found.parts else found.spec.event_rank, shared, place.site)
    values: dict[str, Expr] = {}
    failed = False
    for name, e in written.values.items():
        p = written.parameter(name)
        try:
            values[name] = fit.shaped(p, fit.lifted(p, e), place.batch, place.event)
            check_domain(scope, found, p, values[name])
        except Abandon:
            failed = True
    within = found.combinator if found.combinator in ("ordered", "zerosum") else shared
    parts: list[tuple[Distribution, Drawable]] = []
    for part in written.parts:
        try:
            parts.append(_placed(place, part, within))
        except Abandon:
            failed = True
    if failed:
        raise Abandon
    if not parts:
        parameters = tuple((p.name, values[p.name]) for p in found.spec.parameters if p.name in values)
        distribution = Distribution(owner, parameters, None, found.event_rank, found.call.span)
        return distribution, of_catalogue(scope, found, values)
    if found.combinator == "mixture":
        weights_over(scope, found, values.get("weights"), written.family)
    if found.combinator == "zerosum":
        _centred(scope, found, parts[0][0])
    (base, _), *others = parts
    distribution = Distribution(
        owner,
        tuple(values.items()),
        base,
        found.event_rank,
        found.call.span,
        tuple(d for d, _ in others),
        written.family,
    )
    return distribution, of_combinator(scope, found, values, [drawable for _, drawable in parts], written.family)


def _centred(scope: Scope, found: Head, base: Distribution) -> None:
    """Reports a mean other than 0 of what sums to zero."""
    mean = base.parameter("mean")
    if mean is not None and not (isinstance(mean, Literal) and mean.value == 0):
        raise scope.report.fail(
            "E202",
            mean.meta.span,
            "numbers that sum to zero have the mean 0",
            "write `zerosum(Normal(0, scale))`, and add the mean where they are used",
        )
