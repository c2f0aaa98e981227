"""One initial value problem, by diffrax. Importing this imports diffrax: only models with a differential equation do.

From each time asked for to the next there is a solve of its own, so that every one ends exactly at such a time, and
nothing is interpolated. A solve begins with the average step of the one before; the first, with a hundredth of the time
that the state would take to change by its own size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.lowering.named import Array

Rate = Callable[[Array, Array, Any], Array]
"""(time, state, arguments) -> rate of change, of the shape of the state."""

_TIGHT = 1e-8
_SMALLEST_STEP = 1e-22
"""Of the time between two outputs; below it there is no solution."""


def solve(
    rate: Rate,
    initial: Array,
    start: Array,
    times: Array,
    arguments: Any,
    *,
    stiff: bool,
    rtol: float,
    atol: float,
    max_steps: int,
    forward: bool,
) -> tuple[Array, Array]:
    """The state at each time, (n, ...), and whether it was found, 1.0 or 0.0.

    After a failure (more than `max_steps` between two times, or a state that is not finite) the state is the last that
    was found. forward: differentiable forward, else in reverse.
    """
    method = diffrax.Kvaerno5() if stiff else diffrax.Tsit5() if rtol >= _TIGHT else diffrax.Dopri8()
    adjoint = diffrax.ForwardMode() if forward else diffrax.RecursiveCheckpointAdjoint()

    def to_next(carry: tuple[Array, ...], time: Array) -> tuple[tuple[Array, ...], Array]:
        state, now, step, found = carry
        then = jnp.where(found, time, now)  # once failed, nothing more is tried
        span = jnp.abs(then - now)
        usual = diffrax.PIDController(rtol=rtol, atol=atol, dtmin=_SMALLEST_STEP * span, force_dtmin=False)
        controller = _Beginning(usual.rtol, usual.atol, usual.norm, usual, jnp.minimum(step, span))
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            solution = diffrax.diffeqsolve(
                diffrax.ODETerm(rate),
                method,
                now,
                then,
                None,
                state,
                arguments,
                saveat=diffrax.SaveAt(t1=True),
                stepsize_controller=controller,
                adjoint=adjoint,
                max_steps=max_steps,
                throw=False,
            )
        new = solution.ys[0]
        succeeded = (solution.result == diffrax.RESULTS.successful) & jnp.isfinite(time) & jnp.all(jnp.isfinite(new))
        found = found & succeeded
        new = jnp.where(found, new, state)
        taken = jnp.maximum(solution.stats["num_accepted_steps"], 1).astype(step.dtype)
        step = jnp.where(span > 0, jax.lax.stop_gradient(span) / taken, step)
        return (new, then, step, found), new

    step = jax.lax.stop_gradient(_first_step(rate, initial, start, arguments, rtol, atol))
    carry = (initial, start, step, jnp.all(jnp.isfinite(initial)))
    (_, _, _, found), states = jax.lax.scan(to_next, carry, times)
    return states, found.astype(initial.dtype)


def _first_step(rate: Rate, initial: Array, start: Array, arguments: Any, rtol: float, atol: float) -> Array:
    """A small first step (Hairer, Nørsett and Wanner 1993, section II.4, the first guess)."""
    scale = np.float64(atol) + np.float64(rtol) * jnp.abs(initial)
    state = jnp.sqrt(jnp.mean(jnp.square(initial / scale)))
    change = jnp.sqrt(jnp.mean(jnp.square(rate(start, initial, arguments) / scale)))
    usual = (state > 1e-5) & (change > 1e-5) & jnp.isfinite(change)
    return jnp.where(usual, np.float64(0.01) * state / jnp.where(usual, change, np.float64(1)), np.float64(1e-6))


class _Beginning(diffrax.AbstractAdaptiveStepSizeController[Any, None]):
    """A controller whose first step is given, as an array. (diffrax takes one too, but checks its sign by a call back
    to the host, which keeps a program from being stored.)"""

    rtol: Any
    atol: Any
    norm: Any
    controller: diffrax.PIDController
    first: Array

    def wrap(self, direction: Any) -> _Beginning:
        return self

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, dt0: Any, args: Any, func: Any, error_order: Any) -> Any:
        return self.controller.init(terms, t0, t1, y0, self.first, args, func, error_order)

    def adapt_step_size(self, *given: Any) -> Any:
        return self.controller.adapt_step_size(*given)
