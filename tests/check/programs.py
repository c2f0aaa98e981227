"""Texts to checked models, for the tests of the checker."""

from __future__ import annotations

from ppl.compiler.check import Checked, check
from ppl.errors import PplError
from ppl.grammar.parser import parse
from ppl.graph import ModelGraph, Term
from ppl.source import Source, Span


def checked(text: str) -> Checked:
    return check(parse(Source("<test>", text)))


def graph(text: str) -> ModelGraph:
    return checked(text).graph


def codes(text: str) -> list[str]:
    """Codes of the errors of a text, in the order of their places; empty if it has none."""
    try:
        checked(text)
    except PplError as e:
        return [d.code for d in sorted(e.diagnostics, key=lambda d: d.span or Span(0, 0))]
    return []


def term(model: ModelGraph, name: str) -> Term:
    return next(t for t in model.terms if t.name == name)
