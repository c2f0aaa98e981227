"""Differential equations: the solution of each problem, and its derivatives.

Gradients are those of the numerical solution. The derivatives in every number that a problem depends on are carried
along with its state where these are few (forward sensitivities); where they are many, the steps are gone through
backwards (recursive checkpointing). On the predator and prey of `models/` (6 numbers) the first takes 0.5 ms and the
second 1.1; they meet at about 60. The derivatives in the times follow from the rate itself.

A problem whose solution is not found gives NaN. In a density, where that would spoil what does not depend on it, it
stays at the last state that was found, without derivatives, and `Lowering.attempts` tells.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ppl.compiler.lowering.context import Attempt, Context
from ppl.compiler.lowering.kernel import Given, Taking, inside, outside
from ppl.compiler.lowering.named import REAL, Array, Named, cast
from ppl.compiler.lowering.solver import solve
from ppl.graph import Expr, Local, OdeSolve, Read, Whole
from ppl.types import Scalar

FEW = 60
"""Numbers that a problem depends on, up to which their derivatives are carried along."""

Rate: TypeAlias = Callable[[Array, Array, tuple[Array, ...]], Array]

Arrays: TypeAlias = tuple[Array, ...]
Others: TypeAlias = "tuple[Arrays, Array, Array]"
"""What no derivative is wanted in: numbers that the problem depends on, its first time, its times."""
Pair: TypeAlias = "tuple[Array, Array]"
Saved: TypeAlias = "tuple[Callable[[Array], tuple[Array]], Array]"


def solution(lowering: Context, expr: OdeSolve) -> Named:
    """The state at each of the times, `[axes..., time, state...]`: one problem for each element of the axes."""
    if lowering.xp is np:
        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            named = _solution(lowering, expr)
            return Named(np.asarray(named.array), named.axes)
    return _solution(lowering, expr)


def _solution(lowering: Context, expr: OdeSolve) -> Named:
    rate, given = _rate(lowering, expr)
    plates = expr.meta.axes
    parts = [Given("", part, plates) for part in (expr.initial, expr.start, expr.times)]
    arrays = [outside(lowering, item) for item in (*parts, *given)]
    arrays[:3] = [(axes, cast(lowering.xp, array, REAL)) for axes, array in arrays[:3]]
    live = [lowering.xp is not np and lowering.program.kind(item.expr) == "live" for item in (*parts, *given)]
    live = [moves and array.dtype == REAL for moves, (_, array) in zip(live, arrays, strict=True)]

    problem = partial(_problem, expr, rate, tuple(live))
    axes = tuple(dict.fromkeys(a for has, _ in arrays for a in has))
    for axis in reversed(axes):
        problem = jax.vmap(problem, in_axes=tuple(0 if axis in has else None for has, _ in arrays))
    states, found = problem(*(jnp.asarray(array) for _, array in arrays))
    if lowering.attempts is not None:
        lowering.attempts[id(expr), axes] = Attempt(expr, Named(found, axes))
        return Named(states, axes)
    held = jnp.reshape(found > 0, (*found.shape, *(1,) * (states.ndim - found.ndim)))
    return Named(jnp.where(held, states, np.float64(np.nan)), axes)


def _rate(lowering: Context, expr: OdeSolve) -> tuple[Rate, list[Given]]:
    """The rate at one element of the axes, and what else than time and state it is computed from."""
    shape = [lowering.program.size(whole) for whole in expr.initial.meta.event]
    names = {expr.state.name: "state", expr.time.name: "time"}

    def changing(part: Expr) -> Expr | None:
        if not isinstance(part, Local) or part.name not in names:
            return None
        dims = tuple(Whole(d) for d in state_dims) if part.name == expr.state.name else ()
        return Read(names[part.name], dims, taking.meta(part.meta))

    taking = Taking(lowering.program, changing)
    taking.along(expr.meta.axes)
    state_dims = taking.declare("state", shape, Scalar.REAL)
    taking.declare("time", [], Scalar.REAL)
    change = taking.out(expr.rate)
    program, given = taking.kernel(), taking.given

    def rate(time: Array, state: Array, arguments: Arrays) -> Array:
        values = dict(zip((item.name for item in given), arguments, strict=True))
        here = inside(program, jnp, {**values, "time": time, "state": state})
        return jnp.broadcast_to(here.value(change, REAL).array, state.shape)

    return rate, given


# --- one problem -------------------------------------------------------------------------------------


def _problem(
    expr: OdeSolve, rate: Rate, live: tuple[bool, ...], initial: Array, start: Array, times: Array, *arguments: Array
) -> tuple[Array, Array]:
    """The states, and 1.0 if they were found. live: which of what follows it derivatives are wanted in."""
    many = jnp.atleast_1d(times)
    now, at = jax.lax.stop_gradient(start), jax.lax.stop_gradient(many)
    if live[1]:  # to start later is to start from where the state would have been
        initial = initial - rate(now, initial, arguments) * (start - now)
    states, found = _differentiable(expr, rate, (live[0] or live[1], *live[3:]), (initial, *arguments), now, at)
    if live[2]:
        change = jax.vmap(lambda t, y: rate(t, y, arguments))(at, jax.lax.stop_gradient(states))
        later = jnp.reshape(many - at, (-1,) + (1,) * initial.ndim)
        states = states + jnp.where(found > 0, jax.lax.stop_gradient(change), np.float64(0)) * later
    return (states if times.ndim else states[0]), found


def _differentiable(
    expr: OdeSolve, rate: Rate, live: tuple[bool, ...], numbers: Arrays, start: Array, times: Array
) -> tuple[Array, Array]:
    """The states, with derivatives in those of (initial state, arguments...) that are live."""
    free, join = ravel_pytree([x for x, moves in zip(numbers, live, strict=True) if moves])
    fixed = tuple(x for x, moves in zip(numbers, live, strict=True) if not moves)

    def solved(free: Array, fixed: Others, forward: bool) -> tuple[Array, Array]:
        moving, still = iter(join(free)), iter(fixed[0])
        initial, *arguments = (next(moving) if moves else next(still) for moves in live)
        return solve(
            rate,
            initial,
            fixed[1],
            fixed[2],
            tuple(arguments),
            stiff=expr.stiff,
            rtol=expr.rtol,
            atol=expr.atol,
            max_steps=expr.max_steps,
            forward=forward,
        )

    others = (fixed, start, times)
    if not free.size:
        return solved(free, others, True)
    return (_forward if free.size <= FEW else _backward)(solved, free, others)


Solved: TypeAlias = Callable[[Array, Others, bool], tuple[Array, Array]]


def _forward(solved: Solved, free: Array, others: Others) -> tuple[Array, Array]:
    """Derivatives carried along; 0 where there is no solution."""

    @jax.custom_jvp
    def primal(free: Array, others: Others) -> tuple[Array, Array]:
        return solved(free, others, True)

    @primal.defjvp
    def _(
        values: tuple[Array, Others], changes: tuple[Array, object]
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        free, others = values

        def along(direction: Array) -> tuple[Array, Array, Array]:
            return jax.jvp(lambda x: solved(x, others, True), (free,), (direction,), has_aux=True)

        states, derivative, found = jax.vmap(along, out_axes=(None, 0, None))(jnp.eye(free.size, dtype=free.dtype))
        derivative = jnp.where(found > 0, derivative, np.float64(0))
        return (states, found), (jnp.tensordot(changes[0], derivative, 1), jnp.zeros_like(found))

    states, found = primal(free, others)
    return states, found


def _backward(solved: Solved, free: Array, others: Others) -> tuple[Array, Array]:
    """Derivatives by going back through the steps; 0 where there is no solution."""

    @jax.custom_vjp
    def primal(free: Array, others: Others) -> tuple[Array, Array]:
        return solved(free, others, False)

    def forwards(free: Array, others: Others) -> tuple[Pair, Saved]:
        states, back, found = jax.vjp(lambda x: solved(x, others, False), free, has_aux=True)
        return (states, found), (back, found)

    def backwards(saved: Saved, changes: Pair) -> tuple[Array, None]:
        back, found = saved
        (change,) = back(changes[0])
        return jnp.where(found > 0, change, np.float64(0)), None

    primal.defvjp(forwards, backwards)
    states, found = primal(free, others)
    return states, found
