"""`ppl sample`."""

from __future__ import annotations

import contextlib
import math
import re
import signal
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ppl.cli.edge import print_json, show_interrupt, show_warnings
from ppl.cli.shared import data_option, json_option, set_option, values_set
from ppl.cli.summary import show_run
from ppl.errors import Exit, PplError
from ppl.model import load

if TYPE_CHECKING:
    from ppl.running.checkpoint import Checkpoint
    from ppl.running.interrupts import Requests


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

        # What has a place in the model's text speaks of its names, not of options.
        said = [
            d if d.span else replace(d, title=words(d.title), hints=tuple(map(words, d.hints)))
            for d in error.diagnostics
        ]
        raise PplError(said, error.source, error.exit_code) from None


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """Warnings of a run as lines on standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", RuntimeWarning)
        warnings.showwarning = lambda message, *_, **__: click.echo(f"warning: {message}", err=True)
        yield


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
@click.option(
    "--until", metavar="ess=N,rhat=R", help="Stop before all draws are made once every quantity is that good."
)
@click.option(
    "--initial", default="random", show_default=True, help="Where Markov chains start: random, or pathfinder."
)
@click.option(
    "--devices", metavar="cpu[:N]|gpu[:N]", help="What chains run on  [default: GPUs if there are, else all cores]"
)
@click.option("--checkpoint", metavar="SECONDS|off", help="Keep the run on disk so often  [default: 60 s, then 30 s]")
@click.option("--resume", is_flag=True, help="Go on from where the same command was stopped or killed.")
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
    until: str | None,
    initial: str,
    devices: str | None,
    checkpoint: str | None,
    resume: bool,
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
    reads. Ctrl-C stops at the next safe point and keeps the draws so far; the same command with --resume goes on, also
    after the process was killed.

    \b
    Examples:
        ppl sample eight_schools.ppl --data schools.json
        ppl sample eight_schools.ppl --data schools.json --draws 4000 --target-acceptance 0.95
        ppl sample radon.ppl --data homes.csv --data counties.json -o radon.nc --force
        ppl sample and_gate.ppl --set c=+1
    """
    began = time.perf_counter()
    from ppl.results.storage import check_writable, write_safely
    from ppl.running.checkpoint import Checkpoint
    from ppl.running.engines import make_engine
    from ppl.running.options import RunOptions
    from ppl.running.until import make_until

    path = Path(output) if output is not None else Path(f"{Path(model).stem}.nc")
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
            until=make_until(until),
            clamped=values_set(given),
            initial=initial,
            devices=devices,
        )
        chosen = make_engine(engine, {name: value for name, value in settings.items() if value is not None})
        interval, off = _interval(checkpoint)
        folder = path.parent / f"{path.name}.checkpoint"
        kept = Checkpoint(folder, interval=interval, resume=resume, replace=force)
    checked = load(model)
    with in_options():
        kept.check_free()
    check_writable(path, force or (resume and kept.wrote(path)), [Path(model), *map(Path, data)])
    bound = checked.bind(list(data), set=options.clamped)
    show_warnings((*checked.warnings, *bound.warnings), checked.graph.source)
    if kept.exists and not resume:
        click.echo(f"warning: {kept.folder}, from which --resume could have gone on, will be replaced", err=True)
    if resume and not kept.exists:
        click.echo(f"there is no checkpoint {kept.folder}: the run begins at its beginning", err=True)

    from ppl.results.judge import judge
    from ppl.results.wording import on_command_line
    from ppl.running.driver import run
    from ppl.running.interrupts import Requests, listening
    from ppl.running.progress import make_progress
    from ppl.running.record import rounded

    options = replace(options, imported=time.perf_counter() - began)
    place: Path | None = None
    requests = Requests()
    try:
        with in_options(), in_words(), kept, listening(signal.SIGINT, signal.SIGTERM) as requests:
            fit = run(
                bound.graph, bound.dataset, chosen, options, make_progress(progress), requests, None if off else kept
            )
            try:
                place, problem = write_safely(fit.groups, fit.attrs, path, force or (resume and kept.wrote(path)))
            except PplError:
                if kept.saved:
                    click.echo(f"all draws are kept: {goes_on(kept)}", err=True)
                raise
            if fit.stopped:
                kept.note_result(place)
            elif problem is None:
                kept.remove()
        if requests.stop and not fit.stopped:
            raise KeyboardInterrupt
        summary, diagnosis = judge(fit.groups, fit.attrs, bound.graph, on_command_line)
    except KeyboardInterrupt:
        return interrupted(requests, place, kept, as_json)
    more = {"timings": rounded(fit.timings), "checkpoint": str(kept.folder) if kept.saved else None}
    show_run(summary, diagnosis, place, path, problem, fit.stopped, as_json, more)
    if kept.saved:
        click.echo(goes_on(kept), err=True)
    if fit.stopped == requests.word:
        return int(requests.exit_code)
    return int(Exit.OK if diagnosis.trusted else Exit.UNTRUSTED)


def interrupted(requests: Requests, place: Path | None, kept: Checkpoint, as_json: bool) -> int:
    """What an interrupt left behind: the whole result, a checkpoint, or nothing."""
    if place is not None:
        if as_json:
            print_json({"output": str(place), "stopped": requests.word})
        click.echo(f"{requests.word}: all draws are in {place}; for a summary: ppl summary {place}", err=True)
    elif kept.saved:
        if as_json:
            print_json({"output": None, "stopped": requests.word, "checkpoint": str(kept.folder)})
        click.echo(f"{requests.word}: there is no draw yet; {goes_on(kept)}", err=True)
    else:
        show_interrupt(requests.word, as_json)
    return int(requests.exit_code)


def goes_on(kept: Checkpoint) -> str:
    return f"the same command with --resume goes on from {kept.folder}"


def _interval(text: str | None) -> tuple[float | None, bool]:
    """Seconds between checkpoints, if they were given; whether there are to be none."""
    if text is None or text == "off":
        return None, text == "off"
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise click.UsageError(f"--checkpoint takes a number of seconds, or `off`, not `{text}`.")
    return seconds, False
