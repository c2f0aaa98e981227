"""`ppl check`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from ppl.cli.edge import diagnostic_json, print_json, show_errors, show_warnings
from ppl.cli.shared import data_option, json_option, set_option, values_set
from ppl.compiler.passes.summable import check_summable
from ppl.errors import Diagnostic, Exit, PplError, Severity
from ppl.model import load
from ppl.source import Source


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@data_option
@set_option
@click.option("--engine", metavar="NAME", help="Also check that this engine can sample the model; see `ppl engines`.")
@json_option
def check(
    models: tuple[str, ...], data: tuple[str, ...], given: tuple[str, ...], engine: str | None, as_json: bool
) -> int:
    """Look for errors in a model, and in its data.

    Every error is shown with its line, what is wrong, and what to write instead. Nothing is run.

    \b
    Examples:
        ppl check radon.ppl
        ppl check radon.ppl --data radon.json
        ppl check radon.ppl --engine nuts
        ppl check models/*.ppl
    """
    if (data or given) and len(models) > 1:
        raise click.UsageError("data belong to one model: check it alone")
    clamped = values_set(given)
    if data or clamped or engine is not None:  # the modules need NumPy, which a text alone does not
        from ppl.running.beforehand import check_discrete, check_domains, check_engine
        from ppl.running.engines import engine_class
    if engine is not None:
        engine_class(engine)
    code = Exit.OK
    reports = []
    for path in models:
        try:
            model = load(path)
            warnings = model.warnings
            notes: tuple[str, ...] = ()
            graph = model.graph
            if data or clamped:
                bound = model.bind(list(data), set=clamped)
                graph, warnings, notes = bound.graph, (*warnings, *bound.warnings), bound.notes
                check_domains(graph, bound.dataset)
                check_discrete(graph, bound.dataset, engine)
                if engine is not None:
                    check_engine(graph, engine, bound.dataset)
            else:
                check_summable(graph)
                if engine is not None:
                    check_engine(graph, engine)
        except PplError as error:
            code = max(code, error.exit_code)
            reports.append(_report(path, error.diagnostics, error.source))
            if not as_json:
                show_errors(error, as_json=False)
            continue
        reports.append(_report(path, warnings, model.graph.source))
        if not as_json:
            show_warnings(warnings, model.graph.source)
            click.echo(f"{path}: {'the model and its data fit' if data else 'no errors'}")
            for note in notes:
                click.echo(f"  note: {note}", err=True)
    if as_json:
        print_json({"models": reports})
    return int(code)


def _report(path: str, diagnostics: Iterable[Diagnostic], source: Source | None) -> dict[str, Any]:
    kinds: dict[str, list[dict[str, Any]]] = {"errors": [], "warnings": []}
    for one in diagnostics:
        kinds["errors" if one.severity is Severity.ERROR else "warnings"].append(diagnostic_json(one, source))
    return {"file": path, **kinds}
