"""Where the checker writes down what is wrong, and how it carries on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from ppl.codes import CODES
from ppl.errors import Diagnostic, Severity
from ppl.grammar import limits
from ppl.source import Source, Span

# Of calls inside one another, how many an error names, innermost first.
CALLS_SHOWN = 5


class Abandon(Exception):
    """This part of the tree is wrong and has been reported; whoever asked for it goes on with the next part."""


class Enough(Exception):
    """More errors than a reader can use: the check stops."""


@dataclass(frozen=True)
class Misuse:
    """What to say of a call of a library's function whose body has an error with its arguments."""

    label: str
    hint: str


class Report:
    """Diagnostics of one run, in the order found. The same code at the same place is kept once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self._seen: set[tuple[str, Span]] = set()
        self._calls: list[tuple[Span, Misuse | None]] = []

    def error(self, code: str, span: Span, label: str, *hints: str) -> None:
        """Add an error; its title is that of its code. Inside a function's body it says which call led there; inside
        one of a library it says that its arguments are not what it takes, unless there is too much of all."""
        own = list(takewhile(lambda called: called[1] is None, self._calls))
        if len(own) < len(self._calls) and code != "E125":
            call, misuse = self._calls[len(own)]
            if misuse is not None:
                code, span, label, hints = "E127", call, misuse.label, (misuse.hint,)
        if (code, span) in self._seen:
            return
        self._seen.add((code, span))
        calls = [call for call, _ in own[: -CALLS_SHOWN - 1 : -1]]
        notes = tuple(f"in the call on line {self.line(call)}: `{self.text(call)}`" for call in calls)
        self.errors.append(Diagnostic(code, CODES[code], span, label, (*(h for h in hints if h), *notes)))
        if len(self.errors) > limits.ERRORS:
            raise Enough

    def fail(self, code: str, span: Span, label: str, *hints: str) -> Abandon:
        """Add an error; what to raise, to abandon the expression or statement."""
        self.error(code, span, label, *hints)
        return Abandon()

    def warn(self, code: str, span: Span, label: str, *hints: str) -> None:
        """Add a warning."""
        self.warnings.append(Diagnostic(code, CODES[code], span, label, tuple(h for h in hints if h), Severity.WARNING))

    def enter(self, call: Span, misuse: Misuse | None = None) -> None:
        """The expressions that follow are the body of a function called at `call`; misuse: it is one of a library."""
        self._calls.append((call, misuse))

    def leave(self) -> None:
        """The body of the last function entered is over."""
        self._calls.pop()

    def line(self, span: Span) -> int:
        """The line on which a span starts, from 1."""
        return self.source.position(span.start)[0]

    def text(self, span: Span) -> str:
        """The text at a span, on one line."""
        return " ".join(self.source.text[span.start : span.end].split())
