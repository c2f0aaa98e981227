"""Walking expressions, which may share parts: each part is visited once."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.graph import Expr, Read, children


def each_part(expr: Expr) -> Iterator[Expr]:
    """An expression and all its sub-expressions, each object once."""
    seen: set[int] = set()
    stack = [expr]
    while stack:
        part = stack.pop()
        if id(part) not in seen:
            seen.add(id(part))
            yield part
            stack.extend(reversed(list(children(part))))


def each_read(expr: Expr) -> Iterator[Read]:
    """The reads among all parts of an expression, each object once."""
    for part in each_part(expr):
        if isinstance(part, Read):
            yield part
