"""Missing data from files and objects, through a run, into results."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import ppl
from ppl.results.container import Groups, arviz_line, from_arviz

NAN = float("nan")
EACH_KIND = """
dim obs, kind
data y[obs]?, n[obs]? : count, b[obs]? : bool, k[obs]? : kind
p ~ Beta(1, 1)
w[kind] ~ Dirichlet(fill(1, kind))
y[obs] ~ Normal(0, 1)
n[obs] ~ Poisson(2)
b[obs] ~ Bernoulli(p)
k[obs] ~ Categorical(w)
"""
Y, N, B, K = [1.5, None, 3.0, None], [2, 0, None, 4], [True, None, None, False], ["red", "blue", None, "red"]
CSV = "y,n,b,k\n1.5,2,true,red\n,0,NA,blue\n3,,,\nNaN,4,false,red\n"


def numbers(values: list[Any]) -> np.ndarray:
    return np.array([NAN if v is None else v for v in values], float)


def given(how: str, folder: Path) -> Any:
    frame = pd.DataFrame(
        {
            "y": pd.array(Y, dtype="Float64"),
            "n": pd.array(N, dtype="Int64"),
            "b": pd.array(B, dtype="boolean"),
            "k": pd.array(K, dtype="string"),
        }
    )
    match how:
        case "csv":
            (folder / "data.csv").write_text(CSV)
            return folder / "data.csv"
        case "json":
            (folder / "data.json").write_text(json.dumps({"y": Y, "n": N, "b": B, "k": K}))
            return folder / "data.json"
        case "npz":
            np.savez(folder / "data.npz", y=numbers(Y), n=numbers(N), b=numbers(B), k=numbers([1, 0, None, 1]))
            return [folder / "data.npz", {"kind": ["blue", "red"]}]
        case "frame":
            return frame
        case "categories":
            return frame.assign(k=pd.Categorical(K, ["blue", "red"], ordered=True))
        case "lists":
            return {"y": [1.5, pd.NA, 3.0, NAN], "n": [2, 0, None, 4], "b": [True, pd.NA, None, False], "k": K}
        case "masked":
            gone = [v is None for v in Y]
            return {
                "y": np.ma.masked_array(numbers(Y), gone),
                "n": numbers(N),
                "b": numbers(B),
                "k": np.array(K, object),
            }
        case _:
            return xr.Dataset(
                {name: ("obs", np.array(v, object)) for name, v in zip("ynbk", (Y, N, B, K), strict=True)}
            )


@pytest.mark.parametrize("how", ["csv", "json", "npz", "frame", "categories", "lists", "masked", "xarray"])
def test_gaps_of_every_kind_from_every_source(how: str, tmp_path: Path) -> None:
    dataset = ppl.compile(EACH_KIND).bind(given(how, tmp_path)).dataset
    for name, values in zip("ynbk", (Y, N, B, K), strict=True):
        gone = [v is None for v in values]
        assert dataset.missing[name].tolist() == gone
        array = dataset.arrays[name]
        known = np.array(dataset.labels["kind"])[array] if name == "k" else array
        assert known[~np.array(gone)].tolist() == [v for v in values if v is not None]
    assert {name: a.dtype.kind for name, a in dataset.arrays.items()} == {"y": "f", "n": "i", "b": "b", "k": "i"}


def test_gaps_follow_their_labels() -> None:
    text = "dim row, site\ndata y[row, site]?, x[row]\ny[row, site] ~ Normal(x[row], 1)\n"
    y = xr.DataArray(
        [[1.0, NAN], [NAN, 4.0], [5.0, 6.0]], {"site": ["b", "a"], "row": ["r", "s", "t"]}, ("row", "site")
    )
    bound = ppl.compile(text).bind({"y": y.T, "x": {"t": 1.0, "r": 2.0, "s": 3.0}, "site": ["a", "b"]})
    dataset = bound.dataset
    assert dataset.labels["row"] == ("r", "s", "t")
    assert dataset.missing["y"].tolist() == [[True, False], [False, True], [False, False]]
    assert dataset.arrays["y"][~dataset.missing["y"]].tolist() == [1.0, 4.0, 6.0, 5.0]


def test_all_may_be_missing_if_they_are_given_so() -> None:
    model = ppl.compile("dim obs\ndata y[obs]?, x[obs]\nb ~ Normal(0, 1)\ny[obs] ~ Normal(b * x[obs], 1)\n")
    assert model.bind({"y": [None, None], "x": [1, 2]}).dataset.missing["y"].all()
    with pytest.raises(ppl.PplError, match="E301"):
        model.bind({"x": [1, 2]})
    with pytest.raises(ppl.PplError, match="E303"):
        model.bind({"y": None, "x": [1, 2]})


# --- results -----------------------------------------------------------------------------------------

TEXT = """
dim day ordered
dim site
data y[day]?, z[day, site]?
phi ~ Normal(0, 0.5)
m[site] ~ Normal(0, 2)
y[0] ~ Normal(0, 2)
y[t] ~ Normal(phi * y[t-1], 1) for t in day[1:]
z[day, site] ~ Normal(m[site], 1)
total = sum(y[t] for t in day)
"""
DAYS = [f"d{i}" for i in range(8)]
SERIES = np.array([0.3, NAN, -0.5, 1.0, NAN, NAN, 0.2, NAN])
TABLE = np.array([[0.5, 1.0], [NAN, 2.0], [0.1, NAN], [1.0, 1.0], [0.0, 3.0], [NAN, NAN], [1.0, 2.0], [0.4, 0.6]])


@pytest.fixture(scope="module")
def fit() -> Any:
    data = {"y": SERIES, "z": TABLE, "day": DAYS, "site": ["a", "b"]}
    return ppl.compile(TEXT).sample(data, chains=2, warmup=300, draws=300, seed=1)


@pytest.fixture(scope="module")
def groups(fit: Any) -> Groups:
    return from_arviz(fit)[0]


def test_the_posterior_has_missing_elements_by_label(groups: Groups) -> None:
    posterior = groups["posterior"]
    assert posterior["y_missing"].dims == ("chain", "draw", "day_y_missing")
    assert posterior["day_y_missing"].values.tolist() == ["d1", "d4", "d5", "d7"]
    assert posterior["element_z_missing"].values.tolist() == ["d1, a", "d2, b", "d5, a", "d5, b"]
    assert list(posterior.data_vars) == ["y_missing", "z_missing", "phi", "m", "total"]
    missing = posterior["y_missing"]
    np.testing.assert_allclose(posterior["total"], np.nansum(SERIES) + missing.sum("day_y_missing"), rtol=1e-12)
    # The second given its neighbours, at each draw of phi, is Gaussian: (phi (y0 + y2)) / (1 + phi^2).
    expected = (posterior["phi"] * -0.2 / (1 + posterior["phi"] ** 2)).mean()
    assert abs(float(missing.sel(day_y_missing="d1").mean() - expected)) < 0.25
    assert "y_missing[d4]" in ppl.summarise(groups_fit(groups)).names


def groups_fit(groups: Groups) -> Any:
    from ppl.results.container import to_arviz

    return to_arviz(groups, {})


def test_data_and_predictive_draws_have_all_elements(groups: Groups) -> None:
    np.testing.assert_array_equal(groups["observed_data"]["y"].values, SERIES)
    np.testing.assert_array_equal(groups["observed_data"]["z"].values, TABLE)
    assert groups["posterior_predictive"]["y"].sizes["day"] == 8
    assert np.isfinite(groups["posterior_predictive"]["z"]).all()
    assert "constant_data" not in groups


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
def test_cross_validation_takes_what_is_there(fit: Any, groups: Groups) -> None:
    likelihood = groups["log_likelihood"]
    assert likelihood["day_y"].values.tolist() == ["d0", "d2", "d3", "d6"]
    assert likelihood["z"].dims == ("chain", "draw", "element_z")
    assert likelihood["element_z"].size == np.isfinite(TABLE).sum()
    assert np.isfinite(likelihood["z"]).all()
    # ArviZ 1.x refuses `y`, whose first element no parameter bears on: its log-likelihood is the same in all draws.
    for name in ("y", "z") if arviz_line() == 0 else ("z",):
        loo = az.loo(fit, var_name=name)
        assert np.isfinite(loo.elpd_loo if arviz_line() == 0 else loo.elpd)


def test_a_file_of_results_keeps_them(groups: Groups, tmp_path: Path) -> None:
    from ppl.results.storage import read, write

    write(groups, {}, tmp_path / "fit.nc")
    again = read(tmp_path / "fit.nc")[0]
    assert again["posterior"]["day_y_missing"].values.tolist() == ["d1", "d4", "d5", "d7"]


@pytest.mark.long
def test_missing_outcomes_of_a_regression_change_nothing() -> None:
    """The same draws of the parameters, bit for bit, as without the rows."""
    text = "dim obs\ndata y[obs]?, x[obs]\nb ~ Normal(0, 1)\ns ~ HalfNormal(1)\ny[obs] ~ Normal(b * x[obs], s)\n"
    x, y = np.linspace(-1, 1, 10), np.linspace(-1, 1, 10) * 0.5 + np.sin(np.arange(10.0))
    gone = np.isin(np.arange(10), [2, 9])
    model, short = ppl.compile(text), {"chains": 1, "warmup": 100, "draws": 50, "seed": 3}
    with_gaps = from_arviz(model.sample({"y": np.where(gone, NAN, y), "x": x}, **short))[0]["posterior"]
    without = from_arviz(model.sample({"y": y[~gone], "x": x[~gone]}, **short))[0]["posterior"]
    for name in ("b", "s"):
        np.testing.assert_allclose(with_gaps[name], without[name], rtol=1e-6)


# --- saying so ---------------------------------------------------------------------------------------


def test_explain_says_what_becomes_of_them() -> None:
    words = ppl.compile(TEXT).explain({"y": SERIES, "z": TABLE, "day": DAYS, "site": ["a", "b"]})
    table = words.partition("missing elements:\n")[2].partition("\n\n")[0].splitlines()
    assert [" ".join(line.split()) for line in table[:3]] == [
        "y 4 of 8 there",
        "3 sampled d1, d4, d5 other terms depend on them, or on others of their joint draw",
        "1 drawn after sampling d7 nothing else depends on them",
    ]
    assert "4 drawn after sampling  [d1, a], [d2, b], [d5, a], [d5, b]" in table[4]
    assert "elements may be missing" in ppl.compile(TEXT).explain()


def test_values_of_missing_elements_out_of_their_support() -> None:
    text = "dim obs\ndata y[obs]?, z[obs]\ny[obs] ~ Gamma(2, 1)\nz[obs] ~ Normal(log(y[obs]), 1)\n"
    model, data = ppl.compile(text), {"y": [1.0, None], "z": [0.1, 0.2]}
    np.testing.assert_allclose(model.unconstrain({"y_missing": [2.0]}, data), np.log([2.0]))
    with pytest.raises(ppl.PplError, match="E553"):
        model.unconstrain({"y_missing": [-1.0]}, data)


def test_checking_needs_no_jax() -> None:
    code = (
        "import sys, ppl\n"
        "m = ppl.compile('dim obs\\ndata y[obs]?\\nm ~ Normal(0, 1)\\ny[obs] ~ Normal(m, 1)\\n')\n"
        "m.check({'y': [1.0, None]}, engine='nuts')\n"
        "sys.exit('jax' in sys.modules)\n"
    )
    import subprocess

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
