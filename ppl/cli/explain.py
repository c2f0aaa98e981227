"""`ppl explain`."""

from __future__ import annotations

import click

from ppl.cli.edge import print_json, show_warnings
from ppl.cli.shared import json_option
from ppl.model import load


@click.command()
@click.argument("model", metavar="MODEL")
@json_option
def explain(model: str, as_json: bool) -> int:
    """Say how a model is read: roles, supports, plates, event axes, and each term with its line.

    \b
    Example:
        ppl explain radon.ppl
    """
    checked = load(model)
    if as_json:
        print_json({"file": model, "explanation": checked.explain()})
        return 0
    show_warnings(checked.warnings, checked.graph.source)
    click.echo(checked.explain())
    return 0
