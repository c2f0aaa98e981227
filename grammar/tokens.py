"""Text to tokens, with every lexical error; comments are set apart."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from lark import Token

from ppl.errors import Diagnostic
from ppl.grammar import limits, messages
from ppl.grammar.build import normalised
from ppl.grammar.nodes import Comment
from ppl.source import Span

KEYWORDS = frozenset(
    {"model", "dim", "data", "var", "predict", "energy", "observe", "def", "return"}
    | {"for", "in", "if", "else", "and", "or", "not", "true", "false"}
)
BOOLEANS = frozenset({"True", "False", "TRUE", "FALSE"})
# A byte order mark is nothing at the beginning of a text and an unknown character elsewhere.
UNREADABLE = frozenset({"UNKNOWN", "MARK"})
# Inside comments and quotes every character is welcome but these, which files of results cannot hold.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
LARGEST_INTEGER = 2**63 - 1


@dataclass
class Faults:
    """Errors found so far, and the physical lines they are on: a parse error there would be an echo."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    lines: set[int] = field(default_factory=set)

    def report(self, diagnostic: Diagnostic) -> None:
        """Note an error. Raises Enough when there are more than a reader is shown."""
        self.diagnostics.append(diagnostic)
        if len(self.diagnostics) > limits.ERRORS:
            raise messages.Enough

    def add(self, diagnostic: Diagnostic, token: Token) -> None:
        """Note an error that makes its line unreadable."""
        self.lines.add(token.line or 0)
        self.report(diagnostic)

    def touch(self, tokens: Iterable[Token]) -> bool:
        """Whether any token is on a line that has an error already."""
        return bool(self.lines) and any(t.line in self.lines for t in tokens)


def read(raw: Iterable[Token], faults: Faults) -> tuple[list[Token], list[Comment]]:
    """The tokens of a text as the parser wants them, and its comments."""
    tokens: list[Token] = []
    comments: list[Comment] = []
    for count, token in enumerate(raw):
        if count >= limits.TOKENS:
            raise messages.Fatal(messages.too_many_tokens(token))
        strange = UNSTORABLE.search(token) if token.type in ("COMMENT", "STRING") else None
        if strange is not None:
            start = (token.start_pos or 0) + strange.start()
            faults.report(messages.unknown(strange.group(), Span(start, start + 1)))
        if token.type == "COMMENT":
            comments.append(Comment(str(token), messages.at(token)))
        elif token.type != "MARK" or token.start_pos:
            tokens.append(token)
    tokens = without_foreign_comments(tokens, faults)
    checked: list[Token] = []
    for token in tokens:
        if token.type in UNREADABLE:
            previous = checked[-1] if checked else None
            if previous is None or previous.type not in UNREADABLE or previous.end_pos != token.start_pos:
                faults.add(messages.unknown(str(token), messages.at(token)), token)
        else:
            fault = fault_of(token)
            if fault is not None:
                faults.add(fault, token)
        checked.append(token)
    return [t for t in checked if t.type not in UNREADABLE], comments


def fault_of(token: Token) -> Diagnostic | None:
    """What is wrong with one name or number, None if nothing is."""
    kind = token.type
    if kind == "NAME":
        if len(token) > limits.NAME_LENGTH:
            return messages.name_too_long(token)
        if token in BOOLEANS:
            return messages.boolean_spelling(token)
        if not token.isascii():
            normal = normalised(token)
            if not token.isidentifier() or not normal.isidentifier():
                return messages.not_a_name(token)
            if normal in KEYWORDS:
                return messages.keyword_as_name(token, normal)
    elif kind in ("INT", "FLOAT"):
        if len(token) > limits.NUMBER_LENGTH:
            return messages.number_too_long(token)
        if kind == "INT":
            return messages.number_out_of_range(token, True) if int(token) > LARGEST_INTEGER else None
        value = float(token)
        if math.isinf(value):
            return messages.number_out_of_range(token, True)
        if value == 0 and any(c in "123456789" for c in token.lower().partition("e")[0]):
            return messages.number_out_of_range(token, False)
    elif kind == "BAD_NUMBER":
        return messages.bad_number(token)
    return None


# --- comments of other languages ---------------------------------------------------------------------

OPENING = frozenset({"LPAR", "LSQB"})
CLOSING = frozenset({"RPAR", "RSQB"})


def without_foreign_comments(tokens: list[Token], faults: Faults) -> list[Token]:
    """Report `// remark` and `/* remark */` once each and leave them out, so that their words are not parsed."""
    signs = [i for i, t in enumerate(tokens) if t.type == "FACTOR" and opens_remark(tokens, i)]
    if not signs:
        return tokens
    kept: list[Token] = []
    ahead = Ahead(tokens)
    possible = frozenset(signs)
    i = depth = 0
    while i < len(tokens):
        token = tokens[i]
        end = i
        if i in possible and token == "//":
            end = ahead.line_end[i] if ahead.is_remark(i, depth) else i
        elif i in possible:
            end = end_of_remark(tokens, i + 2)
        if end > i:
            start = token.start_pos or 0
            faults.report(messages.comment_sign("//" if token == "//" else "/*", Span(start, start + 2)))
            i = end
        else:
            depth = max(0, depth + (token.type in OPENING) - (token.type in CLOSING))
            kept.append(token)
            i += 1
    return kept


def opens_remark(tokens: list[Token], i: int) -> bool:
    """Whether a remark may begin here: at `//`, or at `/` and `*`."""
    return tokens[i] == "//" or (
        tokens[i] == "/" and i + 1 < len(tokens) and follows(tokens[i], tokens[i + 1], "*", "**")
    )


def follows(token: Token, after: Token, *values: str) -> bool:
    """Whether the next token is one of these and nothing stands between."""
    return token.end_pos == after.start_pos and after in values


def end_of_remark(tokens: list[Token], i: int) -> int:
    """The position after the `*/` that closes a remark, the end of the text if none does."""
    while i < len(tokens):
        if tokens[i] in ("*", "**") and i + 1 < len(tokens) and follows(tokens[i], tokens[i + 1], "/", "//"):
            return i + 2
        i += 1
    return i


class Ahead:
    """What follows each token, found in one pass: remarks are told from divisors in time that grows with the text."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        kinds = [t.type for t in tokens]
        self.line_end = following(k == "NEWLINE" for k in kinds)
        self.part_end = following(k in ("NEWLINE", "SEMICOLON", "LBRACE") for k in kinds)
        self.closing = closing(tokens)
        odd = (k == "UNKNOWN" for k in kinds)
        side_by_side = [False, *(in_sequence(a, b) for a, b in pairwise(tokens))]
        self.words = following(a or b for a, b in zip(odd, side_by_side, strict=True))
        self.tilde, self.for_, self.in_ = (following(k == kind for k in kinds) for kind in ("TILDE", "FOR", "IN"))

    def is_remark(self, i: int, depth: int) -> bool:
        """Whether what follows `//` is words rather than a divisor. depth: of the round and square brackets there."""
        before = self.tokens[i - 1].type if i else "NEWLINE"
        if before in ("SEMICOLON", "LBRACE", "RBRACE") or (before == "NEWLINE" and not depth):
            return True
        start = i + 1
        end = min(self.part_end[start], self.closing[start]) if depth else self.part_end[start]
        if self.words[start] < end:
            return True
        # Outside brackets the whole divisor is on this line, and a statement has its `~` or `=` before it.
        loop = (self.for_[start] < end) != (self.in_[start] < end)
        return not depth and (start == end or self.tilde[start] < end or loop)


def following(wanted: Iterable[bool]) -> list[int]:
    """For each place the first at or after it that is wanted, else the end; one more for the end itself."""
    marks = list(wanted)
    found = [len(marks)] * (len(marks) + 1)
    for i in range(len(marks) - 1, -1, -1):
        found[i] = i if marks[i] else found[i + 1]
    return found


def closing(tokens: list[Token]) -> list[int]:
    """For each place the first at or after it that closes a bracket opened earlier, else the end."""
    found = [len(tokens)] * (len(tokens) + 1)
    closers: list[int] = []
    for i in range(len(tokens) - 1, -1, -1):
        if tokens[i].type in CLOSING:
            closers.append(i)
        elif tokens[i].type in OPENING and closers:
            closers.pop()
        found[i] = closers[-1] if closers else len(tokens)
    return found


WORDS = frozenset({"NAME", "INT", "FLOAT", "BAD_NUMBER"})
# Words that never stand side by side in an expression.
JOINING = frozenset({"IF", "ELSE", "AND", "OR", "IN", "FOR"})


def in_sequence(first: Token, second: Token) -> bool:
    """Whether two tokens can only stand side by side in a remark, not in an expression."""
    words = first.type in WORDS and second.type in WORDS and second not in ("from", "ordered")
    return words or (first.type in JOINING and second.type in JOINING)
