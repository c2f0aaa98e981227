"""`ppl doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ppl.cli.edge import print_json
from ppl.cli.shared import json_option
from ppl.errors import Exit

if TYPE_CHECKING:
    from ppl.running.examining import Part


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Say what there is of what ppl needs, and of the tools that targets of `ppl compile` run.

    Exits with 1 where something that is needed does not work; a missing tool is no failure.

    \b
    Examples:
        ppl doctor
        ppl doctor --json
    """
    from ppl.hardware.tools.known import how_to_install
    from ppl.running.examining import examine

    health = examine()
    if as_json:
        print_json(health.data())
    else:
        for title, parts in (("needed", health.needed), ("tools", health.tools)):
            click.echo(f"{title}\n{_listed(parts)}\n")
        for part in (*health.needed, *health.tools):
            if part.problem is not None:
                click.echo(f"{part.name}: {part.problem}")
        if health.missing:
            click.echo("to install what is missing:")
            click.echo("\n".join(f"  {line}" for line in how_to_install(health.missing)))
        click.echo("What ppl needs works." if health.works else "What ppl needs does not work.")
    return int(Exit.OK if health.works else Exit.UNTRUSTED)


def _listed(parts: tuple[Part, ...]) -> str:
    rows = [(part.name, part.state, part.about) for part in parts]
    widths = [max(len(row[k]) for row in rows) for k in range(2)]
    return "\n".join(f"  {name:<{widths[0]}}  {state:<{widths[1]}}  {about}".rstrip() for name, state, about in rows)
