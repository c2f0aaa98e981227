"""Branches that are not taken must not spoil the gradient.

Of `where(c, f(x), b)` the derivative in x is `c * f'(x)`, and where c is false that is 0 times f'(x), which is NaN
where f' is infinite. So each x that such a branch reads is spread over the elements of c first, and its derivative
replaced by 0 where c is false.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ppl.catalogue.functions import FUNCTIONS
from ppl.compiler.lowering.named import Array, Named, aligned, union
from ppl.graph import Apply, Expr, Literal, OdeSolve, Position, Read, Reduce, children

# fmt: off
_NEVER_FAIL = frozenset(
    {
        "add", "subtract", "multiply", "negative", "abs", "sign", "square", "sin",
        "cos", "atan", "tanh", "sigmoid", "log_sigmoid", "softplus", "relu", "erf",
        "erfc", "Phi", "floor", "ceil", "round", "maximum", "minimum", "less",
        "less_equal", "greater", "greater_equal", "equal", "not_equal", "and", "or", "not",
        "where", "sum", "mean", "max", "min", "dot", "matmul", "transpose",
        "diagonal", "trace", "outer",
    }
)
# fmt: on


@dataclass(frozen=True, eq=False)
class Guard:
    """mask: where a branch is taken; key: which branch of which conditional."""

    mask: Named
    key: Hashable


def can_fail(expr: Expr) -> bool:
    """Whether some finite argument gives an expression an infinite derivative."""
    if isinstance(expr, OdeSolve) or (isinstance(expr, Apply) and expr.function not in _NEVER_FAIL):
        return True
    return not isinstance(expr, Read) and any(can_fail(child) for child in children(expr))


def keeps_places(expr: Expr) -> bool:
    """Whether an element of the value depends on the same element of its parts, so that a mask over elements is one
    for the parts too. A matrix product mixes elements; a subscript or a stack moves them."""
    match expr:
        case Apply():
            return FUNCTIONS[expr.function].shape == "elementwise"
        case Reduce():
            return expr.operation != "cumsum"
        case _:
            return isinstance(expr, (Literal, Position, Read))


def of_scalars(guards: tuple[Guard, ...]) -> tuple[Guard, ...]:
    """The guards that say nothing of single elements of an array."""
    return tuple(guard for guard in guards if guard.mask.rank == 0)


def guarded(value: Named, guards: tuple[Guard, ...]) -> Named:
    """The value, whose derivative is 0 where one of the guards does not hold."""
    for guard in guards:
        mask = guard.mask
        if mask.rank not in (0, value.rank) or not jnp.issubdtype(value.array.dtype, jnp.floating):
            continue
        axes = union((value, mask))
        array, held = aligned(jnp, value, axes, value.rank), aligned(jnp, mask, axes, value.rank)
        shape = np.broadcast_shapes(array.shape, held.shape)
        value = Named(_guarded(jnp.broadcast_to(array, shape), jnp.broadcast_to(held, shape)), axes)
    return value


@jax.custom_jvp
def _guarded(x: Array, held: Array) -> Array:
    return x


@_guarded.defjvp
def _guarded_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    x, held = primals
    return x, jnp.where(held, tangents[0], np.float64(0))
