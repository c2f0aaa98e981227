"""From the graph to mathematical notation: expressions, distributions, and the joint density as a product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    Tuple,
    Whole,
)

Indices = tuple[Index, ...]


@dataclass(frozen=True)
class Equation:
    """`left = right`, once for each of these indices where the condition holds."""

    left: Formula
    right: Formula
    indices: tuple[Index, ...]
    condition: Formula | None


@dataclass(frozen=True)
class Joint:
    """p(quantities | given) as a product of factors, and the computed quantities that they read.

    proportional: the factors are no normalised density. clamps: what is given a value in the text.
    """

    quantities: tuple[str, ...]
    given: tuple[str, ...]
    clamps: tuple[Equation, ...]
    proportional: bool
    factors: tuple[Formula, ...]
    values: tuple[Equation, ...]


def joint(graph: g.ModelGraph) -> Joint:
    """The joint density of a model's observed and latent quantities given the other data."""
    observed = dict.fromkeys(name for t in graph.terms if t.role == "observed" for name in list(g.reads(t.target))[:1])
    latents = [n.name for n in graph.latents]
    given = [n.name for n in graph.inputs if n.name not in observed and _used(graph, n.name)]
    return Joint(
        (*observed, *latents),
        tuple(given),
        tuple(_clamp(c) for c in graph.clamps),
        bool(graph.energies) or any(n.flat for n in graph.latents),
        tuple(factor(f) for f in graph.factors),
        tuple(equation for v in graph.values for equation in definitions(v)),
    )


def _used(graph: g.ModelGraph, name: str) -> bool:
    return any(name in g.reads(e) for node in graph.nodes for e in g.node_expressions(node))


# --- nodes -------------------------------------------------------------------------------------------


def factor(node: g.Term | g.Energy) -> Formula:
    """One factor of the joint density, over its plates."""
    writer = _Writer().within(node.axes)
    condition = None if node.where is None else writer.write(node.where)
    indices = tuple(writer.index(a) for a in node.axes)
    if isinstance(node, g.Energy):
        body: Formula = Call("exp", (_negated(writer.write(node.value)),))
    else:
        event = node.target.meta.event
        repeated = event[: len(event) - node.distribution.event_rank]
        at = tuple(Index(writer.fresh(w.dim), w.dim, w.start, w.stop) for w in repeated)
        indices += at
        body = writer.density(node.distribution, writer.write(node.target, at), at)
    return Big("prod", indices, condition, body) if indices else body


def definitions(node: g.Value) -> Iterator[Equation]:
    """How a computed quantity is defined: one equation a piece."""
    for piece in node.pieces:
        writer = _Writer().within(piece.axes)
        yield _equation(writer, node.name, piece.subscripts, piece.value, piece.axes, piece.where)


def prediction(node: g.Prediction) -> tuple[Formula, Formula]:
    """The left and right side of the `~`."""
    writer = _Writer().within(node.axes)
    target = _indexed(Symbol(node.name), tuple(writer.subscript(s) for s in node.subscripts))
    return target, writer.distribution(node.distribution)


def expression(expr: g.Expr) -> Formula:
    """A lone expression, as of a bound."""
    return _Writer().within(expr.meta.axes).write(expr)


def _clamp(node: g.Clamp) -> Equation:
    return _equation(_Writer().within(node.axes), node.name, node.subscripts, node.value, node.axes, None)


def _equation(
    writer: _Writer,
    name: str,
    subscripts: tuple[g.Subscript, ...],
    value: g.Expr,
    axes: tuple[g.Axis, ...],
    where: g.Expr | None,
) -> Equation:
    left = _indexed(Symbol(name), tuple(writer.subscript(s) for s in subscripts))
    condition = None if where is None else writer.write(where)
    return Equation(left, writer.write(value), tuple(writer.index(a) for a in axes), condition)


# --- expressions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Writer:
    """Writes expressions inside some bound indices, each of which has a name that no other has."""

    names: Mapping[g.Axis, str] = field(default_factory=dict)

    def within(self, axes: Sequence[g.Axis]) -> _Writer:
        names = dict(self.names)
        for axis in axes:
            if axis not in names:
                names[axis] = _Writer(names).fresh(axis.name.partition("#")[0])
        return _Writer(names)

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
                return self._subscripted(Symbol(expr.name), expr.subscripts, at)
            case g.Select():
                inner = self.write(expr.value)
                return self._subscripted(inner, expr.subscripts, at)
            case g.Position():
                return Symbol(self.names.get(expr.axis, expr.axis.name.partition("#")[0]))
            case g.Local():
                return _at(_parameter(expr), at)
            case g.Fill():
                return self.write(expr.value, at[len(expr.dims) :])
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
            return _Writer({**self.names, **names}).write(expr.body, rest)
        inner = self.within(expr.axes)
        array = Big("array", tuple(inner.index(a) for a in expr.axes), None, inner.write(expr.body))
        return _at(array, at)

    def _reduced(self, expr: g.Reduce, at: Indices) -> Formula:
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

    def _subscripted(self, base: Formula, subscripts: tuple[g.Subscript, ...], at: Indices) -> Formula:
        left, after = list(at), []
        found = []
        for s in subscripts:
            if isinstance(s, g.Whole) and left:
                index = left.pop(0)
                if (s.start < 0) == (index.start < 0):
                    found.append(_shifted(Symbol(index.name), s.start - index.start))
                else:  # one counts from the end: how far they are apart depends on the size
                    found.append(self.subscript(s))
                    after.append(index)
            elif isinstance(s, g.Gather):
                rank = len(s.index.meta.event)
                found.append(self.write(s.index, tuple(left[:rank])))
                del left[:rank]
            else:
                found.append(self.subscript(s))
        return _at(_indexed(base, tuple(found)), (*after, *left))

    def subscript(self, s: g.Subscript) -> Formula:
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
                return Number(s.position)
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
        case ("where", (condition, yes, no)):
            return Cases(condition, yes, no)
        case ("square", (x,)):
            return Operation("^", x, Number(2))
        case _ if name in _OPERATORS:
            return Operation(_OPERATORS[name], *arguments)
        case _:
            return Call({"maximum": "max", "minimum": "min"}.get(name, name), arguments)


def _negated(formula: Formula) -> Formula:
    """Minus a formula, without two signs where it begins with one."""
    match formula:
        case Prefix("-", x):
            return x
        case Operation("*" | "/" as operator, left, right) if _begins_with_a_sign(left):
            return Operation(operator, _negated(left), right)
        case _:
            return Prefix("-", formula)


def _begins_with_a_sign(formula: Formula) -> bool:
    match formula:
        case Prefix("-", _):
            return True
        case Operation("*" | "/", left, _):
            return _begins_with_a_sign(left)
        case _:
            return False


def _indexed(base: Formula, indices: tuple[Formula, ...]) -> Formula:
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
