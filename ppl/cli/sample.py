"""`ppl sample`."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ppl.cli.edge import print_json, show_warnings
from ppl.cli.shared import data_option, json_option, set_option, values_set
from ppl.cli.summary import show, to_json
from ppl.errors import Exit, PplError
from ppl.model import load


class SampleCommand(click.Command):
    """A command whose options include the settings of the engines, and which knows what other tools call them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        from ppl.running.engines import familiar

        try:
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            known = familiar(error.option_name.lstrip("-"))
            if known is None:
                raise
            message = f"No such option '{error.option_name}'. Here it is called {as_option(known)}."
            raise click.UsageError(message, ctx) from None
        if rest:
            given = " ".join(f"--data {name}" for name in rest)
            raise click.UsageError(f"one model is sampled at a time. Data are given as `{given}`.", ctx)
        return rest

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *engine_options()]


def as_option(name: str) -> str:
    """A setting as it is written on the command line: `max_depth` is `--max-depth`."""
    return f"--{name.replace('_', '-')}"


@contextlib.contextmanager
def in_options() -> Iterator[None]:
    """Errors name settings as they are written on a command line."""
    try:
        yield
    except PplError as error:
        context = click.get_current_context()
        names = {parameter.name for parameter in context.command.get_params(context)}

        def words(text: str) -> str:
            return re.sub(r"`(\w+)`", lambda m: f"`{as_option(m[1])}`" if m[1] in names else m[0], text)

        said = [replace(d, title=words(d.title), hints=tuple(map(words, d.hints))) for d in error.diagnostics]
        raise PplError(said, error.source, error.exit_code) from None


def engine_options() -> list[click.Option]:
    """One option for each setting of any engine; an engine refuses those it does not have."""
    from ppl.inference.registry import ENGINES
    from ppl.inference.settings import settings_of

    owners: dict[str, list[str]] = {}
    found: dict[str, Any] = {}
    for name, engine in ENGINES.items():
        for one in settings_of(engine):
            owners.setdefault(one.name, []).append(name)
            found.setdefault(one.name, one)
    options = []
    for name, one in found.items():
        only = "" if len(owners[name]) == len(ENGINES) else f" ({', '.join(owners[name])})"
        kind: Any = click.Choice(one.choices) if one.choices else one.type
        text = f"{one.help[:1].upper()}{one.help[1:]}{only}.  [default: {one.default}]"
        options.append(click.Option([as_option(name)], type=kind, default=None, help=text))
    return options


@click.command(cls=SampleCommand, context_settings={"allow_extra_args": True})
@click.argument("model", metavar="MODEL")
@data_option
@set_option
@click.option("--output", "-o", metavar="FILE", help="Where the draws go (netCDF).  [default: the model's name, .nc]")
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@click.option("--engine", default="nuts", show_default=True, help="Which engine; see `ppl engines`.")
@click.option("--chains", default=4, show_default=True, help="Number of chains.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same draws.")
@click.option("--time-limit", type=float, metavar="SECONDS", help="Stop after this time and keep the draws so far.")
@click.option("--no-log-likelihood", is_flag=True, help="Leave out log p of each observed element (large).")
@click.option("--no-predictive", is_flag=True, help="Leave out a replicate of the data for each draw (large).")
@click.option("--save-warmup", is_flag=True, help="Keep the draws of the warmup too.")
@click.option("--save-unconstrained", is_flag=True, help="Keep the draws on the unconstrained space too.")
@click.option("--centre", multiple=True, metavar="NAME", help="Sample this latent as it is; see `ppl explain`.")
@click.option("--noncentre", multiple=True, metavar="NAME", help="Sample it with location and scale taken out.")
@click.option("--progress/--quiet", "progress", default=None, help="Show progress  [default: in a terminal]")
@json_option
def sample(
    model: str,
    data: tuple[str, ...],
    given: tuple[str, ...],
    output: str | None,
    force: bool,
    engine: str,
    chains: int,
    seed: int,
    time_limit: float | None,
    no_log_likelihood: bool,
    no_predictive: bool,
    save_warmup: bool,
    save_unconstrained: bool,
    centre: tuple[str, ...],
    noncentre: tuple[str, ...],
    progress: bool | None,
    as_json: bool,
    **settings: Any,
) -> int:
    """Draw from the posterior of a model given data.

    Prints a summary and, in words, whether the draws can be trusted; leaves all draws in a netCDF file that ArviZ
    reads. Ctrl-C stops at the next safe point and keeps the draws so far.

    \b
    Examples:
        ppl sample eight_schools.ppl --data schools.json
        ppl sample eight_schools.ppl --data schools.json --draws 4000 --target-acceptance 0.95
        ppl sample radon.ppl --data homes.csv --data counties.json -o radon.nc --force
        ppl sample and_gate.ppl --set c=+1
    """
    began = time.perf_counter()
    from ppl.results.storage import check_writable, write_safely
    from ppl.running.engines import make_engine
    from ppl.running.options import RunOptions

    with in_options():
        options = RunOptions(
            chains,
            seed,
            time_limit,
            not no_log_likelihood,
            not no_predictive,
            save_warmup,
            save_unconstrained,
            centre=centre,
            noncentre=noncentre,
        )
        chosen = make_engine(engine, {name: value for name, value in settings.items() if value is not None})
    checked = load(model)
    path = Path(output) if output is not None else Path(f"{Path(model).stem}.nc")
    check_writable(path, force, [Path(model), *map(Path, data)])
    clamped = values_set(given)
    bound = checked.bind(list(data), set=clamped)
    show_warnings((*checked.warnings, *bound.warnings), checked.graph.source)

    from ppl.results.judge import judge
    from ppl.results.wording import on_command_line
    from ppl.running.driver import run
    from ppl.running.interrupts import listening
    from ppl.running.progress import make_progress
    from ppl.running.record import clamped_attrs, decode_attrs

    options = replace(options, imported=time.perf_counter() - began)
    place: Path | None = None
    try:
        with listening() as requests:  # an interrupt between the run's own listening and the file costs no draw
            fit = run(bound.graph, bound.dataset, chosen, options, make_progress(progress))
            attrs = {**fit.attrs, **clamped_attrs(clamped)}
            place, problem = write_safely(fit.groups, attrs, path, force)
        if requests.stop:
            raise KeyboardInterrupt
        summary, diagnosis = judge(fit.groups, fit.attrs, bound.graph, on_command_line)
    except KeyboardInterrupt:
        if place is None:
            raise
        if as_json:
            print_json({"output": str(place), "stopped": "interrupted"})
        click.echo(f"interrupted: all draws are in {place}; for a summary: ppl summary {place}", err=True)
        return int(Exit.INTERRUPTED)
    if as_json:
        found = {"output": str(place), "stopped": fit.stopped, "timings": decode_attrs(fit.attrs)["timings"]}
        print_json({**found, **to_json(summary, diagnosis)})
    else:
        show(summary, diagnosis)
        click.echo(f"\nDraws: {place}")
    if problem is not None:
        click.echo(f"warning: {path} was not written ({problem}); the draws are in {place}", err=True)
    if fit.stopped == "interrupted":
        click.echo("interrupted: the file holds the draws so far", err=True)
        return int(Exit.INTERRUPTED)
    return int(Exit.OK if diagnosis.trusted else Exit.UNTRUSTED)
