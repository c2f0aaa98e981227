"""Trees of expressions to expressions of the graph."""

from __future__ import annotations

from ppl.catalogue.functions import OPERATORS
from ppl.compiler.check import calls, indexing
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import DEPTH, TOTAL, Scope, TreeExpr
from ppl.compiler.check.shapes import apply, numeric, read_whole, require_bool, sized, too_large
from ppl.grammar import nodes as syntax
from ppl.graph import Expr, Literal, Meta, Position
from ppl.source import Span
from ppl.types import IndexOf, Scalar

_LOGICAL = ("and", "or")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def elaborate(node: TreeExpr, scope: Scope) -> Expr:
    """The expression that a tree says. Reports what is wrong in it, all of it, and abandons."""
    names = scope.names
    if names.exhausted:
        raise Abandon
    names.made += 1
    if names.made > TOTAL:
        names.full = True
        raise too_large(scope, node.span, f"with its functions expanded, the model has more than {TOTAL} operations")
    if names.level >= DEPTH:
        raise too_large(scope, node.span, f"this is inside {DEPTH} other operations")
    names.level += 1
    try:
        return sized(scope, _elaborate(node, scope))
    finally:
        names.level -= 1


def _elaborate(node: TreeExpr, scope: Scope) -> Expr:
    match node:
        case syntax.Number():
            element = Scalar.INT if isinstance(node.value, int) else Scalar.REAL
            return Literal(node.value, Meta((), (), element, node.span))
        case syntax.Boolean():
            return Literal(node.value, Meta((), (), Scalar.BOOL, node.span))
        case syntax.Text():
            raise scope.report.fail(
                "E119", node.span, "a quoted label is an index, not a value", 'use it in brackets: `theta["Choate"]`'
            )
        case syntax.Name():
            return name(node, scope)
        case syntax.Index():
            return indexing.index(node, scope)
        case syntax.Attribute():
            return indexing.attribute(node, scope)
        case syntax.Unary():
            return _unary(node, scope)
        case syntax.Binary():
            left, right = scope.exprs([node.left, node.right])
            return _binary(scope, node.op, left, right, node.span)
        case syntax.Conditional():
            scope.names.guarded += 1
            try:
                parts = scope.exprs([node.test, node.then, node.otherwise])
            finally:
                scope.names.guarded -= 1
            require_bool(scope, parts[0], "the condition")
            return apply(scope, "where", parts, node.span)
        case syntax.Call():
            return calls.call(node, scope)


def name(node: syntax.Name, scope: Scope) -> Expr:
    """A name alone: a parameter, the position of a bound index, or a whole quantity."""
    if node.id in scope.parameters:
        value = scope.parameters[node.id]
        if value is None:
            raise Abandon
        return value
    binding = scope.indices.get(node.id)
    if binding is not None:
        axis = binding.axis
        return Position(axis, Meta((axis,), (), IndexOf(axis.dim), node.span))
    if node.id in scope.names.dims:
        raise indexing.unbound(node, scope)
    quantity = scope.quantity(node)
    if quantity.role == "prediction" and not scope.names.predicting:
        raise scope.report.fail(
            "E119", node.span, f"`{node.id}` is drawn after sampling; the model cannot use it", "predict it again"
        )
    return read_whole(quantity, node.span)


def _unary(node: syntax.Unary, scope: Scope) -> Expr:
    operand = elaborate(node.operand, scope)
    if node.op == "not":
        require_bool(scope, operand, "what `not` takes")
        return apply(scope, "not", [operand], node.span)
    if node.op == "+":
        return numeric(scope, operand)
    if isinstance(operand, Literal) and not isinstance(operand.value, bool):
        return Literal(-operand.value, Meta((), (), operand.meta.element, node.span))
    return apply(scope, "negative", [operand], node.span)


def _binary(scope: Scope, op: str, left: Expr, right: Expr, span: Span) -> Expr:
    if op in _LOGICAL:
        for part in (left, right):
            require_bool(scope, part, f"what `{op}` takes")
    elif op in _COMPARISONS:
        _comparable(scope, left, right)
    return apply(scope, OPERATORS[op], [left, right], span)


def _comparable(scope: Scope, left: Expr, right: Expr) -> None:
    a, b = left.meta.element, right.meta.element
    if isinstance(a, IndexOf) and isinstance(b, IndexOf):
        if a.dim != b.dim:
            raise scope.report.fail(
                "E107", right.meta.span, f"this is an element of `{b.dim}`, but the other side is one of `{a.dim}`"
            )
        return
    for part in (left, right):
        numeric(scope, part)
