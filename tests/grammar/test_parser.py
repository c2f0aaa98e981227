"""Text to tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppl.grammar.parser import parse
from ppl.source import Source

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.ppl"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_program_parses(path: Path) -> None:
    assert parse(Source(path.name, path.read_text(encoding="utf-8"))).statements
