"""`ppl prior` and `ppl predict` in this process: files, exit codes, JSON; the round trip of a simulated data set."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import ppl
from ppl.cli import main as command
from ppl.results.container import from_arviz
from ppl.results.storage import write
from tests.prediction.made import made_fit
from tests.shell import Shell

MODEL = """\
dim home, county
dim level = 3
data x[home], n[home] : count, county_of[home] : county
data heated[home] : bool, hits[home], y[home] > 0, kind[home] : county, grade[home] : level from 1
a ~ Normal(0, 1)
b[county] ~ Normal(a, 0.5)
y[home] ~ LogNormal(b[county_of[home]] + x[home], 0.5)
hits[home] ~ Geometric(1 / (1 + n[home]))
heated[home] ~ Bernoulli(0.5)
kind[home] ~ Categorical(fill(0.5, county))
grade[home] ~ Categorical(fill(1 / 3, level))
mean_y = mean(y)
"""
COVARIATES = {"county": ["Ada", "Bly"], "x": [0.5, 1.0, 2.0], "n": [3, 4, 5], "county_of": ["Ada", "Bly", "Bly"]}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    Path("homes.ppl").write_text(MODEL)
    Path("homes.json").write_text(json.dumps(COVARIATES))
    return Shell(capsys, quiet=("prior", "predict"))


def test_a_simulated_data_set_is_one_that_the_model_takes(shell: Shell) -> None:
    one = ("prior", "homes.ppl", "--data", "homes.json", "--one", "-o", "sim.json", "--truth", "truth.json")
    assert shell(*one) == 0
    simulated, truth = json.loads(Path("sim.json").read_text()), json.loads(Path("truth.json").read_text())
    assert set(simulated) == {*COVARIATES, "y", "hits", "heated", "kind", "grade"}
    assert {k: simulated[k] for k in COVARIATES} == COVARIATES
    assert set(simulated["kind"]) <= {"Ada", "Bly"}
    assert all(isinstance(v, bool) for v in simulated["heated"])
    assert set(truth) == {"a", "b", "mean_y"}
    assert truth["mean_y"] == pytest.approx(np.mean(simulated["y"]))
    model = ppl.load("homes.ppl")
    dataset = model.bind("sim.json").dataset
    np.testing.assert_array_equal(dataset.arrays["y"], simulated["y"])
    assert shell("check", "homes.ppl", "--data", "sim.json") == 0
    drawn = model.prior("homes.json", draws=3)
    np.testing.assert_array_equal(drawn["prior_predictive"]["y"].values[0, 0], simulated["y"])
    np.testing.assert_array_equal(drawn["prior_predictive"]["grade"].values[0, 0], np.array(simulated["grade"]) - 1)
    np.testing.assert_array_equal(drawn["prior"]["b"].values[0, 0], truth["b"])
    assert shell(*one) == 2
    assert "E604" in shell.err
    assert stat.S_IMODE(Path("sim.json").stat().st_mode) & 0o044


def test_prior_draws_go_to_a_file_and_to_json(shell: Shell) -> None:
    assert shell("prior", "homes.ppl", "-d", "homes.json", "--draws", "40", "-o", "prior.nc", "--json") == 0
    said = json.loads(shell.out)
    assert said["output"] == "prior.nc"
    assert {row["name"] for row in said["summary"]} >= {"a", "b[Ada]", "b[Bly]", "y[0]"}
    assert set(said["summary"][0]) == {"name", "mean", "sd", "q5", "q50", "q95"}
    with xr.open_dataset("prior.nc", group="prior_predictive", engine="h5netcdf") as group:
        assert group["y"].shape == (1, 40, 3)
    assert shell("summary", "prior.nc") == 0
    assert "no convergence to judge" in shell.out
    assert "r_hat" not in shell.out
    assert "b[Bly]" in shell.out
    assert shell("summary", "prior.nc", "--json") == 0
    assert json.loads(shell.out) == {"summary": said["summary"], "diagnosis": None}
    assert shell("predict", "prior.nc", "-d", "homes.json") == 65
    assert "E506" in shell.err
    assert shell("prior", "homes.ppl", "-d", "homes.json", "--draws", "40") == 0
    assert "r_hat" not in shell.out
    assert "b[Bly]" in shell.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--size", "home=3"), 65, "no data were given\n    = it is needed here: only what the model draws (`y`,"),
        (("-d", "homes.json", "--draws", "0"), 2, "--draws"),
        (("-d", "homes.json", "--truth", "t.json"), 2, "--one"),
        (("-d", "homes.json", "--size", "home"), 2, "--size obs=100"),
        (("-d", "homes.json", "--size", "hume=3"), 2, "no dim `hume`"),
        (("-d", "homes.json", "--size", "county=3"), 2, "leave its size out"),
        (("-d", "homes.json", "--set", "b=1"), 65, "give a value of `a` too"),
        (("-d", "homes.json", "--set", "a"), 2, "--set name=value"),
        (("-d", "homes.json", "-o", "prior.json"), 2, "netCDF"),
        (("-d", "none.json"), 66, "no such"),
        (("-d", "homes.json", "--one", "-o", "homes.json", "--force"), 2, "homes.json"),
    ],
)
def test_wrong_use_of_prior(shell: Shell, arguments: tuple[str, ...], code: int, words: str) -> None:
    assert shell("prior", "homes.ppl", *arguments) == code
    assert words in shell.err


def test_computed_outcomes_are_not_written(shell: Shell) -> None:
    Path("m.ppl").write_text("dim o\ndata e[o] > 0\nle[o] = log(e[o])\nm ~ Normal(0, 1)\nle[o] ~ Normal(m, 1)\n")
    assert shell("prior", "m.ppl", "--size", "o=3", "--one") == 65
    assert "E505" in shell.err
    assert shell("prior", "m.ppl", "--size", "o=3", "--draws", "5") == 0


def test_data_that_the_model_would_refuse_are_not_written(shell: Shell) -> None:
    Path("m.ppl").write_text("dim o\ndata e[o] > 0\nm ~ Normal(-50, 1)\ne[o] ~ Normal(m, 1)\n")
    assert shell("prior", "m.ppl", "--size", "o=3", "--one") == 65
    assert "E505" in shell.err
    assert "E309" in shell.err


# --- predict -----------------------------------------------------------------------------------------


GROUPS = """\
dim obs, county
data x[obs], y[obs], county_of[obs] : county
a ~ Normal(0, 1)
alpha[county] ~ Normal(a, 1)
y[obs] ~ Normal(alpha[county_of[obs]] + x[obs], 0.5)
"""


@pytest.fixture
def fitted(shell: Shell) -> Shell:
    model = ppl.compile(GROUPS)
    data: Any = {"x": [0.0, 1.0], "y": [0.0, 2.0], "county_of": ["A", "B"]}
    rng = np.random.default_rng(0)
    draws = {"a": rng.normal(size=(2, 30)), "alpha": rng.normal(size=(2, 30, 2))}
    groups, attrs = from_arviz(made_fit(model, data, draws))
    write(groups, attrs, Path("fit.nc"))
    Path("new.json").write_text(json.dumps({"x": [1.0], "county_of": ["C"]}))
    return shell


def test_predictions_go_to_a_file(fitted: Shell) -> None:
    assert fitted("predict", "fit.nc", "--data", "new.json") == 0
    assert "Predictions: fit-predicted.nc" in fitted.out
    assert "county: 0 of 2 kept, 1 new (C)" in fitted.err
    with xr.open_dataset("fit-predicted.nc", group="predictions", engine="h5netcdf") as group:
        assert group["y"].shape == (2, 30, 1)
    assert fitted("summary", "fit-predicted.nc") == 0
    assert "alpha[C]" in fitted.out
    assert "These are predictions" in fitted.out
    assert "r_hat" not in fitted.out
    assert fitted("predict", "fit.nc", "--data", "new.json") == 2
    assert fitted("predict", "fit.nc", "--data", "new.json", "--force", "--json") == 0
    said = json.loads(fitted.out)
    assert said["notes"] == ["county: 0 of 2 kept, 1 new (C)"]
    assert [row["name"] for row in said["summary"]] == ["y[0]"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("fit.nc",), 65, "    = no data were given\n"),
        (("none.nc",), 66, "no such"),
        (("new.json",), 65, "E606"),
        (("fit.nc", "-d", "new.json", "-o", "fit.nc", "--force"), 2, "the run reads it"),
        (("fit.nc", "-d", "new.json", "--seed", "-1"), 2, "--seed"),
        (("fit.nc", "-d", "new.json", "--set", "alpha[A]=1"), 65, "`A` is not a label of `county`"),
    ],
)
def test_wrong_use_of_predict(fitted: Shell, arguments: tuple[str, ...], code: int, words: str) -> None:
    assert fitted("predict", *arguments) == code
    assert words in fitted.err


def test_draws_of_others_are_refused(fitted: Shell) -> None:
    group = xr.Dataset({"m": (("chain", "draw"), np.zeros((1, 3)))}, {"chain": [0], "draw": [0, 1, 2]})
    write({"posterior": group}, {}, Path("other.nc"))
    assert fitted("predict", "other.nc", "-d", "new.json") == 65
    assert "E506" in fitted.err


def test_help_teaches(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("prior", "predict"):
        assert command.run([name, "--help"]) == 0
        assert "Examples:" in capsys.readouterr().out
