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
from ppl.hardware.sim.shares import shares_of
from ppl.inference.randomness import hashed, uniform, words

States = NDArray[np.integer[Any]]


class Chromatic:
    """A netlist's simulator: replicas that go on from sweep to sweep in the order of its schedule.

    betas: (s,), β of one sweep after the other, the last of which stays; (s, replicas) where replicas differ.
    """

    def __init__(self, netlist: Netlist, replicas: int, seed: int, betas: NDArray[np.float64]) -> None:
        self.layout: Layout = laid_out(netlist)
        self.done = 0
        self._replicas = replicas
        self._shares = shares_of(replicas, self.layout.size)
        key = np.asarray(jax.random.key_data(jax.random.key(seed)), np.uint32)
        own = (self.layout.steps, self.layout.energies, key)
        self._own = [jax.device_put(own, device) for device in self._shares.devices]
        self._states: list[jax.Array]
        self.set_betas(betas)
        self.set_states(_starts(netlist, replicas, seed))

    def advance(self, sweeps: int) -> None:
        """So many sweeps of all replicas."""
        if not len(self.layout.steps.bias):  # nothing is free
            self.done += sweeps
            return
        first, total = np.int32(self.done), np.uint32(self._replicas)

        def go(share: int) -> jax.Array:
            steps, energies, key = self._own[share]
            offset = np.uint32(share * self._shares.count)
            states, betas = self._states[share], self._betas[share]
            gone: jax.Array = _advance(steps, energies, states, key, betas, first, np.int32(sweeps), offset, total)
            gone.block_until_ready()
            return gone

        self._states = self._shares.each(go)
        self.done += sweeps

    def set_betas(self, betas: NDArray[np.float64]) -> None:
        """As those that it began with."""
        rows = betas.reshape(len(betas), -1).astype(np.float32)
        alike = rows.shape[1] == 1
        devices = self._shares.devices
        self._betas = [jax.device_put(rows, one) for one in devices] if alike else self._shares.cut(rows)

    def set_states(self, states: States) -> None:
        """(replicas, n)."""
        self._states = self._shares.cut(self.layout.slotted(states))

    def states(self) -> States:
        """(replicas, n), in the order of the netlist."""
        return self._shares.joined(self._states)[self.layout.slots, : self._replicas].T


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
    offset: jax.Array,
    total: jax.Array,
) -> jax.Array:
    """states: (slots, replicas), those from `offset` on of `total`; betas: (s, replicas), or (s, 1). first: how many
    sweeps were done before."""
    width = steps.bias.shape[1]
    own_replicas = offset + jnp.arange(states.shape[1], dtype=jnp.uint32)
    within = total * jnp.arange(width, dtype=jnp.uint32)[:, None] + own_replicas[None]

    def sweep(number: jax.Array, states: jax.Array) -> jax.Array:
        seeds = words(key, number.astype(jnp.uint32), 2)
        beta = betas[jnp.minimum(number, len(betas) - 1)]

        def update(carry: tuple[jax.Array, jax.Array], own: Steps) -> tuple[tuple[jax.Array, jax.Array], None]:
            at, states = carry
            counter = jnp.asarray(at, jnp.uint32) * total + within
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
