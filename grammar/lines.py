"""The post-lexer: tokens to logical lines, one statement each.

Newlines inside brackets are dropped. Inside the braces of a `for` or `def` block, line ends and `;` become
_SEPARATOR. A bracket that is never closed does not swallow the rest of the text: it is reported where it opened and
its line ends where it ends. So every statement can be parsed apart, and one run reports every syntax error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from lark import Token

from ppl.grammar import limits, messages
from ppl.grammar.tokens import Faults
from ppl.source import Span

OPENERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
CLOSERS = frozenset(OPENERS.values())
# Keywords that only ever begin a statement: inside a bracket they prove that it was left open.
DECLARING = frozenset({"MODEL", "DIM", "DATA", "VAR", "PREDICT", "ENERGY", "OBSERVE", "DEF", "RETURN"})


@dataclass(frozen=True)
class Line:
    """One logical line. semicolon: where a `;` ended it, which is no error inside a block."""

    tokens: list[Token]
    semicolon: Span | None = None


def match_brackets(tokens: list[Token], faults: Faults) -> tuple[set[int], set[int]]:
    """Positions of brackets to disregard (never closed, or closing nothing), and of braces that open a block."""
    disregarded: set[int] = set()
    blocks: set[int] = set()
    open_: list[int] = []

    def leave_open(position: int, found: Token | None) -> None:
        disregarded.add(position)
        faults.add(messages.unclosed(tokens[position], found), tokens[position])

    for i, token in enumerate(tokens):
        kind = token.type
        if kind in OPENERS:
            if kind == "LBRACE" and not (i and tokens[i - 1].type == "EQUAL"):
                blocks.add(i)
            if len(open_) >= limits.NESTING:
                raise messages.Fatal(messages.nested_too_deeply(token))
            open_.append(i)
        elif kind in CLOSERS:
            depth = len(open_)
            while depth and OPENERS[tokens[open_[depth - 1]].type] != kind:
                # A brace of a block is not given up for a stray `)` or `]`.
                depth = 0 if open_[depth - 1] in blocks else depth - 1
            if depth:
                for position in open_[depth:]:
                    leave_open(position, token)
                del open_[depth - 1 :]
            elif open_ and open_[-1] not in blocks and tokens[open_[-1]].line == token.line:
                faults.add(messages.mismatched(tokens[open_.pop()], token), token)
            else:
                disregarded.add(i)
                faults.add(messages.unopened(token), token)
        elif kind == "NEWLINE" and open_ and open_[-1] not in blocks and begins_statement(tokens, i + 1):
            while open_ and open_[-1] not in blocks:
                leave_open(open_.pop(), None)
    for position in open_:
        leave_open(position, None)
    return disregarded, blocks


def begins_statement(tokens: list[Token], i: int) -> bool:
    """Whether the physical line that starts at `i` can only be a new statement, whatever bracket is open."""
    if i >= len(tokens):
        return False
    if tokens[i].type in DECLARING:
        return True
    if tokens[i].type != "NAME":
        return False
    depth = 0
    for position in range(i, len(tokens)):
        token = tokens[position]
        if token.type == "TILDE" and depth == 0:
            return True
        depth += (token.type in OPENERS) - (token.type in CLOSERS)
        if token.type == "NEWLINE" or depth < 0:
            return False
    return False


def logical_lines(tokens: list[Token], faults: Faults) -> Iterator[Line]:
    """Statements as lists of tokens: line ends inside round and square brackets are dropped, those inside a block are
    separators. Brackets that do not match go to `faults`."""
    disregarded, blocks = match_brackets(tokens, faults)
    line: list[Token] = []
    # The kinds of the brackets that are open: True for a block.
    open_: list[bool] = []

    def finish(semicolon: Span | None = None) -> Iterator[Line]:
        if line:
            type_soft_words(line)
            yield Line(line.copy(), semicolon)
            line.clear()

    for i, token in enumerate(tokens):
        kind = token.type
        in_brackets = bool(open_) and not open_[-1]
        if kind == "NEWLINE" or (kind == "SEMICOLON" and not in_brackets):
            if not open_:
                yield from finish(Span(token.start_pos or 0, token.end_pos or 0) if kind == "SEMICOLON" else None)
            elif not in_brackets and line[-1].type not in ("_SEPARATOR", "LBRACE"):
                line.append(Token.new_borrow_pos("_SEPARATOR", str(token), token))
            continue
        if kind in OPENERS:
            if i in disregarded:
                line.append(token)
                if i in blocks and not in_brackets:
                    yield from finish()
                continue
            open_.append(i in blocks)
        elif kind in CLOSERS:
            if i in disregarded:
                continue
            if open_.pop() and line[-1].type == "_SEPARATOR":
                line.pop()
        line.append(token)
    yield from finish()


def type_soft_words(line: list[Token]) -> None:
    """`ordered` after a dim, `from` after an index type, `unnormalised` after the name of an energy and `use` before
    the name of a library, are words of the grammar; elsewhere they are names."""
    if line[0].type == "DIM":
        for before, token in pairwise(line):
            if token.type == "NAME" and token == "ordered" and before.type in ("NAME", "INT", "RBRACE"):
                token.type = "ORDERED"
    elif line[0].type in ("DATA", "VAR"):
        for before, token in pairwise(line):
            if token.type == "NAME" and token == "from" and before.type == "NAME":
                token.type = "FROM"
    elif line[0] == "use" and len(line) > 1 and line[1].type == "NAME":
        line[0].type = "USE"
    for keyword, name, token in zip(line, line[1:], line[2:], strict=False):  # an energy may stand inside a block
        if keyword.type == "ENERGY" and name.type == token.type == "NAME" and token == "unnormalised":
            token.type = "UNNORMALISED"


@dataclass(frozen=True)
class Pieces:
    """A statement with a block, apart. head: with its braces and a body that is always right; after: what follows."""

    head: list[Token]
    body: list[list[Token]]
    after: list[Token]


def pieces(line: list[Token]) -> Pieces | None:
    """A line with a block taken apart, so that each of its lines can be parsed alone; None if it has no block."""
    opening = next((i for i, t in enumerate(line) if t.type == "LBRACE"), None)
    if opening is None or opening == 0 or line[opening - 1].type == "EQUAL":
        return None
    depth = 0
    body: list[list[Token]] = [[]]
    for i, token in enumerate(line[opening:], opening):
        if token.type in OPENERS:
            depth += 1
        elif token.type in CLOSERS:
            depth -= 1
            if depth == 0:
                head = line[: opening + 1]
                if line[0].type == "DEF":
                    head += [Token("RETURN", "return", token.start_pos), Token("INT", "0", token.start_pos)]
                return Pieces([*head, token], [b for b in body if b], line[i + 1 :])
        if i > opening:
            if token.type == "_SEPARATOR" and depth == 1:
                body.append([])
            else:
                body[-1].append(token)
    return None
