"""Simulated annealing of one chain: moves at a temperature that falls (Kirkpatrick, Gelatt & Vecchi 1983; Černý 1985).

At temperature T a move leaves p^(1/T) as it is, the Boltzmann distribution of the energy E = -log p. T(f) falls with
the share f of the way along knots of log T. A first, quick way down is even in log T; it measures the mean and variance
of E at each knot. The second is half even in log T, half in the thermodynamic length ∫ σ_E |dβ|, β = 1 / T, so that it
is slow where the system orders itself, and loses no time where it is frozen (Salamon et al. 1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing.movers import Mover, Stride, Tree, Tuning
from ppl.inference.annealing.moves import Place
from ppl.inference.annealing.schedule import respaced
from ppl.inference.starting import RADIUS

Array = NDArray[np.floating[Any]]

KNOTS = 33
# Random places whose energies tell how hot to begin.
PLACES = 64
# The last temperature, if none is given: this, or this share of the first.
COLDEST, RATIO = 0.1, 1e-3
# By how much the log of a step size follows a move's acceptance, which changes as T does.
_FOLLOW = 0.2
# Numbers of the words for random places, far from those of moves and of starts.
_FIRST = (1 << 31) + (1 << 20)


@partial(jax.tree_util.register_dataclass, data_fields=[], meta_fields=["size"])
@dataclass(frozen=True)
class Anywhere:
    """The reference under which the target is taken as it is: log q = 0. Its draws are random starts."""

    size: int

    def log_density(self, u: jax.Array) -> jax.Array:
        return jnp.zeros((), u.dtype)

    def draw(self, key: jax.Array) -> jax.Array:
        return jax.random.uniform(key, (self.size,), minval=-RADIUS, maxval=RADIUS)


class Moments(NamedTuple):
    """How many, their mean, and the sum of squares about it."""

    count: Any
    mean: Any
    squares: Any


class Walker(NamedTuple):
    """place: with one walker along the first axis of each leaf; best: the same, the highest so far; log_step: (1,);
    scale: (1, n); energy: Moments at the KNOTS; positions: Moments, (n,)."""

    place: Place
    best: Place
    log_step: Any
    scale: Any
    energy: Moments
    positions: Moments


class Way(NamedTuple):
    """first, length: the iterations of this way down; done, count: those made, and to make; steps: leapfrog steps of
    a move; target: its acceptance; knots: (KNOTS,), log T."""

    first: Any
    length: Any
    done: Any
    count: Any
    steps: Any
    target: Any
    knots: Any


def nothing(shape: tuple[int, ...], size: int, dtype: Any) -> Moments:
    return Moments(jnp.zeros(shape, dtype), *(jnp.zeros((size,), dtype) for _ in range(2)))


def begun(place: Place, log_step: float, size: int) -> Walker:
    """A walker that stands at a place, whose leaves have no axis of walkers."""
    one: Place = jax.tree.map(lambda leaf: leaf[None], place)
    dtype = one.gain.dtype
    return Walker(
        place=one,
        best=one,
        log_step=jnp.full((1,), log_step, dtype),
        scale=jnp.ones((1, size), dtype),
        energy=nothing((KNOTS,), KNOTS, dtype),
        positions=nothing((), size, dtype),
    )


def random_heights(mover: Mover, whole: Tree, place: Place, key: jax.Array) -> jax.Array:
    """(PLACES,), log densities at random places, each drawn from the one before where that is the only way."""
    whole = mover.ready(whole)

    def once(place: Place, k: jax.Array) -> tuple[Place, jax.Array]:
        other = mover.fresh(whole, place, key, jnp.uint32(_FIRST) + k)
        return other, other.start + other.gain

    heights: jax.Array = jax.lax.scan(once, place, jnp.arange(PLACES, dtype=jnp.uint32))[1]
    return heights


def cool(mover: Mover, whole: Tree, key: jax.Array, way: Way, walker: Walker) -> Walker:
    """Takes a walker some iterations further on its way down. Traceable."""
    whole = mover.ready(whole)

    def once(i: jax.Array, walker: Walker) -> Walker:
        number = way.done + i
        share = (number - way.first).astype(way.knots.dtype) / jnp.maximum(way.length - 1, 1).astype(way.knots.dtype)
        along = share * (KNOTS - 1)
        log_temperature = jnp.interp(along, jnp.arange(KNOTS, dtype=way.knots.dtype), way.knots)
        beta = jnp.exp(-log_temperature)[None]
        tuning = Tuning(beta, walker.log_step, walker.scale, number)
        stride = Stride(number.astype(jnp.uint32), jnp.int32(1), way.steps)
        place, acceptance = mover.moved(whole, walker.place, tuning, key, stride)
        better = place.gain[0] > walker.best.gain[0]
        energy = -(place.start + place.gain)[0]
        at = (jnp.arange(KNOTS, dtype=along.dtype) == jnp.round(along)).astype(beta.dtype)
        position = mover.continuous(jax.tree.map(lambda leaf: leaf[0], place))
        return Walker(
            place=place,
            best=jax.tree.map(partial(jnp.where, better), place, walker.best),
            log_step=walker.log_step + _FOLLOW * (acceptance - way.target),
            scale=walker.scale,
            energy=_with(walker.energy, energy, at),
            positions=_with(walker.positions, position, jnp.ones((), beta.dtype)),
        )

    result: Walker = jax.lax.fori_loop(jnp.int32(0), way.count, once, walker)
    return result


def _with(moments: Moments, value: jax.Array, weight: jax.Array) -> Moments:
    """With another value of weight 0 or 1."""
    count = moments.count + weight
    away = jnp.where(weight > 0, value - moments.mean, 0.0)
    mean = moments.mean + away / jnp.maximum(count, 1)
    return Moments(count, mean, moments.squares + away * jnp.where(weight > 0, value - mean, 0.0))


# --- on the host -------------------------------------------------------------------------------------


def first_knots(heights: Array, hottest: float, coldest: float) -> Array:
    """(KNOTS,), log T from the hottest to the coldest temperature; 0: chosen. heights: log densities at random places,
    whose spread is the temperature at which hardly anything is refused (White 1984)."""
    finite = heights[np.isfinite(heights)].astype(np.float64)
    low, high = np.quantile(finite, [0.16, 0.84]) if finite.size else (0.0, 0.0)
    hot = hottest or float(high - low) / 2 or 1.0
    cold = coldest or min(COLDEST, RATIO * hot)
    return np.linspace(np.log(hot), np.log(cold), KNOTS)


def even_knots(knots: Array, energy: Moments) -> Array:
    """Half even in log T, half in the thermodynamic length. energy: leaves (chains, KNOTS)."""
    spread = np.sqrt(np.mean(energy.squares / np.maximum(energy.count, 1), axis=0, dtype=np.float64))
    lengths = (spread[1:] + spread[:-1]) / 2 * np.abs(np.diff(np.exp(-knots.astype(np.float64))))
    total = float(lengths.sum())
    even = np.full(KNOTS - 1, 1 / (KNOTS - 1))
    share = lengths / total if np.isfinite(total) and total > 0 else even
    return respaced(knots.astype(np.float64), share + even, KNOTS)


def rescaled(walkers: Walker) -> Walker:
    """With the standard deviations of all chains' walks so far as scales, and nothing counted."""
    count, _, squares = walkers.positions
    spread = np.sqrt(np.mean(squares / np.maximum(count, 1)[:, None], axis=0, dtype=np.float64))
    usable = np.isfinite(spread) & (spread > 0)
    scale = np.where(usable, spread, walkers.scale[0, 0])
    change = np.mean(np.log(walkers.scale[0, 0] / scale)) if len(scale) else 0.0
    return walkers._replace(
        scale=np.broadcast_to(scale, walkers.scale.shape).astype(walkers.scale.dtype),
        log_step=(walkers.log_step + change).astype(walkers.log_step.dtype),
        energy=Moments(*(np.zeros_like(leaf) for leaf in walkers.energy)),
        positions=Moments(*(np.zeros_like(leaf) for leaf in walkers.positions)),
    )
