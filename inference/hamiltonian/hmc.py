"""Hamiltonian Monte Carlo with a trajectory of given length, plain or jittered; one chain.

Duane et al. 1987; Neal 2011, «MCMC using Hamiltonian dynamics», §3.2. Momenta are p ~ N(0, M), steps those of the
leapfrog, and ΔE = H(end) − H(start).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax

from ppl.inference.hamiltonian import leapfrog as integrator
from ppl.inference.hamiltonian.endpoint import EndpointKernel, Path
from ppl.inference.hamiltonian.leapfrog import HalfStep, PhasePoint, Point


@dataclass(frozen=True)
class HMCKernel(EndpointKernel):
    """The account is H at the start."""

    def depart(self, origin: PhasePoint, step_size: jax.Array) -> tuple[HalfStep, jax.Array]:
        return integrator.drift(step_size, origin), integrator.energy(origin)

    def arrive(self, path: Path, here: Point, acceleration: jax.Array) -> tuple[PhasePoint, jax.Array, jax.Array]:
        end = integrator.kick(path.step_size, path.half.momentum, path.half.velocity, here, acceleration)
        return end, path.account, integrator.energy(end) - path.account

    def go_on(self, end: PhasePoint, account: jax.Array, step_size: jax.Array) -> tuple[HalfStep, jax.Array]:
        return integrator.drift(step_size, end), account

    def energy_at_start(self, path: Path) -> jax.Array:
        return path.account
