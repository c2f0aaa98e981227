"""What simulations of all kinds of units share: settings that are checked, and where their quantities go."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, Protocol

import numpy as np

from ppl.errors import Diagnostic, Exit, PplError
from ppl.results.container import Layout

_MOST_SEED = 2**63


class Quantity(Protocol):
    """Of a model: its name, and its dims with their sizes."""

    @property
    def name(self) -> str: ...

    @property
    def dims(self) -> tuple[str, ...]: ...

    @property
    def shape(self) -> tuple[int, ...]: ...


def layout_of(source: Mapping[str, Any], quantities: Sequence[Quantity]) -> Layout:
    """Labels of dims as a netlist's source has them, positions where it has none."""
    sizes = {dim: n for one in quantities for dim, n in zip(one.dims, one.shape, strict=True)}
    given = source.get("coordinates")
    known = given if isinstance(given, dict) else {}
    coordinates = {
        dim: np.asarray(known[dim]) if len(known.get(dim, ())) == n else np.arange(n) for dim, n in sizes.items()
    }
    return Layout(coordinates, frozenset(one.name for one in quantities))


def least_whole(options: object, least: Mapping[str, int]) -> None:
    """Raises PplError: a setting of these that is given is no whole number, or below its least (E608)."""
    for name, bound in least.items():
        given = getattr(options, name)
        if given is not None and not (_whole(given) and given >= bound):
            raise invalid(name, given, f"a whole number, at least {bound}")
    seed = getattr(options, "seed", 0)
    if not (_whole(seed) and 0 <= seed < _MOST_SEED):
        raise invalid("seed", seed, "a whole number from 0 to 2^63 - 1")


def checked_numbers(options: object, names: Sequence[str]) -> None:
    """Raises PplError: a setting of these that is given is no number above 0 (E608)."""
    for name in names:
        given = getattr(options, name)
        if given is not None and not (isinstance(given, int | float) and 0 < given < math.inf):
            raise invalid(name, given, "a number above 0")


def invalid(name: str, value: object, takes: str) -> PplError:
    return PplError([Diagnostic("E608", f"`{name}` is {value!r}, but it takes {takes}")], exit_code=Exit.USAGE)


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
