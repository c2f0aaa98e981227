"""One Hamiltonian move at a temperature between the reference and the target.

Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011, section 3.2) on p_β, in coordinates u / scale with unit masses:
`steps` leapfrog steps of nearly `step_size`, of which the end is accepted with probability min(1, exp(-ΔH)). The step
size of a move is uniform within JITTER of what is asked for, whatever the state, so that no period of the target
matches its length (Neal 2011, section 5.4.2.2).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ppl.inference import randomness
from ppl.inference.annealing.path import Path, tempered

JITTER = 0.2


class Place(NamedTuple):
    """Where a particle or replica is: its position (n,); log q there, (), and log p - log q, (). At every β its log
    density is known from these."""

    position: Any
    start: Any
    gain: Any


def place_at(path: Path, position: jax.Array) -> Place:
    return Place(position, *path.ends(position))


def words_for_move(size: int) -> int:
    """How many random words a move takes."""
    return randomness.words_for_normals(size) + 2


def move(
    path: Path,
    beta: jax.Array,
    place: Place,
    words: jax.Array,
    steps: jax.Array,
    step_size: jax.Array,
    scale: jax.Array,
) -> tuple[Place, jax.Array]:
    """Where one move ends, and its probability of acceptance, 0 where its end has no density.

    beta, step_size: (); steps: () integer, at least 1; scale: (n,), the standard deviations, roughly; words:
    (words_for_move(n),) uint32. Takes `steps` + 1 gradients, which is the way to keep none. Traceable.
    """
    size, dtype = place.position.shape[0], place.position.dtype
    momentum = randomness.normals(words, size, dtype)
    uniforms = randomness.uniform(words[-2:], dtype)
    stretch = step_size * (1 + JITTER * (2 * uniforms[0] - 1)) * scale
    function = jax.grad(partial(_along, path, beta), has_aux=True)

    # The halves of two steps that meet are one kick; so the program has its gradient once.
    def leap(k: jax.Array, flow: tuple[Place, jax.Array]) -> tuple[Place, jax.Array]:
        here, momentum = flow
        gradient, (start, gain) = function(here.position)
        share = jnp.where((k == 0) | (k == steps), 0.5, 1.0).astype(dtype)
        momentum = momentum + share * stretch * gradient
        # At the end the place stays where its density is known.
        further = jnp.where(k == steps, 0.0, 1.0).astype(dtype) * stretch * momentum
        return Place(here.position + further, start, gain), momentum

    end, last = jax.lax.fori_loop(0, steps + 1, leap, (place, momentum))
    after = 0.5 * jnp.sum(last * last) - tempered(end.start, end.gain, beta)
    before = 0.5 * jnp.sum(momentum * momentum) - tempered(place.start, place.gain, beta)
    error = after - before
    acceptance = jnp.where(jnp.isnan(error), 0.0, jnp.exp(jnp.minimum(-error, 0.0))).astype(dtype)
    accepted = uniforms[1] < acceptance
    kept: Place = jax.tree.map(partial(jnp.where, accepted), end, place)
    return kept, acceptance


def _along(path: Path, beta: jax.Array, position: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    start, gain = path.ends(position)
    return tempered(start, gain, beta), (start, gain)
