"""Every model of `models/` samples cleanly by the line in its header, and comes to the answer that stands there."""

from __future__ import annotations

import json
import math
import re
import shlex
from pathlib import Path

import pytest

from ppl.cli.main import run
from tests.models.by_hand import BY_HAND

ROOT = Path(__file__).parents[2]
ONE = re.compile(r"(\w+(?:\[[^\]]*\])?) (-?[\d.]+) \(([\d.]+)\)")


def header(name: str) -> str:
    lines = (ROOT / "models" / f"{name}.ppl").read_text().splitlines()
    return "\n".join(line for line in lines if line.startswith("#"))


def answer(name: str) -> dict[str, tuple[str, str]]:
    """Means and standard deviations as they are written, by name."""
    _, _, text = header(name).partition("# Answer, means (sds):")
    return {quantity: (mean, sd) for quantity, mean, sd in ONE.findall(text.replace("\n#  ", ""))}


def rounding(number: str) -> float:
    """Half a unit of the last digit that is written."""
    return 0.5 * 10.0 ** -len(number.partition(".")[2])


@pytest.mark.parametrize("name", BY_HAND)
def test_header_states_an_answer(name: str) -> None:
    assert answer(name)


@pytest.mark.long
@pytest.mark.parametrize("name", BY_HAND)
def test_answer(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Both the answer and these draws are off by their Monte Carlo errors, hence the factor of two in the variance."""
    monkeypatch.chdir(ROOT)
    line = re.search(r"^#   (ppl sample .*)$", header(name), re.MULTILINE)
    assert line is not None
    _, *arguments = shlex.split(line[1])
    code = run([*arguments, "--seed", "2", "--json", "--output", str(tmp_path / "fit.nc")])
    assert code == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["summary"]}
    for quantity, (mean, sd) in answer(name).items():
        found = rows[quantity]
        error = found["sd"] * math.sqrt(2 / found["ess_bulk"])
        assert abs(found["mean"] - float(mean)) < 4.5 * error + rounding(mean), quantity
        # The relative error of a standard deviation is about 1 / sqrt(2 n), more for heavy tails.
        assert found["sd"] == pytest.approx(float(sd), rel=0.25, abs=rounding(sd)), quantity
