"""Scores that are learnt from data, by denoising (Vincent 2011; Song et al. 2021).

Of data x₀ noised to x = α x₀ + σ ξ, the mean of v = α ξ - σ x₀ given x is -(σ / α) (s + x) (Salimans & Ho 2022): the
regulator's force f = 2 (x + s) but for its scale. A Gaussian with the mean and covariance of the data has a force that
is linear in x, which conductances could be; a network learns what is left of v.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from ppl.errors import Diagnostic, PplError
from ppl.hardware.analogue.diffusion.noising import Noising
from ppl.hardware.analogue.diffusion.scores import Mixture

# Of Adam (Kingma & Ba 2015): how the means of gradients and of their squares forget, and the least of a root.
_FIRST, _SECOND, _LEAST = 0.9, 0.999, 1e-8
# How the mean of the network over steps forgets, which is what is used in the end.
_MEAN = 0.995
# Waves over log(σ / α) that the network reads beside x.
_WAVES = 6


class Network(NamedTuple):
    """Layers that add to what was before. inward: (d + 2 waves, h), (h,); inner: (l, h, h), (l, h); outward: (h, d)."""

    inward: tuple[jax.Array, jax.Array]
    inner: tuple[jax.Array, jax.Array]
    outward: jax.Array


@partial(jax.tree_util.register_dataclass, data_fields=["linear", "network"], meta_fields=[])
@dataclass(frozen=True)
class Learnt:
    """linear: the score of a Gaussian with the moments of the data; network: what is left of v."""

    linear: Mixture
    network: Network

    @property
    def size(self) -> int:
        return self.linear.size

    def __call__(self, x: jax.Array, signal: jax.Array) -> jax.Array:
        return self.linear(x, signal) - signal / jnp.sqrt(1 - signal**2) * _read(self.network, x, signal)


def learn(
    noising: Noising,
    data: ArrayLike,
    *,
    width: int = 128,
    layers: int = 2,
    steps: int = 3000,
    batch: int = 256,
    rate: float = 2e-3,
    seed: int = 0,
) -> Learnt:
    """The score of noised data at all times of a noising, by Adam whose rate falls to 0.

    data: (n, d), at scales near 1, for noise has the scale 1; width, layers: of the network; steps: of Adam, each on
    `batch` rows that are drawn anew, at times that are, too.

    Raises:
        PplError: data that are no (n, d) finite numbers, or a setting below 1 (E608).
    """
    rows = np.asarray(data, np.float32)
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise PplError([Diagnostic("E608", "`data` takes finite numbers for rows of modes")])
    wrong = [n for n, v in (("width", width), ("layers", layers), ("steps", steps), ("batch", batch)) if v < 1]
    if wrong:
        raise PplError([Diagnostic("E608", f"`{name}` takes a whole number of at least 1") for name in wrong])
    first, later = jax.random.split(jax.random.key(seed))
    start = _begun(first, rows.shape[1], width, layers)
    rates = rate * 0.5 * (1 + np.cos(np.pi * np.arange(steps) / steps))
    linear = Mixture.moments(rows)
    network = _trained(noising, batch, jnp.asarray(rows), linear, start, jnp.asarray(rates, jnp.float32), later)
    return Learnt(linear, network)


def _begun(key: jax.Array, size: int, width: int, layers: int) -> Network:
    """It knows nothing yet, and gives 0."""
    inward, inner = jax.random.split(key)
    read = size + 2 * _WAVES
    weights = jax.random.normal(inner, (layers, width, width), jnp.float32) / np.sqrt(width)
    return Network(
        (jax.random.normal(inward, (read, width), jnp.float32) / np.sqrt(read), jnp.zeros(width, jnp.float32)),
        (weights, jnp.zeros((layers, width), jnp.float32)),
        jnp.zeros((width, size), jnp.float32),
    )


def _read(network: Network, x: jax.Array, signal: jax.Array) -> jax.Array:
    """What it adds to v, (n, d), at (n, d) places and (n, 1) α."""
    level = jnp.log(jnp.sqrt(1 - signal**2) / signal)
    waves = level * 2.0 ** jnp.arange(_WAVES, dtype=x.dtype)[None] / 8
    weight, offset = network.inward
    hidden = jnp.concatenate([x, jnp.sin(waves), jnp.cos(waves)], axis=1) @ weight + offset[None]

    def layer(h: jax.Array, own: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        return h + jax.nn.silu(h) @ own[0] + own[1][None], None

    hidden, _ = jax.lax.scan(layer, hidden, network.inner)
    return jax.nn.silu(hidden) @ network.outward


@partial(jax.jit, static_argnames=("noising", "batch"))
def _trained(
    noising: Noising,
    batch: int,
    data: jax.Array,
    linear: Mixture,
    start: Network,
    rates: jax.Array,
    key: jax.Array,
) -> Network:
    def loss(network: Network, key: jax.Array) -> jax.Array:
        keys = jax.random.split(key, 3)
        x0 = data[jax.random.randint(keys[0], (batch,), 0, len(data))]
        time = noising.duration * jax.random.uniform(keys[1], (batch, 1), x0.dtype, minval=1e-3)
        noise = jax.random.normal(keys[2], x0.shape, x0.dtype)
        signal = noising.signal(time)
        x, sigma = noising.noised(x0, time, noise), jnp.sqrt(1 - signal**2)
        guess = _read(network, x, signal) - sigma / signal * (linear(x, signal) + x)
        return jnp.mean((guess - (signal * noise - sigma * x0)) ** 2)

    def step(carry: Any, now: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[Any, None]:
        network, first, second, mean = carry
        number, rate, key = now
        gradient = jax.grad(loss)(network, key)
        first = jax.tree.map(lambda m, g: _FIRST * m + (1 - _FIRST) * g, first, gradient)
        second = jax.tree.map(lambda v, g: _SECOND * v + (1 - _SECOND) * g * g, second, gradient)
        scale = rate * jnp.sqrt(1 - _SECOND**number) / (1 - _FIRST**number)
        network = jax.tree.map(lambda w, m, v: w - scale * m / (jnp.sqrt(v) + _LEAST), network, first, second)
        # At the start it forgets faster, so that what is not learnt yet does not last.
        kept = jnp.minimum(_MEAN, number / (number + 10))
        mean = jax.tree.map(lambda old, new: kept * old + (1 - kept) * new, mean, network)
        return (network, first, second, mean), None

    zero: Any = jax.tree.map(jnp.zeros_like, start)
    numbers = jnp.arange(1, len(rates) + 1, dtype=jnp.float32)
    moves = (numbers, rates, jax.random.split(key, len(rates)))
    (_, _, _, mean), _ = jax.lax.scan(step, (start, zero, zero, start), moves)
    return mean
