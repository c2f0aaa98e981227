"""From a JAX function to its law: its jaxpr, run on arrays of nodes.

What does not depend on the inputs is computed as JAX would. What only moves elements about is done to the numbers of
nodes; what is linear, to unit vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn, Literal
from numpy.typing import NDArray

from ppl.hardware.laws.law import Builder, Law

# Steps beyond which no circuit is made of a function.
MOST_STEPS = 50_000
# Of a linear operation's matrix.
_MOST_ENTRIES = 2**24

_NAMED = {
    "exp": "exp",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "sqrt": "sqrt",
    "tanh": "tanh",
    "sin": "sin",
    "cos": "cos",
    "abs": "abs",
    "sign": "sign",
    "floor": "floor",
    "erf": "erf",
    "lgamma": "lgamma",
    "digamma": "digamma",
    "mul": "multiply",
    "div": "divide",
    "pow": "power",
    "max": "max",
    "min": "min",
    "lt": "less",
    "le": "less_equal",
    "eq": "equal",
}
_MOVES = {
    "broadcast_in_dim",
    "reshape",
    "transpose",
    "squeeze",
    "slice",
    "rev",
    "dynamic_slice",
    "expand_dims",
    "copy",
    "copy_p",
    "reduce_precision",
}
_SAME = {"convert_element_type", "stop_gradient", "optimization_barrier"}
_LINEAR = {"cumsum", "triangular_solve", "scatter-add", "reduce_window_sum"}
_INSIDE = ("jaxpr", "call_jaxpr", "fun_jaxpr")


class NoLaw(Exception):
    """What a function does that scalar operations cannot say."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """An array that depends on the inputs: the number of a node at each place."""

    at: NDArray[np.int32]


Value = Any  # a JAX or NumPy array, or Nodes


def traced(function: Callable[[jax.Array], Sequence[jax.Array]], inputs: int) -> tuple[Law, list[tuple[int, ...]]]:
    """function: (inputs,) float64 -> arrays. The law gives their elements one after the other; and their shapes.

    Raises:
        NoLaw: it loops by conditions on its inputs, or has operations that there are no words for.
    """
    builder = Builder(inputs)
    nodes = trace_into(builder, function)
    return builder.law([int(node) for one in nodes for node in one.ravel()]), [one.shape for one in nodes]


def trace_into(builder: Builder, function: Callable[[jax.Array], Sequence[jax.Array]]) -> list[NDArray[np.int32]]:
    """The nodes of a builder for the elements of what a function of its inputs gives, as in `traced`. Raises NoLaw."""
    with jax.enable_x64(True):
        closed = jax.make_jaxpr(function)(jnp.zeros(builder.inputs))
        maker = _Maker(builder)
        found = maker.run(closed.jaxpr, closed.consts, [Nodes(np.arange(builder.inputs, dtype=np.int32))])
    return [maker.nodes(value) for value in found]


class _Maker:
    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    def run(self, jaxpr: Jaxpr, constants: Sequence[Value], arguments: Sequence[Value]) -> list[Value]:
        known: dict[Any, Value] = dict(zip(jaxpr.constvars, constants, strict=True))
        known |= dict(zip(jaxpr.invars, arguments, strict=True))

        def read(one: Any) -> Value:
            return one.val if isinstance(one, Literal) else known[one]

        for equation in jaxpr.eqns:
            values = [read(one) for one in equation.invars]
            inside = _inside(equation)
            if inside is not None:
                results = self.run(*inside, values)
            elif any(isinstance(value, Nodes) for value in values):
                results = self.apply(equation, values)
            else:
                results = _evaluated(equation, values)
            known |= dict(zip(equation.outvars, results, strict=True))
            if len(self.builder.steps) > MOST_STEPS:
                raise NoLaw(f"it takes more than {MOST_STEPS:,} scalar operations")
        return [read(one) for one in jaxpr.outvars]

    def nodes(self, value: Value) -> NDArray[np.int32]:
        if isinstance(value, Nodes):
            return value.at
        array = np.asarray(value, np.float64)
        distinct, where = np.unique(array, return_inverse=True)
        made = np.array([self.builder.constant(one) for one in distinct], np.int32)
        return made[where].reshape(array.shape)

    def apply(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        """One primitive, of which some operands depend on the inputs."""
        name = equation.primitive.name
        if name in _NAMED:
            return [self.elementwise(lambda *n: self.builder.apply(_NAMED[name], *n), values)]
        if name in _SAME:
            return values
        if name in _MOVES:
            return [self.moved(equation, values)]
        if name in _LINEAR:
            return [self.linear(equation, values)]
        method = getattr(self, "do_" + name.replace("-", "_"), None)
        if method is None:
            raise NoLaw(f"`{name}` is no operation of a circuit")
        found: list[Value] = method(equation, values)
        return found

    def elementwise(self, make: Callable[..., int], values: Sequence[Value]) -> Nodes:
        arrays = np.broadcast_arrays(*(self.nodes(value) for value in values))
        found = [make(*map(int, each)) for each in zip(*(one.ravel() for one in arrays), strict=True)]
        return Nodes(np.array(found, np.int32).reshape(arrays[0].shape))

    def moved(self, equation: JaxprEqn, values: list[Value]) -> Nodes:
        if not isinstance(values[0], Nodes) or any(isinstance(value, Nodes) for value in values[1:]):
            raise NoLaw(f"where `{equation.primitive.name}` looks depends on the units")
        (found,) = _evaluated(equation, [jnp.asarray(values[0].at), *values[1:]])
        return Nodes(np.asarray(found, np.int32))

    def linear(self, equation: JaxprEqn, values: list[Value]) -> Nodes:
        """Of the operands that depend on the inputs, if it is linear in all of them together."""
        own = [at for at, value in enumerate(values) if isinstance(value, Nodes)]
        if equation.primitive.name == "triangular_solve" and own != [1]:
            raise NoLaw("a system of equations whose matrix depends on the units")
        if equation.primitive.name == "scatter-add":
            if 1 in own:
                raise NoLaw("where `scatter-add` looks depends on the units")
            own = [0, 2]
        arrays = [self.nodes(values[at]) for at in own]
        sizes = [array.size for array in arrays]
        outputs = int(np.prod(_shape(equation)))
        if sum(sizes) * outputs > _MOST_ENTRIES:
            raise NoLaw(f"`{equation.primitive.name}` of so many elements")

        def act(flat: jax.Array) -> jax.Array:
            parts = jnp.split(flat, np.cumsum(sizes)[:-1])
            filled = list(values)
            for at, part, array in zip(own, parts, arrays, strict=True):
                filled[at] = part.reshape(array.shape)
            made: jax.Array = _evaluated(equation, filled)[0].ravel()
            return made

        matrix = np.asarray(jax.vmap(act)(jnp.eye(sum(sizes))))  # (inputs, outputs)
        flat = np.concatenate([array.ravel() for array in arrays])
        return self.mixed(matrix, flat, _shape(equation))

    def mixed(self, matrix: NDArray[np.float64], flat: NDArray[np.int32], shape: tuple[int, ...]) -> Nodes:
        """matrix: (nodes, outputs)."""
        found = []
        for column in matrix.T:
            (there,) = np.nonzero(column)
            found.append(self.builder.combine([(float(column[at]), int(flat[at])) for at in there]))
        return Nodes(np.array(found, np.int32).reshape(shape))

    # --- primitives with an own rule ----------------------------------------------------------------

    def do_add(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.elementwise(lambda a, b: self.builder.combine([(1, a), (1, b)]), values)]

    do_add_any = do_add

    def do_sub(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.elementwise(lambda a, b: self.builder.combine([(1, a), (-1, b)]), values)]

    def do_neg(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.elementwise(lambda a: self.builder.combine([(-1, a)]), values)]

    def do_square(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.elementwise(lambda a: self.builder.apply("multiply", a, a), values)]

    def do_integer_pow(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        power: int = equation.params["y"]

        def raised(a: int) -> int:
            made = self.builder.constant(1)
            for _ in range(abs(power)):
                made = self.builder.apply("multiply", made, a)
            return made if power >= 0 else self.builder.apply("divide", self.builder.constant(1), made)

        return [self.elementwise(raised, values)]

    def do_rsqrt(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        one = self.builder.constant(1)
        apply = self.builder.apply
        return [self.elementwise(lambda a: apply("divide", one, apply("sqrt", a)), values)]

    def do_logistic(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        """(1 + tanh(a / 2)) / 2, which overflows nowhere."""
        combine, apply = self.builder.combine, self.builder.apply
        return [self.elementwise(lambda a: combine([(0.5, apply("tanh", combine([(0.5, a)])))], 0.5), values)]

    def do_erfc(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.elementwise(lambda a: self.builder.combine([(-1, self.builder.apply("erf", a))], 1), values)]

    def do_gt(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.elementwise(lambda a, b: self.builder.apply("less", b, a), values)]

    def do_ge(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.elementwise(lambda a, b: self.builder.apply("less_equal", b, a), values)]

    def do_ne(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        builder = self.builder
        return [self.elementwise(lambda a, b: builder.combine([(-1, builder.apply("equal", a, b))], 1), values)]

    def do_not(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.elementwise(lambda a: self.builder.combine([(-1, a)], 1), values)]

    def do_and(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.elementwise(lambda a, b: self.builder.apply("multiply", a, b), values)]

    def do_or(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.elementwise(lambda a, b: self.builder.apply("max", a, b), values)]

    def do_is_finite(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        """Circuits have no infinities."""
        return [np.ones(_shape(equation), np.bool_)]

    def do_clamp(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        apply = self.builder.apply
        return [self.elementwise(lambda low, a, high: apply("min", apply("max", a, low), high), values)]

    def do_select_n(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        if len(values) != 3:
            raise NoLaw("a choice between more than two")
        which, *cases = values
        if isinstance(which, Nodes):
            return [self.elementwise(lambda p, a, b: self.builder.apply("select", p, a, b), values)]
        return [Nodes(np.where(np.asarray(which), self.nodes(cases[1]), self.nodes(cases[0])))]

    def do_reduce_sum(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.reduced(equation, values, lambda each: self.builder.combine([(1, node) for node in each]))]

    def do_reduce_max(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.reduced(equation, values, lambda each: self.folded("max", each))]

    def do_reduce_min(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.reduced(equation, values, lambda each: self.folded("min", each))]

    def do_reduce_prod(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.reduced(equation, values, lambda each: self.folded("multiply", each))]

    do_reduce_or = do_reduce_max
    do_reduce_and = do_reduce_min

    def folded(self, operation: str, nodes: Sequence[int]) -> int:
        made = nodes[0]
        for node in nodes[1:]:
            made = self.builder.apply(operation, made, node)
        return made

    def reduced(self, equation: JaxprEqn, values: list[Value], make: Callable[[list[int]], int]) -> Nodes:
        axes = tuple(equation.params["axes"])
        array = self.nodes(values[0])
        rows = np.moveaxis(array, axes, range(-len(axes), 0))
        shape = rows.shape[: array.ndim - len(axes)]
        made = [make(row.tolist()) for row in rows.reshape(int(np.prod(shape)), -1)]
        return Nodes(np.array(made, np.int32).reshape(shape))

    def do_concatenate(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [Nodes(np.concatenate([self.nodes(value) for value in values], axis=equation.params["dimension"]))]

    def do_stack(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [Nodes(np.stack([self.nodes(value) for value in values], axis=equation.params["axis"]))]

    def do_gather(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        operand, indices = values
        if not isinstance(indices, Nodes):
            return [self.moved(equation, values)]
        numbers = equation.params["dimension_numbers"]
        if numbers.offset_dims or len(numbers.start_index_map) != 1:
            raise NoLaw("an element is looked up by more than one of the units, or a whole row of elements")
        # What there is at each place, and of those the one that is looked up.
        shape = _shape(equation)
        sizes = operand.at.shape if isinstance(operand, Nodes) else np.shape(operand)
        places = [
            self.ids(equation, [operand, np.full(indices.at.shape, place, np.int32)], (0,))[0].at
            for place in range(sizes[numbers.start_index_map[0]])
        ]
        known = [self.builder.constant(place) for place in range(len(places))]

        def looked_up(index: int, *found: int) -> int:
            made = found[0]
            for place, one in zip(known[1:], found[1:], strict=True):
                made = self.builder.apply("select", self.builder.apply("equal", index, place), made, one)
            return made

        return [self.elementwise(looked_up, [Nodes(indices.at.reshape(shape)), *map(Nodes, places)])]

    def do_pad(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        nodes = [jnp.asarray(self.nodes(value)) for value in values]
        return [Nodes(np.asarray(_evaluated(equation, nodes)[0]))]

    def do_scatter(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return [self.put(equation, values, 1)]

    def do_dynamic_update_slice(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        (found,) = self.ids(equation, values, (0, 1))
        return [found]

    def put(self, equation: JaxprEqn, values: list[Value], indices: int) -> Nodes:
        (found,) = self.ids(equation, values, tuple(at for at in range(len(values)) if at != indices))
        return found

    def ids(self, equation: JaxprEqn, values: list[Value], own: tuple[int, ...]) -> list[Nodes]:
        """The primitive on numbers of nodes, in the operands `own`; of others it must know the values."""
        if any(isinstance(value, Nodes) and at not in own for at, value in enumerate(values)):
            raise NoLaw(f"where `{equation.primitive.name}` looks depends on the units")
        filled = [jnp.asarray(self.nodes(v)) if at in own else v for at, v in enumerate(values)]
        return [Nodes(np.asarray(found, np.int32)) for found in _evaluated(equation, filled)]

    def do_split(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return list(self.ids(equation, values, (0,)))

    def do_unstack(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        return list(self.ids(equation, values, (0,)))

    def do_dot_general(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        (contracted, batch) = equation.params["dimension_numbers"]
        left = _as_rows(self.nodes(values[0]), batch[0], contracted[0])  # (batches, rows, contracted)
        right = _as_rows(self.nodes(values[1]), batch[1], contracted[1])

        def product(row: NDArray[np.int32], column: NDArray[np.int32]) -> int:
            apply = self.builder.apply
            return self.builder.combine(
                [(1, apply("multiply", int(a), int(b))) for a, b in zip(row, column, strict=True)]
            )

        found = [product(row, column) for mine, its in zip(left, right, strict=True) for row in mine for column in its]
        return [Nodes(np.array(found, np.int32).reshape(_shape(equation)))]

    def do_scan(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        """One turn after the other."""
        params = equation.params
        closed, length = params["jaxpr"], params["length"]
        first, carried = params["num_consts"], params["num_carry"]
        fixed, carry, rows = values[:first], values[first : first + carried], values[first + carried :]
        stacked: list[list[NDArray[np.int32]]] = [[] for _ in closed.jaxpr.outvars[carried:]]
        for turn in range(length):
            at = length - 1 - turn if params["reverse"] else turn
            own = [Nodes(row.at[at]) if isinstance(row, Nodes) else row[at] for row in rows]
            results = self.run(closed.jaxpr, closed.consts, [*fixed, *carry, *own])
            carry = results[:carried]
            for column, value in zip(stacked, results[carried:], strict=True):
                column.append(self.nodes(value))
        ordered = [column[::-1] if params["reverse"] else column for column in stacked]
        shapes = [_shape(equation, at) for at in range(carried, len(equation.outvars))]
        return [*carry, *(Nodes(np.array(c, np.int32).reshape(s)) for c, s in zip(ordered, shapes, strict=True))]

    def do_cond(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        if isinstance(values[0], Nodes):
            raise NoLaw("a branch that depends on the units")
        branch = equation.params["branches"][int(values[0])]
        return self.run(branch.jaxpr, branch.consts, values[1:])


def _inside(equation: JaxprEqn) -> tuple[Jaxpr, Sequence[Value]] | None:
    """Of a primitive that only calls a function, that function and its constants."""
    if equation.primitive.name == "scan":
        return None
    found = next((equation.params[key] for key in _INSIDE if key in equation.params), None)
    return None if found is None else (getattr(found, "jaxpr", found), getattr(found, "consts", ()))


def _shape(equation: JaxprEqn, at: int = 0) -> tuple[int, ...]:
    aval: Any = equation.outvars[at].aval
    return tuple(aval.shape)


def _evaluated(equation: JaxprEqn, values: Sequence[Value]) -> list[Any]:
    with jax.ensure_compile_time_eval():
        bind: Any = equation.primitive.bind
        found = bind(*values, **equation.params)
    return list(found) if equation.primitive.multiple_results else [found]


def _as_rows(array: NDArray[np.int32], batch: Sequence[int], contracted: Sequence[int]) -> NDArray[np.int32]:
    """(batches, rows, contracted)."""
    free = [axis for axis in range(array.ndim) if axis not in (*batch, *contracted)]
    ordered = array.transpose(*batch, *free, *contracted)
    sizes = [int(np.prod([array.shape[axis] for axis in axes])) for axes in (batch, free, contracted)]
    return ordered.reshape(sizes)
