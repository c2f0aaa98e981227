"""Laws as JAX programs: steps of one kind whose arguments are there are made at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special

from ppl.hardware.analogue.law import Law, Step

Act = Callable[..., jax.Array]

_ACTS: dict[str, Act] = {
    "exp": jnp.exp,
    "expm1": jnp.expm1,
    "log": jnp.log,
    "log1p": jnp.log1p,
    "sqrt": jnp.sqrt,
    "tanh": jnp.tanh,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "abs": jnp.abs,
    "sign": jnp.sign,
    "floor": jnp.floor,
    "erf": special.erf,
    "lgamma": special.gammaln,
    "digamma": special.digamma,
    "multiply": jnp.multiply,
    "divide": jnp.divide,
    "power": jnp.power,
    "max": jnp.maximum,
    "min": jnp.minimum,
    "less": lambda a, b: (a < b).astype(a.dtype),
    "less_equal": lambda a, b: (a <= b).astype(a.dtype),
    "equal": lambda a, b: (a == b).astype(a.dtype),
    "select": lambda p, a, b: jnp.where(p != 0, b, a),
}


def function(law: Law) -> Callable[[jax.Array], jax.Array]:
    """(..., inputs) -> (..., outputs), which can be traced, jitted and vectorised."""
    groups = _groups(law)
    # Where each node lies in the row of values, in the order in which they are made.
    order = np.concatenate([np.arange(law.inputs), *(nodes for nodes, _ in groups)]).astype(np.int64)
    place = np.empty(law.size, np.int64)
    place[order] = np.arange(law.size)
    acts = [_act(law, [law.steps[node - law.inputs] for node in nodes], place) for nodes, _ in groups]
    outputs = place[np.array(law.outputs, np.int64)]

    def run(x: jax.Array) -> jax.Array:
        values = jnp.asarray(x)
        for act in acts:
            values = jnp.concatenate([values, act(values)], axis=-1)
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


def _act(law: Law, steps: list[Step], place: np.ndarray) -> Act:
    operation = steps[0].operation
    if operation != "combine":
        columns = [place[list(nodes)] for nodes in zip(*(step.arguments for step in steps), strict=True)]
        return partial(_applied, _ACTS[operation], columns)
    used = np.unique(place[np.array([node for step in steps for node in step.arguments], np.int64)])
    weights = np.zeros((len(used), len(steps)))
    for column, step in enumerate(steps):
        rows = np.searchsorted(used, place[list(step.arguments)])
        weights[rows, column] = step.weights
    constant = np.array([step.value for step in steps])
    return partial(_combined, used, weights, constant)


def _applied(act: Act, columns: list[np.ndarray], values: jax.Array) -> jax.Array:
    return act(*(values[..., column] for column in columns))


def _combined(used: np.ndarray, weights: np.ndarray, constant: np.ndarray, values: jax.Array) -> jax.Array:
    shape = (*values.shape[:-1], len(constant))
    start = jnp.broadcast_to(jnp.asarray(constant, values.dtype), shape)
    return start + values[..., used] @ jnp.asarray(weights, values.dtype) if len(used) else start
