"""`target ~ distribution`: observations, latents, densities on variables, and predictions."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.build import Build, Part
from ppl.compiler.check.calls import look_at
from ppl.compiler.check.declarations import free_quantity
from ppl.compiler.check.distributions import Drawn, check_drawable, draw
from ppl.compiler.check.domains import first_clause
from ppl.compiler.check.heads import Head
from ppl.compiler.check.latents import latent
from ppl.compiler.check.matching import head
from ppl.compiler.check.places import Place, place
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Quantity
from ppl.compiler.check.sites import element_of, everything, site_of, written
from ppl.compiler.check.subscripted import read
from ppl.grammar import nodes as syntax
from ppl.graph import (
    Subscript,
    Term,
)
from ppl.source import Span
from ppl.types import IndexOf, Scalar


def sample(build: Build, statement: syntax.Sample, loops: Sequence[syntax.Loop]) -> None:
    """`x[i] ~ ...`: a latent and its term, or a term that observes data. A wrong one is marked as broken."""
    for target in statement.targets:
        try:
            _sample(build, target, statement, loops)
        except Abandon:
            build.fail(target.name, "latent")


def _sample(build: Build, target: syntax.Target, statement: syntax.Sample, loops: Sequence[syntax.Loop]) -> None:
    build.draws_left[target.name.id] = build.draws_left.get(target.name.id, 1) - 1
    quantity = build.names.quantities.get(target.name.id)
    try:
        found = head(build.scope, statement.distribution)
    except Abandon:
        _look_over(build, target, statement, loops)
        raise
    undrawn = quantity is not None and quantity.role == "latent" and quantity.support is None
    if quantity is not None and (quantity.broken or (undrawn and target.name.id in build.failed)):
        _look_over(build, target, statement, loops)
        raise Abandon
    if quantity is None or (target.name.id in build.parts and quantity.role == "latent"):
        if quantity is None and not free_quantity(build, target.name):
            raise Abandon
        latent(build, target, statement, loops, found, quantity)
        return
    if quantity.role == "prediction":
        raise build.report.fail(
            "E122",
            target.span,
            f"`{quantity.name}` is a prediction, and draws nothing else",
            f"`predict {quantity.name}` on line {build.report.line(quantity.span)} draws it: leave one of the two out",
        )
    if quantity.role == "value" and not quantity.data_only:
        raise build.report.fail(
            "E122",
            target.span,
            f"`{quantity.name}` is computed on line {build.report.line(quantity.span)} from what is inferred",
            "only data, what is computed from data alone, and latents can be drawn",
        )
    _density(build, target, statement, loops, found, quantity)


def _look_over(build: Build, target: syntax.Target, statement: syntax.Sample, loops: Sequence[syntax.Loop]) -> None:
    """The errors inside a statement whose distribution or target means nothing."""
    where = place(build.scope, target, loops, build.left_dims.get(target.name.id) if target.indices else None)
    if isinstance(statement.distribution, syntax.Call):
        look_at(where.scope, statement.distribution, of_distributions=True)


# --- observations and densities ----------------------------------------------------------------------


def _density(
    build: Build,
    target: syntax.Target,
    statement: syntax.Sample,
    loops: Sequence[syntax.Loop],
    found: Head,
    quantity: Quantity,
) -> None:
    where = place(build.scope, target, loops, quantity.dims).with_slices_bound()
    site, subscripts = site_of(found, where, quantity.dims)
    drawn = draw(where.scope, found, site)
    if quantity.role in ("latent", "var"):
        role = "density"
        check_drawable(build.scope, found, drawn)
        if drawn.spec.discrete:
            raise build.report.fail(
                "E207",
                statement.distribution.span,
                f"`{quantity.name}` is a real number; `{drawn.spec.name}` draws discrete values",
            )
    else:
        role = "observed"
        _observable(build, target, quantity, drawn)
    expr = read(quantity, subscripts, target.span)
    _no_latent_filter(build, where)
    build.nodes.append(
        Term(
            build.term_name(written(quantity.name, where, subscripts)),
            role,
            site.plates,
            where.where,
            expr,
            drawn.distribution,
            statement.span,
            drawn.support if role == "observed" and drawn.refusal is None else None,
        )
    )
    if role == "observed":
        _observed_once(build, quantity, where, subscripts, statement.span)


def _no_latent_filter(build: Build, where: Place) -> None:
    if where.where is not None and not build.data_only(where.where):
        raise build.report.fail(
            "E114", where.where.meta.span, "a filter of a statement depends on data alone", "this depends on a latent"
        )


def _observed_once(
    build: Build, quantity: Quantity, where: Place, subscripts: tuple[Subscript, ...], span: Span
) -> None:
    parts = build.observed.setdefault(quantity.name, [])
    complete = all(map(everything, subscripts)) and where.where is None
    for part in parts:
        if complete and all(map(everything, part.subscripts)):
            build.report.warn(
                "W103",
                where.target.span,
                f"`{quantity.name}` is observed on line {build.report.line(part.span)} already",
                "both densities count",
            )
            break
    if where.where is None:
        parts.append(Part(subscripts, span))


def _observable(build: Build, target: syntax.Target, quantity: Quantity, drawn: Drawn) -> None:
    """Whether data of this type can be draws of this distribution; data without a type take the one it asks for."""
    spec, element = drawn.spec, quantity.element
    name = quantity.name
    if not spec.discrete:
        if element in (Scalar.BOOL, Scalar.SPIN) or isinstance(element, IndexOf):
            kind = f"elements of `{element.dim}`" if isinstance(element, IndexOf) else f"{element.value}s"
            hint = "`Bernoulli(p)` and `BernoulliLogit(x)` draw bools" if element is Scalar.BOOL else ""
            if isinstance(element, IndexOf):
                hint = "`Categorical(p)` draws elements of a dim"
            raise build.report.fail(
                "E207", target.span, f"`{name}` holds {kind}; `{spec.name}` draws real numbers", hint
            )
        return
    wanted = element_of(drawn)
    if quantity.role == "data" and not quantity.typed:
        quantity.element = wanted
        return
    if quantity.role == "value":
        return
    if isinstance(element, IndexOf) and isinstance(wanted, IndexOf):
        if element.dim != wanted.dim:
            raise build.report.fail(
                "E207",
                target.span,
                f"`{name}` holds elements of `{element.dim}`; this draws elements of `{wanted.dim}`",
            )
        return
    if isinstance(element, IndexOf):
        if drawn.support.kind != "categorical":
            raise build.report.fail(
                "E207", target.span, f"`{name}` holds elements of `{element.dim}`; `{spec.name}` draws numbers"
            )
        return
    if element in (Scalar.REAL, Scalar.SPIN):
        kind = wanted.value if isinstance(wanted, Scalar) else wanted.dim
        raise build.report.fail(
            "E207",
            target.span,
            f"`{name}` is declared `{element.value}`; `{spec.name}` draws {first_clause(SUPPORTS[spec.support])}",
            f"declare it `: {kind}`, or leave its type out",
        )
