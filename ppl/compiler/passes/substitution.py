"""Expressions with other subscripts in the place of bound indices: how a quantity's definition is read at a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace

from ppl.graph import (
    Affine,
    Aligned,
    Apply,
    Axis,
    Expr,
    Fill,
    Fixed,
    Gather,
    Labelled,
    Lift,
    Literal,
    Local,
    Meta,
    OdeSolve,
    Position,
    Read,
    Reduce,
    Select,
    Stack,
    Subscript,
    Whole,
    subscript_axes,
)
from ppl.types import Scalar


class CannotSubstitute(Exception):
    """An index of the expression has no counterpart of this form."""


def structure(value: object) -> object:
    """An expression or a part of one without its places in the text: equal for equal meanings, hashable."""
    if isinstance(value, tuple):
        return tuple(map(structure, value))
    if is_dataclass(value) and not isinstance(value, Axis | Whole):
        named = [(f.name, getattr(value, f.name)) for f in fields(value) if f.name not in ("meta", "span")]
        return (type(value).__name__, *((name, structure(part)) for name, part in named))
    return value


def substituted(expr: Expr, by: Mapping[Axis, Subscript], suffix: str) -> Expr:
    """The expression with these subscripts in the place of bound indices. Indices that it binds itself get `suffix` at
    the end of their names, so that none of them is taken for one of the place where the result will stand.

    Raises:
        CannotSubstitute: a sum of indices one of which is not a bound index there.
    """
    return _Substitution(by, suffix).of(expr)


class _Substitution:
    def __init__(self, by: Mapping[Axis, Subscript], suffix: str) -> None:
        self.by = by
        self.suffix = suffix

    def of(self, expr: Expr) -> Expr:
        meta = self._meta(expr.meta)
        match expr:
            case Literal():
                return expr
            case Local():
                return replace(expr, meta=meta)
            case OdeSolve():
                state, time = (replace(local, meta=self._meta(local.meta)) for local in (expr.state, expr.time))
                return replace(expr.mapped(self.of), state=state, time=time, meta=meta)
            case Position():
                return self._position(expr.axis, meta)
            case Read():
                return replace(expr, subscripts=tuple(map(self._subscript, expr.subscripts)), meta=meta)
            case Select():
                subscripts = tuple(map(self._subscript, expr.subscripts))
                return replace(expr, value=self.of(expr.value), subscripts=subscripts, meta=meta)
            case Apply():
                return replace(expr, arguments=tuple(map(self.of, expr.arguments)), meta=meta)
            case Reduce():
                inner = self._binding(expr.axes)
                where = None if expr.where is None else inner.of(expr.where)
                return replace(
                    expr, body=inner.of(expr.body), axes=tuple(map(self._own, expr.axes)), where=where, meta=meta
                )
            case Lift():
                return replace(
                    expr, body=self._binding(expr.axes).of(expr.body), axes=tuple(map(self._own, expr.axes)), meta=meta
                )
            case Fill():
                return replace(expr, value=self.of(expr.value), meta=meta)
            case Stack():
                return replace(expr, items=tuple(map(self.of, expr.items)), meta=meta)

    def _own(self, axis: Axis) -> Axis:
        return replace(axis, name=axis.name + self.suffix)

    def _binding(self, axes: tuple[Axis, ...]) -> _Substitution:
        return _Substitution({**self.by, **{axis: Aligned(self._own(axis)) for axis in axes}}, self.suffix)

    def _meta(self, meta: Meta) -> Meta:
        axes: dict[Axis, None] = {}
        for axis in meta.axes:
            axes |= dict.fromkeys(subscript_axes(self.by.get(axis, Aligned(axis))))
        return replace(meta, axes=tuple(axes))

    def _subscript(self, s: Subscript) -> Subscript:
        match s:
            case Aligned():
                return self._shifted(s.axis, s.shift)
            case Affine():
                terms, offset = [], s.offset
                for axis, coefficient in s.terms:
                    there = self.by.get(axis, Aligned(axis))
                    if not isinstance(there, Aligned):
                        raise CannotSubstitute
                    terms.append((there.axis, coefficient))
                    offset += coefficient * there.shift
                return Affine(tuple(terms), offset)
            case Gather():
                return Gather(self.of(s.index))
            case Fixed() | Labelled() | Whole():
                return s

    def _shifted(self, axis: Axis, shift: int) -> Subscript:
        there = self.by.get(axis, Aligned(axis))
        if shift == 0:
            return there
        match there:
            case Aligned():
                return Aligned(there.axis, there.shift + shift)
            case Fixed() if there.position >= 0 and there.position + shift >= 0:
                return Fixed(there.position + shift)
            case Gather():
                amount = Literal(shift, Meta((), (), Scalar.INT, there.index.meta.span))
                return Gather(Apply("add", (there.index, amount), replace(there.index.meta, element=Scalar.INT)))
            case _:
                raise CannotSubstitute

    def _position(self, axis: Axis, meta: Meta) -> Expr:
        there = self.by.get(axis, Aligned(axis))
        match there:
            case Aligned(shift=0):
                return Position(there.axis, meta)
            case Aligned():
                here = Position(there.axis, meta)
                return Apply("add", (here, Literal(there.shift, replace(meta, axes=()))), meta)
            case Fixed() if there.position >= 0:
                return Literal(there.position, meta)
            case Gather():
                return there.index
            case _:
                raise CannotSubstitute


def rebuilt(expr: Expr, change: Callable[[Read], Expr | None]) -> Expr:
    """The expression with reads replaced where `change` gives something; itself where nothing changes."""
    match expr:
        case Read():
            changed = change(expr)
            if changed is not None:
                return changed
            subscripts = _rebuilt_subscripts(expr.subscripts, change)
            return (
                expr
                if subscripts is expr.subscripts
                else replace(expr, subscripts=subscripts, meta=_again(expr.meta, subscripts))
            )
        case Select():
            subscripts, value = _rebuilt_subscripts(expr.subscripts, change), rebuilt(expr.value, change)
            same = subscripts is expr.subscripts and value is expr.value
            return expr if same else replace(expr, subscripts=subscripts, value=value)
        case Apply():
            arguments = tuple(rebuilt(a, change) for a in expr.arguments)
            return expr if _same(arguments, expr.arguments) else replace(expr, arguments=arguments)
        case Reduce():
            body = rebuilt(expr.body, change)
            where = None if expr.where is None else rebuilt(expr.where, change)
            return expr if body is expr.body and where is expr.where else replace(expr, body=body, where=where)
        case Lift():
            body = rebuilt(expr.body, change)
            return expr if body is expr.body else replace(expr, body=body)
        case Fill():
            value = rebuilt(expr.value, change)
            return expr if value is expr.value else replace(expr, value=value)
        case Stack():
            items = tuple(rebuilt(i, change) for i in expr.items)
            return expr if _same(items, expr.items) else replace(expr, items=items)
        case OdeSolve():
            return expr.mapped(lambda part: rebuilt(part, change))
        case Literal() | Position() | Local():
            return expr


def _rebuilt_subscripts(
    subscripts: tuple[Subscript, ...], change: Callable[[Read], Expr | None]
) -> tuple[Subscript, ...]:
    changed = tuple(Gather(rebuilt(s.index, change)) if isinstance(s, Gather) else s for s in subscripts)
    same = all(
        a is b or (isinstance(a, Gather) and isinstance(b, Gather) and a.index is b.index)
        for a, b in zip(changed, subscripts, strict=True)
    )
    return subscripts if same else changed


def _again(meta: Meta, subscripts: tuple[Subscript, ...]) -> Meta:
    axes = dict.fromkeys(axis for s in subscripts for axis in subscript_axes(s))
    return replace(meta, axes=tuple(dict.fromkeys((*axes, *(a for a in meta.axes if a in axes)))))


def _same(a: tuple[Expr, ...], b: tuple[Expr, ...]) -> bool:
    return all(x is y for x, y in zip(a, b, strict=True))
