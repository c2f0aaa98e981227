"""Text to tree."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedToken
from lark.lark import PostLex

from ppl.errors import PplError
from ppl.grammar import messages, nodes
from ppl.grammar.build import Builder
from ppl.grammar.lines import Faults, Line, logical_lines, pieces
from ppl.source import Source, Span

GRAMMAR = Path(__file__).with_name("ppl.lark")


class KeepAll(PostLex):
    """Makes the lexer deliver the tokens that no rule mentions."""

    always_accept = ("NEWLINE", "COMMENT", "SEMICOLON", "BAD_NUMBER", "BAD_OPERATOR", "UNKNOWN")

    def process(self, stream: Any) -> Any:
        return stream


@cache
def lark_parser(strict: bool = False) -> Lark:
    """strict: refuse a grammar with conflicts or colliding terminals; needs the package `interegular`."""
    return Lark(
        GRAMMAR.read_text(encoding="utf-8"),
        start=["statement", "inner", "body_line"],
        parser="lalr",
        lexer="basic",
        strict=strict,
        postlex=KeepAll(),
        maybe_placeholders=True,
        transformer=Builder(),
    )


def parse(source: Source) -> nodes.Program:
    """The tree of a text, or a PplError with every syntax error in it."""
    faults = Faults()
    comments: list[nodes.Comment] = []
    tokens: list[Token] = []
    for token in lark_parser().lex(source.text):
        if token.type == "COMMENT":
            comments.append(nodes.Comment(str(token), messages.at(token)))
        else:
            tokens.append(token)
            if token.type in ("BAD_NUMBER", "BAD_OPERATOR", "UNKNOWN"):
                faults.add(messages.not_a_token(token), token)
    statements: list[nodes.Statement] = []
    try:
        for line in logical_lines(tokens, faults):
            statements.extend(_statement(line, faults))
    except messages.Fatal as error:
        faults.diagnostics.append(error.diagnostic)
    if faults.diagnostics:
        raise PplError(faults.diagnostics, source)
    return nodes.Program(tuple(statements), tuple(comments), source)


def _statement(line: Line, faults: Faults) -> list[nodes.Statement]:
    try:
        return [_parse(line.tokens, "statement")]
    except UnexpectedToken as error:
        parts = pieces(line.tokens)
        if parts is None:
            if not faults.touch(line.tokens):
                faults.diagnostics.append(_explain(line.tokens, error))
        else:
            faults.diagnostics.append(_explain(line.tokens, error))
        return []


def _explain(tokens: list[Token], error: UnexpectedToken) -> Any:
    if error.token.type == "$END":
        return messages.ends_early(tokens[-1], error)
    return messages.unexpected(error.token, error)


def _parse(tokens: list[Token], start: str) -> Any:
    session = lark_parser().parse_interactive(start=start)
    try:
        for token in tokens:
            session.feed_token(token)
        return session.feed_eof(tokens[-1])
    except UnexpectedToken as error:
        error.interactive_parser = session
        raise
