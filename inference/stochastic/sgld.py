"""Overdamped Langevin dynamics with stochastic gradients.

Welling & Teh 2011, equation 4, in coordinates z = x / scale:

    z' = z - ε ∇Û(z) + N(0, 2 ε - ε² V),

where V is the variance of a gradient, coordinate by coordinate. The original injects 2 ε whatever V is, which is right
for ε → 0 alone; to take off what the gradients bring in is the modification of Vollmer, Zygalakis & Teh 2016. For a
Gaussian of curvature λ the variance is then 1/λ / (1 - ε λ / 2), and ε is `step_size` / (largest curvature).

Schedules, with ε_0 the step above and t = 0, ..., D - 1 counting the draws:

- constant: ε_0;
- decreasing: ε_0 (1 + t / b)^(-1/3), b = D / 10 (Teh, Thiery & Vollmer 2016, whose optimal exponent it is), rounded so
  that as many more steps make a draw as they are shorter: states weigh as their steps do, and so draws weigh alike;
- cyclical: 2 ε_0 (cos(π r) + 1) / 2 with r the part of a cycle that is over (Zhang, Li, Zhang, Chen & Wilson 2020,
  equation 1). In the first quarter of each cycle no noise is injected, and nothing kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from ppl.inference.stepping import Step
from ppl.inference.stochastic.chain import SEARCH, Moved

_MOST_SHARE = 0.2
_FIRST_SHARE = 2.0  # while the chain looks for the bulk
_EXPLORING = 0.25
_EXPONENT = 1 / 3
_DECAY = 10
_HEIGHT = 2.0


@dataclass(frozen=True)
class Overdamped:
    """schedule: `constant`, `decreasing` or `cyclical`. options: `step_size`, in units of 1 / largest curvature;
    `steps`, `warmup`, `draws`; `cycles`; `most`, the steps of an iteration with exploration."""

    schedule: str

    def numbers(self, curvature: Any, noise: Any, step: Step) -> Mapping[str, Any]:
        options = step.options
        early = step.number.astype(curvature.dtype) < options["warmup"] * SEARCH
        share = jnp.where(early, _FIRST_SHARE, _MOST_SHARE).astype(curvature.dtype)
        base = jnp.minimum(options["step_size"] / curvature, 2 * share / jnp.max(noise))
        t = jnp.maximum(step.number.astype(base.dtype) - options["warmup"], 0)
        exploring = jnp.zeros_like(base)
        size, steps = base, options["steps"]
        if self.schedule == "decreasing":
            steps = jnp.ceil(steps * (1 + _DECAY * t / options["draws"]) ** _EXPONENT)
            size = base * options["steps"] / steps
        if self.schedule == "cyclical":
            length = jnp.ceil(options["draws"] / options["cycles"])
            within = t % length
            part = _EXPLORING + (1 - _EXPLORING) * within / length
            size = jnp.where(step.warming, base, base * _height(part))
            before = options["most"] - options["steps"]
            exploring = jnp.where(~step.warming & (within == 0), before, exploring)
        return {
            "step_size": size,
            "steps": (exploring + steps).astype(jnp.int32),
            "thermal": jnp.sqrt(2 * base),
            "exploring": exploring,
            "base": base,
            "noise": noise,
        }

    def steepness(self, curvature: Any, numbers: Mapping[str, Any]) -> Any:
        return numbers["base"] * curvature

    def share(self, noise: Any, numbers: Mapping[str, Any]) -> Any:
        return numbers["step_size"] * noise / 2

    def relaxation(self, numbers: Mapping[str, Any]) -> Any:
        return 1 / numbers["step_size"]

    def move(self, k: Any, momentum: Any, gradient: Any, normals: Any, numbers: Mapping[str, Any]) -> Moved:
        size, k = numbers["step_size"], k.astype(gradient.dtype)
        explores = k < numbers["exploring"]
        if self.schedule == "cyclical":
            part = _EXPLORING * k / jnp.maximum(numbers["exploring"], 1)
            size = jnp.where(explores, numbers["base"] * _height(part), size)
        variance = jnp.maximum(2 * size - size**2 * numbers["noise"], 0)
        spread = jnp.where(explores, 0, jnp.sqrt(variance))
        return Moved(size * gradient + spread * normals, momentum, jnp.ones((), gradient.dtype))

    def finish(self, momentum: Any, gradient: Any, numbers: Mapping[str, Any]) -> Any:
        return momentum


def _height(part: Any) -> Any:
    """Of the cyclical schedule, in units of ε_0."""
    return _HEIGHT * (jnp.cos(math.pi * part) + 1) / 2


def longest(steps: int) -> int:
    """Steps of the last draws of the decreasing schedule, or more."""
    return math.ceil(steps * math.pow(1 + _DECAY, _EXPONENT)) + 1


def exploring(steps: int, length: int) -> int:
    """Steps without noise before the first draw of a cycle of `length` draws."""
    return math.ceil(steps * length * _EXPLORING / (1 - _EXPLORING))
