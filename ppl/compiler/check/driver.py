"""One page of passes: look the program over, check each statement in order, finish what was said in pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ppl.compiler.check import calls, clamps, declarations, draws, energies, predictions, values
from ppl.compiler.check.build import Build
from ppl.compiler.check.missing import check_missing
from ppl.compiler.check.recurrent import check_recurrences
from ppl.compiler.check.report import Abandon, Enough, Report
from ppl.compiler.check.scope import Names
from ppl.compiler.check.survey import Placed, flat, inferred_types, look_over
from ppl.compiler.check.tiling import check_tiling
from ppl.compiler.check.unused import warn_unused
from ppl.compiler.passes.inlining import inlined
from ppl.errors import Diagnostic, PplError
from ppl.grammar import limits, messages
from ppl.grammar import nodes as syntax
from ppl.graph import ModelGraph
from ppl.source import Span
from ppl.types import Scalar


@dataclass(frozen=True)
class Checked:
    """A program without errors."""

    graph: ModelGraph
    warnings: tuple[Diagnostic, ...]


def check(program: syntax.Program) -> Checked:
    """The model that a program says.

    Raises:
        PplError: with every error found.
    """
    report = Report(program.source)
    build = Build(program.source, report, Names(report))
    with suppress(Enough):
        _statements(build, list(flat(program.statements)))
    if report.errors:
        raise PplError(_first(report.errors), program.source)
    graph = ModelGraph(build.title, program.source, build.names.dims, build.finished_nodes())
    energies.check_energies(report, graph)
    check_missing(report, graph)
    if report.errors:
        raise PplError(_first(report.errors), program.source)
    warn_unused(report, graph)
    return Checked(inlined(graph), tuple(report.warnings))


def _statements(build: Build, placed: Sequence[Placed]) -> None:
    _shared_names(build, placed)
    look_over(build, placed)
    types = inferred_types(placed)
    for statement, loops in placed:
        _statement(build, statement, loops)
        if isinstance(statement, syntax.DataDeclaration):
            _infer(build, statement, types)
    _finish_latents(build)
    predictions.finish_predictions(build)
    check_recurrences(build)
    _check_uncalled(build)


def _first(errors: Sequence[Diagnostic]) -> list[Diagnostic]:
    """In source order, and not more than a reader can use."""
    ordered = sorted(errors, key=lambda d: d.span or Span(0, 0))
    if len(ordered) <= limits.ERRORS:
        return ordered
    return [*ordered[: limits.ERRORS], messages.too_many_errors()]


def _shared_names(build: Build, placed: Sequence[Placed]) -> None:
    """Dims and functions: visible everywhere, wherever they stand."""
    first = True
    for statement, _ in placed:
        first = first and isinstance(statement, syntax.Use | syntax.ModelTitle)
        if isinstance(statement, syntax.Use):
            declarations.use(build, statement, first)
    for statement, _ in placed:
        if isinstance(statement, syntax.DimDeclaration):
            declarations.dims(build, statement)
    for statement, _ in placed:
        if isinstance(statement, syntax.FunctionDefinition):
            declarations.function(build, statement)


def _statement(build: Build, statement: syntax.Statement, loops: Sequence[syntax.Loop]) -> None:
    match statement:
        case syntax.ModelTitle():
            if build.title is not None:
                build.report.error("E102", statement.span, f"the model is already called `{build.title}`")
            build.title = statement.name.id
        case syntax.DataDeclaration():
            declarations.data(build, statement)
        case syntax.VarDeclaration():
            declarations.variables(build, statement)
        case syntax.Sample():
            draws.sample(build, statement, loops)
        case syntax.Assign():
            values.assign(build, statement, loops)
        case syntax.Predict():
            predictions.predict(build, statement, loops)
        case syntax.Energy():
            energies.energy(build, statement, loops)
        case syntax.Observe():
            clamps.observe(build, statement)


def _infer(build: Build, statement: syntax.DataDeclaration, types: Mapping[str, Scalar]) -> None:
    for item in statement.items:
        quantity = build.names.quantities.get(item.name.id)
        if quantity is not None and quantity.role == "data" and not quantity.typed and item.name.id in types:
            quantity.element = types[item.name.id]


def _finish_latents(build: Build) -> None:
    for name, parts in build.parts.items():
        quantity = build.names.quantities[name]
        if quantity.role == "latent" and parts and not quantity.broken and name not in build.failed:
            check_tiling(build, name, quantity.dims, parts, drawn=True)


def _check_uncalled(build: Build) -> None:
    """Functions that nothing calls: their bodies, with parameters of which nothing is known."""
    for name, function in build.names.functions.items():
        if name in build.names.called or name in build.names.libraries:
            continue
        build.names.new_statement()
        try:
            calls.body(function, build.scope.inside(name, {p.id: None for p in function.parameters}))
        except Abandon:
            continue
