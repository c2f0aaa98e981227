"""What a JSON file says, part by part; what is wrong is said with its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.netlist.problem import Wrong

_LARGEST = 2**63 - 1  # of whole numbers


class Entry:
    """A value and its place in the file."""

    def __init__(self, value: Any, place: str) -> None:
        self.value = value
        self.place = place

    def wrong(self, said: str) -> Wrong:
        return Wrong(f"{self.place or 'the netlist'} {said}")

    def of(self, name: str) -> Entry:
        if not isinstance(self.value, Mapping):
            raise self.wrong("is no object")
        place = f"{self.place}.{name}" if self.place else name
        if name not in self.value:
            raise Wrong(f"there is no `{place}`")
        return Entry(self.value[name], place)

    def maybe(self, name: str) -> Entry | None:
        if not isinstance(self.value, Mapping):
            raise self.wrong("is no object")
        return self.of(name) if self.value.get(name) is not None else None

    def each(self) -> list[Entry]:
        if not isinstance(self.value, list):
            raise self.wrong("is no list")
        return [Entry(one, f"{self.place}[{i}]") for i, one in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("is no text")
        return self.value

    def one_of(self, choices: tuple[Any, ...]) -> Any:
        if self.value not in choices:
            raise self.wrong(f"is {self.value!r}, but it takes {', '.join(map(str, choices))}")
        return self.value

    def whole(self, least: int = 0) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < least:
            raise self.wrong(f"is {self.value!r}, but it takes a whole number, at least {least}")
        if self.value > _LARGEST:
            raise self.wrong(f"is {self.value}, which is too large")
        return self.value

    def number(self) -> float:
        return float(self.numbers(0))

    def numbers(self, rank: int, forbidding: bool = False) -> NDArray[np.float64]:
        """An array of so many dims; forbidding: inf is a number too."""
        array = self._array(rank, (lambda x: np.inf if x == "inf" else x) if forbidding else None)
        if array.dtype.kind not in "iuf":
            raise self.wrong("has an element that is no number")
        if np.isnan(array).any() or (array == -np.inf).any() or (not forbidding and np.isinf(array).any()):
            raise self.wrong("has an element that is not finite")
        return array.astype(np.float64)

    def integers(self, rank: int) -> NDArray[np.int64]:
        array = self._array(rank, None)
        if array.size and array.dtype.kind != "i":
            raise self.wrong("has an element that is no whole number")
        return array.astype(np.int64)

    def _array(self, rank: int, meant: Callable[[Any], Any] | None) -> NDArray[Any]:
        value = self.value if meant is None else _mapped(self.value, meant)
        try:
            array = np.asarray(value)
        except ValueError:
            raise self.wrong("has rows of different lengths") from None
        if array.size == 0 and array.ndim <= rank:
            return np.zeros((*array.shape, *[0] * (rank - array.ndim)), np.int64)
        if array.ndim != rank:
            raise self.wrong(f"has {array.ndim} dims, but it takes {rank}")
        if array.dtype.kind == "u" or (array.dtype.kind == "O" and all(type(x) in (int, float) for x in array.ravel())):
            raise self.wrong("has a whole number that is too large")
        return array


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    return [_mapped(one, function) for one in value] if isinstance(value, list) else function(value)
