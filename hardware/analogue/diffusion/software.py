"""The same score in software: the flow of probability (Song et al. 2021, section 4.3), to judge an analogue run by.

    dx / dt' = M (x + s(x, t))

has the same law at every time as the reversed noising, without noise, and is solved by Heun's method on a grid.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.hardware.analogue.diffusion.noising import Noising
from ppl.hardware.analogue.diffusion.scores import Score


def flow(noising: Noising, score: Score, draws: int, seed: int, steps: int = 200) -> NDArray[np.float64]:
    """(draws, d), from as many normals, in so many steps of equal time.

    The last step is Euler's, for scores may have no limit where there is no noise.
    """
    times = jnp.linspace(noising.duration, 0.0, steps + 1)
    signals, passed = noising.signal(times), noising.passed(times)
    start = jax.random.normal(jax.random.key(seed), (draws, score.size), times.dtype)
    return np.asarray(_flowed(score, signals, passed[:-1] - passed[1:], start), np.float64)


@partial(jax.jit)
def _flowed(score: Score, signals: jax.Array, lengths: jax.Array, x: jax.Array) -> jax.Array:
    def slope(x: jax.Array, signal: jax.Array) -> jax.Array:
        return x + score(x, jnp.full((len(x), 1), signal))

    def step(x: jax.Array, now: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        signal, after, length = now
        here = slope(x, signal)
        return x + 0.5 * length * (here + slope(x + length * here, after)), None

    x, _ = jax.lax.scan(step, x, (signals[:-2], signals[1:-1], lengths[:-1]))
    return x + lengths[-1] * slope(x, signals[-2])
