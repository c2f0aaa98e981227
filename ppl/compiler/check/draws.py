"""`target ~ distribution`: observations, latents, densities on variables, and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.build import Build, Part
from ppl.compiler.check.calls import look_at
from ppl.compiler.check.declarations import free_quantity
from ppl.compiler.check.distributions import Drawn, Head, Site, draw, first_clause, head
from ppl.compiler.check.history import check_looks_back, record_reach
from ppl.compiler.check.indexing import read
from ppl.compiler.check.places import Place, place, show_place
from ppl.compiler.check.ranges import of_latent
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import UNKNOWN, Quantity
from ppl.compiler.check.shapes import at_axes
from ppl.grammar import nodes as syntax
from ppl.graph import (
    Aligned,
    Apply,
    Axis,
    Expr,
    Fill,
    Gather,
    Labelled,
    Latent,
    Literal,
    Prediction,
    Read,
    Subscript,
    Support,
    Term,
    Whole,
    distribution_expressions,
)
from ppl.source import Span
from ppl.types import Element, IndexOf, Scalar

_OF_SUPPORT = {"bool": Scalar.BOOL, "count": Scalar.COUNT, "count_vector": Scalar.COUNT, "int": Scalar.INT}


def sample(build: Build, statement: syntax.Sample, loops: Sequence[syntax.Loop]) -> None:
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
        _latent(build, target, statement, loops, found, quantity)
        return
    if quantity.role == "prediction":
        raise build.report.fail("E122", target.span, f"`{quantity.name}` is a prediction, and draws nothing else")
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
        look_at(where.scope, statement.distribution)


def _site(found: Head, where: Place, dims: Sequence[str] | None) -> tuple[Site, tuple[Subscript, ...]]:
    """Where the distribution stands, and the target's subscripts with event indices turned whole."""
    rank = found.event_rank
    if dims is None:
        return Site((), None, None, ()), ()
    subscripts = list(where.padded(dims))
    if len(subscripts) < rank:
        raise where.scope.report.fail(
            "E106",
            where.target.span,
            f"a draw of `{found.call.function.id}` is {'a vector' if rank == 1 else 'a matrix'}; "
            f"`{where.name}` has {len(subscripts)} dim{'s' if len(subscripts) != 1 else ''}",
        )
    event_axes: list[Axis] = []
    for n in range(len(subscripts) - rank, len(subscripts)):
        s = subscripts[n]
        if isinstance(s, Aligned):
            event_axes.append(s.axis)
            subscripts[n] = Whole(s.axis.dim, s.axis.start, s.axis.stop)
        elif not isinstance(s, Whole):
            raise where.scope.report.fail(
                "E204",
                where.target.span,
                f"a draw of `{found.call.function.id}` is a whole array; this is one element of it",
            )
    wholes = [s for s in subscripts if isinstance(s, Whole)]
    batch, event = tuple(wholes[: len(wholes) - rank]), tuple(wholes[len(wholes) - rank :])
    plates = tuple(s.axis for s in subscripts if isinstance(s, Aligned))
    return Site(plates, batch, event, tuple(event_axes)), tuple(subscripts)


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
    site, subscripts = _site(found, where, quantity.dims)
    drawn = draw(where.scope, found, site)
    if quantity.role in ("latent", "var"):
        role = "density"
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
            build.term_name(_written(quantity.name, where, subscripts)),
            role,
            site.plates,
            where.where,
            expr,
            drawn.distribution,
            statement.span,
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
    everything = all(_everything(s) for s in subscripts) and where.where is None
    for part in parts:
        if everything and all(_everything(s) for s in part.subscripts):
            build.report.warn(
                "W103",
                where.target.span,
                f"`{quantity.name}` is observed on line {build.report.line(part.span)} already",
                "both densities count",
            )
            break
    if where.where is None:
        parts.append(Part(subscripts, span))


def _written(name: str, where: Place, subscripts: tuple[Subscript, ...]) -> str:
    """The name of a term: the quantity's own if it speaks of every element."""
    return name if all(map(_everything, subscripts)) else show_place(name, where.subscripts)


def _everything(s: Subscript) -> bool:
    match s:
        case Aligned(axis):
            return axis.start == 0 and axis.stop is None
        case Whole():
            return s.start == 0 and s.stop is None
        case _:
            return False


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
    wanted = _element(drawn)
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


def _element(drawn: Drawn) -> Element:
    """The type of what a discrete distribution draws."""
    kind = drawn.support.kind
    if kind in _OF_SUPPORT:
        return _OF_SUPPORT[kind]
    for p in drawn.spec.parameters:
        value = drawn.distribution.parameter(p.name)
        if p.rank == 1 and p.domain != "ordered" and value is not None and value.meta.event:
            return IndexOf(value.meta.event[-1].dim)
    return Scalar.COUNT


# --- latents -----------------------------------------------------------------------------------------


def _latent(
    build: Build,
    target: syntax.Target,
    statement: syntax.Sample,
    loops: Sequence[syntax.Loop],
    found: Head,
    known: Quantity | None,
) -> None:
    name = target.name.id
    left = build.left_dims.get(name, [])
    indexed = bool(target.indices)
    where = place(build.scope, target, loops, known.dims if known else left if indexed else None).with_slices_bound()
    if where.where is not None:
        raise build.report.fail(
            "E110",
            where.where.meta.span,
            f"the elements of `{name}` that the filter leaves out would have no distribution",
            "define every element; choose between distributions by their parameters: `a if c[i] else b`",
        )
    dims = known.dims if known else _dims_of(where, left) if indexed else None
    site, subscripts = _site(found, where, dims)
    if known is None and indexed and dims is not None:
        # The quantity exists from here on, so that its earlier elements can be read.
        element: Element = Scalar.REAL
        build.define(Quantity(name, "latent", dims, element, target.name.span, UNKNOWN, complete=False))
    if found.spec.discrete:
        _discrete(build, target, found, dims)
    drawn = draw(where.scope, found, site)
    if dims is None:
        dims = tuple(w.dim for w in (*drawn.batch, *drawn.event))
        subscripts = tuple(Whole(d) for d in dims)
    if drawn.spec.discrete:
        if name not in build.parts:
            build.parts[name] = []
            build.define(Quantity(name, "latent", dims, _element(drawn), target.name.span, UNKNOWN))
        return
    parameters = list(distribution_expressions(drawn.distribution))
    check_looks_back(build, name, dims, subscripts, parameters)
    record_reach(build, name, dims, subscripts, parameters)
    parts = build.parts.setdefault(name, [])
    axes, support = _support_axes(build, dims, subscripts, found.event_rank, drawn.support)
    quantity = build.names.quantities.get(name)
    first = not parts
    if first:
        quantity = Quantity(
            name,
            "latent",
            dims,
            Scalar.REAL,
            target.name.span,
            of_latent(name, support, build.names),
            event_rank=found.event_rank,
            support=support,
        )
        build.define(quantity)
        build.nodes.append(Latent(name, dims, Scalar.REAL, support, found.event_rank, False, statement.span, axes))
    assert quantity is not None
    quantity.complete = build.draws_left.get(name, 0) <= 0
    if not first:
        _same_support(build, target, quantity, support, parts[0], found.event_rank)
    parts.append(Part(subscripts, target.span))
    expr = read(quantity, subscripts, target.span)
    build.nodes.append(
        Term(
            build.term_name(_written(name, where, subscripts)),
            "latent",
            site.plates,
            None,
            expr,
            drawn.distribution,
            statement.span,
        )
    )


def _dims_of(where: Place, left: Sequence[str | None]) -> tuple[str, ...]:
    found = []
    for n in range(max(len(left), len(where.subscripts))):
        s = where.subscripts[n] if n < len(where.subscripts) else None
        dim = s.axis.dim if isinstance(s, Aligned) else s.dim if isinstance(s, Whole) else left[n]
        if dim is None:
            raise where.scope.report.fail(
                "E123", where.target.span, f"nothing says which dim index {n + 1} of `{where.name}` runs over"
            )
        found.append(dim)
    return tuple(found)


def _discrete(build: Build, target: syntax.Target, found: Head, dims: tuple[str, ...] | None) -> None:
    name = target.name.id
    over = f"[{', '.join(dims)}]" if dims else ""
    build.report.error(
        "E402",
        target.span,
        f"`{name}` is not data, and `{found.spec.name}` draws discrete values",
        f"this version infers continuous quantities; if `{name}` is observed, declare it: `data {name}{over}`",
    )


def _support_axes(
    build: Build, dims: Sequence[str], subscripts: Sequence[Subscript], rank: int, support: Support
) -> tuple[tuple[Axis, ...], Support]:
    """One axis for each dim before the event, and the bounds over them."""
    axes: list[Axis] = []
    fresh: list[Axis] = []
    for s, dim in zip(subscripts[: len(dims) - rank], dims, strict=False):
        if isinstance(s, Aligned) and _everything(s):
            axes.append(s.axis)
        else:
            axes.append(build.names.axis(dim, dim))
            if isinstance(s, Whole):
                fresh.append(axes[-1])
    lower, upper = (_bound_at(b, tuple(fresh)) for b in (support.lower, support.upper))
    return tuple(axes), replace(support, lower=lower, upper=upper)


def _bound_at(bound: Expr | None, fresh: tuple[Axis, ...]) -> Expr | None:
    if bound is None or not bound.meta.event:
        return bound
    return at_axes(bound, fresh)


def _same_support(
    build: Build, target: syntax.Target, quantity: Quantity, support: Support, first: Part, rank: int
) -> None:
    expected = quantity.support
    if expected is None:
        raise Abandon
    line = build.report.line(first.span)
    same = quantity.event_rank == rank and _canonical(expected) == _canonical(support)
    if not same or any(b is not None and b.meta.axes for b in (support.lower, support.upper)):
        raise build.report.fail(
            "E206",
            target.span,
            f"here `{quantity.name}` is {SUPPORTS[support.kind].description}, on line {line} "
            f"{SUPPORTS[expected.kind].description}"
            if expected.kind != support.kind
            else f"here `{quantity.name}` has other bounds than on line {line}",
            "all elements of a quantity have the same support; its bounds may not differ between statements",
        )


def _canonical(support: Support) -> tuple[str, object, object]:
    """The set that a support is: numbers above 0 are the same whether from `HalfNormal(1)` or a truncation at 0."""
    spec = SUPPORTS[support.kind]
    lower = spec.lower if support.lower is None else _bare(support.lower)
    upper = spec.upper if support.upper is None else _bare(support.upper)
    plain = spec.event_rank == 0 and support.kind != "circle"
    return "number" if plain else support.kind, lower, upper


def _bare(expr: Expr | None) -> object:
    """An expression without its places in the text."""
    match expr:
        case None:
            return None
        case Literal():
            return float(expr.value)
        case Read():
            return ("read", expr.name, tuple(map(_bare_subscript, expr.subscripts)))
        case Apply():
            return (expr.function, *map(_bare, expr.arguments))
        case Fill():
            return ("fill", expr.dims, _bare(expr.value))
        case _:
            return expr


def _bare_subscript(s: Subscript) -> object:
    match s:
        case Gather(index):
            return ("gather", _bare(index))
        case Labelled(label):
            return ("label", label)
        case _:
            return s


# --- predictions -------------------------------------------------------------------------------------


def predict(build: Build, statement: syntax.Predict, loops: Sequence[syntax.Loop]) -> None:
    for target in statement.targets:
        try:
            _predict(build, target, statement, loops)
        except Abandon:
            build.broken(target.name, "prediction")


def _predict(build: Build, target: syntax.Target, statement: syntax.Predict, loops: Sequence[syntax.Loop]) -> None:
    if target.name.id in build.names.quantities and build.names.quantities[target.name.id].broken:
        raise Abandon
    name = target.name.id
    if not free_quantity(build, target.name):
        raise Abandon
    found = head(build.scope, statement.distribution)
    left = build.left_dims.get(name, [])
    indexed = bool(target.indices)
    where = place(build.scope, target, loops, left if indexed else None)
    dims = _dims_of(where, left) if indexed else None
    site, subscripts = _site(found, where, dims)
    drawn = draw(where.scope, found, site)
    if dims is None:
        dims = tuple(w.dim for w in (*drawn.batch, *drawn.event))
        subscripts = tuple(Whole(d) for d in dims)
    if where.where is not None or not all(_everything(s) for s in subscripts):
        raise build.report.fail(
            "E410", target.span, f"this predicts some elements of `{name}` only", "predict over the whole dim"
        )
    element = _element(drawn) if drawn.spec.discrete else Scalar.REAL
    quantity = Quantity(name, "prediction", dims, element, target.name.span)
    build.define(quantity)
    build.nodes.append(
        Prediction(name, dims, site.plates, None, subscripts, drawn.distribution, element, statement.span)
    )
