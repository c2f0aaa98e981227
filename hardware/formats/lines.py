"""Text of lines of numbers; what is wrong is said with the number of its line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.netlist.problem import Wrong

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_LARGEST = 2**53  # of whole numbers that floating-point numbers count one by one
_DIGITS = 15
_SHOWN = 40
_OFFSET = re.compile(r"\boffset=(\S+)")


@dataclass(frozen=True)
class Line:
    """number: from 1."""

    number: int
    text: str

    def wrong(self, said: str) -> Wrong:
        text = self.text.strip()
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
        return Wrong(f"line {self.number}, `{shown}`, {said}")


def parted(text: str, comment: str) -> tuple[list[Line], list[Line]]:
    """The lines that say something, and those that begin with a comment's mark."""
    said: list[Line] = []
    comments: list[Line] = []
    for number, one in enumerate(text.splitlines(), 1):
        bare = one.lstrip()
        if bare:
            (comments if bare.startswith(comment) else said).append(Line(number, one))
    return said, comments


@dataclass(frozen=True, eq=False)
class Edges:
    """Lines `i j weight`. ends: (k, 2), whole numbers; weights: (k,)."""

    lines: list[Line]
    ends: Integers
    weights: Floats

    def refuse(self, wrong: NDArray[np.bool_], said: str) -> None:
        """The first line that is. Raises Wrong."""
        if wrong.any():
            raise self.lines[int(np.argmax(wrong))].wrong(said)

    def refuse_repeated(self) -> None:
        """Pairs that are joined twice, either way round. Raises Wrong."""
        low, high = self.ends.min(axis=1, initial=_LARGEST), self.ends.max(axis=1, initial=0)
        order = np.lexsort((high, low))
        same = (np.diff(low[order]) == 0) & (np.diff(high[order]) == 0)
        if same.any():
            first, second = sorted(order[(k := int(np.argmax(same))) : k + 2])
            raise self.lines[second].wrong(f"joins what line {self.lines[first].number} joins already")


def edges(lines: list[Line]) -> Edges:
    """Raises Wrong: a line is no `i j weight`."""
    parts = [line.text.split() for line in lines]
    for line, part in zip(lines, parts, strict=True):
        if len(part) != 3 or "_" in line.text:  # which Python's own numbers may have
            raise line.wrong("is not `i j weight`")
    try:
        numbers = np.array([one for part in parts for one in part], np.float64).reshape(-1, 3)
    except ValueError:
        raise _no_numbers(zip(lines, parts, strict=True)) from None
    found = Edges(lines, np.zeros((len(lines), 2), np.int64), numbers[:, 2])
    found.refuse(~np.isfinite(numbers[:, 2]), "has a weight that is not finite")
    ends = numbers[:, :2]
    found.refuse(~((ends >= 0) & (ends < _LARGEST) & (ends == np.floor(ends))).all(axis=1), "does not join two indices")
    return Edges(lines, ends.astype(np.int64), numbers[:, 2])


def whole(line: Line, values: list[str]) -> list[int]:
    """Raises Wrong: they are no whole numbers, at least 0."""
    if not all(one.isascii() and one.isdigit() and len(one) <= _DIGITS for one in values):
        raise line.wrong("has something else where whole numbers should be")
    return [int(one) for one in values]


def offset(comments: Iterable[Line]) -> float:
    """That a comment says, `offset=1.5`, for the format has no place for it; 0 where none does.

    Raises Wrong: it is no number.
    """
    found = 0.0
    for line in comments:
        if (match := _OFFSET.search(line.text)) is not None:
            try:
                found = float(match[1])
            except ValueError:
                found = math.nan
            if not math.isfinite(found):
                raise line.wrong("has an offset that is no number")
    return found


def _no_numbers(rows: Iterable[tuple[Line, list[str]]]) -> Wrong:
    for line, part in rows:
        try:
            list(map(float, part))
        except ValueError:
            return line.wrong("has something that is no number")
    raise AssertionError("all lines are numbers")
