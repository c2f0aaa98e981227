"""Time of a value and its gradient with discrete variables summed out: by a plan, and by hand in JAX.

    python benchmarks/elimination.py

The two are timed in turn, many times over, inside compiled loops; the least time counts. They are checked to agree
before anything is timed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from ppl.inference.runtime import environment

os.environ.update(environment(os.environ))  # before JAX is imported

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.elimination import Scope, Variable, log_normaliser, make_plan

Function = Callable[[jax.Array], jax.Array]


@dataclass(frozen=True)
class Case:
    """planned, by_hand: functions of unconstrained parameters (size,) with equal values."""

    name: str
    size: int
    planned: Function
    by_hand: Function


def forward_algorithm(steps: int, states: int, chains: int = 1) -> Case:
    """A hidden Markov model with constant transitions and Normal outcomes; parameters: transitions, then means."""
    y = jnp.asarray(np.random.default_rng(1).normal(size=(chains, steps)))
    at = np.arange(chains * steps).reshape(chains, steps)
    moves = np.stack([at[:, :-1].ravel(), at[:, 1:].ravel()], 1)
    plan = make_plan(
        [Variable("z", (chains, steps), states)],
        [Scope("start", ("z",), at[:, :1]), Scope("z", ("z", "z"), moves), Scope("y", ("z",), at.reshape(-1, 1))],
    )

    def pieces(u: jax.Array) -> tuple[jax.Array, jax.Array]:
        transitions = jax.nn.log_softmax(jnp.reshape(u[: states**2], (states, states)), axis=1)
        return transitions, -0.5 * (y[..., None] - jnp.reshape(u[states**2 :], (1, 1, states))) ** 2

    def planned(u: jax.Array) -> jax.Array:
        transitions, outcomes = pieces(u)
        tables = [
            jnp.full((chains, states), -np.log(states)),
            transitions[None],
            jnp.reshape(outcomes, (-1, states)),
        ]
        return log_normaliser(plan.structure, plan.arrays, tables)

    def by_hand(u: jax.Array) -> jax.Array:
        transitions, outcomes = pieces(u)

        def step(alpha: jax.Array, now: jax.Array) -> tuple[jax.Array, None]:
            return jax.nn.logsumexp(alpha[:, :, None] + transitions[None], axis=1) + now, None

        first = outcomes[:, 0] - np.log(states)
        alpha, _ = jax.lax.scan(step, first, jnp.swapaxes(outcomes, 0, 1)[1:])
        return jnp.sum(jax.nn.logsumexp(alpha, axis=1))

    name = f"forward algorithm, {chains} × {steps} × {states}"
    return Case(name, states**2 + states, planned, by_hand)


def mixture(sites: int, states: int) -> Case:
    """Normal components; parameters: log-weights, then means."""
    y = jnp.asarray(np.random.default_rng(1).normal(size=sites))
    at = np.arange(sites)[:, None]
    plan = make_plan([Variable("z", (sites,), states)], [Scope("z", ("z",), at), Scope("y", ("z",), at)])

    def pieces(u: jax.Array) -> tuple[jax.Array, jax.Array]:
        means = jnp.reshape(u[states:], (1, states))
        return jax.nn.log_softmax(u[:states]), -0.5 * (y[:, None] - means) ** 2

    def planned(u: jax.Array) -> jax.Array:
        weights, outcomes = pieces(u)
        tables = [weights[None], outcomes]
        return log_normaliser(plan.structure, plan.arrays, tables)

    def by_hand(u: jax.Array) -> jax.Array:
        weights, outcomes = pieces(u)
        return jnp.sum(jax.nn.logsumexp(weights[None] + outcomes, axis=1))

    return Case(f"mixture, {sites} × {states}", 2 * states, planned, by_hand)


def timed(case: Case, rounds: int = 15) -> tuple[float, float]:
    """Seconds that a gradient takes, planned and by hand."""
    u = 0.3 * jnp.asarray(np.random.default_rng(2).normal(size=case.size))
    programs = [jax.value_and_grad(f) for f in (case.planned, case.by_hand)]
    for (value, gradient), (expected, reference) in zip(*[[p(u)] for p in programs], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-10)
        np.testing.assert_allclose(gradient, reference, rtol=1e-7, atol=1e-7)

    def loop(program: Callable[[jax.Array], tuple[jax.Array, jax.Array]], count: int) -> Callable[[], None]:
        compiled = jax.jit(lambda u: jax.lax.fori_loop(0, count, lambda _, u: u + 1e-9 * program(u)[1], u))
        return lambda: jax.block_until_ready(compiled(u))

    start = time.perf_counter()
    one = loop(programs[1], 1)
    one()
    start = time.perf_counter()
    one()
    count = max(1, int(0.05 / (time.perf_counter() - start)))
    loops = [loop(program, count) for program in programs]
    least = [np.inf, np.inf]
    for run in loops:
        run()
    for _ in range(rounds):
        for i, run in enumerate(loops):
            start = time.perf_counter()
            run()
            least[i] = min(least[i], (time.perf_counter() - start) / count)
    return least[0], least[1]


def main() -> None:
    with jax.enable_x64(True):
        cases = [
            forward_algorithm(1000, 3),
            forward_algorithm(50, 3),
            forward_algorithm(100, 4, chains=200),
            mixture(100_000, 3),
        ]
        for case in cases:
            planned, by_hand = timed(case)
            times = f"{planned * 1e6:10.1f} µs {by_hand * 1e6:10.1f} µs by hand"
            print(f"{case.name:34} {times}  ratio {planned / by_hand:.2f}")


if __name__ == "__main__":
    main()
