"""Laws as programs of JAX or NumPy: steps of one kind whose arguments are there are made at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import scipy.special
from numpy.typing import NDArray

from ppl.hardware.laws.law import Law, Step

Act = Callable[..., Any]
Floats = NDArray[np.float64]


def _acts(xp: ModuleType, special: ModuleType) -> dict[str, Act]:
    """Operations of JAX, or of NumPy and SciPy, by their names in laws."""
    same = ("exp", "expm1", "log", "log1p", "sqrt", "tanh", "sin", "cos", "abs", "sign", "floor")
    return {
        **{name: getattr(xp, name) for name in (*same, "multiply", "divide", "power")},
        "erf": special.erf,
        "lgamma": special.gammaln,
        "digamma": special.digamma,
        "max": xp.maximum,
        "min": xp.minimum,
        "less": lambda a, b: (a < b).astype(a.dtype),
        "less_equal": lambda a, b: (a <= b).astype(a.dtype),
        "equal": lambda a, b: (a == b).astype(a.dtype),
        "select": lambda p, a, b: xp.where(p != 0, b, a),
    }


_JAX = _acts(jnp, jax.scipy.special)
_NUMPY = _acts(np, scipy.special)


def function(law: Law) -> Callable[[jax.Array], jax.Array]:
    """(..., inputs) -> (..., outputs), which can be traced, jitted and vectorised."""
    return _function(law, jnp, _JAX)


def numbers(law: Law) -> Callable[[Floats], Floats]:
    """The same in NumPy, which compiles nothing: for some evaluations. What is not finite is no error."""
    run = _function(law, np, _NUMPY)

    def quietly(x: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(run(x), np.float64)

    return quietly


def _function(law: Law, xp: ModuleType, known: dict[str, Act]) -> Act:
    groups = _groups(law)
    # Where each node lies in the row of values, in the order in which they are made.
    order = np.concatenate([np.arange(law.inputs), *(nodes for nodes, _ in groups)]).astype(np.int64)
    place = np.empty(law.size, np.int64)
    place[order] = np.arange(law.size)
    acts = [_act(law, [law.steps[node - law.inputs] for node in nodes], place, xp, known) for nodes, _ in groups]
    outputs = place[np.array(law.outputs, np.int64)]

    def run(x: Any) -> Any:
        values = xp.asarray(x)
        for act in acts:
            values = xp.concatenate([values, act(values)], axis=-1)
        return values[..., outputs]

    return run


def _groups(law: Law) -> list[tuple[np.ndarray, str]]:
    """Nodes with one operation and all arguments in earlier groups, in order."""
    depth = np.zeros(law.size, np.int64)
    found: dict[tuple[int, str], list[int]] = {}
    for number, step in enumerate(law.steps):
        node = law.inputs + number
        depth[node] = 1 + max((depth[one] for one in step.arguments), default=0)
        found.setdefault((int(depth[node]), step.operation), []).append(node)
    return [(np.array(nodes), operation) for (_, operation), nodes in sorted(found.items())]


def _act(law: Law, steps: list[Step], place: np.ndarray, xp: ModuleType, known: dict[str, Act]) -> Act:
    operation = steps[0].operation
    if operation != "combine":
        columns = [place[list(nodes)] for nodes in zip(*(step.arguments for step in steps), strict=True)]
        return partial(_applied, known[operation], columns)
    used = np.unique(place[np.array([node for step in steps for node in step.arguments], np.int64)])
    weights = np.zeros((len(used), len(steps)))
    for column, step in enumerate(steps):
        rows = np.searchsorted(used, place[list(step.arguments)])
        weights[rows, column] = step.weights
    constant = np.array([step.value for step in steps])
    return partial(_combined, xp, used, weights, constant)


def _applied(act: Act, columns: list[np.ndarray], values: Any) -> Any:
    return act(*(values[..., column] for column in columns))


def _combined(xp: ModuleType, used: np.ndarray, weights: np.ndarray, constant: np.ndarray, values: Any) -> Any:
    shape = (*values.shape[:-1], len(constant))
    start = xp.broadcast_to(xp.asarray(constant, values.dtype), shape)
    return start + values[..., used] @ xp.asarray(weights, values.dtype) if len(used) else start
