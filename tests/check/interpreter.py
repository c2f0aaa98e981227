"""Expressions of the language evaluated one element at a time, straight from the syntax tree, in NumPy and loops.

An independent reading of the language, slow and obvious: bound indices are integers, whole names are arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import special

from ppl.grammar import nodes as syntax

ELEMENTWISE: dict[str, Any] = {
    "exp": np.exp, "tanh": np.tanh, "sin": np.sin, "abs": np.abs, "sigmoid": special.expit, "erf": special.erf,
    "expm1": np.expm1, "softplus": lambda x: np.logaddexp(0.0, x), "square": np.square,
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "sum": np.sum, "mean": np.mean, "prod": np.prod, "logsumexp": special.logsumexp, "sort": np.sort,
    "cumsum": lambda x: np.cumsum(x, axis=-1), "softmax": lambda x: special.softmax(x, axis=-1), "dot": np.dot,
    "diagonal": np.diag, "outer": np.outer, "transpose": np.transpose, "solve": np.linalg.solve,
    "logdet": lambda a: np.linalg.slogdet(a)[1], "quadratic": lambda x, a: x @ a @ x,
}  # fmt: skip
REDUCTIONS: dict[str, Any] = {
    "sum": np.sum, "mean": np.mean, "prod": np.prod, "max": np.max, "min": np.min, "logsumexp": special.logsumexp,
    "cumsum": np.cumsum,
}  # fmt: skip
BINARY: dict[str, Any] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power, "@": np.matmul, "<": np.less,
    "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
    "and": np.logical_and, "or": np.logical_or,
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """sizes and labels of dims, arrays by name (index data 0-based, bools as bools), functions, bound indices."""

    sizes: Mapping[str, int]
    labels: Mapping[str, tuple[str, ...]]
    arrays: dict[str, Any]
    functions: Mapping[str, syntax.FunctionDefinition]
    indices: Mapping[str, int] = field(default_factory=dict)

    def at(self, **indices: int) -> World:
        return World(self.sizes, self.labels, self.arrays, self.functions, {**self.indices, **indices})


def number(x: Any) -> Any:
    return x.astype(float) if isinstance(x, (np.ndarray, np.bool_)) and x.dtype == bool else x


def evaluate(node: syntax.Expr, world: World) -> Any:
    match node:
        case syntax.Number() | syntax.Boolean():
            return node.value
        case syntax.Name():
            return world.indices[node.id] if node.id in world.indices else world.arrays[node.id]
        case syntax.Unary():
            value = evaluate(node.operand, world)
            return np.logical_not(value) if node.op == "not" else -number(value) if node.op == "-" else value
        case syntax.Binary():
            left, right = evaluate(node.left, world), evaluate(node.right, world)
            return BINARY[node.op](*((left, right) if node.op in ("and", "or") else (number(left), number(right))))
        case syntax.Conditional():
            parts = [evaluate(n, world) for n in (node.test, node.then, node.otherwise)]
            return np.where(parts[0], number(parts[1]), number(parts[2]))
        case syntax.Index():
            return np.asarray(evaluate(node.base, world))[tuple(place(i, world) for i in node.indices)]
        case syntax.Attribute():
            base = np.asarray(evaluate(node.base, world))
            (labels,) = (names for names in world.labels.values() if node.name.id in names)
            axis = [n for n in range(base.ndim) if base.shape[n] == len(labels)][-1]
            return np.take(base, labels.index(node.name.id), axis=axis)
        case syntax.Call():
            return call(node, world)
    raise TypeError(node)


def place(node: syntax.Expr | syntax.Slice, world: World) -> Any:
    if isinstance(node, syntax.Slice):
        ends = [None if e is None else evaluate(e, world) for e in (node.start, node.stop)]
        return slice(*ends)
    return evaluate(node, world)


def call(node: syntax.Call, world: World) -> Any:
    name = node.function.id
    if name in world.functions:
        definition = world.functions[name]
        values = [evaluate(a.value, world) for a in node.arguments]
        inner = World(world.sizes, world.labels, dict(world.arrays), world.functions)
        inner.arrays.update(zip((p.id for p in definition.parameters), values, strict=True))
        for local in definition.locals:
            inner.arrays[local.name.id] = evaluate(local.value, inner)
        return evaluate(definition.value, inner)
    if node.loop is not None:
        bound = {b.name.id: range(world.sizes[b.dim.id])[place(b.range, world) if b.range else slice(None)]
                 for b in node.loop.bindings}  # fmt: skip
        return REDUCTIONS[name](terms(node, world, bound, node.loop.condition), axis=0)
    names = [a.value.id for a in node.arguments[1:] if isinstance(a.value, syntax.Name) and a.value.id in world.sizes]
    if name == "length":
        assert isinstance(node.arguments[0].value, syntax.Name)
        return world.sizes[node.arguments[0].value.id]
    if name == "fill":
        value = np.asarray(evaluate(node.arguments[0].value, world))
        return np.broadcast_to(value, (*(world.sizes[d] for d in names), *value.shape))
    if name in REDUCTIONS and names:
        body = node.arguments[0].value
        if isinstance(body, syntax.Name):
            # A whole matrix over one of its dims: which one is told apart by its size in these tests.
            array = np.asarray(world.arrays[body.id])
            return REDUCTIONS[name](
                array, axis=[n for n in range(array.ndim) if array.shape[n] == world.sizes[names[0]]][-1]
            )
        return REDUCTIONS[name](terms(node, world, {d: range(world.sizes[d]) for d in names}, None), axis=0)
    values = [number(evaluate(a.value, world)) for a in node.arguments]
    if name in ("max", "min"):
        pick = (np.maximum, np.minimum) if len(values) > 1 else (np.max, np.min)
        return pick[name == "min"](*values)
    return (ELEMENTWISE.get(name) or WHOLE[name])(*values)


def terms(node: syntax.Call, world: World, bound: Mapping[str, Any], condition: syntax.Expr | None) -> np.ndarray:
    found = []
    for positions in itertools.product(*bound.values()):
        inner = world.at(**dict(zip(bound, positions, strict=True)))
        if condition is None or evaluate(condition, inner):
            found.append(number(np.asarray(evaluate(node.arguments[0].value, inner))))
    return np.array(found)


def assigned(statement: syntax.Assign, world: World) -> np.ndarray:
    """The array that `v[obs] = expr` or `v = expr` defines; the indices on the left are dims' own names."""
    target = statement.targets[0]
    dims = [i.id for i in target.indices if isinstance(i, syntax.Name)]
    sizes = [world.sizes[d] for d in dims]
    elements = [
        np.asarray(evaluate(statement.value, world.at(**dict(zip(dims, positions, strict=True)))), dtype=float)
        for positions in itertools.product(*map(range, sizes))
    ]
    return np.array(elements).reshape((*sizes, *elements[0].shape))
