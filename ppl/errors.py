"""Diagnostics as data: collected anywhere, rendered once, at the edge.

A `Diagnostic` describes something wrong that its reader can mend: in a model, in data, in options,
on disk. A `PplError` carries one or more of them up to the surface. A `CompilerBug` is ours.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from ppl.source import Source, Span


class Severity(enum.Enum):
    """Whether a diagnostic stops the run."""

    ERROR = "error"
    WARNING = "warning"


class Exit(enum.IntEnum):
    """Exit codes of the command."""

    OK = 0
    UNTRUSTED = 1
    USAGE = 2
    INVALID = 65
    NO_FILE = 66
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True)
class Diagnostic:
    """One thing wrong, in the reader's terms.

    code: stable, from `ppl.codes` (`E104`); title: what is wrong, one line; span: where, if in the model's text;
    label: what the underlined text is; hints: what to write instead, each a line or a few.
    """

    code: str
    title: str
    span: Span | None = None
    label: str = ""
    hints: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR


class PplError(Exception):
    """Errors for the reader. `source` is the model text their spans refer to, if any."""

    def __init__(
        self, diagnostics: Iterable[Diagnostic], source: Source | None = None, exit_code: Exit = Exit.INVALID
    ) -> None:
        self.diagnostics = tuple(diagnostics)
        self.source = source
        self.exit_code = exit_code
        super().__init__(render(self.diagnostics, source))


class CompilerBug(Exception):
    """Something that no input should be able to cause."""


def display_width(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def render(diagnostics: Iterable[Diagnostic], source: Source | None = None) -> str:
    """All diagnostics as plain text, in source order."""
    ordered = sorted(diagnostics, key=lambda d: (d.span is not None, d.span or Span(0, 0)))
    text = "\n\n".join(_render_one(d, source) for d in ordered)
    # A text is untrusted: what a terminal would obey or hide is shown as a mark.
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def _render_one(d: Diagnostic, source: Source | None) -> str:
    head = f"{d.severity.value}[{d.code}]: {d.title}"
    hints = [f"    = {line}" if i == 0 else f"      {line}" for h in d.hints for i, line in enumerate(h.split("\n"))]
    if source is None or d.span is None:
        prefix = f"{source.name}: " if source is not None else ""
        return "\n".join([prefix + head, *hints])
    line, column = source.position(d.span.start)
    text = source.line(line)
    shown = text.expandtabs(4)
    before = text[: column - 1].expandtabs(4)
    marked = text[column - 1 : column - 1 + max(1, d.span.end - d.span.start)]
    underline = "^" * max(1, display_width(marked.expandtabs(4)))
    gutter = f"{line:>3} | "
    pointer = " " * (len(gutter) - 2) + "| " + " " * display_width(before) + underline
    return "\n".join(
        [f"{source.name}:{line}:{column}: {head}", gutter + shown, pointer + (f" {d.label}" if d.label else ""), *hints]
    )
