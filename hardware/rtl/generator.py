"""Random words of the hardware: xoroshiro with an addition (Blackman & Vigna 2021, sections 3 and 4.1), in NumPy.

A whole new word each step. A shift register that is stepped once a clock shows all but one of the bits of the word
before, and its units do not have their law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class Generator:
    """Bits of a word, and the shifts a, b and c of the linear engine of two words."""

    word: int
    a: int
    b: int
    c: int

    @property
    def kind(self) -> type[np.uint32] | type[np.uint64]:
        return np.uint32 if self.word == 32 else np.uint64


# Of periods 2^64 - 1 and 2^128 - 1.
SMALL = Generator(32, 26, 9, 13)
LARGE = Generator(64, 24, 16, 37)

# The lowest bit of a sum is linear, and the next ones nearly: thresholds do not reach these.
_NOT_REACHED = 4


# Steps in which words are added to the state, and in the first of them the bits of a seed. If a seed were added alone,
# the words of two slots would differ alike for all seeds.
MIXED = 64


def generator_of(threshold_bits: int) -> Generator:
    return SMALL if threshold_bits <= SMALL.word - _NOT_REACHED else LARGE


def starts(generator: Generator, slots: int) -> Words:
    """(2, slots): where each slot begins before it is seeded. All differ, and none is 0."""
    seeds = [np.random.SeedSequence(spawn_key=(slot,), entropy=0).generate_state(2, np.uint64) for slot in range(slots)]
    found = np.array(seeds, np.uint64).reshape(slots, 2).T
    words = (found >> np.uint64(64 - generator.word)).astype(generator.kind)
    return np.asarray(words | np.array([[0], [1]], generator.kind))


class Streams:
    """A stream for each seed and slot."""

    def __init__(self, generator: Generator, begin: Words, seeds: Sequence[int]) -> None:
        """begin: (2, slots), as `starts`; seeds: of 32 bits each."""
        self._of = generator
        shape = (len(seeds), begin.shape[1])
        self._low, self._high = (np.broadcast_to(one, shape) for one in begin)
        left = np.array(seeds, np.uint32)[:, None]
        for _ in range(MIXED):
            word = self.next()
            self._high = self._high ^ word ^ (left & 1).astype(generator.kind)
            left = left >> np.uint32(1)

    def next(self) -> Words:
        """(seeds, slots): a word of each."""
        found: Words = np.asarray(self._low + self._high)
        of, both = self._of, self._low ^ self._high
        self._low = self._turned(self._low, of.a) ^ both ^ (both << of.kind(of.b))
        self._high = self._turned(both, of.c)
        return found

    def _turned(self, words: Words, by: int) -> Words:
        of = self._of
        return np.asarray((words << of.kind(by)) | (words >> of.kind(of.word - by)))
