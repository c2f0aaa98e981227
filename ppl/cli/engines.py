"""`ppl engines`."""

from __future__ import annotations

import click

from ppl.cli.edge import print_json
from ppl.cli.shared import json_option


@click.command()
@json_option
def engines(as_json: bool) -> int:
    """List the inference engines: what each needs and promises, and its settings.

    Settings are options of `ppl sample` (`--max-depth 12`) and arguments of `model.sample` in Python (`max_depth=12`).
    """
    from ppl.inference.registry import ENGINES
    from ppl.inference.settings import settings_of

    if as_json:
        print_json(
            {
                name: {
                    "needs": sorted(engine.needs),
                    "promises": engine.promises,
                    "settings": [
                        {"name": s.name, "default": s.default, "takes": s.takes(), "help": s.help}
                        for s in settings_of(engine)
                    ],
                }
                for name, engine in ENGINES.items()
            }
        )
        return 0
    for number, (name, engine) in enumerate(ENGINES.items()):
        if number:
            click.echo()
        doc = (engine.__doc__ or "").strip().split("\n")[0]
        click.echo(f"{name}: {doc}")
        click.echo(f"  needs {', '.join(sorted(engine.needs)) or 'nothing'}; {engine.promises}")
        rows = [(f"--{s.name.replace('_', '-')}", str(s.default), s.help) for s in settings_of(engine)]
        widths = [max(len(row[k]) for row in rows) for k in range(2)]
        for option, default, text in rows:
            click.echo(f"    {option:<{widths[0]}}  {default:<{widths[1]}}  {text}")
    return 0
