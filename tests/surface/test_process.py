"""The command as a process: what it imports, Ctrl-C, broken pipes, a full path without a checkout's folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from ppl.results import storage

COMMAND = [sys.executable, "-c", "from ppl.cli.start import main; main()"]
MODEL = "dim o\ndata y[o]\nmu ~ Normal(0, 5)\ns ~ HalfNormal(2)\ny[o] ~ Normal(mu, s)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.ppl").write_text(MODEL)
    (tmp_path / "d.json").write_text(json.dumps({"y": [1.0, 2.0, 3.5]}))
    return tmp_path


@pytest.mark.parametrize(
    "arguments", [("--help",), ("check", "m.ppl"), ("fmt", "m.ppl"), ("explain", "m.ppl"), ("engines",)]
)
def test_what_answers_at_once_imports_nothing_heavy(folder: Path, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:], *arguments], cwd=folder,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in imported
    assert not imported & {"jax", "numpyro", "arviz", "xarray", "pandas", "scipy"}


def stop_at(folder: Path, stage: str, number: signal.Signals, *arguments: str) -> tuple[int, str, str]:
    """Sends a signal to a run once its progress tells of a stage; the exit code, and what it said on either stream."""
    process = subprocess.Popen(
        [*COMMAND, "sample", "m.ppl", "-d", "d.json", "--progress", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    deadline = time.monotonic() + 90
    for line in process.stderr:
        assert time.monotonic() < deadline
        if line.startswith(stage):
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out, err


def test_what_is_stopped_keeps_its_draws_and_goes_on(folder: Path) -> None:
    """Ctrl-C, then SIGTERM of the run that goes on."""
    endless = ("--draws", "50000000", "--warmup", "200")
    drawn = 0
    for resume, number, code, word in (
        ((), signal.SIGINT, 130, "interrupted"),
        (("--resume",), signal.SIGTERM, 143, "terminated"),
    ):
        returned, out, err = stop_at(folder, "sampling", number, *endless, *resume)
        assert returned == code
        assert f"{word}: the file holds the draws so far" in err
        assert "the same command with --resume goes on from m.nc.checkpoint" in err
        assert f"stopped early ({word})" in out
        groups, attrs = storage.read(folder / "m.nc")
        assert attrs["stopped"] == word
        assert drawn < groups["posterior"].sizes["draw"] < 50000000
        drawn = groups["posterior"].sizes["draw"]


def test_a_stop_before_the_first_draw(folder: Path) -> None:
    code, _, err = stop_at(folder, "warmup", signal.SIGTERM, "--warmup", "50000000")
    assert code == 143
    assert "terminated: there is no draw yet; the same command with --resume goes on from m.nc.checkpoint" in err
    assert not (folder / "m.nc").exists()


LOADING = """
import sys
module = sys.argv[1]
class Interrupt:
    def find_spec(self, name, *_):
        if name == module:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from ppl.cli.start import main
sys.argv[1:] = ["sample", "m.ppl"]
main()
"""


@pytest.mark.parametrize("module", ["click", "ppl.inference.runtime"])
def test_interrupt_while_modules_load(folder: Path, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADING, module], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 130
    assert done.stderr == "interrupted: nothing was kept\n"
    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert settings["project"]["scripts"] == {"ppl": "ppl.cli.start:main"}


def test_a_reader_that_stops_reading(folder: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "engines"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(("arguments", "code"), [(("check", "none.ppl"), 66), (("check", "--json", "none.ppl"), 66)])
def test_a_reader_that_stops_reading_hides_no_failure(folder: Path, arguments: tuple[str, ...], code: int) -> None:
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=60) == code


def test_a_full_standard_output(folder: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "engines"], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True,
            check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "error: cannot write to standard output: No space left on device\n"


def test_compiled_programs_are_kept_between_runs(folder: Path) -> None:
    quick = ("sample", "m.ppl", "-d", "d.json", "--warmup", "100", "--draws", "100", "--json", "--force")
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(folder / "cache")}
    kept = []
    for _ in range(2):
        done = subprocess.run(
            [*COMMAND, *quick], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode in (0, 1), done.stderr
        assert done.stderr == ""
        # Programs that compile in about the least time worth keeping come and go; the sampler's is not one.
        kept.append({path.name for path in (folder / "cache").glob("jit_run_chain-*-cache")})
    assert len(kept[0]) == 1
    assert kept[1] == kept[0]  # nothing was compiled anew
