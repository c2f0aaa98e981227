"""`ppl explain`."""

from __future__ import annotations

import click

from ppl.cli.edge import print_json, show_warnings
from ppl.cli.shared import data_option, json_option, set_option, values_set
from ppl.model import load


@click.command()
@click.argument("model", metavar="MODEL")
@data_option
@set_option
@json_option
def explain(model: str, data: tuple[str, ...], given: tuple[str, ...], as_json: bool) -> int:
    """Say how a model is read: roles, supports, plates, event axes, and each term with its line.

    With data, also how large each dim is.

    \b
    Examples:
        ppl explain radon.ppl
        ppl explain radon.ppl --data radon.json
    """
    checked = load(model)
    explanation = checked.explain(list(data) or None, set=values_set(given))
    if as_json:
        print_json({"file": model, "explanation": explanation})
        return 0
    show_warnings(checked.warnings, checked.graph.source)
    click.echo(explanation, nl=False)
    return 0
