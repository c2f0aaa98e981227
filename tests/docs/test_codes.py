"""Every code has an example in tests/golden/codes: it gives the message in its golden file, and its mend gives none.

`PPL_PROMOTE=1 pytest tests/docs/test_codes.py` rewrites the messages, and `python docs/generate.py` then the page.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from ppl.cli.main import run
from ppl.codes import CODES
from ppl.errors import PplError
from tests import golden

GENERATE = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "generate.py"))
CASES = {path.stem: GENERATE["read_case"](path) for path in sorted(GENERATE["CASES"].glob("*.case"))}
# Sampling takes seconds.
SAMPLED = {"E502", "E503", "E506", "E507", "E610"}
DRAWS = {code for code, case in CASES.items() if "sample" in case.mended_command + case.mended.get("run.py", "")}


def cases(slow: set[str]) -> list[Any]:
    return [pytest.param(code, marks=pytest.mark.long if code in slow else ()) for code in CASES]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_code_has_an_example() -> None:
    assert set(CASES) == set(CODES)


def said(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code, and what standard error says."""
    if command == "python run.py":
        try:
            runpy.run_path("run.py")
        except PplError as error:
            return int(error.exit_code), str(error)
        return 0, ""
    program, *arguments = command.split()
    assert program == "ppl"
    code = run(arguments)
    return code, capsys.readouterr().err


@pytest.mark.parametrize("code", cases(SAMPLED))
def test_message(code: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = CASES[code]
    case.write(folder, mended=False)
    _, message = said(case.command, capsys)
    assert f"[{code}]" in message
    # Long lines of the text are not repeated in the reference.
    lines = [line if len(line) <= 160 else f"{line[:70]} ..." for line in message.rstrip().splitlines()]
    golden.check(GENERATE["CASES"] / f"{code}.ppl", "\n".join(lines[:16]))


@pytest.mark.parametrize("code", cases(DRAWS))
def test_mend(code: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = CASES[code]
    case.write(folder, mended=True)
    result, message = said(case.mended_command, capsys)
    assert f"[{code}]" not in message
    assert "error[" not in message
    assert result in ((0, 1) if "sample" in case.mended_command else (0,)), message


def test_the_mend_is_not_the_example() -> None:
    for code, case in CASES.items():
        assert (case.files, case.command) != (case.mended, case.mended_command), code


def test_no_message_without_an_example() -> None:
    assert {p.stem for p in GENERATE["CASES"].glob("*.txt")} == set(CASES)
