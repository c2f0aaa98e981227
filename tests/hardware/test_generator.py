"""Random words of the hardware: known values, and no correlation that a sample shows within and between streams."""

from __future__ import annotations

import numpy as np
import pytest

from ppl.hardware.rtl.generator import LARGE, SMALL, Generator, Streams, generator_of, starts

STEPS, STREAMS, LAGS, BITS = 2**14, 12, 16, 12
# Some 6,000 correlations are looked at; the largest of so many is above this once in 10⁴ times.
LARGEST = 5.6


def correlations(words: np.ndarray, bits: int) -> float:
    """words: (steps, streams), of so many bits. The largest correlation of words, and of each of their first bits, with
    those up to LAGS steps later in their stream and before or later in the next, in standard errors."""
    shown = [words / 2.0**bits] + [(words >> np.uint64(bits - 1 - i) & np.uint64(1)) * 1.0 for i in range(BITS)]
    x = np.stack(shown) - 0.5
    x /= x.std(axis=1, keepdims=True)
    largest = 0.0
    for lag in range(1, LAGS + 1):
        early, late = x[:, :-lag], x[:, lag:]
        for one, other in ((early, late), (early[..., :-1], late[..., 1:]), (early[..., 1:], late[..., :-1])):
            largest = max(largest, float(np.abs((one * other).sum(axis=1)).max()) / np.sqrt(early.shape[1]))
    return max(largest, float(np.abs((x[..., 1:] * x[..., :-1]).sum(axis=1)).max()) / np.sqrt(x.shape[1]))


def ours(streams: Streams) -> np.ndarray:
    """(steps, seeds · slots)."""
    return np.stack([streams.next().ravel() for _ in range(STEPS)]).astype(np.uint64)


@pytest.mark.parametrize("generator", [SMALL, LARGE])
def test_streams_show_no_correlation(generator: Generator) -> None:
    begin = starts(generator, STREAMS)
    assert len({tuple(one) for one in begin.T.tolist()}) == STREAMS
    assert correlations(ours(Streams(generator, begin, (1,))), generator.word) < LARGEST


@pytest.mark.parametrize("generator", [SMALL, pytest.param(LARGE, marks=pytest.mark.long)])
def test_seeds_make_other_streams(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of slots at one time, over seeds. If a seed is only added to the state, those of two slots differ alike
    for all seeds."""
    begin = starts(generator, STREAMS)

    def words(streams: Streams) -> np.ndarray:
        return [streams.next() for _ in range(3)][-1].astype(np.uint64)

    for step in (1, 2**18):
        seeds = range(0, step * STEPS, step)
        assert correlations(words(Streams(generator, begin, seeds)), generator.word) < LARGEST
    monkeypatch.setattr("ppl.hardware.rtl.generator.MIXED", 0)
    unmixed = Streams(generator, begin, range(STEPS))
    unmixed._low = unmixed._low ^ np.arange(STEPS, dtype=generator.kind)[:, None]
    assert correlations(words(unmixed), generator.word) > 10 * LARGEST


def test_thresholds_do_not_reach_the_linear_bits() -> None:
    """The lowest bit of words of 32 bits is the exclusive or of some of the 64 before it; none is of those reached."""
    words = Streams(SMALL, starts(SMALL, 1), (0,))
    stream = np.array([int(words.next()[0, 0]) for _ in range(1024)])
    assert complexity(stream & 1) == 64
    reached = [bits for bits in range(1, 49) if generator_of(bits) is SMALL]
    assert reached == list(range(1, 29))
    assert complexity(stream >> (32 - max(reached)) & 1) > 500


def complexity(bits: np.ndarray) -> int:
    """Linear complexity over GF(2) (Massey 1969, algorithm 2), of integers as polynomials."""
    current, before, length, since, window = 1, 1, 0, 1, 0
    for n, bit in enumerate(bits.tolist()):
        window = window << 1 | bit
        if not (current & window).bit_count() % 2:
            since += 1
            continue
        changed = current ^ before << since
        if 2 * length <= n:
            before, length, since = current, n + 1 - length, 1
        else:
            since += 1
        current = changed
    return length


def shift_register(steps: int) -> np.ndarray:
    """Words of a register of 32 bits, x³² + x²² + x² + x + 1, that is stepped so many times for each."""
    state = starts(SMALL, STREAMS)[1].copy()
    out = np.zeros((STEPS, STREAMS), np.uint64)
    for i in range(STEPS):
        out[i] = state
        for _ in range(steps):
            state = (state >> np.uint32(1)) ^ ((state & np.uint32(1)) * np.uint32(0x80200003))
    return out


def test_a_shift_register_that_is_stepped_once_a_clock_fails() -> None:
    assert correlations(shift_register(1), 32) > 10 * LARGEST


@pytest.mark.long
def test_a_shift_register_that_gives_whole_words_does_not() -> None:
    """The test is about the steps, not about registers."""
    assert correlations(shift_register(32), 32) < LARGEST


def test_streams_that_are_one_late_fail() -> None:
    words = ours(Streams(SMALL, starts(SMALL, 1), (0,)))
    late = np.concatenate([words, np.roll(words, 3, axis=0)], axis=1)
    assert correlations(late, 32) > 10 * LARGEST


def test_words_are_those_of_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """xoroshiro128+ of 2018 from (1, 2), by the authors' program; the small one by its recurrence."""
    monkeypatch.setattr("ppl.hardware.rtl.generator.MIXED", 0)
    large = Streams(LARGE, np.array([[1], [2]], np.uint64), (0,))
    known = [3, 412333834243, 2360170716294286339, 9295852285959843169, 2797080929874688578, 6019711933173041966]
    assert [int(large.next()[0, 0]) for _ in known] == known
    small = Streams(SMALL, np.array([[5], [9]], np.uint32), (0,))
    low, high, mask = 5, 9, 2**32 - 1
    for _ in range(100):
        assert int(small.next()[0, 0]) == (low + high) & mask
        high ^= low
        low = ((low << 26 | low >> 6) ^ high ^ (high << 9)) & mask
        high = (high << 13 | high >> 19) & mask
