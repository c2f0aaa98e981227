"""`ppl doctor`: what there is, what is broken, what is missing; programs on the PATH that stand in for tools."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from ppl.hardware.tools.known import TOOLS
from ppl.running import examining
from tests.shell import Shell


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put(place: Path, script: str) -> None:
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)


def test_tools_that_hang_fail_or_are_missing(programs: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "_PATIENCE_OF_TOOLS", 0.3)
    put(programs / "verilator", "while :; do :; done")
    put(programs / "iverilog", "echo 'cannot open ivl.conf' >&2; exit 2")
    put(programs / "yosys", "echo 'Yosys 0.23 (git sha1 7ce5011c24b)'")
    put(programs / "yowasp-icepack", "exit 1")
    (programs / "ngspice").write_bytes(b"\x7fELF")
    (programs / "ngspice").chmod(0o755)
    assert shell("doctor", "--json") == 0
    said = json.loads(shell.out)
    assert said["works"]
    assert said["missing"] == ["nextpnr-ice40", "icetime"]
    tools = {tool["name"]: tool for tool in said["tools"]}
    assert set(tools) == set(TOOLS)
    assert tools["verilator"]["problem"] == "verilator took longer than the 0.3 seconds that it may"
    assert tools["iverilog"]["problem"] == "iverilog failed with exit code 2"
    assert tools["ngspice"]["problem"].startswith("ngspice cannot be started: ")
    assert (tools["yosys"]["version"], tools["yosys"]["problem"]) == ("0.23", None)
    assert (tools["icepack"]["place"], tools["icepack"]["problem"]) == (str(programs / "yowasp-icepack"), None)
    needed = {part["name"]: part for part in said["needed"]}
    assert needed["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert needed["jax"]["about"].startswith("cpu:0 ")
    assert needed["others"]["about"].split(", ")[0] == f"diffrax {version('diffrax')}"


def test_what_is_looked_at_is_what_is_required() -> None:
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=]", requirement)[0] for requirement in project["dependencies"]}
    assert names == {"jax", "arviz", *examining.OTHERS}


def test_what_is_needed_and_broken(programs: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (programs / "jax.py").write_text("raise OSError('no such library: libx.so')")
    (programs / "arviz.py").write_text("import os; os._exit(0)")
    (programs / "diffrax.py").write_text("")
    (programs / "lark.py").write_text("raise ImportError('lark is damaged')")
    monkeypatch.setenv("PYTHONPATH", str(programs))
    assert shell("doctor") == 1
    assert "jax: cannot be imported: OSError: no such library: libx.so" in shell.out
    assert "arviz: cannot be asked for its version" in shell.out
    assert "others: cannot be imported: ImportError: lark is damaged" in shell.out
    assert "What ppl needs does not work." in shell.out
    assert "apt-get install --no-install-recommends verilator" in shell.out
    monkeypatch.setattr(examining, "_PATIENCE", 0.3)
    (programs / "jax.py").write_text("while True: pass")
    assert shell("doctor") == 1
    assert "jax: cannot be imported: " in shell.out
    assert "took longer than the 0.3 seconds that it may" in shell.out
