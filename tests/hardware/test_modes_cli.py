"""`ppl compile` and `ppl simulate` of models of continuous quantities, and the same in Python."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jax
import numpy as np
import pytest

import ppl
from ppl.circuits.analogue_simulating import ModesSimulation, simulated_modes
from ppl.errors import PplError
from ppl.hardware.analogue.dynamics import Regulator, Underdamped
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.analogue.spice.running import parsed
from ppl.running.interrupts import Requests
from ppl.running.progress import Silent
from tests.hardware.eda import need
from tests.shell import Shell

GROUPS = """\
dim group, obs
data y[obs], of[obs] : group
mu ~ Normal(1, 2)
theta[group] ~ Normal(mu, 0.5)
y[obs] ~ Normal(theta[of[obs]], 2)
"""
DATA = {"y": [1.0, 2, 4], "of": ["a", "b", "b"]}
PRECISION = np.array([[8.25, -4, -4], [-4, 4.25, 0], [-4, 0, 4.5]])
BIAS = np.array([0.25, 0.25, 1.5])


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    Path("m.ppl").write_text(GROUPS)
    Path("d.json").write_text(json.dumps(DATA))
    return Shell(capsys, quiet=("simulate",))


def test_from_a_model_to_draws_under_its_names(shell: Shell) -> None:
    """And back: the same draws in Python, with the law of the posterior, which is Gaussian."""
    assert shell("compile", "m.ppl", "--data", "d.json", "--json") == 0
    said = json.loads(shell.out)
    assert (said["output"], said["modes"], said["couplings"], said["gaussian"]) == ("m.netlist.json", 3, 2, True)
    eigenvalues = np.linalg.eigvalsh(PRECISION)
    assert said["condition"] == pytest.approx(eigenvalues[-1] / eigenvalues[0])
    assert said["slowest"] == pytest.approx(1 / eigenvalues[0])
    assert shell("compile", "m.netlist.json") == 0
    assert "a quadratic energy: exact" in shell.out
    assert shell("simulate", "m.netlist.json", "--draws", "400", "--tau", "1e-6", "--json") == 0
    said = json.loads(shell.out)
    assert said["ledger"]["seconds"] == pytest.approx(400 / eigenvalues[0] * 1e-6)
    warm = said["effective_temperature"]
    assert abs(warm["value"] - 1) < 5 * warm["error"] < 0.1
    import arviz

    fit = arviz.from_netcdf("m.nc")
    assert fit.posterior.theta.dims == ("chain", "draw", "group")
    assert list(fit.posterior.group.values) == ["a", "b"]
    again = ppl.simulate(ppl.load_netlist("m.netlist.json"), draws=400, tau=1e-6)
    np.testing.assert_array_equal(again.posterior.theta, fit.posterior.theta)
    mean, covariance = np.linalg.solve(PRECISION, BIAS), np.linalg.inv(PRECISION)
    found = np.concatenate([fit.posterior.mu.values[..., None], fit.posterior.theta.values], axis=-1)
    for i in range(3):
        for of, exact in ((found[..., i], mean[i]), ((found[..., i] - mean[i]) ** 2, covariance[i, i])):
            assert abs(of.mean() - exact) < 5 * of.mean(axis=1).std(ddof=1) / 4
    lp = ppl.compile(GROUPS).log_density(DATA, centre=["theta"])
    with jax.enable_x64(True):
        exact_lp = float(lp.log_density(lp.unconstrain({"mu": found[0, 0, 0], "theta": found[0, 0, 1:]})))
    assert fit.sample_stats.lp.values[0, 0] == pytest.approx(exact_lp, rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compile", "m.ppl", "--data", "d.json", "--target", "verilog"), "[E701]"),
        (("compile", "m.ppl", "--data", "d.json", "--kl", "1e-3"), "[E701]"),
        (("compile", "m.ppl", "--data", "d.json", "--dynamics", "damped"), "`--dynamics` is 'damped'"),
        (("compile", "m.ppl", "--data", "d.json", "--friction", "0"), "`--friction` is 0"),
        (("compile", "m.ppl", "--data", "d.json", "--latency", "1"), "`--latency` is of a regulator"),
        (("compile", "s.ppl", "--period", "1"), "`--period` is of modes"),
        (("compile", "n.json", "--target", "verilog"), "[E734]"),
        (("compile", "n.json", "--friction", "2"), "--friction goes with a model"),
        (("compile", "n.json", "--kl", "1"), "--kl goes with p-bits"),
        (("simulate", "n.json", "--sweeps", "3"), "`--sweeps` is no setting of simulated modes"),
        (("simulate", "n.json", "--method", "gibbs"), "`--method` is 'gibbs', but it takes for modes one of ou"),
        (("simulate", "n.json", "--step", "0"), "`--step` is 0"),
        (("simulate", "n.json", "--method", "euler", "--step", "5"), "[E733]"),
    ],
)
def test_what_cannot_be_done_is_told(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    Path("s.ppl").write_text("var s : spin\nenergy e: s\n")
    assert shell("compile", "m.ppl", "--data", "d.json", "-o", "n.json") == 0
    assert shell(*arguments) in (2, 65)
    assert said in shell.err


def test_an_interrupt_keeps_the_draws_so_far() -> None:
    class Impatient(Silent):
        def iterations(
            self, done: int, total: int, warmup: bool, divergences: int, acceptance: float | None = None
        ) -> None:
            requests.count += done == 7 and not warmup

    requests = Requests()
    modes = ppl.compile(GROUPS).netlist(DATA)
    found = simulated_modes(modes, ModesSimulation(draws=50, replicas=4), Impatient(), requests)
    assert found.stopped == "interrupted"
    assert found.groups["posterior"].sizes["draw"] == 7
    assert found.attrs["partial"] == 1


def test_options_in_python() -> None:
    """What is held is no mode; where all that is continuous is held there are p-bits."""
    model = ppl.compile(GROUPS)
    modes = model.netlist(DATA, set={"mu": 1.0}, dynamics="underdamped", friction=2.0, period=0.1, driven="all")
    assert isinstance(modes, Modes)
    assert modes.names == ("theta[a]", "theta[b]")
    assert isinstance(modes.dynamics, Underdamped)
    assert modes.dynamics.friction == 2
    assert modes.regulator == Regulator(0.1, 0.0, "all")
    with pytest.raises(PplError, match="`kl` is no option of a netlist of modes"):
        model.netlist(DATA, kl=1e-3, dynamics="underdamped")
    both = "z ~ Bernoulli(0.3)\nm ~ Normal(2 * z, 1)\ndata y\ny ~ Normal(m, 1)\n"
    assert isinstance(ppl.compile(both).netlist({"y": 1.0}), Modes)
    assert ppl.compile(both).netlist({"y": 1.0}, set={"m": 0.5}).names == ("z",)


POSTERIOR = "dim obs\ndata y[obs]\nm ~ Normal(0, 2)\ns ~ HalfNormal(2)\ny[obs] ~ Normal(m, s)\n"
SEEN = {"y": [0.5, 1.5, -0.2, 2.0, 0.9]}


@pytest.mark.long
def test_a_regulated_underdamped_array_is_stochastic_gradient_hamiltonian_monte_carlo() -> None:
    """By the engine `sghmc`, by a regulator that drives all of the force, by a circuit's sources, and by quadrature."""
    m, v = np.meshgrid(np.linspace(-6, 8, 1201), np.linspace(-4, 3.5, 1001), indexing="ij")
    s = np.exp(v)
    left = np.array(SEEN["y"])[:, None, None] - m
    log_p = -(m**2) / 8 - s**2 / 8 + v - 5 * v - (left**2).sum(axis=0) / (2 * s**2)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    model = ppl.compile(POSTERIOR)
    netlist = model.netlist(SEEN, dynamics="underdamped", friction=2.0)
    regulated = model.netlist(SEEN, dynamics="underdamped", friction=2.0, period=0.02, driven="all")
    fits = {
        "engine": model.sample(SEEN, engine="sghmc", chains=16, draws=2000),
        "sources": ppl.simulate(netlist, draws=2000, interval=2.0),
        "regulator": ppl.simulate(regulated, draws=2000, interval=2.0),
    }
    for fit in fits.values():
        for name, exact in (("m", m), ("s", s)):
            mean = (p * exact).sum()
            shown = fit.posterior[name].values
            for found, wanted in ((shown, mean), ((shown - mean) ** 2, (p * (exact - mean) ** 2).sum())):
                error = found.mean(axis=1).std(ddof=1) / 4
                # What steps and periods leave is below 2 % of a moment here.
                assert abs(found.mean() - wanted) < 4 * error + 0.02 * abs(wanted), (name, found.mean(), wanted, error)


def test_decks_are_of_modes(shell: Shell) -> None:
    assert shell("compile", "m.ppl", "--data", "d.json", "--target", "spice") == 0
    assert "3, `rc`" in shell.out
    assert "theta[b] = " in Path("m.cir").read_text()
    Path("s.ppl").write_text("var s : spin, t : spin\nenergy e: -s * t\n")
    assert shell("compile", "s.ppl", "--target", "spice") == 65
    assert "[E709]" in shell.err


@pytest.mark.long
def test_a_deck_runs_by_itself(shell: Shell) -> None:
    """A thousand readings of three modes, and time."""
    need("ngspice")
    assert shell("compile", "m.ppl", "--data", "d.json", "--target", "spice") == 0
    subprocess.run(["ngspice", "-b", "m.cir"], check=True, capture_output=True, timeout=300)
    table = parsed(Path("readings.raw").read_bytes())
    assert table.shape[0] >= 1000
    assert table.shape[1] == 4
