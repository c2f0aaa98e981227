"""The leapfrog integrator for Hamiltonian dynamics on flat vectors.

For the Hamiltonian H(q, p) = -log density(q) + p·M⁻¹p / 2, one step of size ε is

    p ← p + ε/2 ∇log density(q);   q ← q + ε M⁻¹p;   p ← p + ε/2 ∇log density(q)

(Leimkuhler & Reich 2004, §2.2; reversible, volume-preserving, of second order). The velocity v = M⁻¹p and the
acceleration a = M⁻¹∇log density are carried along, so that a step takes one gradient and one product with M⁻¹,
and the U-turn criterion, which needs v at every point, takes none.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ppl.inference.contract import Density
from ppl.inference.hamiltonian.metric import Metric


class Point(NamedTuple):
    """A position (n,) with its log density () and gradient (n,)."""

    position: jax.Array
    log_density: jax.Array
    gradient: jax.Array


class PhasePoint(NamedTuple):
    """A point in phase space; velocity is M⁻¹·momentum, acceleration is M⁻¹·gradient."""

    position: jax.Array
    momentum: jax.Array
    velocity: jax.Array
    gradient: jax.Array
    acceleration: jax.Array
    log_density: jax.Array


class HalfStep(NamedTuple):
    """Between the halves of a step: the position is a whole step on, momentum and velocity half a step."""

    position: jax.Array
    momentum: jax.Array
    velocity: jax.Array


def with_momentum(metric: Metric, point: Point, momentum: jax.Array) -> PhasePoint:
    """The phase point at a point and a momentum. Two products with M⁻¹."""
    return PhasePoint(
        position=point.position,
        momentum=momentum,
        velocity=metric.inverse_times(momentum),
        gradient=point.gradient,
        acceleration=metric.inverse_times(point.gradient),
        log_density=point.log_density,
    )


def energy(state: PhasePoint) -> jax.Array:
    """H = -log density + p·M⁻¹p / 2."""
    return 0.5 * jnp.sum(state.momentum * state.velocity) - state.log_density


def leapfrog(density: Density, metric: Metric, step_size: jax.Array, state: PhasePoint) -> PhasePoint:
    """One step. A negative step size goes backwards in time."""
    half = drift(step_size, state)
    log_density, gradient = jax.value_and_grad(density.log_density)(half.position)
    here = Point(half.position, log_density, gradient)
    return kick(step_size, half.momentum, half.velocity, here, metric.inverse_times(gradient))


def drift(step_size: jax.Array, state: PhasePoint) -> HalfStep:
    """The first half of a step, up to the position at which the density is wanted."""
    half = 0.5 * step_size
    velocity = state.velocity + half * state.acceleration
    return HalfStep(
        position=state.position + step_size * velocity,
        momentum=state.momentum + half * state.gradient,
        velocity=velocity,
    )


def kick(
    step_size: jax.Array, momentum: jax.Array, velocity: jax.Array, here: Point, acceleration: jax.Array
) -> PhasePoint:
    """The second half of a step, with the density at its position and M⁻¹·gradient there."""
    half = 0.5 * step_size
    return PhasePoint(
        position=here.position,
        momentum=momentum + half * here.gradient,
        velocity=velocity + half * acceleration,
        gradient=here.gradient,
        acceleration=acceleration,
        log_density=here.log_density,
    )
