"""Underdamped Langevin dynamics whose friction makes up for the noise of gradients.

Chen, Fox & Guestrin 2014, equation 15, of stochastic-gradient Hamiltonian Monte Carlo:

    dz = p dt,   dp = -∇U(z) dt - γ p dt + N(0, 2 (γ - B) dt),   B = h V / 2,

where V is the variance of a gradient and h the step: what the gradients bring in as noise, the injected noise lacks.
The integrator is BAOAB (Leimkuhler & Matthews 2013, section 2), whose positions have the right variance for every
Gaussian and every stable step:

    p += h/2 g(z);   z += h/2 p;   p = c p + σ ξ, c = exp(-γ h);   z += h/2 p;   p += h/2 g(z), g anew.

A kick by gradient noise displaces z, in the end, by h²/2 (1 + c) / (1 - c) a unit of it, and an injected one by
h / (1 - c). So that both together diffuse as thermal noise does,

    σ² = (1 - c²) - (1 + c)² h² V / 4,

and the *share* of the gradients in the diffusion is h² V / (4 tanh(γ h / 2)). The friction is chosen, coordinate by
coordinate, to keep it below a limit, and the step so that such a friction is there. What is left undone is the
covariance of the noise between coordinates. Momenta after the kick have variance b, after the injection a = b - h² V;
the kinetic temperature is the mean of squares that is 1 in balance, (1 - w) b + w a with w = (3 + c) / (4 (1 + c)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from ppl.inference.stepping import Step
from ppl.inference.stochastic.chain import SEARCH, Moved

_MOST_SHARE = 0.2
_MOST_TANH = 0.75
# While the chain looks for the bulk; the friction in units of the step, so that oscillations decay.
_FIRST_SHARE = 2.0
_FIRST_FRICTION = 0.5


@dataclass(frozen=True)
class Underdamped:
    """options: `step_size`, in units of 1 / sqrt(largest curvature); `friction`, γ at least, in units where the
    posterior has variance 1; `steps`; `warmup`."""

    def numbers(self, curvature: Any, noise: Any, step: Step) -> Mapping[str, Any]:
        options = step.options
        fastest = options["step_size"] / jnp.sqrt(curvature)
        early = step.number.astype(curvature.dtype) < options["warmup"] * SEARCH
        share = jnp.where(early, _FIRST_SHARE, _MOST_SHARE).astype(curvature.dtype)
        h = jnp.minimum(fastest, jnp.sqrt(4 * share * _MOST_TANH / jnp.max(noise)))
        # The forced balance: tanh(γ h / 2) = h² V / (4 share).
        needed = 2 * jnp.arctanh(jnp.minimum(h**2 * noise / (4 * share), _MOST_TANH))
        damping = jnp.maximum(needed, jnp.where(early, _FIRST_FRICTION, h * options["friction"]))
        kept = jnp.exp(-damping)
        variance = (1 - kept**2) - ((1 + kept) * h) ** 2 * noise / 4
        return {
            "step_size": h,
            "steps": options["steps"].astype(jnp.int32),
            "thermal": h,
            "kept": kept,
            "spread": jnp.sqrt(jnp.maximum(variance, 0)),
        }

    def steepness(self, curvature: Any, numbers: Mapping[str, Any]) -> Any:
        return numbers["step_size"] ** 2 * curvature / 4

    def share(self, noise: Any, numbers: Mapping[str, Any]) -> Any:
        h, kept = numbers["step_size"], numbers["kept"]
        return h**2 * noise * (1 + kept) / (4 * (1 - kept))

    def relaxation(self, numbers: Mapping[str, Any]) -> Any:
        h, kept = numbers["step_size"], numbers["kept"]
        return 2 * (1 - kept) / ((1 + kept) * h**2) - 2 / jnp.log(kept)

    def move(self, k: Any, momentum: Any, gradient: Any, normals: Any, numbers: Mapping[str, Any]) -> Moved:
        h, kept = numbers["step_size"], numbers["kept"]
        before = momentum + h / 2 * gradient
        after = kept * before + numbers["spread"] * normals
        weight = (3 + kept) / (4 * (1 + kept))
        temperature = jnp.mean(weight * after**2 + (1 - weight) * before**2)
        return Moved(h / 2 * (before + after), after, temperature)

    def finish(self, momentum: Any, gradient: Any, numbers: Mapping[str, Any]) -> Any:
        return momentum + numbers["step_size"] / 2 * gradient
