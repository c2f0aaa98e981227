"""What `ppl explain` is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A title and lines of plain text: what a pass did and why, or a table of quantities."""

    title: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.title}:", *(f"  {line}".rstrip() for line in self.lines)])


def table(title: str, rows: Sequence[Sequence[str]]) -> Section | None:
    """A section of rows with their columns aligned; none without rows."""
    if not rows:
        return None
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)
    return Section(title, tuple(line.rstrip() for line in lines))
