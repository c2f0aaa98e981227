"""Gibbs sampling of p-bits with small integer weights, a bit for each: 32 replicas in a machine word.

A unit whose weights, J and h in units of the smallest, sum up to D has D neighbours in effect, each as often as it
weighs; h is a coupling to a unit that is always +1. Of these c agree in sign with the coupling, I = 2 c - D. c is
counted for all replicas of a word at once, by adders made of bitwise operations. The new m is the sign of I, unless a
random number of `bits` bits is below the threshold 2^bits / (1 + exp(2 β |I|)): a comparison from the lowest bit to the
highest, of bit planes that are random words with bits of the threshold that belongs to c.

Multi-spin coding with bit-sliced thresholds is older than p-bits: Bhanot, Duke & Salvador 1986; Block, Virnau & Preis
2010 have it for lattices.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.errors import Diagnostic, PplError
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.sim.layout import by_slot, groups_of, width_of
from ppl.hardware.sim.shares import shares_of
from ppl.inference.randomness import hashed, words

LANE = 32  # replicas in a word
MOST_WEIGHT = 31  # of a unit, in units of the smallest
THRESHOLD_BITS = 16
_ALL = np.uint32(0xFFFFFFFF)
_MOST_PARTS = 8  # of the smallest weight that others may be multiples of
_ROUNDING = 1e-9


class Segment(NamedTuple):
    """Units whose weights sum up to numbers of one parity. others: (blocks, w, D) slots of neighbours; against:
    likewise, all bits 1 where the coupling is negative; start: its first slot."""

    others: NDArray[np.int32]
    against: NDArray[np.uint32]
    start: NDArray[np.int32]


class Lanes(NamedTuple):
    """Words of replicas. own: (words,), the numbers of those that are here; total: how many there are."""

    own: jax.Array
    total: jax.Array


class Packed:
    """As `Chromatic`, of whole words of replicas.

    bits: of thresholds; 24 or so are wanted where β gets large, and the least probability above 0 is 2^-bits.

    Raises:
        PplError: the netlist is not of p-bits in pairs with small integer weights (E711).
    """

    def __init__(
        self, netlist: Netlist, replicas: int, seed: int, betas: NDArray[np.float64], bits: int = THRESHOLD_BITS
    ) -> None:
        unit = weight_unit(netlist)
        self._slots, size, segments = _segments(netlist, unit)
        self._bits, self._replicas = bits, replicas
        self._lanes = -(-replicas // LANE)
        self._shares = shares_of(self._lanes, size)
        key = np.asarray(jax.random.key_data(jax.random.key(seed)), np.uint32)
        own = (segments, key, (betas * unit).astype(np.float32))
        self._own = [jax.device_put(own, device) for device in self._shares.devices]
        self.done = 0
        rng = np.random.default_rng(seed)
        states = rng.integers(0, 2**LANE, (size, self._lanes), np.uint32)
        held = netlist.clamped >= 0
        states[self._slots[held]] = np.where(netlist.clamped[held, None] == 1, _ALL, np.uint32(0))
        states[-1] = _ALL
        self._states = self._shares.cut(states)

    def advance(self, sweeps: int) -> None:
        """So many sweeps of all replicas."""
        first, total = np.int32(self.done), np.uint32(self._lanes)

        def go(share: int) -> jax.Array:
            segments, key, betas = self._own[share]
            offset = np.uint32(share * self._shares.count)
            states = self._states[share]
            gone: jax.Array = _advance(segments, states, key, betas, first, np.int32(sweeps), offset, total, self._bits)
            gone.block_until_ready()
            return gone

        self._states = self._shares.each(go)
        self.done += sweeps

    def states(self) -> NDArray[np.uint8]:
        """(replicas, n), in the order of the netlist."""
        packed = np.ascontiguousarray(self._shares.joined(self._states)[self._slots]).astype("<u4").view(np.uint8)
        return np.unpackbits(packed, axis=1, bitorder="little")[:, : self._replicas].T


def weight_unit(netlist: Netlist) -> float:
    """What all weights are small multiples of.

    Raises:
        PplError: there is no such number, or there are others than p-bits in pairs (E711).
    """
    if not netlist.is_pairwise:
        raise _refused("it has pdits, products of three p-bits or more, or tables")
    weights = np.abs(np.concatenate([netlist.pairs.coupling, netlist.bias]))
    weights = weights[weights > 0]
    least = float(weights.min(initial=np.inf))
    for parts in range(1, _MOST_PARTS + 1) if len(weights) else ():
        multiples = weights * (parts / least)
        if np.abs(multiples - np.round(multiples)).max() <= _ROUNDING * multiples.max():
            unit = least / parts
            most = int(_weights(netlist, unit).max())
            if most > MOST_WEIGHT:
                raise _refused(
                    f"the weights of a unit sum up to {most} of the smallest, and it counts to {MOST_WEIGHT}"
                )
            return unit
    if not len(weights):
        return 1.0
    raise _refused("its weights are no small multiples of one number")


def _refused(why: str) -> PplError:
    hint = "leave `--method packed` away: the method `gibbs` simulates every netlist"
    return PplError([Diagnostic("E711", f"the netlist cannot be packed into words: {why}", hints=(hint,))])


def _weights(netlist: Netlist, unit: float) -> NDArray[np.int64]:
    """(n,): how many neighbours each unit has in effect."""
    total = np.abs(netlist.bias)
    np.add.at(total, netlist.pairs.units.ravel(), np.abs(netlist.pairs.coupling).repeat(2))
    return np.asarray(np.round(total / unit), np.int64)


def _segments(netlist: Netlist, unit: float) -> tuple[NDArray[np.int64], int, tuple[Segment, ...]]:
    """Where each unit is, how many slots there are, the last always +1, and the segments.

    Within a segment all units get the same D: what is missing, an even number, are neighbours that cancel.
    """
    weights = _weights(netlist, unit)
    slots = np.full(netlist.size, -1, np.int64)
    shapes: list[tuple[int, int, int]] = []  # of segments: start, blocks, w
    start = 0
    for parity in (0, 1):
        groups = [group[weights[group] % 2 == parity] for group in groups_of(netlist)]
        groups = [group for group in groups if len(group)]
        if not groups:
            continue
        width = width_of([len(group) for group in groups], whole=False)
        blocks = [group[at : at + width] for group in groups for at in range(0, len(group), width)]
        for number, block in enumerate(blocks):
            slots[block] = start + number * width + np.arange(len(block))
        shapes.append((start, len(blocks), width))
        start += len(blocks) * width
    held = np.flatnonzero(netlist.clamped >= 0)
    slots[held] = start + np.arange(len(held))
    ghost = start + len(held)
    own, others, against = _neighbours(netlist, unit, slots, ghost)
    segments = []
    for first, count, width in shapes:
        inside = (own >= first) & (own < first + count * width)
        found = by_slot(own[inside] - first, np.stack([others[inside], against[inside]], 1), (count, width))
        if not found.shape[2]:  # nothing is joined with them: neighbours that cancel are all they have
            found = np.zeros((count, width, 2, 2), np.int32)
        depth = found.shape[2]
        degree = np.bincount(own[inside] - first, minlength=count * width).reshape(count, width, 1)
        missing = np.arange(depth) - degree  # of the padding: 0, 1, 2, ... cancel in twos
        joined = np.where(missing >= 0, np.int32(ghost), found[..., 0])
        opposed = np.where(missing >= 0, missing % 2, found[..., 1])
        segments.append(Segment(joined, np.where(opposed == 1, _ALL, np.uint32(0)), np.asarray(first, np.int32)))
    return slots, ghost + 1, tuple(segments)


def _neighbours(
    netlist: Netlist, unit: float, slots: NDArray[np.int64], ghost: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Slots of units and of their neighbours in effect, each as often as it weighs, and 1 where it is opposed."""
    pairs = slots[netlist.pairs.units]
    own = np.concatenate([pairs[:, 0], pairs[:, 1], slots])
    others = np.concatenate([pairs[:, 1], pairs[:, 0], np.full(netlist.size, ghost)]).astype(np.int32)
    weight = np.round(np.concatenate([netlist.pairs.coupling, netlist.pairs.coupling, netlist.bias]) / unit)
    times = np.abs(weight).astype(np.int64)
    return own.repeat(times), others.repeat(times), (weight < 0).astype(np.int32).repeat(times)


@partial(jax.jit, static_argnames="bits", donate_argnums=1)
def _advance(
    segments: tuple[Segment, ...],
    states: jax.Array,
    key: jax.Array,
    betas: jax.Array,
    first: jax.Array,
    sweeps: jax.Array,
    offset: jax.Array,
    total: jax.Array,
    bits: int,
) -> jax.Array:
    """states: (slots, words), those from `offset` on of `total`. betas: in units of the smallest weight."""
    lanes = Lanes(offset + jnp.arange(states.shape[1], dtype=jnp.uint32), total)

    def sweep(number: jax.Array, states: jax.Array) -> jax.Array:
        seeds = words(key, number.astype(jnp.uint32), 2)
        beta = betas[jnp.minimum(number, len(betas) - 1)]
        for segment in segments:
            states = _through(segment, states, lanes, seeds, beta, bits)
        return states

    done: jax.Array = jax.lax.fori_loop(first, first + sweeps, sweep, states)
    return done


def _through(
    segment: Segment, states: jax.Array, lanes: Lanes, seeds: jax.Array, beta: jax.Array, bits: int
) -> jax.Array:
    """One block after the other."""
    width, depth = segment.others.shape[1:]
    within = lanes.total * jnp.arange(width, dtype=jnp.uint32)[:, None] + lanes.own[None]
    thresholds = threshold_planes(beta, depth, bits)

    def update(
        carry: tuple[jax.Array, jax.Array], own: tuple[jax.Array, jax.Array]
    ) -> tuple[tuple[jax.Array, jax.Array], None]:
        at, states = carry
        others, against = own
        agreeing = [states[others[:, d]] ^ against[:, d, None] for d in range(depth)]
        counter = at.astype(jnp.uint32) * lanes.total + within
        drawn = _drawn(agreeing, thresholds, random_planes(seeds, counter, bits))
        return (at + width, jax.lax.dynamic_update_slice(states, drawn, (at, jnp.int32(0)))), None

    each = (jnp.asarray(segment.others), jnp.asarray(segment.against))
    done: jax.Array = jax.lax.scan(update, (jnp.asarray(segment.start), states), each)[0][1]
    return done


def random_planes(seeds: jax.Array, counter: jax.Array, bits: int) -> Iterator[jax.Array]:
    """Random words, so many for each counter, from the lowest bit of random numbers to the highest."""
    for plane in range(bits):
        yield hashed(seeds, counter * jnp.uint32(bits) + jnp.uint32(plane))


def threshold_planes(beta: jax.Array, depth: int, bits: int) -> jax.Array:
    """(depth // 2 + 1, bits): for |I| = depth, depth - 2, ... the bits, lowest first, of the probability that the new m
    is not the sign of I, each as a whole word."""
    field = depth - 2 * jnp.arange(depth // 2 + 1, dtype=jnp.float32)
    threshold = jnp.round(jax.nn.sigmoid(-2 * beta * field) * 2.0**bits).astype(jnp.uint32)
    single = (threshold[:, None] >> jnp.arange(bits, dtype=jnp.uint32)[None]) & 1
    planes: jax.Array = jnp.uint32(0) - single
    return planes


def _drawn(agreeing: list[jax.Array], thresholds: jax.Array, planes: Iterator[jax.Array]) -> jax.Array:
    """New states, from the neighbours that agree with m = +1."""
    depth = len(agreeing)
    count = _counted(agreeing)
    equal = [_equals(count, c) for c in range(depth + 1)]
    positive = _any(equal[depth // 2 + 1 :])
    classes = [equal[c] if c == depth - c else equal[c] | equal[depth - c] for c in range(depth // 2 + 1)]
    below = jnp.zeros_like(positive)
    for plane, random in enumerate(planes):
        bit = _any([one & thresholds[c, plane] for c, one in enumerate(classes)])
        # Below so far, or decided by this bit: the majority of the threshold's bit, of the other one's, and of so far.
        below = (bit & (~random | below)) | (~random & below)
    drawn: jax.Array = positive ^ below
    return drawn


def _counted(bits: list[jax.Array]) -> list[jax.Array]:
    """The digits, lowest first, of how many are 1: columns of equal weight, three of which become one and a carry."""
    columns = [list(bits)]
    digits = []
    while columns:
        column = columns.pop(0)
        carries = []
        while len(column) > 1:
            a, b = column.pop(), column.pop()
            half = a ^ b
            if column:
                c = column.pop()
                column.append(half ^ c)
                carries.append((a & b) | (half & c))
            else:
                column.append(half)
                carries.append(a & b)
        digits.append(column[0])
        if carries:
            columns.append(carries)
    return digits


def _equals(digits: list[jax.Array], number: int) -> jax.Array:
    found = None
    for place, digit in enumerate(digits):
        literal = digit if number >> place & 1 else ~digit
        found = literal if found is None else found & literal
    assert found is not None
    return found


def _any(found: list[jax.Array]) -> jax.Array:
    total = found[0]
    for one in found[1:]:
        total = total | one
    return total
