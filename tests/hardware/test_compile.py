"""`ppl compile`: files, reports, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppl.circuits.files import read_netlist
from ppl.hardware.exact import enumerated
from tests.shell import Shell

RING = """\
dim site = 6 ordered
var s[site] : spin
energy pairs: -0.8 * s[i] * s[i-1] for i in site[1:]
energy field: -0.3 * s[0]
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    Path("ring.ppl").write_text(RING)
    return Shell(capsys)


def test_a_netlist_and_what_is_said_of_it(shell: Shell) -> None:
    assert shell("compile", "ring.ppl", "--set", "s[5]=+1", "--kl", "1e-3", "--json") == 0
    said = json.loads(shell.out)
    assert said["output"] == "ring.netlist.json"
    assert (said["pbits"], said["couplings"], said["colours"], said["degree"]) == (5, {"pairs": 4}, 2, 2)
    assert 0 < said["exact_kl"] < 1e-3
    assert said["exact_kl"] < said["predicted_kl"] <= 1e-3
    netlist = read_netlist(Path("ring.netlist.json"))
    assert len(enumerated(netlist)[0]) == 32
    assert netlist.source["model"] == RING
    assert shell("compile", "ring.netlist.json") == 0
    assert "5 p-bits" in shell.out


def test_files_that_exist_are_kept(shell: Shell) -> None:
    Path("n.json").write_text("mine")
    assert shell("compile", "ring.ppl", "-o", "n.json") == 2
    assert "[E604]" in shell.err
    assert Path("n.json").read_text() == "mine"
    assert shell("compile", "ring.ppl", "-o", "n.json", "--force") == 0
    assert shell("compile", "ring.ppl", "-o", "nowhere/n.json") == 2
    assert "[E605]" in shell.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ring.ppl", "--kl", "0"), "[E608]"),
        (("ring.ppl", "--kl", "nan"), "[E608]"),
        (("none.json",), "[E601]"),
        (("n.json", "--set", "a=1"), "--set goes with a model"),
        (("n.json", "--reduction", "rosenberg"), "--reduction goes with a model"),
        (("ring.ppl", "--encoding", "gray"), "`--encoding` is 'gray', but it takes direct, one-hot"),
        (("ring.ppl", "--fabric", "grid"), "`--fabric` is 'grid'"),
        (("ring.ppl", "--degree", "2"), "at least 3"),
        (("ring.ppl", "--target", "asic"), "`--target` is 'asic', but it takes netlist"),
    ],
)
def test_what_cannot_be_done_is_told(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    assert shell("compile", *arguments) in (2, 66)
    assert said in shell.err


def test_a_netlist_gets_words_and_is_written_anew(shell: Shell) -> None:
    assert shell("compile", "ring.ppl") == 0
    assert shell("compile", "ring.netlist.json", "--kl", "1e-4", "-o", "words.json", "--json") == 0
    assert 0 < json.loads(shell.out)["predicted_kl"] <= 1e-4
    assert read_netlist(Path("words.json")).precision is not None


def test_a_name_without_a_type_is_told_of_it(shell: Shell) -> None:
    Path("two.ppl").write_text("var a, b : spin\nenergy e: a * b\n")
    assert shell("compile", "two.ppl", "--kl", "1e-3") == 65
    assert "[E701]" in shell.err
    assert "`var a : spin` gives it states" in shell.err


@pytest.mark.parametrize("name", ["ring.ppl", "d.json", "n.coo"])
def test_what_is_read_is_not_written_over(shell: Shell, name: str) -> None:
    """Nor where it is the name that a target has by itself."""
    Path("given.ppl").write_text(RING.replace("dim site", "data J\ndim site").replace("-0.8", "-J"))
    Path("d.json").write_text('{"J": 0.8}')
    Path("n.coo").write_text("# vartype=SPIN\n0 1 1.5\n")
    before = Path(name).read_bytes()
    arguments: dict[str, tuple[str, ...]] = {
        "ring.ppl": ("ring.ppl", "-o", "ring.ppl"),
        "d.json": ("given.ppl", "--data", "d.json", "-o", "d.json"),
        "n.coo": ("n.coo", "--target", "ising"),
    }
    assert shell("compile", *arguments[name], "--force") == 2
    assert "[E605]" in shell.err
    assert Path(name).read_bytes() == before
