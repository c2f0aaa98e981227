"""Where the parser stopped in a line, and what it could have gone on with."""

from __future__ import annotations

from dataclasses import dataclass

from lark import Token

from ppl.errors import Diagnostic
from ppl.source import Source, Span

STATEMENT_WORDS = frozenset({"MODEL", "DIM", "DATA", "VAR", "PREDICT", "ENERGY", "OBSERVE", "DEF", "RETURN"})
KEYWORD_TYPES = STATEMENT_WORDS | {"FOR", "IN", "IF", "ELSE", "AND", "OR", "NOT", "TRUE", "FALSE"}

CONTINUING = frozenset({"SIGN", "FACTOR", "POWER", "AND", "OR", "COMPARISON", "BOUND", "DOT", "COMMA", "ELSE", "COLON"})
OPERATORS = frozenset({"SIGN", "FACTOR", "POWER", "COMPARISON", "BOUND", "AND", "OR", "NOT", "IF", "ELSE"})
DECLARATIONS = frozenset({"DATA", "VAR"})


@dataclass(frozen=True)
class Failure:
    """tokens: the line; position: of the token that cannot follow, `len(tokens)` at the end of the line;
    accepts: the types that can; start: the rule that was tried, `statement`, `inner` or `body_line`."""

    tokens: list[Token]
    position: int
    accepts: frozenset[str]
    start: str
    source: Source

    @property
    def at_end(self) -> bool:
        """Whether the line ends too early."""
        return self.position >= len(self.tokens)

    @property
    def token(self) -> Token | None:
        """The token that cannot follow, None at the end of the line."""
        return None if self.at_end else self.tokens[self.position]

    @property
    def before(self) -> Token | None:
        """The token before the offending one, None at the beginning of the line."""
        return self.tokens[self.position - 1] if self.position else None

    @property
    def first(self) -> Token:
        """The token that the line begins with."""
        return self.tokens[0]

    def type(self, position: int) -> str:
        """The type of a token, "" outside the line."""
        return self.tokens[position].type if 0 <= position < len(self.tokens) else ""

    def word(self, position: int) -> str:
        """The text of a token, "" outside the line."""
        return str(self.tokens[position]) if 0 <= position < len(self.tokens) else ""

    def types(self) -> list[str]:
        """The types of all tokens of the line."""
        return [t.type for t in self.tokens]

    def adjacent(self, position: int) -> bool:
        """No space between this token and the next."""
        return position + 1 < len(self.tokens) and self.tokens[position].end_pos == self.tokens[position + 1].start_pos

    def span(self, start: int, end: int | None = None) -> Span:
        """From one token to before another; one token by default."""
        last = self.tokens[min(len(self.tokens), start + 1 if end is None else end) - 1]
        return Span(self.tokens[start].start_pos or 0, last.end_pos or 0)

    def text(self, start: int, end: int | None = None) -> str:
        """The source text of a range of tokens, for use in a hint; cut if it is long or goes over lines."""
        if start >= len(self.tokens):
            return ""
        span = self.span(start, len(self.tokens) if end is None else end)
        text = " ".join(self.source.text[span.start : span.end].split())
        return text if len(text) <= 60 else "..."

    @property
    def needs_value(self) -> bool:
        """An expression should begin here."""
        return "INT" in self.accepts and "LPAR" in self.accepts

    @property
    def has_value(self) -> bool:
        """An expression is complete here and could go on with an operator."""
        return "SIGN" in self.accepts and "INT" not in self.accepts

    def find(self, kind: str, start: int = 0) -> int:
        """The position of the first token of a type, -1 if there is none."""
        return next((i for i in range(start, len(self.tokens)) if self.tokens[i].type == kind), -1)

    def error(self, code: str, title: str, span: Span | None = None, label: str = "", *hints: str) -> Diagnostic:
        """A diagnostic at the offending token unless another span is given."""
        return Diagnostic(code, title, self.here() if span is None else span, label, tuple(h for h in hints if h))

    def here(self) -> Span:
        """The offending token, or the place just after the line."""
        if self.at_end:
            end = self.tokens[-1].end_pos or 0
            return Span(end, end + 1)
        return self.span(self.position)
