"""From the graph to mathematical notation: expressions and distributions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce

from ppl import graph as g
from ppl.catalogue.combinators import COMBINATORS
from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.functions import FUNCTIONS
from ppl.compiler.explain.formula import (
    Big,
    Call,
    Cases,
    Formula,
    Index,
    Indexed,
    Number,
    Operation,
    Prefix,
    Quoted,
    Symbol,
    Truth,
    Tuple,
    Whole,
    begins_with_sign,
)

Indices = tuple[Index, ...]


# --- expressions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Writer:
    """Writes expressions of a graph inside some bound indices, each of which has a name that no other has."""

    graph: g.ModelGraph
    names: Mapping[g.Axis, str] = field(default_factory=dict)

    def within(self, axes: Sequence[g.Axis]) -> Writer:
        """Inside these indices too, under the names that the text gives them."""
        return self.naming((axis, axis.name.partition("#")[0]) for axis in axes)

    def along_dims(self, axes: Sequence[g.Axis]) -> Writer:
        """Inside these indices too, under the names of their dims."""
        return self.naming((axis, axis.dim) for axis in axes)

    def naming(self, wanted: Iterable[tuple[g.Axis, str]]) -> Writer:
        """Inside these indices too, under names as near as can be to the wanted ones."""
        inner = self
        for axis, name in wanted:
            if axis not in inner.names:
                inner = replace(inner, names={**inner.names, axis: inner.fresh(name)})
        return inner

    def fresh(self, name: str) -> str:
        while name in self.names.values():
            name += "′"
        return name

    def index(self, axis: g.Axis) -> Index:
        return Index(self.names[axis], axis.dim, axis.start, axis.stop)

    def write(self, expr: g.Expr, at: Indices = ()) -> Formula:
        """The expression; `at`: of its first event dims one element is meant, where these indices stand."""
        if not expr.meta.event:
            at = ()
        match expr:
            case g.Literal():
                return Number(expr.value)
            case g.Read():
                return self._subscripted(Symbol(expr.name), expr.subscripts, self.dims_of(expr.name), at)
            case g.Select():
                whole = [w.dim if (w.start, w.stop) == (0, None) else None for w in expr.value.meta.event]
                return self._subscripted(self.write(expr.value), expr.subscripts, whole, at)
            case g.Position():
                return Symbol(self.names.get(expr.axis, expr.axis.name.partition("#")[0]))
            case g.Local():
                return _at(_parameter(expr), at)
            case g.Fill():
                return self._filled(expr, at)
            case g.Lift():
                return self._lifted(expr, at)
            case g.Stack():
                items = tuple(self.write(item, at[1:]) for item in expr.items)
                return _at(Tuple(items, expr.labels), at[:1])
            case g.Reduce():
                return self._reduced(expr, at)
            case g.OdeSolve():
                return _at(self._solution(expr), at)
            case g.Apply():
                return self._applied(expr, at)

    def _lifted(self, expr: g.Lift, at: Indices) -> Formula:
        taken, rest = at[: len(expr.axes)], at[len(expr.axes) :]
        if [a.start for a in expr.axes] == [i.start for i in taken]:
            names = {axis: index.name for axis, index in zip(expr.axes, taken, strict=True)}
            return replace(self, names={**self.names, **names}).write(expr.body, rest)
        inner = self.within(expr.axes)
        array = Big("array", tuple(inner.index(a) for a in expr.axes), None, inner.write(expr.body))
        return _at(array, at)

    def _filled(self, expr: g.Fill, at: Indices) -> Formula:
        value, left = self.write(expr.value, at[len(expr.dims) :]), expr.dims[len(at) :]
        if not left or value == Number(0):  # the vector of zeros is written so too
            return value
        return Big("array", tuple(Index(w.dim, w.dim, w.start, w.stop) for w in left), None, value)

    def _reduced(self, expr: g.Reduce, at: Indices) -> Formula:
        if _counts(expr):
            sizes: list[Formula] = [Call("abs", (Symbol(axis.dim),)) for axis in expr.axes]
            return reduce(partial(Operation, "*"), sizes)
        inner = self.within(expr.axes)
        condition = None if expr.where is None else inner.write(expr.where)
        kept = at[: len(expr.body.meta.event)]
        big = Big(expr.operation, tuple(inner.index(a) for a in expr.axes), condition, inner.write(expr.body, kept))
        return _at(big, at[len(kept) :])

    def _solution(self, expr: g.OdeSolve) -> Formula:
        state, time = _parameter(expr.state), _parameter(expr.time)
        rate = Operation("=", Operation("/", Symbol(f"d{state.name}"), Symbol(f"d{time.name}")), self.write(expr.rate))
        start = Operation("=", Call(state.name, (self.write(expr.start),)), self.write(expr.initial))
        return Call("odesolve", (rate, start, self.write(expr.times)))

    def _applied(self, expr: g.Apply, at: Indices) -> Formula:
        spec = FUNCTIONS[expr.function]
        elementwise = spec.shape == "elementwise"
        arguments = tuple(self.write(a, at if elementwise else ()) for a in expr.arguments)
        formula = _function(expr.function, arguments)
        return formula if elementwise else _at(formula, at)

    # --- subscripts

    def dims_of(self, name: str) -> tuple[str, ...]:
        """The dims of a quantity."""
        return self.graph[name].dims

    def subscripts(self, subscripts: Sequence[g.Subscript], dims: Sequence[str | None]) -> tuple[Formula, ...]:
        """What stands in the brackets after a quantity with these dims; None: of a dim that has no labels."""
        return tuple(self.subscript(s, dim) for s, dim in zip(subscripts, dims, strict=True))

    def _subscripted(
        self, base: Formula, subscripts: Sequence[g.Subscript], dims: Sequence[str | None], at: Indices
    ) -> Formula:
        left, after = list(at), []
        found = []
        for s, dim in zip(subscripts, dims, strict=False):
            if isinstance(s, g.Whole) and left:
                index = left.pop(0)
                if (s.start < 0) == (index.start < 0):
                    found.append(_shifted(Symbol(index.name), s.start - index.start))
                else:  # one counts from the end: how far they are apart depends on the size
                    found.append(self.subscript(s, dim))
                    after.append(index)
            elif isinstance(s, g.Gather):
                rank = len(s.index.meta.event)
                found.append(self.write(s.index, tuple(left[:rank])))
                del left[:rank]
            else:
                found.append(self.subscript(s, dim))
        return _at(indexed(base, tuple(found)), (*after, *left))

    def subscript(self, s: g.Subscript, dim: str | None) -> Formula:
        """One of them."""
        match s:
            case g.Aligned():
                return _shifted(self._axis(s.axis), s.shift)
            case g.Affine():
                total: Formula | None = None
                for axis, coefficient in s.terms:
                    part: Formula = self._axis(axis)
                    if abs(coefficient) != 1:
                        part = Operation("*", Number(abs(coefficient)), part)
                    if total is None:
                        total = part if coefficient > 0 else Prefix("-", part)
                    else:
                        total = Operation("+" if coefficient > 0 else "-", total, part)
                return Number(s.offset) if total is None else _shifted(total, s.offset)
            case g.Fixed():
                labels = None if dim is None else self.graph.dims[dim].labels
                return Number(s.position) if labels is None else Quoted(labels[s.position])
            case g.Labelled():
                return Quoted(s.label)
            case g.Gather():
                return self.write(s.index)
            case g.Whole():
                return Whole(s.start, s.stop)

    def _axis(self, axis: g.Axis) -> Symbol:
        return Symbol(self.names.get(axis, axis.name.partition("#")[0]))

    # --- distributions

    def density(self, d: g.Distribution, target: Formula, at: Indices) -> Formula:
        """The density of a distribution at the target."""
        call = self.distribution(d, at)
        return Call(call.function, call.arguments, call.named, target)

    def distribution(self, d: g.Distribution, at: Indices = ()) -> Call:
        """`Name(parameters)`; a combinator has the distributions that it combines among its arguments."""
        if d.base is None:
            spec = DISTRIBUTIONS[d.name]
            alternatives = {name for group in spec.one_of for name in group[1:]}
            ranks = {p.name: p.rank for p in spec.parameters}
            written = [
                (n, self.write(e, at if len(e.meta.event) >= len(at) + ranks[n] else ())) for n, e in d.parameters
            ]
            plain = tuple(f for n, f in written if n not in alternatives)
            return Call(d.name, plain, tuple((n, f) for n, f in written if n in alternatives))
        leading = COMBINATORS[d.name].leading
        inner = self if d.family is None else self.within((d.family,))
        parts: tuple[Formula, ...] = tuple(inner.distribution(part, at) for part in d.parts)
        if d.family is not None:
            parts = (Big("array", (inner.index(d.family),), None, parts[0]),)
        own = [(n, self.write(e, at)) for n, e in d.parameters]
        first = tuple(f for n, f in own if n in leading or n == "weight")
        return Call(d.name, first + parts, tuple((n, f) for n, f in own if n not in leading and n != "weight"))


_OPERATORS = {
    f.name: f.operator for f in FUNCTIONS.values() if f.operator and f.name not in ("negative", "not", "where")
}


def _function(name: str, arguments: tuple[Formula, ...]) -> Formula:
    match name, arguments:
        case ("negative", (x,)):
            return Prefix("-", x)
        case ("not", (x,)):
            return Prefix("not", x)
        case ("where", (Operation(">", Number(a), Number(b)), yes, no)):
            return yes if a > b else no
        case ("where", (condition, Number(1), Number(0))):
            return Truth(condition)
        case ("where", (condition, yes, no)):
            return Cases(condition, yes, no)
        case ("square", (x,)):
            return Operation("^", x, Number(2))
        case _ if name in _OPERATORS:
            return Operation(_OPERATORS[name], *arguments)
        case _:
            return Call({"maximum": "max", "minimum": "min"}.get(name, name), arguments)


def negated(formula: Formula) -> Formula:
    """Minus a formula, without two signs where it begins with one."""
    match formula:
        case Prefix("-", x):
            return x
        case Number(value) if value < 0:
            return Number(-value)
        case Operation("*" | "/" as operator, left, right) if begins_with_sign(left):
            return Operation(operator, negated(left), right)
        case _:
            return Prefix("-", formula)


def _counts(expr: g.Reduce) -> bool:
    """Whether it is the number of elements of whole dims: `length(d)`."""
    whole = all((axis.start, axis.stop) == (0, None) for axis in expr.axes)
    one = isinstance(expr.body, g.Literal) and expr.body.value == 1
    return expr.operation == "sum" and expr.where is None and whole and one


def indexed(base: Formula, indices: tuple[Formula, ...]) -> Formula:
    """`base[indices]`, without the last ones that stand for all of a dim."""
    while indices and indices[-1] == Whole():
        indices = indices[:-1]
    return Indexed(base, indices) if indices else base


def _at(formula: Formula, at: Indices) -> Formula:
    if not at:
        return formula
    more = tuple(Symbol(index.name) for index in at)
    if isinstance(formula, Indexed) and not any(isinstance(i, Whole) for i in formula.indices):
        return Indexed(formula.base, formula.indices + more)
    return Indexed(formula, more)


def _shifted(formula: Formula, by: int) -> Formula:
    if by == 0:
        return formula
    return Operation("+" if by > 0 else "-", formula, Number(abs(by)))


def _parameter(local: g.Local) -> Symbol:
    """The state or time of a differential equation, as its function calls it."""
    return Symbol(local.name.rpartition(".")[2])
