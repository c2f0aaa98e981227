"""The iterative NUTS makes the very trajectories of a recursive one."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.inference import randomness
from ppl.inference.hamiltonian.kernel import Transition
from ppl.inference.hamiltonian.leapfrog import Point, with_momentum
from ppl.inference.hamiltonian.metric import Diagonal
from ppl.inference.hamiltonian.nuts import NUTSKernel
from tests.inference import reference_nuts
from tests.inference.densities import Funnel, eight_schools, gaussian

CASES = {
    "gaussian": (gaussian(np.diag([1.0, 4.0, 0.25]) + 0.3), 3, 0.15),
    "fine steps": (gaussian(np.diag([1.0, 4.0]) + 0.5), 2, 0.02),
    "eight schools": (eight_schools(False), 10, 0.3),
    "funnel": (Funnel(5), 5, 2.5),
}


# Trees that end at the largest depth and trees that turn or diverge before it; the rest are of the same kinds.
QUICK = {("fine steps", 3), ("fine steps", 8), ("eight schools", 8), ("funnel", 8)}


@pytest.mark.parametrize(
    ("case", "max_depth"),
    [
        pytest.param(case, depth, marks=() if (case, depth) in QUICK else pytest.mark.long)
        for case in CASES
        for depth in (3, 8)
    ],
)
def test_same_trees_and_choices_as_the_recursion(case: str, max_depth: int) -> None:
    density, size, step_size = CASES[case]
    kernel = NUTSKernel(max_depth)
    value_and_grad = jax.jit(lambda density, u: jax.value_and_grad(density.log_density)(u))
    options = {"divergence_threshold": np.float64(1000.0)}

    @jax.jit
    def run(start: Point, momentum: jax.Array, metric: Diagonal, words: jax.Array) -> Transition:
        def visit(state: tuple[Any, Any]) -> tuple[Any, Any]:
            tree = state[0]
            log_density, gradient = jax.value_and_grad(density.log_density)(tree.half.position)
            here = Point(tree.half.position, log_density, gradient)
            return kernel.visit(tree, here, metric.inverse_times(gradient), options)

        origin = with_momentum(metric, start, momentum)
        blank = kernel.blank(size, np.float64)
        tree = kernel.begin(blank, origin, words, jnp.float64(step_size), jnp.int32(2**30), options)
        return jax.lax.while_loop(lambda state: state[0].going, visit, visit((tree, None)))[1]

    @jax.jit
    def choices(number: jax.Array) -> tuple[jax.Array, ...]:
        for_momentum = randomness.words_for_normals(size)
        words = randomness.words(jnp.array([7, 11], jnp.uint32), number, for_momentum + kernel.words(size))
        uniforms = jax.vmap(lambda seeds, i: randomness.uniform(randomness.hashed(seeds, i), jnp.float64), (None, 0))
        counters = jnp.arange(2**max_depth)
        normals = randomness.normals(words, size, jnp.float64)
        return words[for_momentum:], normals, uniforms(words[-4:-2], counters), uniforms(words[-2:], counters)

    scale = np.linspace(0.8, 1.2, size)
    seen: set[tuple[int, bool]] = set()
    with jax.enable_x64(True):
        log_density = reference_nuts.as_function(density, value_and_grad)
        for number in range(30):
            words, normals, points, doublings = (np.asarray(one) for one in choices(np.uint32(number)))
            momentum, bits = normals / scale, int(words[0])
            start = np.random.default_rng(number).normal(size=size)
            lp, gradient = value_and_grad(density, start)
            got = run(Point(start, lp, gradient), momentum, Diagonal(scale), words)
            wanted = reference_nuts.transition(
                log_density,
                scale**2,
                step_size,
                start,
                momentum,
                lambda depth, bits=bits: bool(bits >> depth & 1),
                lambda i, points=points: float(points[i]),
                lambda i, doublings=doublings: float(doublings[i]),
                max_depth,
            )
            compared: dict[str, tuple[Any, Any]] = {
                "steps": (int(got.steps), wanted.steps),
                "depth": (int(got.depth), wanted.depth),
                "diverging": (bool(got.diverging), wanted.diverging),
            }
            assert all(a == b for a, b in compared.values()), (number, compared)
            np.testing.assert_allclose(got.point.position, wanted.position, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(got.energy, wanted.energy, rtol=1e-9)
            seen.add((wanted.depth, wanted.diverging))
    assert len({depth for depth, _ in seen}) >= 2 or max_depth == 3
    if case == "funnel":
        assert any(diverging for _, diverging in seen)
