"""`ppl predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ppl.cli.edge import print_json, show_warnings
from ppl.cli.shared import data_option, json_option, set_option, sizes_of, sizes_option, summary_rows, values_set
from ppl.errors import Diagnostic, Exit, PplError

if TYPE_CHECKING:
    from ppl.prediction.predict import Predicted


@click.command()
@click.argument("file", metavar="FILE")
@data_option
@sizes_option
@set_option
@click.option("--output", "-o", metavar="FILE", help="Where the predictions go (netCDF).  [default: FILE-predicted.nc]")
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same draws.")
@click.option("--progress/--quiet", "progress", default=None, help="Show progress  [default: in a terminal]")
@json_option
def predict(
    file: str,
    data: tuple[str, ...],
    size: tuple[str, ...],
    given: tuple[str, ...],
    output: str | None,
    force: bool,
    seed: int,
    progress: bool | None,
    as_json: bool,
) -> int:
    """Predict for new data from a file of draws.

    FILE is what `ppl sample` left; the model is in it. The new data give the covariates; outcomes need no values. What
    has a label of the fit keeps its draws; new members of a group are drawn from their distribution, given the
    hyperparameters of the same draw; series that depend on their past go on from where the fit ends. What --set clamps
    has that value in every draw, while all other quantities of the fit keep their draws.

    \b
    Examples:
        ppl predict radon.nc --data new_homes.json
        ppl predict walk.nc --size time=120 -o forecast.nc
        ppl predict radon.nc --data new_homes.json --set b=0
    """
    if not 0 <= seed < 2**63:
        raise click.UsageError("--seed takes a whole number, at least 0.")
    from ppl.results.storage import check_writable, read, write_safely

    groups, attrs = read(Path(file))
    path = Path(output) if output is not None else Path(f"{Path(file).stem}-predicted.nc")
    check_writable(path, force, [Path(file), *map(Path, data)])
    if not isinstance(attrs.get("model"), str):
        hint = ("predictions need the model's text, which `ppl sample` leaves in its files",)
        raise PplError([Diagnostic("E506", f"{file} does not say which model made it", hints=hint)])

    from ppl.data import load as load_data
    from ppl.model import compile as compile_model
    from ppl.prediction.fitted import read_fit
    from ppl.prediction.predict import draw_predictions
    from ppl.running.progress import make_progress

    graph = compile_model(attrs["model"], str(attrs.get("model_name", "<model>"))).graph
    fitted = read_fit(graph, groups, attrs)
    new, sizes = load_data(list(data)), sizes_of(size)
    found = draw_predictions(graph, fitted, new, sizes, seed, make_progress(progress), values_set(given))
    show_warnings(found.warnings, graph.source)
    for note in found.notes:
        click.echo(note, err=True)
    place, problem = write_safely(found.groups, found.attrs, path, force)
    _show(found, place, as_json)
    if problem is not None:
        click.echo(f"warning: {path} was not written ({problem}); the predictions are in {place}", err=True)
    return int(Exit.OK)


def _show(found: Predicted, place: Path, as_json: bool) -> None:
    from ppl.results.summary import summarise, table

    group = found.groups.get("predictions", found.groups.get("posterior"))
    if as_json:
        rows = [] if group is None else summary_rows(summarise(group))
        print_json({"output": str(place), "notes": list(found.notes), "summary": rows})
        return
    if group is not None:
        click.echo(table(summarise(group), 8, convergence=False))
    click.echo(f"\nPredictions: {place}")
