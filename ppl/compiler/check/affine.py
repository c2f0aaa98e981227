"""Indices that are sums of bound indices and constants: `t - 1`, `2 * i + j`."""

from __future__ import annotations

from ppl.compiler.check.scope import Scope, TreeExpr
from ppl.grammar import nodes as syntax
from ppl.graph import Axis, Literal, Position


def affine(scope: Scope, node: TreeExpr) -> tuple[dict[Axis, int], int] | None:
    """An index that is a sum of bound indices with whole coefficients, and a constant; None if it is not."""
    match node:
        case syntax.Number():
            return ({}, node.value) if isinstance(node.value, int) else None
        case syntax.Name():
            if node.id in scope.parameters:
                match scope.parameters[node.id]:
                    case Position(axis=axis):
                        return {axis: 1}, 0
                    case Literal(value=int() as value) if not isinstance(value, bool):
                        return {}, value
                return None
            binding = scope.indices.get(node.id)
            return None if binding is None else ({binding.axis: 1}, 0)
        case syntax.Unary(op="-"):
            inner = affine(scope, node.operand)
            return None if inner is None else _scaled(inner, -1)
        case syntax.Binary(op="+" | "-" as op):
            left, right = affine(scope, node.left), affine(scope, node.right)
            if left is None or right is None:
                return None
            terms, offset = _scaled(right, 1 if op == "+" else -1)
            merged = dict(left[0])
            for axis, c in terms.items():
                merged[axis] = merged.get(axis, 0) + c
            return {axis: c for axis, c in merged.items() if c}, left[1] + offset
        case syntax.Binary(op="*"):
            left, right = affine(scope, node.left), affine(scope, node.right)
            if left is None or right is None or (left[0] and right[0]):
                return None
            return _scaled(right, left[1]) if not left[0] else _scaled(left, right[1])
    return None


def _scaled(form: tuple[dict[Axis, int], int], factor: int) -> tuple[dict[Axis, int], int]:
    return {axis: c * factor for axis, c in form[0].items() if c * factor}, form[1] * factor
