"""The effective temperature of states: the β whose conditional laws they show.

By maximum pseudo-likelihood (Besag 1975): β̂ maximises Σ log p(state of a unit | all others; β) over units and
readouts, whose score is Σ (mean of E under the conditional law - E of the state). For p-bits this is the slope of the
logistic regression of m on 2 I. It is right for states of the law at β̂ whatever their order, so that it tells a machine
that is hotter than it was told to be, and updates that are wrong.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.sim.chromatic import conditional
from ppl.hardware.sim.layout import Energies, Steps, laid_out

_MOST_ELEMENTS = 2**24
_STEPS = 40
# Of log β: with less, no unit shows how warm it is, because all are colder, or warmer, than can be told.
_LEAST_INFORMATION = 25.0


class Estimate(NamedTuple):
    """Of β, with its standard error from the differences between replicas."""

    beta: float
    error: float


def effective_beta(netlist: Netlist, states: NDArray[np.integer], guess: float) -> Estimate | None:
    """states: (readouts, replicas, n), thinned if they are many. None where the states do not determine it: there is
    one replica, or no free unit, or units are too cold to fluctuate, or have the same energy in all states.

    Newton's steps from a guess, between bounds: the log pseudo-likelihood is concave in β.
    """
    readouts, replicas, size = states.shape
    layout = laid_out(netlist)
    if replicas < 2 or not len(layout.steps.bias):
        return None
    most = max(1, _MOST_ELEMENTS // max(1, size * replicas))
    chosen = states[:: -(-readouts // most)]
    slotted = layout.slotted(chosen.reshape(-1, size))
    arguments = jax.tree.map(jnp.asarray, (layout.steps, layout.energies, slotted))
    beta, low, high = max(guess, 1e-3), 0.0, np.inf
    for _ in range(_STEPS):
        found = _score(*arguments, jnp.float32(beta))
        score, information = (np.asarray(one, np.float64).reshape(-1, replicas).sum(axis=0) for one in found)
        total, curvature = float(score.sum()), float(information.sum())
        if not curvature > 0 and total >= 0:
            return None
        low, high = (beta, high) if total > 0 else (low, beta)
        step = total / curvature if curvature > 0 else -np.inf
        if abs(step) < 1e-6 * max(beta, 1.0):
            break
        wanted, most = beta + step, min(high, 2 * beta)
        beta = float(wanted if low < wanted < most else (low + most) / 2)
    if beta**2 * curvature < _LEAST_INFORMATION:
        return None
    spread = np.sqrt(np.square(score).sum() * replicas / (replicas - 1))
    return Estimate(beta, float(spread / curvature))


@jax.jit
def _score(steps: Steps, energies: Energies | None, states: jax.Array, beta: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(columns,) each: the derivative of the log pseudo-likelihood, and minus the second one."""
    width = steps.bias.shape[1]

    def block(at: jax.Array, own: Steps) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        energy, violated = conditional(own, energies, states)
        shown = jax.lax.dynamic_slice_in_dim(states, at, width).astype(jnp.int32)[:, None]
        p = jax.nn.softmax(jnp.where(violated > 0, -jnp.inf, -beta * energy), axis=1)
        counts = own.there[:, None] & (jnp.take_along_axis(violated, shown, axis=1)[:, 0] == 0)
        mean = (p * energy).sum(axis=1)
        variance = (p * jnp.square(energy - mean[:, None])).sum(axis=1)
        score = mean - jnp.take_along_axis(energy, shown, axis=1)[:, 0]
        summed = tuple(jnp.where(counts, one, 0).sum(axis=0) for one in (score, variance))
        return at + width, (summed[0], summed[1])

    score, information = jax.lax.scan(block, jnp.int32(0), steps)[1]
    return score.sum(axis=0), information.sum(axis=0)
