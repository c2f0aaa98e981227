"""SystemVerilog of netlists: what simulators of it show is what the twin computes, bit for bit."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ppl.hardware.lowering.colours import coloured
from ppl.hardware.lowering.direct import direct
from ppl.hardware.lowering.words import rounded
from ppl.hardware.netlist.netlist import Netlist, no_bodies
from ppl.hardware.rtl.emit import PARTS, TESTBENCH, TOP, emit, unpacked
from ppl.hardware.rtl.machine import Machine, machine
from ppl.hardware.rtl.twin import Twin
from tests.hardware import eda
from tests.hardware.designs import ADDER, NAMES, design, icarus, verilator, written
from tests.hardware.random_graphs import random_graph
from tests.hardware.test_twin import flipped_sign, hub, merged_colours
from tests.shell import Shell

FEW = 400


@pytest.mark.parametrize("name", ["and", "multiplier", "lattice", pytest.param("adder", marks=pytest.mark.long)])
def test_icarus_shows_what_the_twin_computes(name: str, tmp_path: Path) -> None:
    made = machine(design(name))
    shown = icarus(made, written(made, tmp_path), FEW, seed=3)
    np.testing.assert_array_equal(shown, Twin(made, [3]).advance(FEW)[:, 0])


def test_verilator_shows_what_the_twin_computes(tmp_path: Path) -> None:
    made = machine(design("categorical"))
    shown = verilator(made, written(made, tmp_path), FEW, seed=3)
    np.testing.assert_array_equal(shown, Twin(made, [3]).advance(FEW)[:, 0])


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_verilator_and_the_twin_over_many_sweeps(name: str, tmp_path: Path) -> None:
    made = machine(design(name))
    shown = verilator(made, written(made, tmp_path), 20_000, seed=1)
    np.testing.assert_array_equal(shown, Twin(made, [1]).advance(20_000)[:, 0])


def test_phases_in_which_a_slot_serves_nobody(tmp_path: Path) -> None:
    made = machine(hub(9, 12))
    assert len(made.slots) == 2
    shown = icarus(made, written(made, tmp_path), FEW, seed=3)
    np.testing.assert_array_equal(shown, Twin(made, [3]).advance(FEW)[:, 0])


@pytest.mark.parametrize("fault", [flipped_sign, merged_colours])
def test_faults_of_a_netlist_are_seen(fault: Callable[[Netlist], Machine], tmp_path: Path) -> None:
    made = machine(design("adder"))
    shown = icarus(made, written(fault(design("adder")), tmp_path), FEW)
    assert (shown != Twin(made).advance(FEW)[:, 0]).any()


def test_a_flipped_bit_of_a_memory_is_seen(tmp_path: Path) -> None:
    made = machine(design("and"))
    memory = written(made, tmp_path) / "thresholds_0.mem"
    words = memory.read_text().split()
    words[0] = f"{int(words[0], 16) ^ 1 << (made.threshold_bits - 2):x}"
    memory.write_text("\n".join(words))
    assert (icarus(made, tmp_path, FEW) != Twin(made).advance(FEW)[:, 0]).any()


def test_wide_words_and_pdits_of_many_states(tmp_path: Path) -> None:
    """The generator of 64 bits, states of up to five values, and one unit after the other."""
    netlist = coloured(rounded(direct(random_graph(2, most_states=200, values=(2, 3, 5))), 6, 40))
    assert netlist.schedule is not None
    made = machine(replace(netlist, schedule=replace(netlist.schedule, discipline="sequential")))
    assert made.generator.word == 64
    assert set(netlist.states) == {2, 3, 5}
    shown = icarus(made, written(made, tmp_path), FEW, seed=2**31 + 5)
    np.testing.assert_array_equal(shown, Twin(made, [2**31 + 5]).advance(FEW)[:, 0])


def scheduled() -> Machine:
    netlist = design("adder")
    assert netlist.schedule is not None
    betas = np.array([0.0] * 5 + [2.0] * 3 + [0.5])
    return machine(replace(netlist, schedule=replace(netlist.schedule, betas=betas)))


def script(made: Machine, folder: Path, statements: str) -> np.ndarray:
    """(lines,) of what statements of the testbench write before it does what it always does, and the states of all
    units then, a word each."""
    written(made, folder)
    bench = folder / TESTBENCH
    text = bench.read_text()
    after = "write(SEED, seed);"
    assert text.count(after) == 1
    bench.write_text(text.replace(after, after + statements))
    icarus(made, folder, 6, seed=1)
    return np.array([int(line, 16) for line in (folder / "states.txt").read_text().split()])


WAIT = "read(RUN); while (read_data != 0) read(RUN); "
SHOW = '$fwrite(file, "%08x\\n", read_data); '


def test_registers_hold_units_run_many_sweeps_and_choose_the_stage(tmp_path: Path) -> None:
    """Seven sweeps at once; a unit held; a stage chosen, and one that there is not; the schedule begun anew; a seed."""
    made = scheduled()
    found = script(
        made,
        tmp_path,
        f"write(RUN, 7); {WAIT} read(STATES); {SHOW}"
        f"read(2); {SHOW} write(STATES, 4); write(16, 32'h4); write(2, 2); write(2, 3);"
        f"write(RUN, 4); {WAIT} read(STATES); {SHOW}"
        f"read(1); {SHOW} read(16); {SHOW} read(4); {SHOW}"
        f"write(1, 0); read(2); {SHOW} write(SEED, 9);",
    )
    twin = Twin(made, [1])
    first = twin.advance(7)[-1]
    stage = twin.stage
    twin.states[:], twin.held[2], twin.stage = [[0, 0, 1, 0, 0]], 1, 2
    second = twin.advance(4)[-1]
    again = Twin(made, [9])
    again.states[:], again.held[2] = twin.states, 1
    third = again.advance(6)
    packed = [int(one @ (1 << np.arange(made.netlist.size))) for one in (first[0], second[0], *third[:, 0])]
    assert found.tolist() == [packed[0], stage, packed[1], 11, 4, 5, 0, *packed[2:]]
    assert (unpacked(made, found[[0, 2]][:, None])[1] == second[0]).all()


def test_one_phase_and_a_schedule_of_many_stages(tmp_path: Path) -> None:
    """Units that nothing joins, one of them held: addresses of nothing, sweeps of two clocks, one at each β."""
    netlist = design("and")
    loose = coloured(replace(netlist, pairs=no_bodies(2), clamped=np.array([-1, 1, -1]), schedule=None))
    assert loose.schedule is not None
    made = machine(replace(loose, schedule=replace(loose.schedule, betas=np.arange(8) / 4)))
    assert (made.phases, made.stages) == (1, 8)
    twin = Twin(made, [1])
    packed = twin.advance(14)[:, 0] @ [1, 2, 4]
    for sweeps in (3, 8):
        found = script(made, tmp_path, f"write(RUN, {sweeps}); {WAIT} read(STATES); {SHOW} read(2); {SHOW}")
        assert found.tolist() == [packed[sweeps - 1], min(sweeps, 7), *packed[sweeps : sweeps + 6]]
    assert ((packed & 2) == 2).all()
    assert len(set(packed)) > 1


def test_a_run_that_is_stopped_ends_with_its_sweep(tmp_path: Path) -> None:
    made = scheduled()
    for clocks in (0, 61, 64):  # while seeds are mixed, within a sweep, at the end of one
        wait = "" if not clocks else f"repeat ({clocks}) @(negedge clk); "
        folder = tmp_path / str(clocks)
        found = script(
            made, folder, f"write(RUN, 99); {wait} write(RUN, 0); {WAIT} read(1); {SHOW} read(STATES); {SHOW}"
        )
        done = int(found[0])
        assert done < 6
        shown = Twin(made, [1]).advance(done + 6)[:, 0] @ (1 << np.arange(made.netlist.size))
        assert found[1] == (shown[done - 1] if done else 0)
        assert found[2:].tolist() == shown[done:].tolist()


@pytest.mark.long
def test_what_yosys_makes_of_it_shows_the_same(tmp_path: Path) -> None:
    """After synthesis to logic cells; the testbench and the models of cells are simulated by Icarus."""
    eda.need("yosys", "iverilog")
    made = machine(design("categorical"))
    written(made, tmp_path)
    sources = f"{TOP} {' '.join(PARTS)}"
    steps = (
        f"read_verilog -sv -defer {sources}; synth -flatten -top ppl_top; check -assert; write_verilog -noattr cells.v"
    )
    subprocess.run(["yosys", "-q", "-p", steps], cwd=tmp_path, check=True, timeout=300)
    subprocess.run(["iverilog", "-g2012", "-o", "tb", TESTBENCH, "cells.v"], cwd=tmp_path, check=True, timeout=60)
    subprocess.run(["vvp", "tb", "+sweeps=50", "+seed=3"], cwd=tmp_path, check=True, timeout=120)
    words = [[int(word, 16) for word in line.split()] for line in (tmp_path / "states.txt").read_text().splitlines()]
    np.testing.assert_array_equal(unpacked(made, np.array(words)), Twin(made, [3]).advance(50)[:, 0])


def test_the_command_writes_a_folder_that_runs_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    eda.need("iverilog")
    monkeypatch.chdir(tmp_path)
    Path("adder.ppl").write_text(ADDER)
    shell = Shell(capsys)
    assert shell("compile", "adder.ppl", "--target", "verilog") == 0
    assert "in 4 phases of 2 clocks: 8 clocks a sweep" in shell.out
    assert "xoroshiro64+" in shell.out
    assert (
        "States, held units, sweep and stage are written while nothing runs." in Path("adder.verilog", TOP).read_text()
    )
    folder = Path("adder.verilog")
    commands = [
        line.split("$ ", 1)[1] for line in (folder / TOP).read_text().splitlines() if line.startswith("//     $")
    ]
    for command in commands[:2]:
        subprocess.run(command.split(), cwd=folder, check=True, timeout=60)
    assert len((folder / "states.txt").read_text().splitlines()) == 1000
    assert shell("compile", "adder.ppl", "--target", "verilog") == 2
    assert "[E604]" in shell.err


def test_names_do_not_end_comments() -> None:
    netlist = design("and")
    odd = replace(netlist, name="verilator lint_off\n*/", names=("a\nendmodule", "b\\", "c"))
    text = emit(odd).files[TOP].decode()
    assert "a?endmodule" in text
    assert sum(line.startswith("endmodule") for line in text.splitlines()) == 1
    assert not any(line.lstrip("/ ").startswith("verilator lint") for line in text.splitlines())
