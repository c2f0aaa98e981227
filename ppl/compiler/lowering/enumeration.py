"""Reads of discrete latents that are summed out: each takes all of its values at once, along an axis of its own."""

from __future__ import annotations

from collections.abc import Hashable

from ppl.compiler.lowering.context import Context, Enumerated
from ppl.compiler.passes.substitution import structure
from ppl.graph import Expr, Read


def read_key(read: Read) -> Hashable:
    """What makes two reads within a statement the same element."""
    return structure((read.name, read.subscripts))


def enumerated_read(lowering: Context, expr: Expr) -> Enumerated | None:
    """The enumeration in force for an expression, if it reads a discrete latent that is summed out."""
    if not lowering.enumerated or not isinstance(expr, Read):
        return None
    return lowering.enumerated.get(read_key(expr))
