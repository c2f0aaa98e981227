"""The setting `minibatch`: how many elements of which dim stand for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
