"""The command `ppl`. Each subcommand imports what it needs when it runs, so that help and checks answer at once."""

from __future__ import annotations

import contextlib
import difflib
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from ppl import __version__
from ppl.cli.edge import guarded

COMMANDS = {
    "check": "Look for errors in a model, and in its data.",
    "fmt": "Lay out models in the standard way.",
    "explain": "Say how a model is read: roles, supports, plates, terms.",
    "prior": "Draw from the prior of a model, and the data it expects.",
    "sample": "Draw from the posterior of a model given data.",
    "predict": "Predict for new data from a file of draws.",
    "summary": "Summarise and diagnose a file of draws.",
    "engines": "List the inference engines and their settings.",
    "compile": "Lower a model to a netlist of stochastic units.",
    "simulate": "Simulate a netlist of stochastic units.",
    "doctor": "Say what is installed of what ppl and its targets run.",
}


class Commands(click.Group):
    """Subcommands by name, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = getattr(import_module(f"ppl.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `ppl {close[0]}`?" if close else ""
            if not close and args[0].endswith(".ppl"):
                hint = f" Did you mean `ppl sample {args[0]}`?"
            raise click.UsageError(f"no such command `{args[0]}`.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ppl")
@click.pass_context
def ppl(ctx: click.Context) -> None:
    """Models as energies, sampled: from a model file and data to posterior draws you can trust.

    \b
    A model, eight_schools.ppl:
        dim school
        data y[school], sigma[school] > 0
        mu            ~ Normal(0, 5)
        tau           ~ HalfCauchy(5)
        theta[school] ~ Normal(mu, tau)
        y[school]     ~ Normal(theta[school], sigma[school])

    \b
    What to do with it:
        ppl check eight_schools.ppl --data schools.json
        ppl sample eight_schools.ppl --data schools.json
        ppl summary eight_schools.nc

    \b
    Exit codes:
        0    fine
        1    the draws, or this installation, are not to be trusted
        2    wrong use of the command
        65   an error in the model or the data
        66   no such file, or a tool is missing
        70   a bug of ours
        130  interrupted; the draws so far are kept
        143  terminated; likewise
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str]) -> int:
    """The command in this process; the exit code."""

    def invoke() -> int:
        result = ppl.main(args=list(arguments), prog_name="ppl", standalone_mode=False)
        return result if isinstance(result, int) else 0

    return guarded(invoke, as_json="--json" in arguments)


def main() -> None:
    """The command as a process of its own: JAX gets its settings through the environment before it is imported."""
    if sys.argv[1:2] not in (["sample"], ["prior"], ["predict"], ["compile"], ["simulate"]):
        sys.exit(run(sys.argv[1:]))
    from ppl.inference.runtime import borrowed_programs, default_cache, environment

    with contextlib.ExitStack() as stack:
        settings = environment(os.environ)
        if "JAX_COMPILATION_CACHE_DIR" in settings:
            try:
                settings["JAX_COMPILATION_CACHE_DIR"] = str(stack.enter_context(borrowed_programs(default_cache())))
            except OSError:
                del settings["JAX_COMPILATION_CACHE_DIR"]  # nowhere to keep programs: JAX would warn at each of them
        os.environ.update(settings)
        code = run(sys.argv[1:])
    sys.exit(code)
