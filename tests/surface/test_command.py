"""The command in this process: streams, exit codes, JSON, and every bad input without a traceback."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
from pathlib import Path

import arviz as az
import numpy as np
import pytest
import xarray as xr

import ppl
from ppl.cli import main as command
from ppl.errors import CompilerBug, Exit
from ppl.results import storage
from tests.shell import Shell

SCHOOLS = """\
dim school
data y[school], sigma[school] > 0

mu             ~ Normal(0, 5)
tau            ~ HalfNormal(5)
offset[school] ~ Normal(0, 1)

theta[school] = mu + tau * offset[school]
y[school] ~ Normal(theta[school], sigma[school])
"""
DATA = {"school": ["Choate", "Deerfield", "Andover"], "y": [28, 8, -3], "sigma": [15, 10, 16]}
RATE = "exp(b) - exp(b) * 2"
QUICK = ("--chains", "2", "--warmup", "300", "--draws", "300", "--quiet")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    Path("schools.ppl").write_text(SCHOOLS)
    Path("schools.json").write_text(json.dumps(DATA))
    return Shell(capsys)


# --- the whole path ----------------------------------------------------------------------------------


def test_sample_and_summary(shell: Shell) -> None:
    code = shell("sample", "schools.ppl", "--data", "schools.json", *QUICK, "--target-acceptance", "0.95")
    table = shell.out
    assert code in (0, 1)
    assert ("look fine" in table) == (code == 0)
    assert re.search(r"^theta\[Choate\] +-?\d", table, re.MULTILINE)
    assert "Draws: schools.nc" in table
    assert shell.err == ""
    assert shell("summary", "schools.nc") == code
    assert shell.out == table[: table.index("\nDraws:")]
    assert shell("summary", "schools.nc", "--var", "mu", "--json") == code
    assert [row["name"] for row in json.loads(shell.out)["summary"]] == ["mu"]
    assert shell("summary", "schools.nc", "--var", "muu") == 2
    assert "did you mean `mu`?" in shell.err

    fit = az.from_netcdf("schools.nc")
    assert fit.posterior["theta"].dims == ("chain", "draw", "school")
    assert fit.posterior.sizes == {"chain": 2, "draw": 300, "school": 3}
    assert fit.posterior_predictive["y"].shape == (2, 300, 3)
    theta, sigma = fit.posterior["theta"].values, np.array(DATA["sigma"])
    normal = -0.5 * ((np.array(DATA["y"]) - theta) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(fit.log_likelihood["y"].values, normal, rtol=1e-12)
    assert fit.observed_data["y"].values.tolist() == DATA["y"]
    assert fit.constant_data["sigma"].values.tolist() == DATA["sigma"]
    assert {
        "diverging",
        "energy",
        "energy_error",
        "tree_depth",
        "n_steps",
        "acceptance_rate",
        "step_size",
        "lp",
    } <= set(fit.sample_stats.data_vars)
    assert fit.attrs["model"] == SCHOOLS
    assert int(fit.attrs["partial"]) == 0
    assert json.loads(fit.attrs["settings"])["target_acceptance"] == 0.95
    assert {"trace", "compile", "warmup", "sampling", "outputs", "total"} <= set(json.loads(fit.attrs["timings"]))


def test_json_and_force(shell: Shell) -> None:
    Path("schools.nc").write_text("old")
    code = shell("sample", "schools.ppl", "--data", "schools.json", *QUICK, "--json", "--force")
    said = json.loads(shell.out)
    assert said["output"] == "schools.nc"
    assert {row["name"] for row in said["summary"]} >= {"mu", "tau", "theta[Choate]"}
    assert said["diagnosis"]["trusted"] == (code == 0)
    assert shell("summary", "schools.nc", "--var", "mu", "--json") == code
    assert [row["name"] for row in json.loads(shell.out)["summary"]] == ["mu"]


def test_optional_groups(shell: Shell) -> None:
    shell(
        "sample", "schools.ppl", "--data", "schools.json", *QUICK, "--save-warmup", "--save-unconstrained", "--engine",
        "hmc", "--no-log-likelihood", "--no-predictive",
    )  # fmt: skip
    groups, attrs = storage.read(Path("schools.nc"))
    assert attrs["engine"] == "hmc"
    assert groups["warmup_posterior"]["theta"].shape == (2, 300, 3)
    assert groups["warmup_sample_stats"]["lp"].shape == (2, 300)
    assert groups["unconstrained_posterior"]["position"].shape == (2, 300, 5)
    assert not {"log_likelihood", "posterior_predictive"} & set(groups)


def test_a_checkout_that_is_not_installed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution = importlib.metadata.distribution

    def uninstalled(name: str) -> importlib.metadata.Distribution:
        if name in ("ppl-lang", "xarray"):
            raise importlib.metadata.PackageNotFoundError(name)
        return distribution(name)

    monkeypatch.setattr("importlib.metadata.distribution", uninstalled)
    assert shell("--version") == 0
    assert shell.out == f"ppl, version {ppl.__version__}\n"
    assert shell("sample", "schools.ppl", "--data", "schools.json", *QUICK) in (0, 1)
    attrs = storage.read(Path("schools.nc"))[1]
    assert attrs["inference_library_version"] == ppl.__version__
    assert json.loads(attrs["versions"])["xarray"] == "unknown"


# --- help and usage ----------------------------------------------------------------------------------


def test_help_teaches(shell: Shell) -> None:
    assert shell("--help") == 0
    assert "ppl sample eight_schools.ppl --data schools.json" in shell.out
    for name in command.COMMANDS:
        assert f"\n  {name} " in shell.out
    for name in command.COMMANDS:
        assert shell(name, "--help") == 0
        assert "Example" in shell.out
    shell("sample", "--help")
    assert "--max-depth" in shell.out
    assert "--target-acceptance" in shell.out
    assert shell() == 0
    assert "Commands" in shell.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("smaple", "schools.ppl"), "Did you mean `ppl sample`?"),
        (("schools.ppl",), "Did you mean `ppl sample schools.ppl`?"),
        (("sample", "schools.ppl", "--drws", "10"), "--draws"),
        (("sample", "schools.ppl", "--engine", "nts"), "did you mean `nuts`?"),
        (("sample", "schools.ppl", "--engine", "hmc", "--max-depth", "3"), "has no setting `--max-depth`"),
        (("sample", "schools.ppl", "--draws", "0"), "`--draws` is 0, but it takes a whole number, at least 1"),
        (("sample", "schools.ppl", "--draws", "x"), "--draws"),
        (("sample", "schools.ppl", "--chains", "0"), "`--chains` is 0"),
        (("sample", "schools.ppl", "--target-acceptance", "2"), "`--target-acceptance` is 2"),
        (("sample", "schools.ppl", "--adapt-delta", "0.9"), "--target-acceptance"),
        (("sample", "schools.ppl", "--iter", "10"), "--draws"),
        (("sample", "schools.ppl", "--max_treedepth", "10"), "--max-depth"),
        (("sample", "schools.ppl", "--tune", "10"), "--warmup"),
        (("sample", "schools.ppl", "schools.json"), "`--data schools.json`"),
        (("sample", "schools.ppl", "--data", "schools.json", "-o", "draws.csv"), "call it draws.nc"),
        (("sample",), "MODEL"),
        (("check",), "MODEL"),
        (("fmt", "--write", "--check", "schools.ppl"), "exclude each other"),
    ],
)
def test_wrong_use(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    assert shell(*arguments) == 2
    assert words in shell.err
    assert shell.out == ""


# --- check, fmt, explain, engines --------------------------------------------------------------------


def test_check(shell: Shell) -> None:
    assert shell("check", "schools.ppl") == 0
    assert shell.out == "schools.ppl: no errors\n"
    assert shell.err == ""
    assert shell("check", "schools.ppl", "--data", "schools.json") == 0
    Path("bad.ppl").write_text("mu ~ Normal(0, s)\n")
    assert shell("check", "schools.ppl", "bad.ppl") == 65
    assert "bad.ppl:1:" in shell.err
    assert shell.out == "schools.ppl: no errors\n"
    assert shell("check", "bad.ppl", "--json") == 65
    error = json.loads(shell.out)["models"][0]["errors"][0]
    assert error["code"].startswith("E1")
    assert (error["line"], error["column"]) == (1, 16)
    assert shell("check", "shcools.ppl") == 66
    assert "did you mean `schools.ppl`?" in shell.err
    assert shell("check", ".") == 66
    Path("latin.ppl").write_bytes(b"# \xe9\n")
    assert shell("check", "latin.ppl") == 65


def test_check_finds_what_sampling_would_refuse(shell: Shell) -> None:
    Path("d.json").write_text(json.dumps({**DATA, "sigma": [15, -1, 16]}))
    Path("free.ppl").write_text(SCHOOLS.replace("sigma[school] > 0", "sigma[school]"))
    assert shell("check", "free.ppl", "--data", "schools.json", "--engine", "nuts") == 0
    assert shell("check", "free.ppl", "--data", "d.json") == 65
    assert "error[E552]" in shell.err
    assert "it is -1 at school 1 (Deerfield)" in shell.err
    assert shell("check", "free.ppl", "--data", "d.json", "--json") == 65
    assert json.loads(shell.out)["models"][0]["errors"][0]["code"] == "E552"

    Path("known.ppl").write_text("dim o\ndata y[o]\ny[o] ~ Normal(0, 1)\n")
    assert shell("check", "known.ppl") == 0
    assert shell("check", "known.ppl", "schools.ppl", "--engine", "nuts") == 65
    assert "known.ppl: error[E501]" in shell.err
    assert shell.out == "schools.ppl: no errors\n"
    assert shell("check", "schools.ppl", "--engine", "nust") == 2
    assert "did you mean `nuts`?" in shell.err
    Path("discrete.ppl").write_text("data y\nz ~ Poisson(3)\ny ~ Normal(z, 1)\n")
    assert shell("check", "discrete.ppl", "--engine", "hmc") == 65
    assert "discrete.ppl:2:1: error[E402]" in shell.err


def test_fmt(shell: Shell) -> None:
    Path("m.ppl").write_text("mu~Normal( 0,1 ) # centre\n")
    assert shell("fmt", "m.ppl") == 0
    assert shell.out == "mu ~ Normal(0, 1)  # centre\n"
    assert shell("fmt", "--check", "m.ppl") == 1
    assert "+mu ~ Normal(0, 1)" in shell.out
    assert shell("fmt", "--write", "m.ppl") == 0
    assert Path("m.ppl").read_text() == "mu ~ Normal(0, 1)  # centre\n"
    assert shell("fmt", "--check", "m.ppl") == 0
    Path("bad.ppl").write_text("mu ~ Normal(0,\n")
    assert shell("fmt", "--write", "bad.ppl") == 65
    assert Path("bad.ppl").read_text() == "mu ~ Normal(0,\n"
    assert sorted(p.name for p in Path().iterdir()) == ["bad.ppl", "m.ppl", "schools.json", "schools.ppl"]
    assert shell("fmt", "--check", "--json", "m.ppl", "bad.ppl", "none.ppl") == 66
    assert shell.err == ""
    good, bad, none = json.loads(shell.out)["models"]
    assert good == {"file": "m.ppl", "changed": False, "errors": []}
    assert (bad["errors"][0]["line"], bad["errors"][0]["code"][:2]) == (1, "E0")
    assert none["errors"][0]["code"] == "E601"


def test_explain(shell: Shell) -> None:
    assert shell("explain", "schools.ppl") == 0
    for word in ("school", "mu", "tau", "offset", "theta", "y"):
        assert word in shell.out
    assert "size from the data" in shell.out
    assert shell("explain", "schools.ppl", "--json") == 0
    assert "size from the data" in json.loads(shell.out)["explanation"]
    assert shell("explain", "schools.ppl", "--data", "schools.json") == 0
    assert "school  3 elements, from the data" in shell.out
    Path("d.json").write_text("{}")
    assert shell("explain", "schools.ppl", "--data", "d.json") == 65
    assert "E301" in shell.err


def test_explain_what_is_set(shell: Shell) -> None:
    assert shell("explain", "schools.ppl", "--set", "mu=2", "--set", "offset[Choate]=0") == 0
    assert 'p(y, μ, τ, offset | σ, μ = 2, offset["Choate"] = 0)' in shell.out
    assert shell("explain", "schools.ppl", "--set", "tau=-2", "--set", "nu=1", "--set", "offset=[[1]]") == 65
    assert [code in shell.err for code in ("E101", "E214", "E303")] == [True] * 3
    model = "dim school\ndata y[school]\ntheta[school] ~ Normal(mu, tau)\ny[school] ~ Normal(theta[school], 9)\n"
    Path("centred.ppl").write_text("mu ~ Normal(0, 5)\ntau ~ HalfNormal(5)\n" + model)
    assert shell("explain", "centred.ppl", "--data", "schools.json", "--set", 'theta["Andover"]=1') == 0
    assert 'θ["Andover"] = 1)' in shell.out
    assert "\n  theta, but for its clamped elements  " in shell.out
    assert " free" not in shell.out


def test_engines(shell: Shell) -> None:
    assert shell("engines") == 0
    assert re.search(r"^nuts: ", shell.out, re.MULTILINE)
    assert "--max-depth" not in shell.out
    assert shell("engines", "nuts") == 0
    assert "--max-depth" in shell.out
    assert "hmc: " not in shell.out
    assert shell("engines", "nutz") == Exit.USAGE
    assert "did you mean `nuts`?" in shell.err
    assert shell("engines", "--json") == 0
    engines = json.loads(shell.out)
    assert {s["name"] for s in engines["nuts"]["settings"]} >= {"warmup", "draws", "target_acceptance"}


# --- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sigma": None}, "E301"),
        ({"sigma": [15, 10]}, "E303"),
        ({"sigma": [[15, 10, 16]]}, "E303"),
        ({"y": [28, float("nan"), -3]}, "E305"),
        ({"y": [28, None, -3]}, "E305"),
        ({"y": [28, "8", -3]}, "E304"),
        ({"sigma": [15, 0, 16]}, "E309"),
        ({"y": {"Choate": 28, "Deerfield": 8, "Andovr": -3}}, "E306"),
    ],
)
def test_data_that_do_not_fit(shell: Shell, change: dict[str, object], code: str) -> None:
    changed = {name: value for name, value in {**DATA, **change}.items() if value is not None or name == "y"}
    Path("d.json").write_text(json.dumps(changed))
    assert shell("sample", "schools.ppl", "--data", "d.json", *QUICK) == 65
    assert f"error[{code}]" in shell.err
    assert shell.out == ""
    assert not Path("schools.nc").exists()
    assert shell("check", "schools.ppl", "--data", "d.json", "--json") == 65
    assert json.loads(shell.out)["models"][0]["errors"][0]["code"] == code


def test_a_count_given_one_and_a_half(shell: Shell) -> None:
    Path("c.ppl").write_text("dim o\ndata n[o] : count\nrate ~ Gamma(2, 1)\nn[o] ~ Poisson(rate)\n")
    Path("c.json").write_text('{"n": [1, 1.5]}')
    assert shell("sample", "c.ppl", "--data", "c.json", *QUICK) == 65
    assert "`n[1]` is 1.5; it should be a count" in shell.err


def test_files_that_are_missing_or_broken(shell: Shell) -> None:
    assert shell("sample", "schools.ppl", "--data", "school.json", *QUICK) == 66
    assert "did you mean `schools.json`?" in shell.err
    Path("d.json").write_text('{"y": [1, 2')
    assert shell("sample", "schools.ppl", "--data", "d.json", *QUICK) == 65
    assert "line 1, column 12" in shell.err
    assert shell("sample", "none.ppl", *QUICK) == 66
    assert shell("summary", "none.nc") == 66
    Path("schools.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 50)
    assert shell("summary", "schools.nc") == 65
    assert "E606" in shell.err


def test_a_model_with_nothing_to_sample(shell: Shell) -> None:
    Path("m.ppl").write_text("dim o\ndata y[o]\ny[o] ~ Normal(0, 1)\n")
    Path("d.json").write_text('{"y": [1, 2]}')
    assert shell("sample", "m.ppl", "--data", "d.json", *QUICK) == 65
    assert "E501" in shell.err


def test_no_starting_point_names_term_line_and_values(shell: Shell) -> None:
    Path("m.ppl").write_text("dim o\ndata y[o]\nmu ~ Normal(0, 1)\ny[o] ~ Uniform(mu, mu + 1)\n")
    Path("d.json").write_text('{"y": [1e6, 1e7]}')
    assert shell("sample", "m.ppl", "--data", "d.json", *QUICK) == 65
    assert "m.ppl:4:" in shell.err
    assert "E502" in shell.err
    assert "minus infinity at o 0 (and at 1 more)" in shell.err
    assert "the value is 1e+06, with lower = " in shell.err


def test_a_parameter_out_of_its_domain_is_named(shell: Shell) -> None:
    Path("m.ppl").write_text("dim o\ndata y[o] : count\nb ~ Normal(0, 1)\ny[o] ~ Poisson(RATE)\n".replace("RATE", RATE))
    Path("d.json").write_text('{"y": [1, 2]}')
    assert shell("sample", "m.ppl", "--data", "d.json", *QUICK) == 65
    assert f"`rate` must be a number not below 0, which `{RATE}` is not there" in shell.err
    assert f"`exp({RATE})` always is" in shell.err
    assert "rescale" not in shell.err


@pytest.mark.parametrize("size", [1e200, 1e300])
def test_huge_data_are_blamed_not_the_priors(shell: Shell, size: float) -> None:
    Path("m.ppl").write_text("dim o\ndata y[o]\nmu ~ Normal(0, 1)\ns ~ HalfNormal(1)\ny[o] ~ Normal(mu, s)\n")
    Path("d.json").write_text(json.dumps({"y": [size, -size]}))
    assert shell("sample", "m.ppl", "--data", "d.json", *QUICK) == 65
    assert shell.err.count("error[E502]") == 1
    assert "m.ppl:5:" in shell.err
    assert "nan" not in shell.err


def test_output_is_checked_before_sampling(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        pytest.fail("sampled although the output cannot be written")

    monkeypatch.setattr("ppl.running.driver.run", never)
    Path("schools.nc").write_text("precious")
    assert shell("sample", "schools.ppl", "--data", "schools.json", *QUICK) == 2
    assert "--force" in shell.err
    assert Path("schools.nc").read_text() == "precious"
    assert shell("sample", "schools.ppl", "--data", "schools.json", "-o", "no/such/x.nc", *QUICK) == 2
    assert "E605" in shell.err
    assert shell("sample", "schools.ppl", "--data", "schools.json", "-o", ".", *QUICK) == 2


def test_a_disk_that_fills_up_loses_no_draws(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    write = storage.write

    def full(groups: dict[str, xr.Dataset], attrs: dict[str, object], path: Path, force: bool = True) -> Path:
        if path.name == path.as_posix():
            raise OSError(28, "No space left on device")
        return write(groups, attrs, path, force)

    monkeypatch.setattr(storage, "write", full)
    shell("sample", "schools.ppl", "--data", "schools.json", *QUICK)
    assert "No space left on device" in shell.err
    place = Path(re.search(r"Draws: (.*)", shell.out)[1])
    assert storage.read(place)[0]["posterior"].sizes["draw"] == 300
    place.unlink()
    place.parent.rmdir()


def test_names_longer_than_any_file(shell: Shell) -> None:
    long = "x" * 300
    assert shell("sample", "schools.ppl", "--data", "schools.json", "-o", f"{long}.nc", *QUICK) == 2
    assert "File name too long" in shell.err
    assert shell("summary", f"{long}.nc") == 66
    assert shell("check", f"{long}.ppl") == 66
    assert shell("check", "schools.ppl", "--data", f"{long}.json") == 66


def test_the_output_is_never_what_the_run_reads(shell: Shell) -> None:
    for path in ("schools.ppl", "schools.json"):
        before = Path(path).read_text()
        assert shell("sample", "schools.ppl", "--data", "schools.json", "--force", "-o", f"./{path}", *QUICK) == 2
        assert "the run reads it" in shell.err
        assert Path(path).read_text() == before


@pytest.mark.parametrize("where", ["write", "judge"])
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_an_interrupt_after_sampling_keeps_the_draws(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, where: str, flags: tuple[str, ...]
) -> None:
    """Ctrl-C before the file is written, and while its draws are summarised."""
    module = storage if where == "write" else importlib.import_module("ppl.results.judge")
    function = getattr(module, where)

    def interrupted(*arguments: object) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return function(*arguments)

    monkeypatch.setattr(module, where, interrupted)
    assert shell("sample", "schools.ppl", "--data", "schools.json", *QUICK, *flags) == 130
    assert "interrupted: all draws are in schools.nc" in shell.err
    assert "nothing was kept" not in shell.err
    if flags:
        assert json.loads(shell.out) == {"output": "schools.nc", "stopped": "interrupted"}
    assert storage.read(Path("schools.nc"))[0]["posterior"].sizes["draw"] == 300


def test_memory_that_runs_out_is_no_bug(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def scarce(*_: object) -> None:
        raise MemoryError("Unable to allocate 2.00 GiB for an array with shape (16384, 16384) and data type float64")

    monkeypatch.setattr("ppl.cli.check.load", scarce)
    assert shell("check", "schools.ppl") == 65
    assert shell.err.startswith("error[E510]: not enough memory: 2.15 GB were asked for at once\n    = ")


def test_our_bugs_are_called_ours(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise CompilerBug("line 3: no such thing")

    monkeypatch.setattr("ppl.cli.check.load", broken)
    monkeypatch.delenv("PPL_DEBUG", raising=False)
    assert shell("check", "schools.ppl") == 70
    assert "This is a bug in ppl" in shell.err
    assert "PPL_DEBUG=1" in shell.err
