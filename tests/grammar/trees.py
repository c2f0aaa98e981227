"""Comparing syntax trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from ppl.source import Source, Span


def without_spans(node: Any) -> Any:
    """A tree as nested tuples, its places in the text left out."""
    if isinstance(node, tuple):
        return tuple(without_spans(part) for part in node)
    if is_dataclass(node):
        kept = (getattr(node, f.name) for f in fields(node) if f.name != "span")
        return (type(node).__name__, *(without_spans(part) for part in kept))
    return node


def nodes_of(node: Any) -> Iterator[Any]:
    """Every node of a tree, outermost first."""
    if isinstance(node, tuple):
        for part in node:
            yield from nodes_of(part)
    elif is_dataclass(node) and not isinstance(node, Span | Source):
        yield node
        for f in fields(node):
            yield from nodes_of(getattr(node, f.name))
