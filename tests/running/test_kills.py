"""A run that is killed at any moment, and gone on with, ends with the very bytes of a run that was not."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from ppl.cli.start import main; main()", "sample", "m.ppl", "--data", "d.json"]
MODEL = "dim o\ndata y[o]\nmu ~ Normal(0, 5)\ns ~ HalfNormal(2)\ny[o] ~ StudentT(4, mu, s)\n"
# So many that a draw takes some 0.2 ms: a run must not end before it has been killed often enough.
DATA = {"y": [0.001 * (i * 7919 % 10_000) for i in range(10_000)]}
WITHOUT = ("--no-log-likelihood", "--no-predictive")
SETTINGS = {"nuts": (), "mh": ("--steps", "5")}
DEADLINE = 200.0


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "--chains", "2", *WITHOUT, *arguments], cwd=folder, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip


def wait_and_kill(process: subprocess.Popen[str], state: Path, rng: random.Random) -> bool:
    """Kills it within the first seconds, or shortly after one of the next checkpoints; False if it ended before."""
    checkpoints, seen = rng.choice([0, 1, 1, 2, 3, 5]), state.stat().st_mtime_ns if state.exists() else 0
    deadline = time.monotonic() + DEADLINE
    while checkpoints and process.poll() is None:
        assert time.monotonic() < deadline
        try:
            now = state.stat().st_mtime_ns
        except FileNotFoundError:  # there is none yet, or none any more
            now = seen
        checkpoints -= now != seen
        seen = now
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 0.3 if seen else 3.0))
    alive = process.poll() is None
    process.kill()
    process.communicate()
    return alive


@pytest.mark.parametrize("engine", ["nuts", "mh"])
@pytest.mark.parametrize("kills", [2, pytest.param(25, marks=pytest.mark.long)])
def test_a_run_survives_kills(tmp_path: Path, engine: str, kills: int) -> None:
    (tmp_path / "m.ppl").write_text(MODEL)
    (tmp_path / "d.json").write_text(json.dumps(DATA))
    settings = ("--engine", engine, *SETTINGS[engine], "--draws", str(3000 * kills))
    whole = start(tmp_path, *settings, "--checkpoint", "off", "-o", "whole.nc")
    assert whole.communicate(timeout=DEADLINE)[1] == ""

    rng, killed = random.Random(f"{engine} {kills}"), 0
    result, checkpoint = tmp_path / "m.nc", tmp_path / "m.nc.checkpoint"
    while killed < kills and not result.exists():
        process = start(tmp_path, *settings, "--checkpoint", "0", "--resume")
        killed += wait_and_kill(process, checkpoint / "state.npz", rng)
    assert killed > kills // 2
    if not result.exists():
        last = start(tmp_path, *settings, "--checkpoint", "0", "--resume")
        assert "error" not in last.communicate(timeout=DEADLINE)[1]
        assert last.returncode in (0, 1)
        assert not checkpoint.exists()
    assert result.read_bytes() == (tmp_path / "whole.nc").read_bytes()
