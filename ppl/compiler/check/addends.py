"""Sums over discrete latents in an energy, as terms of it.

Latents are summed out of each element of a term, for which all values of those that it reads are tried: a sum over
elements is a term with an element for each, and sums over different elements are terms of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, reduce

from ppl.compiler.check.build import Build
from ppl.compiler.check.shapes import apply, union_axes
from ppl.graph import Apply, Axis, Expr, Reduce, each_read
from ppl.types import Scalar


@dataclass(frozen=True)
class Part:
    """An addend of an energy, for each element of the axes for which `where` holds."""

    value: Expr
    axes: tuple[Axis, ...]
    where: Expr | None

    def with_value(self, made: Callable[[Expr], Expr]) -> Part:
        return replace(self, value=made(self.value))


def parts(build: Build, part: Part) -> list[Part]:
    """The addends of one: each sum over elements of discrete latents, and what stands beside them all."""
    opened = _opened(build, part)
    beside = [one.value for one in opened if one.axes == part.axes]
    if len(beside) < 2:
        return opened
    rest = replace(part, value=reduce(partial(_applied, "add"), beside))
    return [rest, *(one for one in opened if one.axes != part.axes)]


def _opened(build: Build, part: Part) -> list[Part]:
    match part.value:
        case Reduce("sum", body, axes, where) if _reads_discrete(build, body) and (
            where is None or build.data_only(where)
        ):
            both = where or part.where
            if where is not None and part.where is not None:
                both = apply(build.scope, "and", [part.where, where], where.meta.span)
            return parts(build, Part(body, (*part.axes, *axes), both))
        case Apply("negative", (inner,)):
            return _scaled(build, part, inner, partial(_applied, "negative"))
        case Apply("multiply", (factor, inner)) if not _reads_discrete(build, factor):
            return _scaled(build, part, inner, partial(_applied, "multiply", factor))
        case Apply("multiply", (inner, factor)) if not _reads_discrete(build, factor):
            return _scaled(build, part, inner, partial(_applied, "multiply", factor))
        case Apply("divide", (inner, divisor)) if not _reads_discrete(build, divisor):
            return _scaled(build, part, inner, lambda value: _applied("divide", value, divisor))
        case Apply("add" | "subtract" as sign, (left, right)):
            found = _opened(build, replace(part, value=left))
            second = _opened(build, replace(part, value=right))
            if any(one.axes != part.axes for one in (*found, *second)):
                turned = partial(_applied, "negative")
                return found + [one.with_value(turned) if sign == "subtract" else one for one in second]
    return [part]


def _scaled(build: Build, part: Part, inner: Expr, made: Callable[[Expr], Expr]) -> list[Part]:
    """The parts of `inner`, each changed; the whole as it is where there is no sum inside."""
    found = _opened(build, replace(part, value=inner))
    return [part] if [one.axes for one in found] == [part.axes] else [one.with_value(made) for one in found]


def _applied(function: str, *arguments: Expr) -> Expr:
    metas = [a.meta for a in arguments]
    return Apply(function, arguments, replace(metas[-1], axes=union_axes(m.axes for m in metas), element=Scalar.REAL))


def _reads_discrete(build: Build, expr: Expr) -> bool:
    found = (build.names.quantities[read.name] for read in each_read(expr))
    return any(q.role in ("latent", "var") and q.element is not Scalar.REAL for q in found)
