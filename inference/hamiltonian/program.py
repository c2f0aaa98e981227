"""The one compiled program of a run: a chain taken a number of iterations further, whatever phase it is in.

Finding a start, finding a step size, warmup and sampling are transitions of one kernel with different arguments, so
that the program has the gradient in it once and compiles once:

- EVALUATE: one step of size 0, which leaves the position and evaluates its density and gradient; if they are not
  finite, another position uniform on (−2, 2)^n is tried.
- SEARCH: one step from the current point; the step size doubles or halves until the acceptance crosses 0.8
  (Hoffman & Gelman 2014, algorithm 4, with Stan's threshold).
- RUN: an iteration of the chain, with dual averaging while it is warming up.
- FAILED: no start was found.
- REFRESH + another: the density at the current position, which has changed since; then that other phase.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ppl.inference import randomness, starting
from ppl.inference.contract import Density
from ppl.inference.hamiltonian import adaptation
from ppl.inference.hamiltonian import leapfrog as integrator
from ppl.inference.hamiltonian.adaptation import StepSize
from ppl.inference.hamiltonian.kernel import Kernel, Options, Transition, select
from ppl.inference.hamiltonian.leapfrog import Point
from ppl.inference.hamiltonian.metric import Metric
from ppl.inference.once import in_one_kernel, run_if

EVALUATE, SEARCH, RUN, FAILED, REFRESH = range(5)
SEARCH_TRIES = 100
ENDLESS = 2**31 - 1
# Keys of iterations are numbered from 0; those of everything before and between them from here.
AUXILIARY = np.uint32(1 << 31)


class ChainState(NamedTuple):
    """Everything about one chain.

    key: (2,) uint32, the data of its key; iteration: iterations done; phase: see above; tries: starts tried;
    auxiliary: transitions made that were no iterations; direction: of the search, 0 before its first step;
    given: whether the start was given, so that no other is tried.
    """

    key: Any
    iteration: Any
    phase: Any
    tries: Any
    auxiliary: Any
    direction: Any
    given: Any
    point: Point
    step_size: StepSize
    metric: Metric


class Rows(NamedTuple):
    """What iterations give, a row each. broken: (rows, n), the last point before a divergent trajectory broke."""

    positions: Any
    gradients: Any
    broken: Any
    broken_error: Any
    lp: Any
    energy: Any
    energy_error: Any
    acceptance_rate: Any
    step_size: Any
    n_steps: Any
    tree_depth: Any
    diverging: Any


class _Loop(NamedTuple):
    """blank: whether there is no trajectory yet, as when a program begins."""

    state: ChainState
    rows: Rows
    trajectory: Any
    blank: jax.Array


@partial(jax.jit, static_argnames=("kernel", "capacity"))
def run_chain(
    kernel: Kernel,
    capacity: int,
    density: Density,
    state: ChainState,
    iterations: jax.Array,
    warmup: jax.Array,
    target: jax.Array,
    options: Options,
) -> tuple[ChainState, Rows]:
    """Takes a chain up to `iterations` further; rows beyond those done are left over and mean nothing."""
    size, dtype = state.point.position.shape[0], state.point.position.dtype
    first = state.iteration

    def unfinished(loop: _Loop) -> jax.Array:
        going: jax.Array = (loop.state.iteration < first + iterations) & (loop.state.phase != FAILED)
        return going

    def evaluate(loop: _Loop) -> _Loop:
        position = loop.trajectory.half.position
        log_density, gradient = jax.value_and_grad(density.log_density)(position)
        # Outside the kernel, so that the product is computed once and not in each operation that needs it.
        acceleration = loop.state.metric.inverse_times(gradient)
        return in_one_kernel(iterations > 0, partial(step, Point(position, log_density, gradient), acceleration), loop)

    def step(here: Point, acceleration: jax.Array, loop: _Loop) -> _Loop:
        trajectory, taken = kernel.visit(loop.trajectory, here, acceleration, options)
        # The row of a trajectory that goes on, or is no iteration, is overwritten by the next.
        rows = _with_row(loop.rows, loop.state.iteration - first, taken)

        def follow(carry: tuple[ChainState, Any]) -> tuple[ChainState, Any]:
            state = select(loop.blank, carry[0], _next_state(carry[0], taken, warmup, target))
            return begin(state, carry[1])

        state, trajectory = run_if(loop.blank | ~trajectory.going, follow, (loop.state, trajectory))
        return _Loop(state, rows, trajectory, jnp.array(False))

    def begin(state: ChainState, before: Any) -> tuple[ChainState, Any]:
        """The chain's next trajectory."""
        beginning, running = state.phase == EVALUATE, state.phase == RUN
        evaluating = beginning | (state.phase >= REFRESH)
        number = jnp.where(running, state.iteration.astype(jnp.uint32), AUXILIARY + state.auxiliary.astype(jnp.uint32))
        for_momentum = randomness.words_for_normals(size)
        words = randomness.words(state.key, number, for_momentum + kernel.words(size))
        anywhere = starting.RADIUS * (2 * randomness.uniform(words[:size], dtype) - 1)
        position = jnp.where(beginning & ~state.given, anywhere, state.point.position)
        # What is known of a start that is yet to be evaluated may be of another point, or not finite.
        gradient = jnp.where(evaluating, jnp.zeros_like(position), state.point.gradient)
        momentum = state.metric.momentum(randomness.normals(words, size, dtype))
        origin = integrator.with_momentum(state.metric, Point(position, state.point.log_density, gradient), momentum)
        adapting = ~running | (state.iteration < warmup)
        step_size = jnp.exp(jnp.where(adapting, state.step_size.log_step, state.step_size.log_average))
        step_size = jnp.where(evaluating, jnp.zeros_like(step_size), step_size)
        limit = jnp.where(running, ENDLESS, 1).astype(jnp.int32)
        return state, kernel.begin(before, origin, words[for_momentum:], step_size, limit, options)

    loop = _Loop(
        state=state,
        rows=_no_rows(capacity, state.point.position),
        trajectory=kernel.blank(size, dtype),
        blank=jnp.array(True),
    )
    final = jax.lax.while_loop(unfinished, evaluate, loop)
    return final.state, final.rows


@partial(jax.jit, static_argnames=("kernel", "capacity"))
def run_chains(
    kernel: Kernel, capacity: int, density: Density, states: ChainState, *shared: Any
) -> tuple[ChainState, Rows]:
    """The same for chains along a first axis of `states`, vectorised; a chain does not wait for the others' trees."""
    axes = (None, 0, *(None for _ in shared))
    result: tuple[ChainState, Rows] = jax.vmap(partial(run_chain, kernel, capacity), axes)(density, states, *shared)
    return result


def _next_state(state: ChainState, taken: Transition, warmup: jax.Array, target: jax.Array) -> ChainState:
    evaluating, searching, running = state.phase == EVALUATE, state.phase == SEARCH, state.phase == RUN
    refreshing = state.phase >= REFRESH

    found = jnp.isfinite(taken.last.log_density) & jnp.all(jnp.isfinite(taken.last.gradient))
    tries = state.tries + evaluating.astype(jnp.int32)
    hopeless = evaluating & ~found & (state.given | (tries >= starting.TRIES))

    good = -taken.last_error > math.log(0.8)
    towards = jnp.where(good, 1, -1).astype(jnp.int32)
    crossed = (state.direction != 0) & (towards != state.direction)
    over = crossed | (state.auxiliary >= state.tries + SEARCH_TRIES)
    scaled = state.step_size.log_step + towards.astype(state.step_size.log_step.dtype) * math.log(2.0)
    searched = adaptation.restart(state.step_size._replace(log_step=jnp.where(over, state.step_size.log_step, scaled)))
    warming = running & (state.iteration < warmup)
    averaged = adaptation.update(state.step_size, taken.acceptance, target)

    phase = jnp.where(evaluating & found, jnp.where(warmup > 0, SEARCH, RUN), state.phase)
    phase = jnp.where(hopeless, FAILED, phase)
    phase = jnp.where(searching & over, RUN, phase)
    phase = jnp.where(refreshing, state.phase - REFRESH, phase)
    step_size = jax.tree.map(
        lambda old, s, a: jnp.where(searching, s, jnp.where(warming, a, old)), state.step_size, searched, averaged
    )
    point = jax.tree.map(
        lambda old, last, new: jnp.where(running, new, jnp.where(evaluating | refreshing, last, old)),
        state.point,
        taken.last,
        taken.point,
    )
    return state._replace(
        iteration=state.iteration + running.astype(jnp.int32),
        phase=phase.astype(jnp.int32),
        tries=tries,
        auxiliary=state.auxiliary + (~running & ~refreshing).astype(jnp.int32),
        direction=jnp.where(searching & ~over, towards, jnp.where(running | refreshing, state.direction, 0)).astype(
            jnp.int32
        ),
        point=point,
        step_size=step_size,
    )


def _no_rows(capacity: int, position: jax.Array) -> Rows:
    vectors = jnp.zeros((capacity, *position.shape), position.dtype)
    scalars = jnp.zeros(capacity, position.dtype)
    integers = jnp.zeros(capacity, jnp.int32)
    return Rows(
        positions=vectors,
        gradients=vectors,
        broken=vectors,
        broken_error=scalars,
        lp=scalars,
        energy=scalars,
        energy_error=scalars,
        acceptance_rate=scalars,
        step_size=scalars,
        n_steps=integers,
        tree_depth=integers,
        diverging=jnp.zeros(capacity, jnp.bool_),
    )


def _with_row(rows: Rows, index: jax.Array, taken: Transition) -> Rows:
    row = Rows(
        positions=taken.point.position,
        gradients=taken.point.gradient,
        broken=taken.broken,
        broken_error=taken.last_error,
        lp=taken.point.log_density,
        energy=taken.energy,
        energy_error=taken.energy_error,
        acceptance_rate=taken.acceptance,
        step_size=taken.step_size,
        n_steps=taken.steps,
        tree_depth=taken.depth,
        diverging=taken.diverging,
    )
    written: Rows = jax.tree.map(
        lambda all_rows, one: jax.lax.dynamic_update_index_in_dim(all_rows, one, index, 0), rows, row
    )
    return written
