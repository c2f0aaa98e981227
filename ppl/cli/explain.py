"""`ppl explain`."""

from __future__ import annotations

from pathlib import Path

import click

from ppl.cli.edge import print_json, show_warnings
from ppl.cli.shared import data_option, json_option, set_option, values_set
from ppl.compiler import explain as explanations
from ppl.compiler.explain.drawing import Drawing, drawing, graphviz
from ppl.compiler.explain.svg import svg
from ppl.errors import Diagnostic, Exit, PplError
from ppl.model import load

_TO_OUTPUT = "-"
_WRITERS = {".svg": svg, ".dot": graphviz, ".gv": graphviz}


@click.command()
@click.argument("model", metavar="MODEL")
@data_option
@set_option
@click.option("--latex", "as_latex", is_flag=True, help="Print the joint density as an align* of LaTeX's amsmath.")
@click.option(
    "--graph",
    "drawn",
    is_flag=False,
    flag_value=_TO_OUTPUT,
    metavar="[FILE]",
    help="Draw the model as a graph: into FILE (.svg, or .dot of Graphviz), else as Graphviz text on standard output.",
)
@json_option
def explain(
    model: str, data: tuple[str, ...], given: tuple[str, ...], as_latex: bool, drawn: str | None, as_json: bool
) -> int:
    """Say how a model is read: the joint density, roles, supports, plates, event axes, and what each pass did and why.

    With data, also how large each dim is, and what was decided from the data.

    \b
    Examples:
        ppl explain radon.ppl
        ppl explain radon.ppl --data radon.json
        ppl explain radon.ppl --latex
        ppl explain radon.ppl --graph radon.svg
    """
    if as_latex and (as_json or drawn is not None):
        raise click.UsageError("--latex is another output than --json and --graph: give one of them")
    if as_json and drawn == _TO_OUTPUT:
        raise click.UsageError("--json has the graph in it: give --graph a file, or leave it out")
    checked = load(model)
    graph, dataset = checked.read_with(list(data) or None, set=values_set(given))
    if drawn is not None:
        picture = drawing(graph, None if dataset is None else dataset.sizes)
        if drawn == _TO_OUTPUT:
            click.echo(graphviz(picture), nl=False)
            return 0
        _write(Path(drawn), picture)
    if as_json:
        print_json({"file": model, **explanations.as_data(graph, dataset)})
        return 0
    show_warnings(checked.warnings, checked.graph.source)
    if drawn is not None:
        click.echo(f"wrote {drawn}", err=True)
    else:
        click.echo(explanations.latex(graph) if as_latex else explanations.explain(graph, dataset), nl=False)
    return 0


def _write(path: Path, picture: Drawing) -> None:
    """Raises PplError where the file cannot be written."""
    if path.suffix not in _WRITERS:  # the name of a model, given where that of the picture belongs, would be lost
        raise click.UsageError(f"--graph writes files that end in {', '.join(_WRITERS)}, not `{path}`")
    try:
        path.write_text(_WRITERS[path.suffix](picture), encoding="utf-8")
    except OSError as error:
        problem = f"cannot write {path}: {error.strerror or error}"
        raise PplError([Diagnostic("E605", problem)], exit_code=Exit.USAGE) from None
