"""Microcanonical Langevin dynamics of one chain.

Robnik, De Luca, Silverstein & Seljak 2023 for the dynamics; Robnik & Seljak 2023 for the noise that keeps the energy.
In coordinates z = x / scale of n dimensions, with S = -log p and a velocity u of length 1,

    dz = u dt,   du = -(I - u u') ∇S / (n - 1) dt + η (I - u u') dW.

The law of z is then p itself. Without noise E = S + (n - 1) log w is conserved, where d log w = -u·∇S / (n - 1) dt. The
energy error of a step of length ε (`turning.py`) is O(ε³). After it the velocity is refreshed in part,
u ← (u + νξ) / |u + νξ| with ξ ~ N(0, I) and ν² = (exp(2ε / L) - 1) / n, so that it forgets where it went after a length
L. In z the variances are 1, and L is their sum's square root, √n, times `length`.

Warmup chooses ε so that the mean of ΔE² / n over steps is `target`: as ΔE² grows with ε⁶, it keeps a mean of ΔE² / ε⁶.
A step is no longer than L.

On a line there is no direction but forth and back. A density of fewer than two dimensions is given standard Gaussian
coordinates beside its own, which are drawn along and left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference import randomness
from ppl.inference.contract import Density
from ppl.inference.microcanonical.turning import LAMBDA, turn
from ppl.inference.starting import Start
from ppl.inference.stepping import Drawn, Step, Tree, doubling

Array = NDArray[Any]
FEWEST_DIMENSIONS = 2
# Of √n, where warmup begins.
_FIRST_STEP = 0.25
# Steps over which the mean of ΔE² / ε⁶ forgets.
_MEMORY = 500.0
# One step's error, in units of the target, counts as no less and no more: the law ε⁶ holds near the target only.
_LEAST, _MOST = 1e-4, 1e4


class Tally(NamedTuple):
    """Over the steps after warmup: how many, the sums of ΔE and of ΔE², and how many had no finite end."""

    count: Any
    error: Any
    square: Any
    broken: Any


class Adaptation(NamedTuple):
    """step_size: ε; weight: how many steps the mean that it follows from is of."""

    step_size: Any
    weight: Any


class Flow(NamedTuple):
    """position: (m,) in x, with m at least 2; log_density and gradient (m,): there; velocity: (m,) in z."""

    position: Any
    log_density: Any
    gradient: Any
    velocity: Any
    adaptation: Adaptation
    tally: Tally


@dataclass(frozen=True)
class MicrocanonicalKernel:
    """tuning: scale, (n,). options: `target` and `length`."""

    def begin(self, density: Density, start: Start, tuning: jax.Array, options: Mapping[str, jax.Array]) -> Flow:
        missing, dtype = dimensions(density.size) - density.size, start.position.dtype
        none = jnp.zeros((missing,), dtype)
        gradient = jnp.concatenate([start.gradient, none])
        size, zero = gradient.shape[0], jnp.zeros((), dtype)
        # Towards where the mass is; at a mode, anywhere.
        velocity = _unit(gradient, jnp.full((size,), 1 / math.sqrt(size), dtype))[0]
        step_size = jnp.asarray(_FIRST_STEP * math.sqrt(size), dtype)
        return Flow(
            position=jnp.concatenate([start.position, none]),
            log_density=start.log_density,
            gradient=gradient,
            velocity=velocity,
            adaptation=Adaptation(step_size, zero),
            tally=Tally(zero, zero, zero, zero),
        )

    def step(self, density: Density, state: Flow, tuning: jax.Array, step: Step) -> tuple[Flow, Drawn]:
        own, (size,), dtype = density.size, state.position.shape, state.position.dtype
        scale = jnp.concatenate([tuning, jnp.ones((size - own,), dtype)])
        epsilon = state.adaptation.step_size
        moved, error = self.glide(density, state, scale, epsilon)
        good = jnp.isfinite(error) & jnp.all(jnp.isfinite(moved.gradient))
        # Where there is nothing, it turns round.
        kept: Flow = jax.tree.map(partial(jnp.where, good), moved, state._replace(velocity=-state.velocity))
        normals = randomness.normals(
            randomness.words(step.key, step.number, randomness.words_for_normals(size)), size, dtype
        )
        longest = step.options["length"] * jnp.asarray(math.sqrt(size), dtype)
        after = kept._replace(
            velocity=self.refreshed(kept.velocity, normals, epsilon / longest),
            adaptation=_adapted(state.adaptation, error**2 / size, good, longest, step),
            tally=_tallied(state.tally, error, good, step),
        )
        lp = after.log_density + jnp.sum(after.position[own:] ** 2) / 2
        stats = {"lp": lp, "step_size": epsilon, "energy_error": jnp.where(good, error, jnp.inf)}
        return after, Drawn(after.position[:own], stats)

    def glide(self, density: Density, state: Flow, scale: jax.Array, epsilon: jax.Array) -> tuple[Flow, jax.Array]:
        """A step of length ε without noise, and the error ΔE of its energy."""
        function = jax.value_and_grad(partial(_with_company, density))
        degrees = self.degrees(state.position.shape[0])

        # A loop, so that the program has its gradient once.
        def half(k: jax.Array, carry: tuple[Flow, jax.Array]) -> tuple[Flow, jax.Array]:
            flow, work = carry
            part = jnp.where(k == 0, LAMBDA, 1 - 2 * LAMBDA).astype(epsilon.dtype)
            velocity, more = kicked(flow.velocity, flow.gradient * scale, part * epsilon, degrees)
            position = flow.position + epsilon / 2 * scale * velocity
            value, gradient = function(position)
            moved = flow._replace(position=position, velocity=velocity, log_density=value, gradient=gradient)
            return moved, work + more

        flow, work = jax.lax.fori_loop(0, 2, half, (state, jnp.zeros_like(epsilon)))
        velocity, more = kicked(flow.velocity, flow.gradient * scale, LAMBDA * epsilon, degrees)
        return flow._replace(velocity=velocity), state.log_density - flow.log_density + work + more

    def degrees(self, size: int) -> int:
        """By what the force is divided: the dimension of the sphere of velocities."""
        return size - 1

    def refreshed(self, velocity: jax.Array, normals: jax.Array, share: jax.Array) -> jax.Array:
        """share: ε / L. The cosine between old and new is exp(-ε / L) on average, up to O(1 / n)."""
        noise = jnp.sqrt(jnp.expm1(2 * share) / velocity.shape[0])
        return _unit(velocity + noise * normals, velocity)[0]


def dimensions(size: int) -> int:
    """In how many the dynamics run."""
    return max(size, FEWEST_DIMENSIONS)


def kicked(velocity: jax.Array, force: jax.Array, length: jax.Array, degrees: int) -> tuple[jax.Array, jax.Array]:
    """The velocity after a length under a constant force, (n,), the gradient of log p; and degrees · Δ log w."""
    along, strength = _unit(force, velocity)
    turned = turn(jnp.sum(along * velocity), length * strength / degrees)
    return _unit(turned.along * along + turned.before * velocity, velocity)[0], degrees * turned.growth


def _unit(vector: jax.Array, otherwise: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The direction of a vector, or another if it has none, and its length; squares do not overflow."""
    largest = jnp.max(jnp.abs(vector))
    some = largest > 0
    scaled = vector / jnp.where(some, largest, 1.0)
    norm = jnp.sqrt(jnp.sum(scaled**2))
    return jnp.where(some, scaled / jnp.where(some, norm, 1.0), otherwise), largest * norm


def _with_company(density: Density, position: jax.Array) -> jax.Array:
    return density.log_density(position[: density.size]) - jnp.sum(position[density.size :] ** 2) / 2


def _adapted(adaptation: Adaptation, error: jax.Array, good: jax.Array, longest: jax.Array, step: Step) -> Adaptation:
    """error: ΔE² / n."""
    relative = jnp.where(good, jnp.clip(error / step.options["target"], _LEAST, _MOST), _MOST)
    weight = adaptation.weight * ((_MEMORY - 1) / (_MEMORY + 1)) + 1
    # The mean of those before, at the step that was chosen by it, is 1.
    factor = (weight / (weight - 1 + relative)) ** (1 / 6)
    new = Adaptation(jnp.minimum(adaptation.step_size * factor, longest), weight)
    result: Adaptation = jax.tree.map(partial(jnp.where, step.warming), new, adaptation)
    return result


def _tallied(tally: Tally, error: jax.Array, good: jax.Array, step: Step) -> Tally:
    finite = jnp.where(good, error, 0.0)
    each = Tally(good.astype(error.dtype), finite, finite**2, 1 - good.astype(error.dtype))
    result: Tally = jax.tree.map(lambda old, more: jnp.where(step.warming, old, old + more), tally, each)
    return result


@dataclass(frozen=True)
class ScaleTuner:
    """The standard deviations of all chains' draws, in windows that double, after each of which ε is sought anew; at
    the end of warmup the ε of all chains, from the mean of their ΔE² / ε⁶."""

    warmup: int

    def initial(self, chains: int, size: int, dtype: Any) -> Tree:
        return np.ones((chains, size), dtype)

    def marks(self, warmup: int) -> tuple[int, ...]:
        return (*doubling(warmup), warmup) if warmup else ()

    def tune(self, tuning: Array, states: Flow, positions: Array, done: int) -> tuple[Array, Flow]:
        chains, draws, size = positions.shape
        steps = states.adaptation.step_size
        if done == self.warmup:
            shared = np.mean(steps.astype(np.float64) ** -6) ** (-1 / 6)
            return tuning, _with_steps(states, np.full_like(steps, shared))
        spread = positions[:, draws // 4 :].reshape(-1, size).astype(np.float64).std(axis=0)
        usable = np.isfinite(spread) & (spread > 0)
        scale = np.where(usable, spread, tuning[0]).astype(tuning.dtype)
        first = np.full_like(steps, _FIRST_STEP * math.sqrt(states.position.shape[1]))
        return np.tile(scale, (chains, 1)), _with_steps(states, first)


def _with_steps(states: Flow, steps: Array) -> Flow:
    return states._replace(adaptation=Adaptation(steps, np.zeros_like(steps)))
