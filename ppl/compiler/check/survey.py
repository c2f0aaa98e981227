"""A first look over a program: what it defines, in how many statements, and which dims the left sides name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ppl.catalogue.combinators import COMBINATORS
from ppl.catalogue.distributions import DISTRIBUTIONS, DistributionSpec
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.build import Build
from ppl.grammar import nodes as syntax
from ppl.types import Scalar

_INFERRED = {"bool": Scalar.BOOL, "count": Scalar.COUNT, "count_vector": Scalar.COUNT, "categorical": Scalar.COUNT}

Placed = tuple[syntax.Statement, tuple[syntax.Loop, ...]]


def flat(statements: Sequence[syntax.Statement], loops: tuple[syntax.Loop, ...] = ()) -> Iterator[Placed]:
    """Statements in order, each with the loops around it, its own included."""
    for statement in statements:
        if isinstance(statement, syntax.ForBlock):
            yield from flat(statement.body, (*loops, statement.loop))
        elif isinstance(statement, (syntax.Sample, syntax.Assign, syntax.Energy, syntax.Predict)):
            yield statement, loops if statement.loop is None else (*loops, statement.loop)
        else:
            yield statement, loops


def look_over(build: Build, placed: Sequence[Placed]) -> None:
    """Which names later statements define, and in how many statements, before any is checked."""
    for statement, loops in placed:
        match statement:
            case syntax.DataDeclaration() | syntax.VarDeclaration():
                for item in statement.items:
                    build.names.later.setdefault(item.name.id, item.name.span)
            case syntax.Sample() | syntax.Assign() | syntax.Predict():
                for target in statement.targets:
                    name = target.name.id
                    build.names.later.setdefault(name, target.name.span)
                    left = build.assignments_left if isinstance(statement, syntax.Assign) else build.draws_left
                    left[name] = left.get(name, 0) + 1
                    _left(build, target, loops)


def _left(build: Build, target: syntax.Target, loops: Sequence[syntax.Loop]) -> None:
    bound = {b.name.id: b.dim.id for loop in loops for b in loop.bindings}
    dims = build.left_dims.setdefault(target.name.id, [])
    for n, index in enumerate(target.indices):
        dim = None
        if isinstance(index, syntax.Name):
            dim = bound.get(index.id, index.id)
            dim = dim if dim in build.names.dims else None
        if n == len(dims):
            dims.append(dim)
        elif dims[n] is None:
            dims[n] = dim


def inferred_types(placed: Sequence[Placed]) -> Mapping[str, Scalar]:
    """Types of data that were declared without one, asked for by the discrete distribution that observes them or
    takes them as a parameter."""
    untyped = {
        item.name.id
        for statement, _ in placed
        if isinstance(statement, syntax.DataDeclaration)
        for item in statement.items
        if item.type is None
    }
    found: dict[str, Scalar] = {}
    for statement, _ in placed:
        if not isinstance(statement, (syntax.Sample, syntax.Predict)):
            continue
        for call in _catalogued(statement.distribution):
            spec = DISTRIBUTIONS[call.function.id]
            if spec.discrete and isinstance(statement, syntax.Sample):
                for target in statement.targets:
                    if target.name.id in untyped and spec.support in _INFERRED:
                        found.setdefault(target.name.id, _INFERRED[spec.support])
            _parameters(call, spec, untyped, found)
    return found


def _catalogued(node: syntax.Expr) -> Iterator[syntax.Call]:
    """The distributions of the catalogue in a call, inside combinators too."""
    if not isinstance(node, syntax.Call):
        return
    if node.function.id in DISTRIBUTIONS:
        yield node
    elif node.function.id in COMBINATORS:
        for argument in node.arguments:
            yield from _catalogued(argument.value)


def _parameters(call: syntax.Call, spec: DistributionSpec, untyped: set[str], found: dict[str, Scalar]) -> None:
    for n, argument in enumerate(call.arguments):
        for place, p in enumerate(spec.parameters):
            named = argument.name is not None and argument.name.id == p.name
            if (named or (argument.name is None and place == n)) and SUPPORTS[p.domain].discrete:
                value = argument.value
                name = value.base if isinstance(value, syntax.Index) else value
                if isinstance(name, syntax.Name) and name.id in untyped:
                    found.setdefault(name.id, Scalar.COUNT)
