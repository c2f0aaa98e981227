"""Golden files: what a case must print, kept beside it.

A case is an input `name.ppl`; its expected output is `name.txt` in the same folder. `PPL_PROMOTE=1 pytest ...`
rewrites the expected files instead of comparing; read the difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parent / "golden"


def cases(folder: str) -> list[Path]:
    """The inputs of `tests/golden/<folder>`, sorted. An empty folder is a mistake, not a pass."""
    found = sorted((ROOT / folder).glob("*.ppl"))
    if not found:
        raise FileNotFoundError(f"no golden cases in {ROOT / folder}")
    return found


def strays(folder: str) -> list[Path]:
    """Expected files whose input is gone."""
    return [p for p in sorted((ROOT / folder).glob("*.txt")) if not p.with_suffix(".ppl").exists()]


def read(case: Path) -> str:
    """The input exactly as stored: line ends and a byte order mark are part of a case."""
    return case.read_bytes().decode("utf-8")


def check(case: Path, actual: str) -> None:
    """Compare with the expected file, or write it when promoting."""
    expected = case.with_suffix(".txt")
    actual = actual.rstrip("\n") + "\n"
    if os.environ.get("PPL_PROMOTE") == "1":
        expected.write_text(actual, encoding="utf-8", newline="\n")
        return
    if not expected.exists():
        raise AssertionError(f"{expected} does not exist; promote it with PPL_PROMOTE=1. It would say:\n{actual}")
    assert actual == expected.read_bytes().decode("utf-8")
