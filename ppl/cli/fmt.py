"""`ppl fmt`."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Any

import click

from ppl.cli.edge import diagnostic_json, print_json, show_errors
from ppl.cli.shared import json_option
from ppl.data.files import read_model
from ppl.errors import Diagnostic, Exit, PplError
from ppl.grammar.formatter import format_program
from ppl.grammar.parser import parse
from ppl.source import Source


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--write", "-w", is_flag=True, help="Change the files in place.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if a file would change, and show how.")
@json_option
def fmt(models: tuple[str, ...], write: bool, check: bool, as_json: bool) -> int:
    """Lay out models in the standard way.

    Prints the result; with --write, changes the files. A file with syntax errors is left as it is.
    `-` reads standard input.

    \b
    Examples:
        ppl fmt radon.ppl
        ppl fmt --write models/*.ppl
        ppl fmt --check models/*.ppl
    """
    if write and check:
        raise click.UsageError("--write and --check exclude each other")
    code = 0
    reports: list[dict[str, Any]] = []
    for path in models:
        try:
            source = Source("<stdin>", sys.stdin.read()) if path == "-" else Source(path, read_model(Path(path)))
            formatted = format_program(parse(source))
        except PplError as error:
            if not as_json:
                show_errors(error, as_json=False)
            errors = [diagnostic_json(one, error.source) for one in error.diagnostics]
            reports.append({"file": path, "changed": False, "errors": errors})
            code = max(code, int(error.exit_code))
            continue
        changed = formatted != source.text
        reports.append({"file": path, "changed": changed, "errors": []})
        if check:
            code = max(code, int(changed))
            if not as_json:
                _show_change(path, source.text, formatted)
        elif write and path != "-":
            if changed:
                _replace(Path(path), formatted)
        elif not as_json:
            click.echo(formatted, nl=False)
    if as_json:
        print_json({"models": reports})
    return code


def _show_change(path: str, before: str, after: str) -> None:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), path, f"{path} (formatted)", lineterm="")
    for line in lines:
        click.echo(line)


def _replace(path: Path, text: str) -> None:
    from ppl.data.files import write_text

    try:
        write_text(path, text)
    except OSError as error:
        hint = "choose a file that may be written"
        raise PplError(
            [Diagnostic("E605", f"cannot write {path}: {error.strerror or error}", hints=(hint,))],
            exit_code=Exit.USAGE,
        ) from None
