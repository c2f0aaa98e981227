"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")

data_option: Decorator = click.option(
    "--data",
    "-d",
    multiple=True,
    metavar="FILE",
    help="Data: .json, .csv, .tsv or .npz. May be given several times; entries of all files count.",
)
