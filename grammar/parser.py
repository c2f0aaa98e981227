"""Text to tree: lex, split into logical lines, parse each apart, check; every error of the text in one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token
from lark.common import LexerConf
from lark.exceptions import UnexpectedToken
from lark.lark import PostLex
from lark.lexer import BasicLexer

from ppl.errors import Diagnostic, PplError
from ppl.grammar import limits, messages, nodes
from ppl.grammar.build import Builder
from ppl.grammar.checks import check
from ppl.grammar.expected import explain
from ppl.grammar.failure import OPERATORS, Failure
from ppl.grammar.lines import Line, logical_lines, pieces
from ppl.grammar.tokens import Faults, read
from ppl.source import Source, Span

GRAMMAR = Path(__file__).with_name("ppl.lark")
STARTS = ["statement", "inner", "body_line"]


class KeepAll(PostLex):
    """Has the lexer deliver the tokens that no rule mentions."""

    always_accept = ("NEWLINE", "COMMENT", "SEMICOLON", "BAD_NUMBER", "BAD_OPERATOR", "MARK", "UNKNOWN")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


class TrustingLexer(BasicLexer):
    """Does not examine the terminals, which a test does with `strict`: that takes longer than to parse a short text."""

    __future_interface__ = 2  # it takes the state of the lexer and of the parser, as Lark's own do

    def __init__(self, conf: LexerConf) -> None:
        conf.skip_validation = not conf.strict
        super().__init__(conf)


def build_parser(strict: bool = False) -> Lark:
    """strict: refuse a grammar with conflicts or colliding terminals; that needs the package `interegular`."""
    return Lark(
        GRAMMAR.read_text(encoding="utf-8"),
        start=STARTS,
        parser="lalr",
        lexer=TrustingLexer,
        strict=strict,
        postlex=KeepAll(),
        maybe_placeholders=True,
        transformer=Builder(),
    )


lark_parser = cache(build_parser)


def parse(source: Source) -> nodes.Program:
    """The tree of a text. Raises PplError with every syntax error in it. Linear in the length of the text."""
    faults = Faults()
    statements: list[nodes.Statement] = []
    comments: list[nodes.Comment] = []
    semicolons: list[Span] = []
    try:
        if len(source.text) > limits.CHARACTERS:
            raise messages.Fatal(messages.text_too_long(len(source.text)))
        tokens, comments = read(_lex(source.text), faults)
        echo = Echo()
        for line in logical_lines(tokens, faults):
            noted = len(faults.diagnostics)
            statement = _line(line, source, faults)
            if echo.of(line, statement is None, faults.diagnostics[noted:]):
                del faults.diagnostics[noted:]
            if statement is not None:
                statements.append(statement)
                if line.semicolon is not None:
                    semicolons.append(line.semicolon)
    except messages.Fatal as error:
        faults.diagnostics.append(error.diagnostic)
    except messages.Enough:
        pass
    if semicolons:
        faults.diagnostics.append(messages.semicolon(semicolons[0], len(semicolons) - 1))
    if faults.diagnostics:
        raise PplError(_first(faults.diagnostics), source)
    return nodes.Program(tuple(statements), tuple(comments), source)


def _first(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """In source order, and not more than a reader can use."""
    ordered = sorted(diagnostics, key=lambda d: d.span or Span(0, 0))
    if len(ordered) > limits.ERRORS:
        return [*ordered[: limits.ERRORS], messages.too_many_errors()]
    return ordered


def _lex(text: str) -> Iterator[Token]:
    session: Any = lark_parser().parse_interactive(text, start="statement")
    yield from session.lexer_thread.lex(session.parser_state)


@dataclass
class Echo:
    """Tells errors that only follow from a broken line above: the `return` of a `def` without braces, and the rest of
    a statement that stopped at an operator."""

    in_function: bool = False
    unfinished: bool = False

    def of(self, line: Line, broken: bool, found: list[Diagnostic]) -> bool:
        """Whether the errors found in this line are an echo. To be asked of every line in turn."""
        first, last = line.tokens[0].type, line.tokens[-1].type
        if not broken:
            self.unfinished = False
            return False
        echo = (first == "RETURN" and self.in_function) or (
            self.unfinished and all(d.code in ("E037", "E040") for d in found)
        )
        if first == "DEF":
            self.in_function = "LBRACE" not in {t.type for t in line.tokens}
        elif first == "RETURN":
            self.in_function = False
        self.unfinished = last in OPERATORS | {"COMMA", "EQUAL", "TILDE"}
        return echo


def _line(line: Line, source: Source, faults: Faults) -> nodes.Statement | None:
    """The statement of a logical line, or None with its errors noted."""
    outcome: Any = None
    if not faults.touch(line.tokens):
        outcome = _parse(line.tokens, "statement", source)
        if not isinstance(outcome, Failure):
            found = list(check(outcome, source))
            faults.diagnostics.extend(found)
            return None if found else outcome
    noted = len(faults.diagnostics)
    _apart(line.tokens, "statement", source, faults)
    if isinstance(outcome, Failure) and len(faults.diagnostics) == noted:
        faults.report(explain(outcome))
    return None


def _apart(tokens: list[Token], start: str, source: Source, faults: Faults) -> None:
    """Note the errors of a line that does not parse as a whole: of each line of its block, if it has one."""
    parts = pieces(tokens)
    head = tokens if parts is None else parts.head
    if not faults.touch(head):
        outcome = _parse(head, start, source)
        if isinstance(outcome, Failure):
            faults.report(explain(outcome))
    if parts is None:
        return
    inside = {"FOR": "inner", "DEF": "body_line"}.get(head[0].type, "statement")
    for line in parts.body:
        _apart(line, inside, source, faults)
    if parts.after and not faults.touch(parts.after):
        last = Failure([head[-1], *parts.after], 1, frozenset({"$END"}), start, source)
        faults.report(explain(last))


def _parse(tokens: list[Token], start: str, source: Source) -> Any:
    """What a line's tokens mean, or the Failure to parse them."""
    session: Any = lark_parser().parse_interactive(start=start)
    position = 0
    try:
        for token in tokens:
            session.feed_token(token)
            position += 1
        return session.feed_eof(tokens[-1])
    except UnexpectedToken:
        # The offending token has reduced what stood before it already: what else could have stood there is known
        # only to a parser that has not seen it.
        session = lark_parser().parse_interactive(start=start)
        for token in tokens[:position]:
            session.feed_token(token)
        return Failure(tokens, position, frozenset(session.accepts()), start, source)
