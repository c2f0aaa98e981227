"""The edge of the command: errors to words and exit codes, results to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any, TextIO, TypeVar

import click

from ppl.errors import CompilerBug, Diagnostic, Exit, PplError, render
from ppl.source import Source

Result = TypeVar("Result")


class _Stream:
    """Standard output or error that never fails in the middle: what cannot be written is dropped, and why is kept.

    Whoever closed a pipe has seen enough: that is no failure, and changes no exit code.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        return self._try(lambda: self._stream.write(text), 0)

    def flush(self) -> None:
        self._try(self._stream.flush, None)

    def _try(self, act: Callable[[], Result], otherwise: Result) -> Result:
        if self.failure is None:
            try:
                return act()
            except OSError as error:
                self.failure = error
                # Python would complain again when it flushes at exit.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        return otherwise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guarded(run: Callable[[], int], as_json: bool) -> int:
    """Runs a command and turns whatever goes wrong into a message and an exit code."""
    out: Any = _Stream(sys.stdout)
    err: Any = _Stream(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = _guarded(run, as_json)
        out.flush()
        if out.failure is not None and not isinstance(out.failure, BrokenPipeError):
            click.echo(f"error: cannot write to standard output: {out.failure.strerror or out.failure}", err=True)
            return code or int(Exit.USAGE)
        return code


def _guarded(run: Callable[[], int], as_json: bool) -> int:
    try:
        return run()
    except PplError as error:
        show_errors(error, as_json)
        return int(error.exit_code)
    except click.UsageError as error:
        show_usage_error(error, as_json)
        return int(Exit.USAGE)
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        return int(Exit.USAGE)
    except (KeyboardInterrupt, click.Abort):
        show_interrupt("interrupted", as_json)
        return int(Exit.INTERRUPTED)
    except Exception as error:  # the last resort: a bug of ours gets its own words and exit code
        from ppl.compiler.passes.memory import is_out_of_memory, out_of_memory

        if is_out_of_memory(error):
            show_errors(PplError([out_of_memory(error)]), as_json)
            return int(Exit.INVALID)
        return report_bug(error)


def show_errors(error: PplError, as_json: bool) -> None:
    """On stderr in words, with their number; as JSON on stdout."""
    if as_json:
        print_json({"errors": [diagnostic_json(d, error.source) for d in error.diagnostics]})
    else:
        click.echo(render(error.diagnostics, error.source), err=True)
        count = sum(d.severity.value == "error" for d in error.diagnostics)
        if count > 1:
            click.echo(f"\n{count} errors", err=True)


def show_usage_error(error: click.UsageError, as_json: bool) -> None:
    """As `show_errors`, with where to find the help of the command."""
    if as_json:
        print_json({"errors": [{"code": None, "severity": "error", "title": error.format_message()}]})
        return
    command = error.ctx.command_path if error.ctx is not None else "ppl"
    click.echo(f"error: {error.format_message()}\n    = see {command} --help", err=True)


def show_interrupt(word: str, as_json: bool, kept: str = "nothing was kept") -> None:
    """Of a run that leaves nothing behind, or no more than `kept` says. word: what it was."""
    title = f"{word}: {kept}"
    if as_json:
        print_json({"errors": [{"code": None, "severity": "error", "title": title}]})
    else:
        click.echo(title, err=True)


def show_warnings(warnings: Iterable[Diagnostic], source: Source | None) -> None:
    """On stderr in words, a blank line after them."""
    warnings = tuple(warnings)
    if warnings:
        click.echo(render(warnings, source) + "\n", err=True)


def report_bug(error: Exception) -> int:
    """Something that no input should be able to cause."""
    kind = "" if isinstance(error, CompilerBug) else f"{type(error).__name__}: "
    first = str(error).splitlines()[0] if str(error) else ""
    click.echo(f"This is a bug in ppl, not in your model or data.\n\n    {kind}{first}\n", err=True)
    if os.environ.get("PPL_DEBUG") == "1":
        traceback.print_exception(error)
    else:
        click.echo(
            "Please report it with the model and, if you can, the data. Run it again with PPL_DEBUG=1 in the "
            "environment for a traceback to send along.",
            err=True,
        )
    return int(Exit.BUG)


def diagnostic_json(diagnostic: Diagnostic, source: Source | None) -> dict[str, Any]:
    """Code, severity, words and place of a diagnostic; lines and columns count from 1."""
    place: dict[str, Any] = {"file": source.name if source is not None else None}
    if source is not None and diagnostic.span is not None:
        place["line"], place["column"] = source.position(diagnostic.span.start)
        place["end_line"], place["end_column"] = source.position(diagnostic.span.end)
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "title": diagnostic.title,
        "label": diagnostic.label,
        "hints": list(diagnostic.hints),
        **place,
    }


def print_json(value: Any) -> None:
    """Strict JSON: numbers that JSON does not have become null."""
    click.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
