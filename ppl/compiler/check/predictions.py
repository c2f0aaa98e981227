"""`predict y[i] ~ distribution`: what is drawn for every draw of the posterior, whole or in pieces."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.compiler.check.build import Build, Part
from ppl.compiler.check.declarations import free_quantity
from ppl.compiler.check.distributions import draw
from ppl.compiler.check.history import check_looks_back
from ppl.compiler.check.matching import head
from ppl.compiler.check.places import place
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Quantity
from ppl.compiler.check.sites import check_whole, dims_of, element_of, site_of
from ppl.compiler.check.tiling import check_tiling
from ppl.grammar import nodes as syntax
from ppl.graph import Prediction, Whole, distribution_expressions, each_read
from ppl.types import Scalar


def predict(build: Build, statement: syntax.Predict, loops: Sequence[syntax.Loop]) -> None:
    """One statement. A wrong one is marked as broken."""
    for target in statement.targets:
        build.names.predicting = True
        try:
            _predict(build, target, statement, loops)
        except Abandon:
            build.fail(target.name, "prediction")
        finally:
            build.names.predicting = False


def _predict(build: Build, target: syntax.Target, statement: syntax.Predict, loops: Sequence[syntax.Loop]) -> None:
    name = target.name.id
    build.draws_left[name] = build.draws_left.get(name, 1) - 1
    known = build.names.quantities.get(name)
    if known is not None and known.broken:
        raise Abandon
    if (known is None or known.role != "prediction") and not free_quantity(build, target.name):
        raise Abandon
    found = head(build.scope, statement.distribution)
    left = build.left_dims.get(name, [])
    indexed = bool(target.indices)
    where = place(build.scope, target, loops, known.dims if known else left if indexed else None).with_slices_bound()
    dims = known.dims if known else dims_of(where, left) if indexed else None
    site, subscripts = site_of(found, where, dims)
    check_whole(found, where, dims, subscripts)
    if known is None and indexed and dims is not None:
        # The quantity exists from here on, so that its earlier elements can be read.
        known = Quantity(name, "prediction", dims, Scalar.REAL, target.name.span, complete=False)
        build.define(known)
    drawn = draw(where.scope, found, site)
    if dims is None:
        dims = tuple(w.dim for w in (*drawn.batch, *drawn.event))
        subscripts = tuple(Whole(d) for d in dims)
    element = element_of(drawn) if drawn.spec.discrete else Scalar.REAL
    parts = build.parts.setdefault(name, [])
    if known is None:
        known = Quantity(name, "prediction", dims, element, target.name.span, complete=False)
        build.define(known)
    if not parts:
        known.element = element
    elif known.element != element:
        line = build.report.line(parts[0].span)
        raise build.report.fail("E206", target.span, f"on line {line} `{name}` is predicted as another type")
    if where.where is not None and not build.data_only(where.where):
        label = "this depends on what is inferred"
        raise build.report.fail("E114", where.where.meta.span, "a filter of a statement depends on data alone", label)
    parameters = list(distribution_expressions(drawn.distribution))
    check_looks_back(build, name, dims, subscripts, parameters)
    if where.where is None:
        parts.append(Part(subscripts, target.span))
    elif any(read.name == name for expr in parameters for read in each_read(expr)):
        raise build.report.fail(
            "E110",
            where.where.meta.span,
            f"the elements of `{name}` that the filter leaves out are read, and would not be drawn",
            "predict every element; choose between distributions by their parameters: `a if c[i] else b`",
        )
    build.nodes.append(
        Prediction(name, dims, site.plates, where.where, subscripts, drawn.distribution, element, statement.span)
    )
    known.complete = build.draws_left[name] <= 0


def finish_predictions(build: Build) -> None:
    """Pieces may leave elements out, unless the prediction reads itself, and none is predicted twice."""
    reading_themselves = {
        node.name
        for node in build.nodes
        if isinstance(node, Prediction)
        and any(read.name == node.name for read in each_read(*distribution_expressions(node.distribution)))
    }
    for name, parts in build.parts.items():
        quantity = build.names.quantities[name]
        if quantity.role != "prediction" or quantity.broken or name in build.failed or not parts:
            continue
        check_tiling(build, name, quantity.dims, parts, drawn=True, gaps=name not in reading_themselves)
