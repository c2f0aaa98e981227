"""The bit-packed simulator: its law, its random planes, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.errors import PplError
from ppl.hardware.lowering.colours import coloured
from ppl.hardware.netlist.netlist import Bodies, Netlist
from ppl.hardware.sim import packed
from ppl.hardware.sim.packed import Packed
from ppl.inference.randomness import words
from tests.hardware.test_sim import ERRORS, ising, products, run, worst


def integers() -> Netlist:
    """Weights of 1 to 3 times a quarter, on units of one to seven neighbours in effect; one alone, and one held."""
    pairs = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [0, 2], [4, 5], [5, 0]])
    coupling = np.array([1.0, -2, 1, 3, -1, 2, -1]) / 4
    netlist = ising(8, pairs, coupling, np.array([0, 1, 0, -1, 2, 0, 0, 3]) / 4)
    clamped = np.full(8, -1, np.int64)
    clamped[5] = 0
    return coloured(replace(netlist, clamped=clamped, schedule=None))


def test_the_law_of_integer_weights() -> None:
    assert worst(integers(), run(integers(), 1.3, make=Packed), 1.3) < ERRORS


def test_seeded_faults_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A threshold whose second highest bit is wrong, planes that repeat, and a coupling of the other sign."""
    netlist = integers()
    flipped = replace(netlist, pairs=Bodies(netlist.pairs.units, netlist.pairs.coupling * [-1, 1, 1, 1, 1, 1, 1]))
    assert worst(netlist, run(flipped, 1.3, make=Packed), 1.3) > 2 * ERRORS
    planes, thresholds = packed.random_planes, packed.threshold_planes

    def repeating(seeds: jnp.ndarray, counter: jnp.ndarray, bits: int) -> Iterator[jnp.ndarray]:
        first = next(iter(planes(seeds, counter, bits)))
        yield from (first for _ in range(bits))

    def wrong(beta: jnp.ndarray, depth: int, bits: int) -> jnp.ndarray:
        return thresholds(beta, depth, bits).at[:, bits - 3].set(jnp.uint32(0))

    for name, fault in (("random_planes", repeating), ("threshold_planes", wrong)):
        with monkeypatch.context() as patched:
            patched.setattr(packed, name, fault)
            packed._advance.clear_cache()
            assert worst(netlist, run(netlist, 1.3, make=Packed), 1.3) > 2 * ERRORS
    packed._advance.clear_cache()


def test_random_planes_are_independent() -> None:
    """Bits of 2^12 counters and 16 planes at 8 sweeps: their means, and the products of the bits of one word, of
    planes, of neighbouring counters and of sweeps that follow each other, in standard errors."""
    count, bits, sweeps = 2**12, 16, 8

    @jax.jit
    def planes_of(number: jax.Array) -> jax.Array:
        seeds = words(jnp.array([7, 11], jnp.uint32), number, 2)
        return jnp.stack(list(packed.random_planes(seeds, jnp.arange(count, dtype=jnp.uint32), bits)))

    found = [np.asarray(planes_of(jnp.uint32(number))) for number in range(sweeps)]
    signs = (
        2.0 * np.unpackbits(np.stack(found)[..., None].view(np.uint8), axis=-1) - 1
    )  # (sweeps, planes, counters, 32)
    flat = signs.reshape(-1, 32)
    assert np.abs(flat.mean(axis=0)).max() * np.sqrt(len(flat)) < 4.5
    replicas = flat.T @ flat / np.sqrt(len(flat))
    assert np.abs(replicas[~np.eye(32, dtype=bool)]).max() < 5
    by_plane = np.moveaxis(signs, 1, 0).reshape(bits, -1)
    planes = by_plane @ by_plane.T / np.sqrt(by_plane.shape[1])
    assert np.abs(planes[~np.eye(bits, dtype=bool)]).max() < 5
    for axis in (0, 2):
        for lag in (1, 2, 3):
            earlier, later = (
                np.take(signs, range(*at), axis) for at in ((0, signs.shape[axis] - lag), (lag, signs.shape[axis]))
            )
            product = (earlier * later).sum(axis=(0, 2)) / np.sqrt(earlier.shape[0] * earlier.shape[2])
            assert np.abs(product).max() < 5


def test_the_number_of_random_bits_below_a_threshold() -> None:
    """Thresholds are the probabilities to half of 2^-bits, and comparison counts as many as there are."""
    for bits in (16, 24):
        planes = np.asarray(packed.threshold_planes(jnp.float32(0.37), 4, bits)) & 1
        value = (planes.astype(np.float64) * 2.0 ** np.arange(bits)).sum(axis=1) / 2.0**bits
        exact = 1 / (1 + np.exp(2 * 0.37 * np.array([4.0, 2.0, 0.0])))
        assert np.abs(value - exact).max() <= 0.5 * 2.0**-bits + 2e-7 * exact.max()


def test_a_run_in_pieces_is_the_same_run() -> None:
    whole, pieces = (Packed(integers(), 40, 3, np.array([0.2, 0.5, 1.0])) for _ in range(2))
    whole.advance(5)
    for sweeps in (2, 3):
        pieces.advance(sweeps)
    assert whole.states().shape == (40, 8)
    assert np.array_equal(whole.states(), pieces.states())
    assert (whole.states()[:, 5] == 0).all()


@pytest.mark.parametrize(
    ("netlist", "said"),
    [
        (products(1), "products of three"),
        (ising(2, np.array([[0, 1]]), np.array([1.0]), np.array([np.pi, 0])), "no small multiples"),
        (ising(2, np.array([[0, 1]]), np.array([40.0]), np.array([1.0, 0])), "counts to 31"),
    ],
)
def test_what_cannot_be_packed_is_refused(netlist: Netlist, said: str) -> None:
    with pytest.raises(PplError, match=said) as caught:
        Packed(netlist, 32, 1, np.ones(1))
    assert caught.value.diagnostics[0].code == "E711"
