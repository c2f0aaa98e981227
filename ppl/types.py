"""Dimensions and element types."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ppl.source import Span


@dataclass(frozen=True)
class Dim:
    """An index set. `size` and `labels` are None when they come from the data."""

    name: str
    span: Span
    size: int | None = None
    labels: tuple[str, ...] | None = None
    ordered: bool = False


class Scalar(enum.Enum):
    """What an element is."""

    REAL = "real"
    INT = "int"
    COUNT = "count"
    BOOL = "bool"
    SPIN = "spin"


@dataclass(frozen=True)
class IndexOf:
    """Elements are positions of a dim. `first` is the number data give to its first element."""

    dim: str
    first: int = 0


Element = Scalar | IndexOf
