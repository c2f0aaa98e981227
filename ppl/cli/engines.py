"""`ppl engines`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ppl.cli.edge import print_json
from ppl.cli.shared import json_option

if TYPE_CHECKING:
    from ppl.inference.engines.shared import Settings


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
def engines(names: tuple[str, ...], as_json: bool) -> int:
    """List the inference engines: what each needs, promises and costs; with the name of one, its settings too.

    Settings are options of `ppl sample` (`--max-depth 12`) and arguments of `model.sample` in Python (`max_depth=12`).

    \b
    Examples:
        ppl engines
        ppl engines nuts
    """
    from ppl.inference.registry import ENGINES
    from ppl.inference.settings import settings_of
    from ppl.running.engines import engine_class

    chosen = {name: engine_class(name) for name in names or ENGINES}
    if as_json:
        print_json(
            {
                name: {
                    "needs": sorted(engine.needs),
                    "promises": engine.promises,
                    "cost": engine.cost,
                    "draws": engine.draws_are,
                    "settings": [
                        {"name": s.name, "default": s.default, "takes": s.takes(), "help": s.help}
                        for s in settings_of(engine)
                    ],
                }
                for name, engine in chosen.items()
            }
        )
        return 0
    for number, (name, engine) in enumerate(chosen.items()):
        if number:
            click.echo()
        click.echo(f"{name}: {summary_of(engine)}")
        click.echo(f"  needs     {', '.join(sorted(engine.needs))}")
        click.echo(f"  promises  {engine.promises}")
        click.echo(f"  costs     {engine.cost}")
        if names:
            rows = [(f"--{s.name.replace('_', '-')}", str(s.default), s.help) for s in settings_of(engine)]
            widths = [max(len(row[k]) for row in rows) for k in range(2)]
            for option, default, text in rows:
                click.echo(f"    {option:<{widths[0]}}  {default:<{widths[1]}}  {text}")
    if not names:
        click.echo("\nSettings of one: ppl engines NAME")
    return 0


def summary_of(engine: type[Settings]) -> str:
    """What an engine is, in a line."""
    return (engine.__doc__ or "").strip().split("\n")[0]
