"""The functions of the catalogue on arrays, in NumPy (for what depends on data alone) and in JAX.

Every rule takes the array module first (`numpy` or `jax.numpy`), so that both evaluations have one definition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

import jax
import jax.numpy as jnp
import jax.scipy.linalg
import jax.scipy.special
import numpy as np
import scipy.special

from ppl.compiler.lowering.interpolation import interp
from ppl.compiler.lowering.named import Array

Rule = Callable[..., Array]


def _special(name: str) -> Rule:
    """A function that SciPy and JAX give the same name."""
    on_numpy = getattr(scipy.special, name)
    on_jax = getattr(jax.scipy.special, name)
    return lambda xp, *x: on_numpy(*x) if xp is np else on_jax(*x)


def _named(name: str) -> Rule:
    """A function of the array module."""
    return lambda xp, *x: getattr(xp, name)(*x)


def _softplus(xp: ModuleType, x: Array) -> Array:
    return xp.logaddexp(x, xp.zeros_like(x))


def _sigmoid(xp: ModuleType, x: Array) -> Array:
    return scipy.special.expit(x) if xp is np else jax.nn.sigmoid(x)


# Arguments arrive with equal dtypes (of the catalogue's `result` rule) and ranks; sizes broadcast.
ELEMENTWISE: Mapping[str, Rule] = {
    **{
        name: _named(numpy_name)
        for name, numpy_name in {
            "add": "add",
            "subtract": "subtract",
            "multiply": "multiply",
            "divide": "divide",
            "floor_divide": "floor_divide",
            "remainder": "remainder",
            "power": "power",
            "negative": "negative",
            "less": "less",
            "less_equal": "less_equal",
            "greater": "greater",
            "greater_equal": "greater_equal",
            "equal": "equal",
            "not_equal": "not_equal",
            "and": "logical_and",
            "or": "logical_or",
            "not": "logical_not",
            "where": "where",
            "exp": "exp",
            "expm1": "expm1",
            "log": "log",
            "log1p": "log1p",
            "log2": "log2",
            "log10": "log10",
            "sqrt": "sqrt",
            "square": "square",
            "abs": "abs",
            "sign": "sign",
            "sin": "sin",
            "cos": "cos",
            "tan": "tan",
            "asin": "arcsin",
            "acos": "arccos",
            "atan": "arctan",
            "atan2": "arctan2",
            "sinh": "sinh",
            "cosh": "cosh",
            "tanh": "tanh",
            "floor": "floor",
            "ceil": "ceil",
            "round": "round",
            "maximum": "maximum",
            "minimum": "minimum",
            "log_add_exp": "logaddexp",
        }.items()
    },
    "sigmoid": _sigmoid,
    "log_sigmoid": lambda xp, x: -_softplus(xp, -x),
    "logit": lambda xp, x: xp.log(x) - xp.log1p(-x),
    "softplus": _softplus,
    "relu": lambda xp, x: xp.maximum(x, xp.zeros_like(x)),
    "lgamma": _special("gammaln"),
    "digamma": _special("digamma"),
    "erf": _special("erf"),
    "erfc": _special("erfc"),
    "Phi": _special("ndtr"),
    "log_Phi": _special("log_ndtr"),
    "probit": _special("ndtri"),
}


def logsumexp(xp: ModuleType, x: Array, axis: tuple[int, ...]) -> Array:
    """log(sum(exp(x))) over the dims `axis`."""
    return scipy.special.logsumexp(x, axis=axis) if xp is np else jax.scipy.special.logsumexp(x, axis=axis)


# Over the given positions of one array.
REDUCTIONS: Mapping[str, Rule] = {
    "sum": lambda xp, x, axis: xp.sum(x, axis=axis),
    "prod": lambda xp, x, axis: xp.prod(x, axis=axis),
    "mean": lambda xp, x, axis: xp.mean(x, axis=axis),
    "max": lambda xp, x, axis: xp.max(x, axis=axis),
    "min": lambda xp, x, axis: xp.min(x, axis=axis),
    "logsumexp": logsumexp,
    "sd": lambda xp, x, axis: xp.std(x, axis=axis, ddof=1),
    "variance": lambda xp, x, axis: xp.var(x, axis=axis, ddof=1),
}


def _log_softmax(xp: ModuleType, x: Array) -> Array:
    return scipy.special.log_softmax(x, axis=-1) if xp is np else jax.nn.log_softmax(x, axis=-1)


def _softmax(xp: ModuleType, x: Array) -> Array:
    return scipy.special.softmax(x, axis=-1) if xp is np else jax.nn.softmax(x, axis=-1)


def _barrier(x: Array) -> Array:
    return jax.lax.optimization_barrier(x)  # type: ignore[no-untyped-call]  # JAX gives it no types


def _cumsum(xp: ModuleType, x: Array) -> Array:
    if xp is np:
        return np.cumsum(x, axis=-1)
    # Barriers on both sides, and so on both sides of its transpose: XLA 0.10.2 miscompiles a short running sum of a
    # padded vector for a batch (`jit(vmap(grad(lambda x: lax.cumsum(x[:3])[1] ** 2)))`).
    total: Array = jax.lax.cumsum(_barrier(x), axis=x.ndim - 1)
    return _barrier(total)


# Along the last dim of one array.
LAST: Mapping[str, Rule] = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "cumsum": _cumsum,
    "sort": lambda xp, x: xp.sort(x, axis=-1),
}


def _same_batch(xp: ModuleType, batch: int, *arrays: Array) -> list[Array]:
    """The arrays with their leading `batch` sizes made equal."""
    sizes = np.broadcast_shapes(*(a.shape[:batch] for a in arrays))
    return [a if a.shape[:batch] == sizes else xp.broadcast_to(a, sizes + a.shape[batch:]) for a in arrays]


def matmul(xp: ModuleType, batch: int, a: Array, b: Array) -> Array:
    """Of two vectors or matrices, for each element of `batch` leading dims."""
    rank_a, rank_b = a.ndim - batch, b.ndim - batch
    if rank_a == rank_b == 1:
        return xp.sum(a * b, axis=-1)
    left = a if rank_a == 2 else xp.expand_dims(a, -2)
    right = b if rank_b == 2 else xp.expand_dims(b, -1)
    product = xp.matmul(left, right)
    if rank_a == 1:
        return xp.squeeze(product, -2)
    return xp.squeeze(product, -1) if rank_b == 1 else product


def _solve(xp: ModuleType, batch: int, a: Array, b: Array) -> Array:
    a, b = _same_batch(xp, batch, a, b)
    if b.ndim == a.ndim:
        return xp.linalg.solve(a, b)
    return xp.squeeze(xp.linalg.solve(a, xp.expand_dims(b, -1)), -1)


def _solve_lower(xp: ModuleType, batch: int, a: Array, b: Array) -> Array:
    if xp is np:
        return _solve(np, batch, np.tril(a), b)
    a, b = _same_batch(xp, batch, a, b)
    if b.ndim == a.ndim:
        return jax.scipy.linalg.solve_triangular(a, b, lower=True)
    return jnp.squeeze(jax.scipy.linalg.solve_triangular(a, jnp.expand_dims(b, -1), lower=True), -1)


def _diag(xp: ModuleType, batch: int, x: Array) -> Array:
    eye = xp.eye(x.shape[-1], dtype=x.dtype)
    return xp.expand_dims(x, -1) * xp.reshape(eye, (1,) * batch + eye.shape)


# On vectors and matrices, for each element of `batch` leading dims.
MATRIX: Mapping[str, Rule] = {
    "dot": matmul,
    "matmul": matmul,
    "cholesky": lambda xp, batch, a: xp.linalg.cholesky(a),
    "inverse": lambda xp, batch, a: xp.linalg.inv(a),
    "logdet": lambda xp, batch, a: xp.linalg.slogdet(a)[1],
    "trace": lambda xp, batch, a: xp.trace(a, axis1=-2, axis2=-1),
    "solve": _solve,
    "solve_lower": _solve_lower,
    "quadratic": lambda xp, batch, x, a: matmul(xp, batch, x, matmul(xp, batch, a, x)),
    "diag": _diag,
    "diagonal": lambda xp, batch, a: xp.diagonal(a, axis1=-2, axis2=-1),
    "transpose": lambda xp, batch, a: xp.swapaxes(a, -1, -2),
    "interp": interp,
    "outer": lambda xp, batch, a, b: xp.expand_dims(a, -1) * xp.expand_dims(b, -2),
}
