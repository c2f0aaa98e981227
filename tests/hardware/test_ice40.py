"""Bitstreams: what is reported of them, what is refused, and that the very bits do what the twin does."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ppl.hardware.ice40.board import BITSTREAM, BUILD, PINS
from ppl.hardware.ice40.design import emit
from ppl.hardware.ice40.devices import DEVICES
from ppl.hardware.netlist.netlist import Integers
from ppl.hardware.rtl.emit import unpacked
from ppl.hardware.rtl.machine import Machine, machine
from ppl.hardware.rtl.twin import Twin
from ppl.hardware.tools.finding import need
from ppl.hardware.tools.running import Oversight, run
from tests.hardware import eda
from tests.hardware.designs import AND, design
from tests.shell import Shell

TOOLS = ("yosys", "nextpnr-ice40", "icepack", "icetime", "iverilog")
WIRED = {"hx1k": (21, 112, 113, 114, 115), "hx8k": ("J3", "B1", "C1", "D1", "E2")}
SEED, ROUNDS, SWEEPS = 7, 20, 10


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    Path("and.ppl").write_text(AND)
    return Shell(capsys)


def write_pins(device: str, place: Path) -> None:
    names = ("clk", "sck", "cs_n", "mosi", "miso")
    lines = (f"set_io {name} {pin}\n" for name, pin in zip(names, WIRED[device], strict=True))
    place.write_text("".join(lines))


def read_from_bits(folder: Path, package: str, made: Machine) -> Integers:
    """(ROUNDS, n): states every SWEEPS sweeps, of the circuit that a bitstream is, driven through its pins."""

    def tool(*command: str) -> str:
        return run(command, folder, Oversight(limit=300))

    tool("iceunpack", BITSTREAM, "unpacked.asc")
    circuit = tool("icebox_vlog", "-S", "-n", "ppl_ice40", "-p", PINS, "-d", package, "unpacked.asc")
    (folder / "circuit.v").write_text(circuit)
    parameters = {"SEED": SEED, "ROUNDS": ROUNDS, "SWEEPS": SWEEPS}
    given = [f"-Pspi_tb.{name}={value}" for name, value in parameters.items()]
    bench = str(Path(__file__).with_name("spi_tb.sv"))
    # What a block memory is, as Yosys has it; Icarus takes no defaults of inputs.
    cells = str(Path(need(["yosys"])["yosys"]).parents[1] / "share/yosys/ice40/cells_sim.v")
    how = ("-g2012", "-D", "NO_ICE40_DEFAULT_ASSIGNMENTS", "-s", "spi_tb", *given)
    tool("iverilog", *how, "-o", "run.vvp", bench, "circuit.v", cells)
    words = np.array([[int(line, 16)] for line in tool("vvp", "run.vvp").split()], np.int64)
    return unpacked(made, words)


def expected(made: Machine) -> Integers:
    return Twin(made, (SEED,)).advance(ROUNDS * SWEEPS)[SWEEPS - 1 :: SWEEPS, 0]


def test_a_bitstream_does_what_the_twin_does(shell: Shell) -> None:
    eda.need(*TOOLS)
    write_pins("hx1k", Path("board.pcf"))
    given = ("and.ppl", "--target", "ice40", "--kl", "1e-3", "--device", "hx1k", "--pins", "board.pcf")
    assert shell("compile", *given, "--json") == 0
    said = json.loads(shell.out)
    assert (said["device"], said["cells_of_device"], said["bitstream"]) == ("hx1k", 1280, BITSTREAM)
    assert said["cells"] >= max(said["luts"], said["flipflops"]) > 64
    assert said["clock"] == min(said["clock_nextpnr"], said["clock_icetime"] or math.inf) > 10e6
    assert said["updates_per_second"] == pytest.approx(3 * said["clock"] / said["clocks_per_sweep"])
    dynamic = (53e-12 + 0.2e-12 * (said["cells"] + 16 * said["memories"])) * said["clock"]
    assert said["energy_per_update"] * said["updates_per_second"] == pytest.approx(1.2 * 296e-6 + dynamic)
    made = machine(design("and"))
    found = read_from_bits(Path(said["output"]), "tq144", made)
    assert found.tolist() == expected(made).tolist()
    assert found.tolist() != expected(with_wrong_bits(made)).tolist()


@pytest.mark.long
@pytest.mark.parametrize(("name", "memories"), [("multiplier", False), ("rbm", True)])
def test_so_does_a_larger_one_built_by_hand(name: str, memories: bool, tmp_path: Path) -> None:
    """Tables and adders in logic cells, tables in block memories; made by the script that lies beside the sources."""
    eda.need(*TOOLS)
    netlist = design(name)
    for file, image in emit(netlist).files.items():
        (tmp_path / file).write_bytes(image)
    write_pins("hx8k", tmp_path / PINS)
    run(("sh", BUILD, PINS), tmp_path, Oversight())
    made = machine(netlist)
    assert read_from_bits(tmp_path, "ct256", made).tolist() == expected(made).tolist()
    assert ("SB_RAM40_4K" in (tmp_path / "circuit.v").read_text()) == memories


def stand_in(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of every tool."""
    for name in ("yosys", "nextpnr-ice40", "icepack", "icetime"):
        place = Path("bin", name)
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)
    monkeypatch.setenv("PATH", f"{Path('bin').absolute()}{os.pathsep}{os.defpath}")


LEAVE = "cp ../cells.json ppl_ice40.json; cp ../told.json nextpnr.json; touch ppl_ice40.asc ppl_ice40.bin"


def tell_area(cells: int, memories: int) -> None:
    """In files as Yosys and nextpnr leave them."""
    Path("cells.json").write_text(json.dumps({"modules": {"ppl_ice40": {"cells": {"a": {"type": "SB_LUT4"}}}}}))
    used = {"ICESTORM_LC": {"used": cells}, "ICESTORM_RAM": {"used": memories}}
    Path("told.json").write_text(json.dumps({"utilization": used, "fmax": {"clk": {"achieved": 50.0}}}))


@pytest.mark.parametrize(
    ("cells", "memories", "asked", "placed"),
    [
        (1024, 12, None, "--hx1k"),
        (1025, 0, None, "--hx8k"),
        (10, 13, None, "--hx8k"),
        (1280, 16, "hx1k", "--hx1k"),
        (1281, 0, "hx1k", None),
        (10, 17, "hx1k", None),
        (7680, 32, None, "--hx8k"),
        (7681, 0, None, None),
    ],
)
def test_the_smallest_device_that_holds_it_is_taken(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, cells: int, memories: int, asked: str | None, placed: str | None
) -> None:
    """With stand-ins that tell an area."""
    stand_in(f'echo "$0 $@" >> commands; {LEAVE}', monkeypatch)
    tell_area(cells, memories)
    device = () if asked is None else ("--device", asked)
    code = shell("compile", "and.ppl", "--target", "ice40", *device)
    commands = Path("and.ice40/commands").read_text().splitlines()
    if placed is None:
        assert code == 65
        assert f"[E715]: the design takes {cells:,} cells and {memories} block RAMs" in shell.err
        assert ("or a larger device: --device hx8k or up5k" in shell.err) == (asked == "hx1k")
        assert len(commands) == 2  # no placing
    else:
        assert code == 0
        assert f"{cells:,} of {DEVICES[placed[2:]].cells:,}" in shell.out
        assert "clock                50.0 MHz (nextpnr 50.0 MHz, icetime tells no clock)" in shell.out
        assert placed in commands[2].split()
        assert commands[3].endswith(f"icepack ppl_ice40.asc {BITSTREAM}")


def test_without_tools_the_sources_are_written(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path("nowhere").absolute()))
    assert shell("compile", "and.ppl", "--target", "ice40") == 66
    assert "Written: and.ice40" in shell.out
    assert "[E706]" in shell.err
    assert "yosys" in shell.err
    assert "the sources are in and.ice40; in there `sh build.sh` makes the bitstream" in shell.err
    assert {"top.sv", "spi.sv", BUILD} <= {path.name for path in Path("and.ice40").iterdir()}


@pytest.mark.parametrize("wired", [False, True])
def test_the_script_beside_the_sources_is_of_the_device(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, wired: bool
) -> None:
    monkeypatch.setenv("PATH", str(Path("nowhere").absolute()))
    Path("board.pcf").write_text("set_io clk 35\n")
    pins = ("--pins", "board.pcf") if wired else ()
    assert shell("compile", "and.ppl", "--target", "ice40", "--device", "up5k", *pins) == 66
    script = Path("and.ice40", BUILD).read_text()
    assert "iCE40-UP5K" in script
    assert "--up5k --package sg48" in script
    assert "icetime -m -d up5k" in script
    assert ("--pcf pins.pcf" in script, '--pcf "$1"' in script) == (wired, not wired)


AREA = {"utilization": {"ICESTORM_LC": {"used": 9}, "ICESTORM_RAM": {"used": 0}}}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("cells.json", None, "yosys ended well, but leaves no ppl_ice40.json"),
        ("cells.json", [], "yosys ended well, but does not say in ppl_ice40.json the cells of the design"),
        ("told.json", None, "nextpnr-ice40 ended well, but leaves no nextpnr.json"),
        ("told.json", {"utilization": {"LC": 3}}, "nextpnr.json how many cells and block RAMs it takes"),
        ("told.json", AREA, "nextpnr.json the clock that the design bears"),
        ("told.json", {**AREA, "fmax": {}}, "nextpnr.json the clock that the design bears"),
        ("told.json", {**AREA, "fmax": {"clk": {"achieved": 0}}}, "nextpnr.json the clock that the design bears"),
    ],
)
def test_a_tool_that_leaves_something_out(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, file: str, content: object, said: str
) -> None:
    stand_in(f"{LEAVE}; exit 0", monkeypatch)
    tell_area(9, 0)
    Path(file).unlink()
    if content is not None:
        Path(file).write_text(json.dumps(content))
    assert shell("compile", "and.ppl", "--target", "ice40") == 65
    assert "[E707]" in shell.err
    assert said in shell.err
    assert "this version of it may not be supported" in shell.err


@pytest.mark.parametrize(
    ("script", "said"),
    [("sleep 60", "icetime took longer than the 2 seconds that it may"), ("exit 3", "icetime failed with exit code 3")],
)
def test_why_there_is_no_second_opinion(shell: Shell, monkeypatch: pytest.MonkeyPatch, script: str, said: str) -> None:
    stand_in(f'case "$0" in *icetime) {script};; esac; {LEAVE}', monkeypatch)
    tell_area(9, 0)
    assert shell("compile", "and.ppl", "--target", "ice40", "--time-limit", "2") == 0
    assert f"clock                50.0 MHz (nextpnr 50.0 MHz, {said})" in shell.out


def test_a_tool_that_takes_too_long(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in("echo 'mapping cells'; sleep 60", monkeypatch)
    Path("and.ice40").mkdir()
    Path("and.ice40", BITSTREAM).write_text("of an earlier run")
    assert shell("compile", "and.ppl", "--target", "ice40", "--time-limit", "0.3", "--force") == 65
    assert "[E707]: yosys took longer than the 0.3 seconds that it may" in shell.err
    assert "mapping cells" in shell.err
    assert not Path("and.ice40", BITSTREAM).exists()


def test_ctrl_c_ends_the_tool_and_keeps_the_sources(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in("echo $$ > started; exec sleep 60", monkeypatch)
    started = Path("and.ice40/started").absolute()

    def interrupt() -> None:
        while not started.exists() or not started.read_text().endswith("\n"):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    assert shell("compile", "and.ppl", "--target", "ice40", "--json") == 130
    assert json.loads(shell.out)["errors"][0]["title"] == "interrupted: what was written is in and.ice40"
    assert not Path(f"/proc/{started.read_text().strip()}").exists()
    assert Path("and.ice40/top.sv").exists()


def test_a_device_that_is_too_full_to_place_on(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """
        case "$0 $*" in
            *nextpnr*--pack-only*) cp ../told.json nextpnr.json;;
            *nextpnr*) echo 'ERROR: No legal placement, design is probably at utilisation limit.'; exit 255;;
            *) cp ../cells.json ppl_ice40.json;;
        esac"""
    stand_in(script, monkeypatch)
    tell_area(1200, 0)
    assert shell("compile", "and.ppl", "--target", "ice40", "--device", "hx1k") == 65
    assert "[E715]: the design takes 1,200 cells and 0 block RAMs, for which nextpnr finds no place" in shell.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "ice40", "--device", "hx9k"), "`--device` is 'hx9k', but it takes hx1k, hx8k, up5k"),
        (("--target", "verilog", "--device", "hx8k"), "`--device` goes with a target that is for a device"),
        (("--target", "ice40", "--pins", "b.pcf"), "`--pins` are those of a device"),
        (("--target", "ice40", "--device", "hx8k", "--pins", "b.pcf"), "no such file of pins"),
        (("--target", "ice40", "--time-limit", "nan"), "`--time-limit` is nan, but it takes"),
    ],
)
def test_what_cannot_be_asked_for(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    assert shell("compile", "and.ppl", *arguments) in (2, 66)
    assert said in shell.err


def with_wrong_bits(made: Machine) -> Machine:
    """The highest bit of each threshold of the first unit is turned round."""
    first, *others = made.cells
    wrong = first.thresholds ^ np.uint64(1 << (made.threshold_bits - 1))
    return replace(made, cells=(replace(first, thresholds=wrong), *others))
