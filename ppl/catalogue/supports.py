"""The supports of the language, as a table: names and event ranks. Their transforms are in `ppl.compiler.transforms`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SupportSpec:
    """event_rank: trailing dims that make one value; bounded: takes `lower` and/or `upper` expressions;
    lower/upper: the fixed range of each element, for interval analysis; strict: the ends are excluded;
    discrete: has no transform to the unconstrained space."""

    name: str
    event_rank: int = 0
    bounded: bool = False
    lower: float | None = None
    upper: float | None = None
    strict: bool = False
    discrete: bool = False
    description: str = ""


SUPPORTS: Mapping[str, SupportSpec] = {
    s.name: s
    for s in (
        SupportSpec("real", description="any real number"),
        SupportSpec("positive", lower=0.0, strict=True, description="a number above 0"),
    )
}
