"""`ppl prior`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ppl.cli.edge import print_json, show_warnings
from ppl.cli.shared import data_option, json_option, set_option, sizes_of, sizes_option, summary_rows, values_set
from ppl.errors import Diagnostic, Exit, PplError
from ppl.model import load

if TYPE_CHECKING:
    from ppl.prediction.prior import PriorDraws


@click.command()
@click.argument("model", metavar="MODEL")
@data_option
@sizes_option
@set_option
@click.option("--draws", default=1000, show_default=True, help="How many draws.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same draws.")
@click.option("--output", "-o", metavar="FILE", help="Keep the draws in this file (netCDF; with --one, JSON).")
@click.option("--force", is_flag=True, help="Replace output files that exist.")
@click.option("--one", is_flag=True, help="Simulate one data set and write it as a data file, JSON.")
@click.option("--truth", metavar="FILE", help="With --one: also write the latents that made the data set, JSON.")
@click.option("--progress/--quiet", "progress", default=None, help="Show progress  [default: in a terminal]")
@json_option
def prior(
    model: str,
    data: tuple[str, ...],
    size: tuple[str, ...],
    given: tuple[str, ...],
    draws: int,
    seed: int,
    output: str | None,
    force: bool,
    one: bool,
    truth: str | None,
    progress: bool | None,
    as_json: bool,
) -> int:
    """Draw from the prior of a model, and the data that it expects.

    Outcomes need no values here: the data give the covariates, and the sizes of the dims, which --size can give too.
    With --one, what comes out is a data set that `ppl sample --data` takes: sample the model on it and compare with the
    latents that made it.

    \b
    Examples:
        ppl prior eight_schools.ppl --data schools.json
        ppl prior regression.ppl --size obs=100 --data covariates.json -o prior.nc
        ppl prior radon.ppl --data radon.json --one -o simulated.json --truth truth.json
        ppl prior regression.ppl --data covariates.json --set b=2 --set sigma=0.5
    """
    from ppl.results.storage import check_writable

    if draws < 1 or not 0 <= seed < 2**63:
        raise click.UsageError("--draws takes a whole number, at least 1, and --seed one, at least 0.")
    if truth is not None and not one:
        raise click.UsageError("--truth goes with --one: it tells what made the one data set.")
    checked = load(model)
    read = [Path(model), *map(Path, data)]
    if output is not None and not one:
        check_writable(Path(output), force, read)
    for name in (output if one else None, truth):
        if name is not None:
            check_text_file(Path(name), force, read)
    from ppl.prediction.prior import draw_prior
    from ppl.running.progress import make_progress

    clamped = values_set(given)
    inputs = checked.bind_forward(list(data), sizes_of(size), set=clamped)
    show_warnings((*checked.warnings, *inputs.warnings), checked.graph.source)
    drawn = draw_prior(checked.graph, inputs, 1 if one else draws, seed, make_progress(progress))
    if one:
        _write_one(checked.graph, inputs, drawn, output, truth)
        return int(Exit.OK)
    place = None
    if output is not None:
        from ppl.results.storage import write_safely
        from ppl.running.record import clamped_attrs

        attrs = {**drawn.attrs, **clamped_attrs(clamped)}
        place, problem = write_safely(drawn.groups, attrs, Path(output), force)
        if problem is not None:
            click.echo(f"warning: {output} was not written ({problem}); the draws are in {place}", err=True)
    _show(drawn, place, as_json)
    return int(Exit.OK)


def _write_one(graph: Any, inputs: Any, drawn: PriorDraws, output: str | None, truth: str | None) -> None:
    from ppl.prediction.dataset import simulated_data, true_values

    values = {name: array[0, 0] for name, array in drawn.values.items()}
    entries = simulated_data(graph, inputs, values)
    if truth is not None:
        write_text(Path(truth), json.dumps(true_values(graph, values), indent=1))
    if output is None:
        click.echo(json.dumps(entries, indent=1, ensure_ascii=False))
    else:
        write_text(Path(output), json.dumps(entries, indent=1, ensure_ascii=False))


def check_text_file(path: Path, force: bool, inputs: list[Path]) -> None:
    """Whether a file of JSON may be made.

    Raises:
        PplError: it exists and `force` is not given, or it is one of the inputs (E604, E605).
    """
    if path.exists() and (not force or any(one.exists() and path.samefile(one) for one in inputs)):
        hint = ("give --force to replace it, or another name",) if not force else ("choose another name",)
        raise PplError([Diagnostic("E604", f"{path} exists", hints=hint)], exit_code=Exit.USAGE)


def write_text(path: Path, text: str) -> None:
    """Whole or not at all.

    Raises:
        PplError: the file cannot be written (E605).
    """
    from ppl.results.storage import replaced_by

    try:
        replaced_by(path, (text + "\n").encode("utf-8"))
    except OSError as error:
        problem = f"cannot write {path}: {error.strerror or error}"
        raise PplError([Diagnostic("E605", problem)], exit_code=Exit.USAGE) from None


def _show(drawn: PriorDraws, place: Path | None, as_json: bool) -> None:
    from ppl.results.summary import joined, summarise, table

    groups = [drawn.groups[g] for g in ("prior", "prior_predictive") if g in drawn.groups]
    summary = joined(*map(summarise, groups))
    if as_json:
        print_json({"output": None if place is None else str(place), "summary": summary_rows(summary)})
        return
    click.echo(table(summary, 8, convergence=False))
    if place is not None:
        click.echo(f"\nDraws: {place}")
