"""Functions of the catalogue applied: elementwise, along dims, and on vectors and matrices."""

from __future__ import annotations

from ppl.catalogue.functions import FUNCTIONS
from ppl.compiler.lowering import functions
from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.guards import Guard, can_fail
from ppl.compiler.lowering.named import BOOL, INT, REAL, DType, Named, aligned, broadcast, dtype_of, union
from ppl.compiler.lowering.predictor import linear_predictor
from ppl.graph import Apply, Expr, Literal


def apply(lowering: Context, expr: Apply) -> Named:
    """The function of its arguments."""
    name = expr.function
    spec = FUNCTIONS[name]
    if spec.shape == "elementwise":
        return _elementwise(lowering, expr)
    if name == "matmul" and lowering.records and _is_data_times_vector(lowering, expr):
        return _data_times_vector(lowering, expr)
    dtype = dtype_of(expr.meta.element) if spec.result == "same" else REAL
    values = [lowering.value(argument, dtype) for argument in expr.arguments]
    axes = union(values)
    arrays = [aligned(lowering.xp, v, axes, v.rank) for v in values]
    if spec.shape == "reduce":
        positions = tuple(range(len(axes), arrays[0].ndim))
        return Named(functions.REDUCTIONS[name](lowering.xp, arrays[0], positions), axes)
    if spec.shape == "last":
        return Named(functions.LAST[name](lowering.xp, arrays[0]), axes)
    return Named(functions.MATRIX[name](lowering.xp, len(axes), *arrays), axes)


# --- a matrix of data times a vector -----------------------------------------------------------------


def _is_data_times_vector(lowering: Context, expr: Apply) -> bool:
    a, b = expr.arguments
    fixed = lowering.program.kind(a) == "data" and not a.meta.axes
    return fixed and len(a.meta.event) == 2 and len(b.meta.event) == 1 and not b.meta.axes


def _data_times_vector(lowering: Context, expr: Apply) -> Named:
    """`X @ b` as b X', with X' made when the model is compiled: see `contraction`."""
    matrix, vector = expr.arguments
    key = (id(matrix), "transposed")
    transposed = lowering.recorded(key, (), lambda data: Named(data.value(matrix, REAL).array.T))
    return Named(lowering.xp.matmul(lowering.value(vector, REAL).array, transposed.array))


# --- elementwise -------------------------------------------------------------------------------------


def _elementwise(lowering: Context, expr: Apply) -> Named:
    name, arguments = expr.function, expr.arguments
    if name in ("add", "subtract") and lowering.records and not lowering.guards and not expr.meta.event:
        total = linear_predictor(lowering, expr)
        if total is not None:
            return total
    if name == "power" and isinstance(arguments[1], Literal) and isinstance(arguments[1].value, int):
        base = lowering.value(arguments[0], REAL)
        return Named(base.array ** int(arguments[1].value), base.axes)
    dtypes = _argument_dtypes(expr)
    if name == "where" and lowering.records:
        values = _branches(lowering, arguments, dtypes)
    else:
        values = [lowering.value(a, d) for a, d in zip(arguments, dtypes, strict=True)]
    axes, arrays = broadcast(lowering.xp, values)
    return Named(functions.ELEMENTWISE[name](lowering.xp, *arrays), axes)


def _argument_dtypes(expr: Apply) -> list[DType]:
    """What the arguments of an elementwise function are computed in."""
    name, arguments, spec = expr.function, expr.arguments, FUNCTIONS[expr.function]
    if name in ("and", "or", "not"):
        return [BOOL] * len(arguments)
    if spec.result == "bool":
        real = any(dtype_of(a.meta.element) == REAL for a in arguments)
        return [REAL if real else INT] * len(arguments)
    result = dtype_of(expr.meta.element) if spec.result == "same" else REAL
    if result == BOOL:
        result = INT
    return [BOOL, result, result] if name == "where" else [result] * len(arguments)


def _branches(lowering: Context, arguments: tuple[Expr, ...], dtypes: list[DType]) -> list[Named]:
    """A condition and its two branches, each guarded where the other one is taken."""
    condition = lowering.value(arguments[0], BOOL)
    values = [condition]
    for branch, dtype, taken in zip(arguments[1:], dtypes[1:], (True, False), strict=True):
        inner = lowering
        if lowering.program.kind(branch) == "live" and can_fail(branch):
            mask = condition if taken else Named(lowering.xp.logical_not(condition.array), condition.axes)
            inner = lowering.guarded_by(Guard(mask, (id(arguments[0]), taken)))
        values.append(inner.value(branch, dtype))
    return values
