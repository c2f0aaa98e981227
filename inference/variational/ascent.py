"""Uphill on the ELBO by stochastic gradients, some steps of one chain in one compiled program.

    ELBO = E_q[log p(u) - log q(u)] = log Z - KL(q | p)

Its gradient is the mean over a few draws of q of path derivatives (`families.py`). Steps are those of Adam (Kingma & Ba
2015, algorithm 1) with the ε of the denominator at 1: m / (√v + 1). The coordinates are the member's own, where
curvatures are near 1 at the end; so far away a step is as long as the rate, and close by it is as the gradient says,
and ends at rest where that has no noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ppl.inference import randomness
from ppl.inference.variational.families import Family, Member

# The means that Adam takes, of gradients and of their squares, forget in about 10 and 100 steps.
_FIRST, _SECOND = 0.9, 0.99
# Numbers of the words, far from those of starts and draws.
_NUMBERS = 3 << 30


class Ascent(NamedTuple):
    """member; first, second: moments of the gradient; total: sum of the members in the second half of the stage; taken:
    () steps of the stage. All of the same structure as a member but `taken`."""

    member: Member
    first: Member
    second: Member
    total: Member
    taken: Any


class Stretch(NamedTuple):
    """After some steps: elbo, () its mean over all draws that had a density; lost: () how many had none."""

    ascent: Ascent
    elbo: Any
    lost: Any


def begun(member: Member) -> Ascent:
    """At the start of a stage. On the host."""
    return Ascent(member, _zeros(member), _zeros(member), _zeros(member), np.int32(0))


def _zeros(member: Member) -> Member:
    zeros: Member = jax.tree.map(np.zeros_like, member)
    return zeros


@partial(jax.jit, static_argnums=(0, 1, 2))
def climb_on(family: Family, samples: int, batched: bool, density: Any, chain: Mapping[str, Any]) -> Stretch:
    """chain: its `key` and `ascent`; `number` of its next step, `count` of steps, `length` of its stage in steps, all
    () integers; and the `rate`, ().  batched: whether log p is estimated from slices of the data."""
    size = chain["ascent"].member.mean.shape[0]
    dtype = chain["ascent"].member.mean.dtype
    width = family.normals(size)
    words_each = randomness.words_for_normals(width) + 1
    none = jnp.zeros((), dtype)

    def value(u: jax.Array, word: jax.Array) -> jax.Array:
        if not batched:
            result: jax.Array = density.log_density(u)
            return result
        sliced: jax.Array = density.log_density_slice(u, (word % jnp.uint32(density.elements)).astype(jnp.int32))
        return sliced

    def sample(j: jax.Array, carry: tuple[Any, ...]) -> tuple[Any, ...]:
        member, number, gradient, elbo, lost = carry
        at = jnp.uint32(_NUMBERS) + number * jnp.uint32(samples) + j.astype(jnp.uint32)
        words = randomness.words(chain["key"], at, words_each)
        z = randomness.normals(words, width, dtype)
        drawn = family.draw(member, z)
        log_p, slope = jax.value_and_grad(value)(drawn.position, words[-1])
        own = family.gradient(member, z, drawn, slope)
        good = jnp.isfinite(log_p) & jnp.all(jnp.isfinite(slope))
        gradient = jax.tree.map(lambda all_, one: all_ + jnp.where(good, one, 0.0) / samples, gradient, own)
        return (
            member,
            number,
            gradient,
            elbo + jnp.where(good, log_p - drawn.log_density, 0.0),
            lost + (~good).astype(dtype),
        )

    def step(i: jax.Array, carry: tuple[Ascent, Any, Any]) -> tuple[Ascent, Any, Any]:
        (member, first, second, total, taken), elbo, lost = carry
        number = (chain["number"] + i).astype(jnp.uint32)
        zero = jax.tree.map(jnp.zeros_like, member)
        _, _, gradient, elbo, lost = jax.lax.fori_loop(0, samples, sample, (member, number, zero, elbo, lost))
        taken = taken + 1
        first = jax.tree.map(lambda m, g: _FIRST * m + (1 - _FIRST) * g, first, gradient)
        second = jax.tree.map(lambda v, g: _SECOND * v + (1 - _SECOND) * g * g, second, gradient)
        unbiased = 1 - _FIRST ** taken.astype(dtype), 1 - _SECOND ** taken.astype(dtype)

        def adam(m: jax.Array, v: jax.Array) -> jax.Array:
            step: jax.Array = chain["rate"] * (m / unbiased[0]) / (jnp.sqrt(v / unbiased[1]) + 1)
            return step

        member = family.moved(member, jax.tree.map(adam, first, second))
        counts = (2 * taken > chain["length"]).astype(dtype)
        total = jax.tree.map(lambda sum_, one: sum_ + counts * one, total, member)
        return Ascent(member, first, second, total, taken), elbo, lost

    began = (chain["ascent"], none, none)
    ascent, elbo, lost = jax.lax.fori_loop(0, chain["count"], step, began)
    return Stretch(ascent, elbo / (samples * chain["count"].astype(dtype) - lost), lost)
