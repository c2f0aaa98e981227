"""`ppl simulate` and `ppl.simulate`: draws of a model's quantities from simulated units."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ppl
from ppl.circuits.files import write_emitted
from ppl.circuits.simulating import SimulationOptions, simulated
from ppl.circuits.targets import find_target
from ppl.hardware.exact import enumerated
from ppl.hardware.netlist.netlist import Bodies, Netlist, Tables, Variable, no_bodies
from ppl.running.interrupts import Requests
from ppl.running.progress import Silent
from tests.shell import Shell

MODEL = """\
dim site = 3
dim colour = 3
var s[site] : spin
var z : colour
var b : bool
energy pairs: -0.5 * s[i] * s[i-1] for i in site[1:]
energy field: -0.4 * s[0] * (2 * b - 1)
energy which: 0.7 * (z == 1)
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(capsys, quiet=("simulate",))


def one_hot(penalty: float) -> Netlist:
    """Of one quantity with three values and energies 0, 0.5, 1 in one-hot code."""
    pairs = Bodies(np.array([[0, 1], [0, 2], [1, 2]]), np.full(3, -penalty / 2))
    quantity = Variable("z", (), (), "int", np.array([2, 3, 4]), "one-hot", np.array([[0, 1, 2]]), np.array([-1]))
    return Netlist(
        name="code",
        names=("z=2", "z=3", "z=4"),
        states=np.full(3, 2),
        bias=-np.array([0.0, 0.5, 1.0]) / 2 - penalty / 2,
        pairs=pairs,
        bodies=(),
        tables=(),
        offset=0.0,
        clamped=np.full(3, -1, np.int64),
        variables=(quantity,),
    )


def test_draws_have_the_model_s_names_and_law(shell: Shell) -> None:
    Path("m.ppl").write_text(MODEL)
    assert shell("compile", "m.ppl") == 0
    assert shell("simulate", "m.netlist.json", "--draws", "400", "--replicas", "8", "--sweeps", "2", "--json") == 0
    said = json.loads(shell.out)
    assert said["output"] == "m.nc"
    assert said["acceptance"] == 1
    assert abs(said["effective_beta"]["beta"] - 1) < 5 * said["effective_beta"]["error"]
    assert {row["name"] for row in said["summary"]} == {"s[0]", "s[1]", "s[2]", "z", "b"}
    import arviz

    fit = arviz.from_netcdf("m.nc")
    assert fit.posterior.s.dims == ("chain", "draw", "site")
    assert fit.posterior.b.dtype == bool
    netlist = ppl.load_netlist("m.netlist.json")
    again = ppl.simulate(netlist, draws=400, replicas=8, sweeps=2)
    assert np.array_equal(again.posterior.s, fit.posterior.s)
    states, p, _ = enumerated(netlist)
    for name, column, of in (("s", 1, lambda z: 2 * z - 1), ("z", 3, lambda z: z), ("b", 4, lambda z: z)):
        shown = fit.posterior[name].values.astype(float)
        shown = shown[..., 1] if name == "s" else shown
        error = shown.mean(axis=1).std(ddof=1) / np.sqrt(8)
        assert abs(shown.mean() - p @ of(states[:, column])) < 5 * error
    assert shell("simulate", "m.netlist.json") == 2
    assert "[E604]" in shell.err


def test_invalid_readouts_are_rejected(shell: Shell) -> None:
    """At any strength of the penalty what is left has the law of the valid states."""
    fit = ppl.simulate(one_hot(1.0), draws=800, replicas=8, beta=1.0)
    netlist = one_hot(1.0)
    states, p, _ = enumerated(netlist)
    valid = states.sum(axis=1) == 1
    share = p[valid].sum()
    assert 0.1 < share < 0.9
    assert abs(fit.attrs["acceptance_of_readout"] - share) < 0.03
    z = fit.posterior.z.values
    exact = np.exp(-np.array([0, 0.5, 1.0]))
    for value, wanted in zip((2, 3, 4), exact / exact.sum(), strict=True):
        found = (z == value).mean(axis=1)
        assert abs(found.mean() - wanted) < 5 * found.std(ddof=1) / np.sqrt(8)
    assert "readouts were valid" in ppl.diagnose(fit).text()


@pytest.mark.parametrize("method", ["gibbs", "tempering", "anneal"])
def test_what_evidence_settles_is_simulated_too(shell: Shell, method: str) -> None:
    Path("settled.ppl").write_text("data y : bool\na ~ Bernoulli(1.0)\ny ~ Bernoulli(0.3 if a else 0.6)\n")
    Path("d.json").write_text('{"y": true}')
    assert shell("compile", "settled.ppl", "--data", "d.json") == 0
    assert shell("simulate", "settled.netlist.json", "--method", method, "--draws", "20", "-o", f"{method}.nc") == 0
    import arviz as az

    assert az.from_netcdf(f"{method}.nc").posterior["a"].all()


def test_a_model_is_no_netlist(shell: Shell) -> None:
    Path("m.ppl").write_text(MODEL)
    assert shell("simulate", "m.ppl") == 2
    assert "`ppl compile m.ppl` makes one of it" in shell.err


def test_what_cannot_be_done_is_told(shell: Shell) -> None:
    netlist = replace(one_hot(0.0), bias=np.full(3, 30.0), pairs=no_bodies(2))
    write_emitted(find_target("netlist").emit(netlist), Path("n.json"), folder=False, force=False)
    assert shell("simulate", "n.json", "--draws", "5") == 65
    assert "[E710]" in shell.err
    for option, value in (
        ("--replicas", "0"),
        ("--sweeps", "0"),
        ("--beta", "nan"),
        ("--beta", "1e300"),
        ("--seed", "-1"),
    ):
        assert shell("simulate", "n.json", option, value) == 2
        assert f"`{option}` is" in shell.err
    assert shell("simulate", "none.json") == 66


def ring(size: int) -> Netlist:
    """Of spins that agree; it says nothing of a model."""
    pairs = Bodies(np.array([[i, (i + 1) % size] for i in range(size)]), np.ones(size))
    made = replace(one_hot(0.0), name="ring", names=tuple("abcdef"[:size]), states=np.full(size, 2), pairs=pairs)
    return replace(made, bias=np.zeros(size), clamped=np.full(size, -1), variables=())


def test_searches_and_ladders() -> None:
    fit = ppl.simulate(ring(6), method="anneal", sweeps=50, replicas=8)
    assert fit.posterior.s.dims == ("chain", "draw", "unit_s")
    assert list(fit.posterior.unit_s.values) == list("abcdef")
    assert fit.sample_stats.lp.values.max() == 6
    assert "The least energy that was found is -6" in ppl.diagnose(fit).text()
    fit = ppl.simulate(ring(6), method="tempering", replicas=4, draws=300)
    pair = fit.posterior.s.values[..., 0] * fit.posterior.s.values[..., 1]
    t = np.tanh(1.0)
    error = pair.mean(axis=1).std(ddof=1) / 2
    assert abs(pair.mean() - (t + t**5) / (1 + t**6)) < 5 * error


def test_an_interrupt_keeps_the_draws_so_far() -> None:
    class Impatient(Silent):
        def iterations(
            self, done: int, total: int, warmup: bool, divergences: int, acceptance: float | None = None
        ) -> None:
            requests.count += done == 7 and not warmup

    requests = Requests()
    found = simulated(ring(6), SimulationOptions(draws=50, replicas=4), Impatient(), requests)
    assert found.stopped == "interrupted"
    assert found.groups["posterior"].sizes["draw"] == 7
    assert found.attrs["partial"] == 1


def test_a_quantity_of_many_states() -> None:
    """More than a byte holds."""
    energy = np.linspace(0, 3, 300)[None]
    many = Variable("z", (), (), "int", np.arange(300), "direct", np.array([[0]]), np.array([-1]))
    netlist = replace(
        ring(1),
        states=np.array([300]),
        pairs=no_bodies(2),
        tables=(Tables(np.array([[0]]), energy),),
        variables=(many,),
    )
    z = ppl.simulate(netlist, draws=500, replicas=8).posterior.z.values
    p = np.exp(-energy[0]) / np.exp(-energy[0]).sum()
    assert z.max() > 200
    assert abs(z.mean() - p @ np.arange(300)) < 5 * z.mean(axis=1).std(ddof=1) / np.sqrt(8)


def test_what_the_model_computes_is_read_out_too(shell: Shell) -> None:
    """Of all types and shapes, with data and with what is held in it"""
    Path("m.ppl").write_text(
        "dim i = 4 ordered\ndim k\ndata w[k], place[i] : k, p[k]\nvar s[i] : spin, z[i] : int in [0, 2], b : bool\n"
        "c[i] ~ Categorical(p)\nenergy g unnormalised: 0.4 * w[c[i]] * s[i] for i in i\n"
        "energy e: -0.3 * s[i] * z[i] for i in i\nenergy f: 0.2 * z[i] * b for i in i\n"
        "total = sum(s[i] * w[place[i]] for i in i)\nequal[i] = s[i] == 1 and not b\nmost = max(z[i] for i in i)\n"
        "looked[i] = w[c[i]]\nbefore = sum(s[i-1] * z[i] for i in i[1:])\nwhich = w[c[0]] * 2 if s[0] == 1 else 0\n"
    )
    Path("d.json").write_text('{"w": [0.5, -1.5, 2.0], "place": [0, 1, 2, 0], "p": [0.2, 0.3, 0.5]}')
    assert shell("compile", "m.ppl", "--data", "d.json", "--set", "b=false", "--set", "s[3]=+1") == 0
    assert shell("simulate", "m.netlist.json", "--draws", "50", "-o", "m.nc") in (0, 1)
    import arviz as az

    found = az.from_netcdf("m.nc").posterior
    s, z = found["s"].to_numpy(), found["z"].to_numpy()
    assert (s[..., 3] == 1).all()
    np.testing.assert_allclose(found["total"], s @ np.array([0.5, -1.5, 2.0, 0.5]))
    assert found["equal"].dtype == bool
    np.testing.assert_array_equal(found["equal"], s == 1)
    np.testing.assert_array_equal(found["most"], z.max(axis=-1))
    assert found["most"].dtype.kind == "i"
    np.testing.assert_array_equal(found["looked"], np.array([0.5, -1.5, 2.0])[found["c"].to_numpy()])
    np.testing.assert_array_equal(found["before"], (s[..., :-1] * z[..., 1:]).sum(axis=-1))
    np.testing.assert_array_equal(found["which"], np.where(s[..., 0] == 1, 2 * found["looked"][..., 0], 0))
