"""Other programs' files: energies are theirs, both ways; what cannot be read or written is told."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import dimod
import numpy as np
import pytest
from dimod.serialization import coo

from ppl.circuits.files import is_netlist, read_netlist
from ppl.circuits.targets import find_target
from ppl.errors import PplError
from ppl.hardware.energies import energies
from ppl.hardware.exact import enumerated
from ppl.hardware.formats.reading import from_text
from ppl.hardware.lowering.colours import coloured
from ppl.hardware.lowering.direct import direct
from ppl.hardware.netlist.netlist import Bodies, Netlist
from tests.hardware.random_graphs import random_graph
from tests.shell import Shell

G11 = Path(__file__).parents[2] / "models" / "data" / "G11.txt"


def ising(seed: int, size: int = 12, couplings: int = 30, biased: bool = True) -> Netlist:
    """Weights from 1e-9 to 1e3; pairs either way round, and some there twice."""
    rng = np.random.default_rng(seed)
    pairs = np.array([rng.choice(size, 2, replace=False) for _ in range(couplings)])
    made = direct(random_graph(0, most_states=8, values=(2,)))
    return replace(
        made,
        name="glass",
        names=tuple(f"s[{i}]" for i in range(size)),
        states=np.full(size, 2),
        bias=rng.normal(size=size) if biased else np.zeros(size),
        pairs=Bodies(pairs, rng.normal(size=couplings) * 10.0 ** rng.integers(-9, 4, couplings)),
        bodies=(),
        tables=(),
        offset=float(rng.normal()),
        clamped=np.full(size, -1),
        variables=(),
    )


def written(netlist: Netlist, target: str) -> str:
    (image,) = find_target(target).emit(netlist).files.values()
    return image.decode("utf-8")


def states(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (50, size))


def dimod_energies(model: Any, labels: list[Any], shown: np.ndarray) -> np.ndarray:
    """shown: (…, n), 0 or 1."""
    values = shown if model.vartype is dimod.BINARY else 2 * shown - 1
    return model.energies((values, labels))


def read_qubo(text: str) -> Any:
    """As qbsolv's format is described, which dimod does not read."""
    rows = [line.split() for line in text.splitlines() if not line.startswith(("c", "p"))]
    matrix = {(int(i), int(j)): float(q) for i, j, q in rows}
    assert len(matrix) == len(rows)
    (head,) = (line.split() for line in text.splitlines() if line.startswith("p"))
    diagonal = sum(i == j for i, j in matrix)
    assert head == ["p", "qubo", "0", head[3], str(diagonal), str(len(matrix) - diagonal)]
    assert all(i <= j < int(head[3]) for i, j in matrix)
    return dimod.BinaryQuadraticModel.from_qubo(matrix)


@pytest.mark.parametrize("seed", range(10))
def test_dimod_reads_what_is_written(seed: int) -> None:
    netlist = ising(seed)
    shown = states(netlist.size)
    wanted = energies(netlist, shown)
    model = dimod.BinaryQuadraticModel.from_serializable(json.loads(written(netlist, "bqm")))
    np.testing.assert_allclose(dimod_energies(model, list(netlist.names), shown), wanted, rtol=1e-12, atol=1e-9)
    positions = list(range(netlist.size))
    for model in (coo.loads(written(netlist, "ising")), read_qubo(written(netlist, "qubo"))):
        found = dimod_energies(model, positions, shown)
        # Neither has an offset.
        np.testing.assert_allclose(found - found[0], wanted - wanted[0], rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("target", ["bqm", "ising", "qubo"])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_written_is_read_back(target: str, seed: int) -> None:
    netlist = ising(seed)
    again = from_text(written(netlist, target), f"glass{find_target(target).ending}")
    shown = states(netlist.size)
    np.testing.assert_allclose(energies(again, shown), energies(netlist, shown), rtol=1e-12, atol=1e-9)
    if target == "bqm":
        assert again.names == netlist.names
    if target != "qubo":  # whose bits take sums of weights apart again
        assert written(again, target) == written(netlist, target)


@pytest.mark.parametrize("kind", ["SPIN", "BINARY"])
@pytest.mark.parametrize("seed", range(5))
def test_what_dimod_writes_is_read(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = ["a", "b b", 3, (0, 1), 2.5, 17, "s[3]x"]
    # Sixteenths, which dimod's six decimals hold.
    linear = {label: rng.integers(-50, 50) / 16 for label in labels}
    pairs = {
        (u, v): rng.integers(-50, 50) / 16 for i, u in enumerate(labels) for v in labels[:i] if rng.uniform() < 0.6
    }
    model = dimod.BinaryQuadraticModel(linear, pairs, 0.75, kind)
    netlist = from_text(json.dumps(model.to_serializable()), "m.json")
    shown = states(len(labels))
    at = [netlist.names.index(name) for name in _names(labels, "x" if kind == "BINARY" else "s")]
    np.testing.assert_allclose(energies(netlist, shown[:, np.argsort(at)]), dimod_energies(model, labels, shown))
    assert netlist.variables[0].values.tolist() == ([0, 1] if kind == "BINARY" else [-1, 1])
    numbered = model.relabel_variables({label: 3 * i + 1 for i, label in enumerate(labels)}, inplace=False)
    again = from_text(coo.dumps(numbered, vartype_header=True), "m.txt")
    order = [int(name[2:-1]) // 3 for name in again.names]
    assert sorted(order) == list(range(len(labels)))
    np.testing.assert_allclose(energies(again, shown[:, order]) + 0.75, dimod_energies(model, labels, shown))


def _names(labels: list[Any], called: str) -> list[str]:
    written = [list(label) if isinstance(label, tuple) else label for label in labels]
    return [
        f"{called}[{one}]" if isinstance(one, int) else one if isinstance(one, str) else json.dumps(one)
        for one in written
    ]


def test_a_cut_is_minus_the_energy() -> None:
    netlist = ising(3, biased=False)
    text = written(netlist, "gset")
    again = from_text(text, "cut.txt")
    size, count = map(int, text.split()[:2])
    rows = np.array([line.split() for line in text.splitlines()[1:]], float)
    assert (size, count) == (netlist.size, len(rows))
    shown = states(size)
    ends = rows[:, :2].astype(int) - 1
    cut = (rows[:, 2] * (shown[:, ends[:, 0]] != shown[:, ends[:, 1]])).sum(axis=1)
    np.testing.assert_allclose(energies(again, shown), -cut, rtol=1e-12, atol=1e-9)
    constant = energies(netlist, shown) + cut
    np.testing.assert_allclose(constant, constant[0], rtol=1e-12, atol=1e-9)
    assert written(again, "gset") == text


def test_g11_has_the_graph_that_it_should() -> None:
    netlist = from_text(G11.read_text(), "G11.txt")
    assert (netlist.size, len(netlist.pairs.units), netlist.name) == (800, 1600, "G11")
    assert set(netlist.pairs.coupling.tolist()) == {-0.5, 0.5}
    assert (np.bincount(netlist.pairs.units.ravel()) == 4).all()
    assert netlist.variables[0].shape == (800,)
    assert netlist.source["coordinates"]["unit"][:2] == [1, 2]
    assert written(netlist, "gset").split()[:2] == ["800", "1600"]


BQM = json.loads(written(ising(1, 4, 5), "bqm"))


def bqm(**changed: Any) -> str:
    return json.dumps({**BQM, **changed})


# A file that is wrong, by its ending, and what is said of it.
WRONG = {
    "an empty file": (".txt", " \n", "it is empty"),
    "something else": (".txt", "\x00\x01 junk\x02 of a kind, and more\n", "it begins neither as JSON, nor with"),
    "fewer edges than it says": (".txt", "3 3\n1 2 1\n2 3 1\n", "line 1, `3 3`, is followed by 2 edges"),
    "more edges than it says": (".txt", "3 1\n1 2 1\n2 3 1\n", "line 1, `3 1`, is followed by 2 edges"),
    "a vertex too many": (".txt", "3 2\n1 2 1\n3 4 1\n", "line 3, `3 4 1`, joins a vertex that is not among 1 to 3"),
    "a vertex 0": (".txt", "3 1\n\n0 1 1\n", "line 3, `0 1 1`, joins a vertex that is not"),
    "a loop": (".txt", "3 1\n2 2 1\n", "line 2, `2 2 1`, joins a vertex with itself"),
    "an edge twice": (".txt", "3 2\n1 2 1\n2 1 1\n", "line 3, `2 1 1`, joins what line 2 joins already"),
    "no number": (".txt", "3 2\n1 2 1\n1 3 one\n", "line 3, `1 3 one`, has something that is no number"),
    "a number of Python": (".txt", "3 1\n1 2 1_0\n", "line 2, `1 2 1_0`, is not `i j weight`"),
    "half a vertex": (".txt", "3 1\n1 2.5 1\n", "line 2, `1 2.5 1`, does not join two indices"),
    "no weight": (".gset", "3 1\n1 2\n", "line 2, `1 2`, is not `i j weight`"),
    "a weight of NaN": (".gset", "3 1\n1 2 nan\n", "line 2, `1 2 nan`, has a weight that is not finite"),
    "a weight too large": (".gset", "3 1\n1 2 1e999\n", "line 2, `1 2 1e999`, has a weight that is not finite"),
    "sums too large": (".gset", "3 3\n1 2 1.7e308\n1 3 1.7e308\n2 3 1.7e308\n", "are too large"),
    "vertices without end": (".gset", "999999999999 0\n", "has 999999999999 vertices; there are 1 to"),
    "a number of a thousand digits": (".gset", f"{'9' * 5000} 0\n", "whole numbers should be"),
    "no vertices": (".gset", "0 0\n", "line 1, `0 0`, has 0 vertices"),
    "neither spins nor bits": (".coo", "0 1 1\n", "whether variables are spins or bits: a line `# vartype=SPIN`"),
    "another kind": (".coo", "# vartype=DISCRETE\n0 1 1\n", "line 1, `# vartype=DISCRETE`, has another kind"),
    "spins and bits": (".coo", "# vartype=SPIN\n# vartype=BINARY\n0 1 1\n", "whether variables are spins or bits"),
    "a negative index": (".coo", "# vartype=SPIN\n-1 1 1\n", "line 2, `-1 1 1`, does not join two indices"),
    "no coordinates": (".coo", "# vartype=SPIN\n", "it has no variables"),
    "an offset of no number": (
        ".coo",
        "# vartype=SPIN\n# offset=much\n0 1 1\n",
        "line 2, `# offset=much`, has an offset",
    ),
    "no problem": (".qubo", "c only this\n", "it has no line `p qubo"),
    "another problem": (".qubo", "p cnf 3 2\n", "line 1, `p cnf 3 2`, is not `p qubo"),
    "an index too large": (".qubo", "p qubo 0 2 0 1\n0 2 1\n", "line 2, `0 2 1`, has an index beyond 1"),
    "other counts": (".qubo", "p qubo 0 2 1 1\n0 1 1\n", "is followed by 0 lines `i i Q` and 1 lines `i j Q`"),
    "a coupler twice": (".qubo", "p qubo 0 2 0 2\n0 1 1\n1 0 1\n", "line 3, `1 0 1`, joins what line 2 joins already"),
    "an older schema": (".json", bqm(version={"bqm_schema": "2.0.0"}), "its schema is 2.0.0"),
    "bytes": (".json", bqm(use_bytes=True), "its biases are bytes"),
    "another vartype": (".json", bqm(variable_type="DISCRETE"), "variable_type is 'DISCRETE'"),
    "too few biases": (".json", bqm(linear_biases=[1.0]), "linear_biases makes 1, but there are 4 variable labels"),
    "another count": (".json", bqm(num_interactions=99), "num_interactions makes 99"),
    "a variable too many": (".json", bqm(quadratic_head=[9] * len(BQM["quadratic_head"])), "pair 0 joins (9,"),
    "a variable with itself": (".json", bqm(quadratic_head=BQM["quadratic_tail"]), "with itself"),
    "a bias of no number": (".json", bqm(linear_biases=[1.0, "a", 1.0, 1.0]), "linear_biases has an element"),
    "an infinite bias": (".json", bqm(linear_biases=[1.0, float("inf"), 1.0, 1.0]), "that is not finite"),
    "a label twice": (".json", bqm(variable_labels=["a", "a", "b", "c"]), "2 units are called `a`"),
    "labels that are none": (".json", bqm(variable_labels=None), "variable_labels is no list"),
    "no variables": (
        ".json",
        json.dumps(dimod.BinaryQuadraticModel("SPIN").to_serializable()),
        "it has no variables",
    ),
    "half of it": (".json", bqm()[:-40], "it is cut off or no JSON"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_line(name: str) -> None:
    ending, text, said = WRONG[name]
    with pytest.raises(PplError) as error:
        from_text(text, f"m{ending}")
    assert error.value.diagnostics[0].code == "E708"
    assert said in error.value.diagnostics[0].title


@pytest.mark.parametrize("target", ["bqm", "ising", "qubo", "gset"])
def test_a_file_that_was_spoilt_is_read_or_refused(target: str) -> None:
    rng = np.random.default_rng(4)
    text = written(ising(2, biased=target != "gset"), target)
    for _ in range(200):
        at = int(rng.integers(len(text)))
        spoilt = text[:at] + str(rng.choice(["", " ", "\n", "-", "e", ".", "7", "\0", "[", "}"])) + text[at + 1 :]
        for one in (spoilt, text[:at]):
            with suppress(PplError):
                from_text(one, f"m{find_target(target).ending}")


def test_what_a_format_has_no_words_for_is_told() -> None:
    tables = direct(random_graph(1, most_states=64))
    products = direct(random_graph(5, most_states=64, values=(2,)))
    netlist = ising(1)
    held = replace(netlist, clamped=np.where(np.arange(netlist.size) == 2, 1, -1))
    for made, target, said in (
        (tables, "bqm", "units of more than two states"),
        (products, "qubo", "products of 3 p-bits"),
        (held, "ising", "units that are held"),
        (netlist, "gset", "biases"),
        (replace(netlist, pairs=Bodies(np.zeros((0, 2), np.int64), np.zeros(0))), "thrml", "spins that nothing joins"),
    ):
        with pytest.raises(PplError, match=f"`{target}` has no words for {said}") as error:
            find_target(target).emit(made)
        assert error.value.diagnostics[0].code == "E709"


def constants(text: str) -> dict[str, Any]:
    """What a program sets its names in capitals to."""
    lines = (node for node in ast.parse(text).body if isinstance(node, ast.Assign))
    return {node.targets[0].id: ast.literal_eval(node.value) for node in lines if isinstance(node.targets[0], ast.Name)}


def test_a_thrml_program_has_the_netlist_s_energies() -> None:
    netlist = coloured(ising(6, size=40, couplings=90))
    found = constants(written(netlist, "thrml"))
    shown = states(netlist.size)
    spins = 2 * shown - 1
    i, j = np.array(found["EDGES"]).T
    energy = found["OFFSET"] - spins @ found["BIASES"] - (spins[:, i] * spins[:, j]) @ found["WEIGHTS"]
    np.testing.assert_allclose(energy, energies(netlist, shown), rtol=1e-12, atol=1e-9)
    assert tuple(found["NAMES"]) == netlist.names
    colours = np.array(found["COLOURS"])
    assert (colours[i] != colours[j]).all()
    assert found["BETA"] == 1


@pytest.mark.long
def test_thrml_samples_the_law_of_the_netlist(tmp_path: Path) -> None:
    netlist = ising(7, size=8, couplings=12)
    netlist = coloured(replace(netlist, pairs=Bodies(netlist.pairs.units, np.linspace(-0.5, 0.5, 12))))
    (tmp_path / "program.py").write_text(written(netlist, "thrml"))
    own = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}  # not this suite's
    run = partial(subprocess.run, cwd=tmp_path, env=own, check=False, capture_output=True, text=True)
    done = run([sys.executable, "program.py"])
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "samples.npz") as found:
        samples = found["samples"]
    shown, p, _ = enumerated(netlist)
    by_chain = energies(netlist, samples).mean(axis=1)
    error = by_chain.std(ddof=1) / np.sqrt(len(by_chain))
    assert abs(by_chain.mean() - p @ energies(netlist, shown)) < 5 * error
    mean = (2.0 * samples - 1).mean(axis=1)
    errors = mean.std(axis=0, ddof=1) / np.sqrt(len(mean))
    assert (abs(mean.mean(axis=0) - p @ (2.0 * shown - 1)) < 5 * errors).all()


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(capsys, quiet=("simulate",))


def test_a_max_cut_is_compiled_and_annealed(shell: Shell) -> None:
    # A ring of five: the largest cut leaves one edge out, and the last weight is never worth cutting.
    Path("ring").write_text("5 6\n1 2 2\n2 3 2\n3 4 2\n4 5 2\n1 5 2\n1 3 -1\n")
    assert shell("compile", "ring", "--target", "ising") == 0
    assert "5 p-bits" in shell.out
    assert "6 pairs" in shell.out
    assert shell("compile", "ring.coo", "--json") == 0
    assert json.loads(shell.out)["couplings"] == {"pairs": 6}
    assert shell("simulate", "ring", "--method", "anneal", "--sweeps", "50", "--json") == 0
    said = json.loads(shell.out)
    assert (said["best"]["cut"], said["best"]["energy"]) == (8, -8)
    assert f"The largest cut that was found is 8, by {said['best']['count']} of 16" in "".join(
        said["diagnosis"]["good"]
    )


def test_files_are_told_from_models(tmp_path: Path) -> None:
    for name, text, is_one in (
        ("G1", "3 1\n1 2 1\n", True),
        ("marked.txt", "\ufeff3 1\r\n1 2 1\r\n", True),
        ("a.txt", "# vartype=SPIN\n0 1 1\n", True),
        ("b.txt", "c a comment\np qubo 0 2 0 1\n0 1 1\n", True),
        ("m", "# a model\nc ~ Normal(0, 1)\n", False),
        ("m.ppl", "3 1\n", False),
        ("none.txt", None, False),
        ("m.qubo", "", True),
    ):
        if text is not None:
            (tmp_path / name).write_text(text)
        assert is_netlist(tmp_path / name) is is_one, name
    assert read_netlist(tmp_path / "marked.txt").size == 3
