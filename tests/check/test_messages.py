"""What the checker says, word for word: one golden case or more for each of its codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ppl.codes import CODES
from ppl.compiler.check import check
from ppl.compiler.passes.summable import check_summable
from ppl.errors import PplError, render
from ppl.grammar.parser import parse
from ppl.source import Source
from tests import golden

CASES = golden.cases("check")


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_message(case: Path) -> None:
    source = Source(case.name, golden.read(case))
    try:
        checked = check(parse(source))
        check_summable(checked.graph)
        said = render(checked.warnings, source)
    except PplError as e:
        said = str(e)
    golden.check(case, said)


def test_every_code_has_a_case() -> None:
    said = "".join(p.with_suffix(".txt").read_text(encoding="utf-8") for p in CASES)
    shown = set(re.findall(r"(?:error|warning)\[([EW]\d+)\]", said))
    ours = {c for c in CODES if c[:2] in ("E1", "E2") or "E401" <= c <= "E449" or "W101" <= c <= "W129"}
    assert ours - shown == set()


def test_no_stray_files() -> None:
    assert golden.strays("check") == []
