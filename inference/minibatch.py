"""The setting `minibatch`: how many elements of which dim stand for all of them."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # settings are made without JAX
    from collections.abc import Sequence

    from ppl.inference.contract import Density, Sliced

FORM = (r"|[^\W\d]\w*=0*[1-9]\d*", "NAME=NUMBER, such as obs=256")


@dataclass(frozen=True)
class Minibatch:
    """`count` elements of a dim."""

    dim: str
    count: int


def parse(text: str) -> Minibatch | None:
    """The text of a setting of the form FORM; None where it is empty: all data at each step."""
    if not text:
        return None
    dim, _, count = text.partition("=")
    return Minibatch(dim, int(count))


def shuffled(density: Density, batch: Minibatch, seed: Sequence[int]) -> Sliced:
    """The density with its data in a random order, for estimates from slices of it.

    Raises:
        TypeError: it is none that can be subsampled.
    """
    from ppl.inference.contract import Subsampled

    if not isinstance(density, Subsampled):
        raise TypeError(f"a {type(density).__name__} has no `shuffled`, and so no minibatches")
    return density.shuffled(batch.dim, batch.count, seed)


def sliced(density: Density, batch: Minibatch | None, keys: Any) -> Density:
    """The shuffled density, in an order that follows from the key of the first chain: all chains have the same. The
    density itself where there is no batch. Made once for a run and kept while it goes on.

    keys: (chains, 2) uint32.
    """
    return density if batch is None else _last.of(density, batch, tuple(int(word) for word in keys[0]))


class _Last:
    """The density that was shuffled last, for as long as the one that it was made from is in use."""

    def __init__(self) -> None:
        self._made: tuple[weakref.ref[Density], Any, Density] | None = None

    def of(self, density: Density, batch: Minibatch, seed: tuple[int, ...]) -> Density:
        made = self._made
        if made is None or made[0]() is not density or made[1] != (batch, seed):
            made = (weakref.ref(density, self._forget), (batch, seed), shuffled(density, batch, seed))
            self._made = made
        return made[2]

    def _forget(self, _: Any) -> None:
        self._made = None


_last = _Last()
