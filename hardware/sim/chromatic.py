"""Gibbs sampling of any netlist: one compiled program, replicas side by side.

A unit is redrawn from its law given all others, those of a block at once. A p-bit is +1 with probability
(1 + tanh β I) / 2, I = -∂E/∂m; any unit has state z with probability ∝ exp(-β E(z)). States that tables forbid are
never entered from where there are others; from where all are forbidden, as a start may be, a unit goes where least is.

Randomness is a counter of seed, sweep, slot and replica: a run that is cut into pieces is the same run.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.sim.layout import Energies, Layout, Steps, laid_out
from ppl.inference.randomness import hashed, uniform, words

States = NDArray[np.integer[Any]]


class Chromatic:
    """A netlist's simulator: replicas that go on from sweep to sweep in the order of its schedule.

    betas: (s,), β of one sweep after the other, the last of which stays; (s, replicas) where replicas differ.
    """

    def __init__(self, netlist: Netlist, replicas: int, seed: int, betas: NDArray[np.float64]) -> None:
        self.layout: Layout = laid_out(netlist)
        self.done = 0
        self.set_betas(betas)
        self._key = jnp.asarray(jax.random.key_data(jax.random.key(seed)), jnp.uint32)
        self._steps, self._energies = jax.tree.map(jnp.asarray, (self.layout.steps, self.layout.energies))
        self._states: jax.Array
        self.set_states(_starts(netlist, replicas, seed))

    def advance(self, sweeps: int) -> None:
        """So many sweeps of all replicas. Returns before they are done."""
        key, first = self._key, np.int32(self.done)
        self._states = _advance(self._steps, self._energies, self._states, key, self._betas, first, np.int32(sweeps))
        self.done += sweeps

    def set_betas(self, betas: NDArray[np.float64]) -> None:
        """As those that it began with."""
        self._betas = jnp.asarray(betas.reshape(len(betas), -1), jnp.float32)

    def set_states(self, states: States) -> None:
        """(replicas, n)."""
        self._states = jnp.asarray(self.layout.slotted(states))

    def states(self) -> States:
        """(replicas, n), in the order of the netlist."""
        return np.asarray(self._states)[self.layout.slots].T


def _starts(netlist: Netlist, replicas: int, seed: int) -> States:
    """(replicas, n): states at random, those that are held in theirs."""
    shown = np.random.default_rng(seed).integers(0, netlist.states, (replicas, netlist.size))
    return np.where(netlist.clamped >= 0, netlist.clamped, shown)


@partial(jax.jit, donate_argnums=2)
def _advance(
    steps: Steps,
    energies: Energies | None,
    states: jax.Array,
    key: jax.Array,
    betas: jax.Array,
    first: jax.Array,
    sweeps: jax.Array,
) -> jax.Array:
    """states: (slots, replicas); betas: (s, replicas), or (s, 1). first: how many sweeps were done before."""
    width, replicas = steps.bias.shape[1], states.shape[1]
    within = jnp.arange(width * replicas, dtype=jnp.uint32).reshape(width, replicas)

    def sweep(number: jax.Array, states: jax.Array) -> jax.Array:
        seeds = words(key, number.astype(jnp.uint32), 2)
        beta = betas[jnp.minimum(number, len(betas) - 1)]

        def update(carry: tuple[jax.Array, jax.Array], own: Steps) -> tuple[tuple[jax.Array, jax.Array], None]:
            at, states = carry
            counter = jnp.asarray(at * replicas, jnp.uint32) + within
            u = uniform(hashed(seeds, counter), jnp.float32)
            drawn = _drawn(own, energies, states, beta, u).astype(states.dtype)
            return (at + width, jax.lax.dynamic_update_slice(states, drawn, (at, jnp.int32(0)))), None

        return jax.lax.scan(update, (jnp.int32(0), states), steps)[0][1]

    done: jax.Array = jax.lax.fori_loop(first, first + sweeps, sweep, states)
    return done


def _drawn(own: Steps, energies: Energies | None, states: jax.Array, beta: jax.Array, u: jax.Array) -> jax.Array:
    """(w, replicas) new states of a block; beta: (replicas,) or (1,); u: (w, replicas), uniform."""
    if energies is None:
        return u < jax.nn.sigmoid(2 * beta[None] * _field(own, states))
    energy, violated = conditional(own, energies, states)
    least = violated.min(axis=1, keepdims=True)
    logits = jnp.where(violated > least, -jnp.inf, -beta[None, None] * energy)
    weights = jnp.cumsum(jnp.exp(logits - logits.max(axis=1, keepdims=True)), axis=1)
    # Below the last sum whatever rounding does, so that no state of weight 0 is drawn.
    return jnp.sum(u[:, None] * weights[:, -1:] >= weights[:, :-1], axis=1)


def conditional(own: Steps, energies: Energies | None, states: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(w, k, replicas) each: the energies of the states of a block's units given all others, without what does not
    depend on them; and how many tables forbid them."""
    k = own.absent.shape[1]
    sign = jnp.array([1.0, -1.0, *[0.0] * (k - 2)], jnp.float32)
    energy = sign[None, :, None] * _field(own, states)[:, None, :]
    violated = jnp.where(own.absent[:, :, None] > 0, jnp.inf, jnp.zeros_like(energy))
    if own.entries is not None and energies is not None:
        of = own.entries
        at = of.first[..., None] + (states[of.others].astype(jnp.int32) * of.strides[..., None]).sum(axis=2)
        # A state that the unit does not have is absent, whatever stands there.
        at = at[:, :, None] + (of.own[..., None] * jnp.arange(k, dtype=jnp.int32)[None, None])[..., None]
        energy += energies.energy[at].sum(axis=1)
        violated += energies.forbidden[at].sum(axis=1)
    return energy, violated


def _field(own: Steps, states: jax.Array) -> jax.Array:
    """(w, replicas): I of p-bits, 0 of pdits."""
    total: Any = jnp.broadcast_to(own.bias[:, None], (len(own.bias), states.shape[1]))
    for products in own.products:
        m = 2 * states[products.others].astype(jnp.float32) - 1
        total += jnp.einsum("wd,wdr->wr", products.coupling, m.prod(axis=2))
    field: jax.Array = total
    return field
