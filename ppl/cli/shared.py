"""Options that several commands have."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ppl.results.summary import Summary

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")

data_option: Decorator = click.option(
    "--data",
    "-d",
    multiple=True,
    metavar="FILE",
    help="Data: .json, .csv, .tsv or .npz. May be given several times; entries of all files count.",
)

sizes_option: Decorator = click.option(
    "--size",
    multiple=True,
    metavar="DIM=N",
    help="The size of a dim that no data run over. May be given several times.",
)


def sizes_of(given: Sequence[str]) -> dict[str, int]:
    """`obs=100` as a size of a dim."""
    sizes: dict[str, int] = {}
    for text in given:
        name, equals, number = text.partition("=")
        if not equals or not number.strip().isdecimal():
            raise click.UsageError(f"--size takes a dim and a whole number, as in --size obs=100, not `{text}`.")
        if name.strip() in sizes:
            raise click.UsageError(f"--size gives the size of `{name.strip()}` twice.")
        sizes[name.strip()] = int(number)
    return sizes


set_option: Decorator = click.option(
    "--set",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="Clamp a latent quantity or an element: c=+1, s[3]=-1, 'theta[\"Choate\"]=8'. May be given several times.",
)


def values_set(given: Sequence[str]) -> dict[str, Any]:
    """The entries of `--set`, by what they name: numbers, truth values, arrays as JSON has them, else labels."""
    found: dict[str, Any] = {}
    for entry in given:
        name, equals, text = entry.partition("=")
        if not (name.strip() and equals and text.strip()):
            raise click.UsageError(f"`--set {entry}`: write `--set name=value`")
        if name.strip() in found:
            raise click.UsageError(f"`{name.strip()}` is set twice")
        found[name.strip()] = _value(text.strip())
    return found


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if text[0] != "[" else json.loads(text)
    except ValueError:
        return text


def summary_rows(summary: Summary) -> list[dict[str, Any]]:
    """Name, mean, deviation and quantiles of each scalar of independent draws."""
    from ppl.results.summary import COLUMNS

    rows = ((name, summary.row(i)) for i, name in enumerate(summary.names))
    return [{"name": name, **{column: row[column] for column in COLUMNS[:5]}} for name, row in rows]
