"""Where a chain starts: at the position it is given, or uniform on (-2, 2)^n where density and gradient are finite."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ppl.inference import randomness
from ppl.inference.contract import Density, InitialisationError

RADIUS = 2.0
TRIES = 100
# Numbers of the words for starts, far from those of iterations.
_FIRST = np.uint32(1 << 31)


class Start(NamedTuple):
    """A position (n,), its log density () and gradient (n,), whether they are finite, and how many were tried."""

    position: Any
    log_density: Any
    gradient: Any
    found: Any
    tries: Any


def find_start(density: Density, key: jax.Array, position: jax.Array, given: jax.Array) -> Start:
    """Traceable. key: (2,) uint32; position: (n,), which is used if `given` () holds."""
    size, dtype = position.shape[0], position.dtype

    def attempt(start: Start) -> Start:
        bits = randomness.words(key, _FIRST + start.tries.astype(jnp.uint32), size)
        anywhere = RADIUS * (2 * randomness.uniform(bits, dtype) - 1)
        at = jnp.where(given, position, anywhere)
        log_density, gradient = jax.value_and_grad(density.log_density)(at)
        found = jnp.isfinite(log_density) & jnp.all(jnp.isfinite(gradient))
        return Start(at, log_density, gradient, found, start.tries + 1)

    def searching(start: Start) -> jax.Array:
        more: jax.Array = ~start.found & (start.tries < jnp.where(given, 1, TRIES))
        return more

    none = Start(position, jnp.zeros((), dtype), position, jnp.array(False), jnp.zeros((), jnp.int32))
    result: Start = jax.lax.while_loop(searching, attempt, none)
    return result


def refuse_failed(starts: Start) -> None:
    """Raises InitialisationError for the first chain without a start; leaves have the chains along their first axis."""
    failed = np.flatnonzero(~np.asarray(starts.found))
    if failed.size:
        chain = int(failed[0])
        raise InitialisationError(
            chain,
            np.asarray(starts.position)[chain],
            float(starts.log_density[chain]),
            np.asarray(starts.gradient)[chain],
            int(starts.tries[chain]),
        )
