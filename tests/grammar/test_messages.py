"""What a reader is told about each mistake: one golden file a mistake, in tests/golden/syntax.

`PPL_PROMOTE=1 pytest tests/grammar/test_messages.py` rewrites the expected texts.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from ppl.codes import CODES
from ppl.errors import PplError
from ppl.grammar import limits
from ppl.grammar.parser import parse
from ppl.source import Source
from tests import golden


@pytest.mark.parametrize("case", golden.cases("syntax"), ids=lambda p: p.stem)
def test_message(case: Path) -> None:
    with pytest.raises(PplError) as caught:
        parse(Source(case.name, golden.read(case)))
    golden.check(case, str(caught.value))


def test_no_expected_text_without_its_case() -> None:
    assert golden.strays("syntax") == []


def errors(text: str) -> PplError:
    with pytest.raises(PplError) as caught:
        parse(Source("m.ppl", text))
    return caught.value


def test_every_code_is_listed_and_every_syntax_code_can_happen() -> None:
    seen = {"E030", "E031"}  # too large for a golden file, tested below
    for case in golden.cases("syntax"):
        seen |= {d.code for d in errors(golden.read(case)).diagnostics}
    assert seen == {code for code in CODES if code.startswith("E0")}


def test_every_error_has_a_fix_and_a_place() -> None:
    for case in golden.cases("syntax"):
        for diagnostic in errors(golden.read(case)).diagnostics:
            assert diagnostic.span is not None or diagnostic.code == "E042"
            assert diagnostic.hints or diagnostic.label or diagnostic.code == "E042", (case.name, diagnostic)


def test_text_too_long() -> None:
    found = errors("#" * (limits.CHARACTERS + 1)).diagnostics
    assert [d.code for d in found] == ["E030"]


def test_too_many_tokens() -> None:
    found = errors("x = 1\n" * (limits.TOKENS // 4 + 1)).diagnostics
    assert [d.code for d in found] == ["E031"]


def test_one_run_finds_the_errors_of_every_line() -> None:
    block = "for i in obs {\n  a[i] ~\n  b[i] = 2\n  c[i] <- 1\n}\n"
    text = "mu <- 3\nok ~ Normal(0, 1)\nx == 3\ny = 1.2.3\nz ~ Normal(0, 1\n" + block
    found = errors(text)
    source = Source("m.ppl", text)
    assert [(source.position(d.span.start)[0], d.code) for d in found.diagnostics if d.span] == [
        (1, "E015"),
        (3, "E018"),
        (4, "E005"),
        (5, "E002"),
        (7, "E009"),
        (9, "E015"),
    ]


# A fix that a reader can copy: a whole statement, not a piece of one.
COMPLETE = re.compile(r"(?:dim|data|var|predict|observe|energy|model) .+|.+ [~=] [^(].*[^(+]|.+ [~=] \w+\(.*\)")


def test_statements_that_fixes_suggest_are_right() -> None:
    tried = 0
    for case in golden.cases("syntax"):
        for diagnostic in errors(golden.read(case)).diagnostics:
            for fix in re.findall(r"`([^`]+)`", " ".join(diagnostic.hints)):
                if COMPLETE.fullmatch(fix):
                    parse(Source(case.name, fix.replace("...", "value")))
                    tried += 1
    assert tried > 100


@pytest.mark.parametrize(
    "text", ["x = 1  # a\0b\n", "dim g = {'a\0b'}\n", "# \ud800\n", 'x = z["\udfff"]\n', "\0x = 1\n"]
)
def test_characters_that_no_file_can_hold(text: str) -> None:
    found = errors(text).diagnostics
    assert [d.code for d in found] == ["E004"]
    assert found[0].span is not None
    assert text[found[0].span.start] in "\0\ud800\udfff"


@pytest.mark.parametrize(
    "text", ["§ " * 20_000, "1.2.3\n" * 20_000, "x == 1\n" * 5_000, "//a\n" * 20_000, "\ufeff" * 20_000]
)
def test_errors_without_end_are_cut_off(text: str) -> None:
    started = time.perf_counter()
    found = errors(text).diagnostics
    assert time.perf_counter() - started < 20
    assert len(found) <= limits.ERRORS + 1
