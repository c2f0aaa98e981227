"""What is wrong with a text, in its reader's terms."""

from __future__ import annotations

from lark import Token
from lark.exceptions import UnexpectedToken

from ppl.errors import Diagnostic
from ppl.source import Span


class Fatal(Exception):
    """Nothing after this can be read."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.title)
        self.diagnostic = diagnostic


def at(token: Token) -> Span:
    return Span(token.start_pos or 0, token.end_pos or 0)


def unclosed(token: Token, found: Token | None) -> Diagnostic:
    return Diagnostic("E002", f"`{token}` is never closed", at(token), "opened here")


def unopened(token: Token) -> Diagnostic:
    return Diagnostic("E003", f"`{token}` closes nothing", at(token), "no bracket is open here")


def nested_too_deeply(token: Token) -> Diagnostic:
    return Diagnostic("E032", "brackets are nested too deeply", at(token))


def unexpected(token: Token, error: UnexpectedToken) -> Diagnostic:
    return Diagnostic("E001", f"unexpected `{token}`", at(token), "expected one of " + ", ".join(sorted(error.accepts)))


def ends_early(last: Token, error: UnexpectedToken) -> Diagnostic:
    return Diagnostic("E001", "the statement ends too early", Span(last.end_pos or 0, (last.end_pos or 0) + 1))


def not_a_token(token: Token) -> Diagnostic:
    return Diagnostic("E004", f"`{token}` has no meaning here", at(token))
