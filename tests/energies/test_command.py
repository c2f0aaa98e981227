"""`--set` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import arviz as az
import numpy as np
import pytest

from ppl.cli import main as command
from tests.energies.models import AND_GATE


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("gate.ppl").write_text(AND_GATE)
    return "gate.ppl"


def test_check_and_explain(gate: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["check", gate, "--set", "c=+1", "--set", "a=-1"]) == 0
    assert command.run(["check", gate, "--set", "c=2"]) == 65
    assert "E214" in capsys.readouterr().err
    assert command.run(["check", gate, "--set", "d=1"]) == 65
    assert "E101" in capsys.readouterr().err
    assert command.run(["explain", gate, "--set", "c=+1"]) == 0
    assert "p(a, b | c)" in capsys.readouterr().out


@pytest.mark.parametrize("entry", ["c", "c=", "=1"])
def test_entries_of_another_form(gate: str, entry: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["check", gate, "--set", entry]) == 2
    assert command.run(["check", gate, "--set", "c=1", "--set", "c=-1"]) == 2
    assert "twice" in capsys.readouterr().err


def test_draws_and_their_file(gate: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With a true output the energies of (1, 1), (1, -1), (-1, 1), (-1, -1) are -3, 1, 1, 9."""
    arguments = ["--set", "c=+1", "--chains", "2", "--draws", "1000", "--quiet", "--json"]
    assert command.run(["sample", gate, *arguments]) == 0
    means = {row["name"]: row["mean"] for row in json.loads(capsys.readouterr().out)["summary"]}
    assert set(means) == {"a", "b"}
    mean = (np.exp(3) - np.exp(-9)) / (np.exp(3) + 2 * np.exp(-1) + np.exp(-9))
    assert means["a"] == pytest.approx(mean, abs=5 * np.sqrt((1 - mean**2) / 2000))
    fit = az.from_netcdf("gate.nc")
    assert json.loads(fit.posterior.attrs.get("set", fit.attrs.get("set", "{}"))) == {"c": 1.0}
    assert float(fit.constant_data["c"]) == 1
