"""How a constant force turns a velocity of length 1, and the step that is made of such turns.

For a gradient that stays as it is, with e = ∇log p / |∇log p| and δ = ε |∇log p| / (n - 1), the velocity is solved
exactly (Ver Steeg & Galstyan 2021):

    u ← (u + e (sinh δ + e·u (cosh δ - 1))) / (cosh δ + e·u sinh δ),   Δ log w = log(cosh δ + e·u sinh δ).

A step of length ε is the minimal-norm splitting (McLachlan 1995; Omelyan, Mryglod & Folk 2003): kicks of λε, (1 - 2λ)ε
and λε around two drifts of ε / 2, which takes two gradients.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

LAMBDA = 0.1931833275037836


class Turn(NamedTuple):
    """The velocity after it is a multiple of `along` e + `before` u; growth: Δ log w."""

    along: jax.Array
    before: jax.Array
    growth: jax.Array


def turn(cosine: jax.Array, delta: jax.Array) -> Turn:
    """cosine: e·u; delta: δ, not negative. With exp(-δ) instead of sinh and cosh, which overflow."""
    decay = jnp.exp(-delta)
    least = jnp.asarray(np.finfo(delta.dtype).tiny, delta.dtype)
    return Turn(
        along=(1 - decay) * (1 + decay + cosine * (1 - decay)),
        before=2 * decay,
        growth=delta + jnp.log(jnp.maximum((1 + cosine + (1 - cosine) * decay**2) / 2, least)),
    )
