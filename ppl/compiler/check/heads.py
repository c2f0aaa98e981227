"""A distribution as it is written, recognised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ppl.catalogue.distributions import DistributionSpec
from ppl.grammar import nodes as syntax


@dataclass(frozen=True)
class Head:
    """A call recognised as a distribution, before its parameters are looked at.

    combinator: its name, empty for a distribution of the catalogue; parts: the distributions it takes; spec: of the
    distribution of the catalogue inside (of a mixture, in its first component); event_rank: of one draw; dims: those
    that `zerosum` names."""

    call: syntax.Call
    combinator: str
    parts: tuple[Head, ...]
    spec: DistributionSpec
    event_rank: int
    dims: tuple[str, ...] = ()

    @property
    def base(self) -> syntax.Call:
        """The call of the distribution of the catalogue inside."""
        return self.parts[0].base if self.parts else self.call

    def walk(self) -> Iterator[Head]:
        """Itself and every distribution inside."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def leaves(self) -> Iterator[Head]:
        """The distributions of the catalogue inside."""
        return (found for found in self.walk() if not found.parts)
