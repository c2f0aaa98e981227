"""Partly observed data: results hold observed elements alone, and ArviZ works on them."""

from __future__ import annotations

import arviz as az
import numpy as np
import pytest
from scipy import stats

import ppl
from ppl.results.container import Groups, arviz_line, from_arviz

AR = """
dim time ordered
data y[time]
alpha ~ Normal(0, 2)
phi ~ Normal(0, 1)
sigma ~ HalfNormal(2)
y[t] ~ Normal(alpha + phi * y[t-1], sigma) for t in time[2:]
"""
MASKED = """
dim obs
data y[obs], seen[obs] : bool
mu ~ Normal(5, 5)
sigma ~ HalfNormal(1)
y[i] ~ Normal(mu, sigma) for i in obs if seen[i]
"""
SHORT = {"chains": 2, "warmup": 300, "draws": 500, "seed": 1}
Y = np.random.default_rng(0).normal(5, 1, size=30)
SEEN = np.arange(30) % 4 != 2


def run(text: str, data: dict[str, object]) -> tuple[object, Groups]:
    fit = ppl.compile(text).sample(data, **SHORT)
    return fit, from_arviz(fit)[0]


@pytest.mark.filterwarnings("ignore:Passing a dict or None:DeprecationWarning")  # ArviZ, in Matplotlib
@pytest.mark.parametrize(
    ("text", "data", "dim", "kept"),
    [
        (AR, {"y": Y}, "time", np.arange(2, 30)),
        (MASKED, {"y": np.where(SEEN, Y, 1e6), "seen": SEEN}, "obs", np.flatnonzero(SEEN)),
    ],
)
def test_arviz_takes_what_is_observed(text: str, data: dict[str, np.ndarray], dim: str, kept: np.ndarray) -> None:
    fit, groups = run(text, data)
    for name in ("log_likelihood", "posterior_predictive", "observed_data"):
        assert groups[name]["y"].dims[-1] == dim
        assert groups[name][dim].values.tolist() == kept.tolist()
        assert np.isfinite(groups[name]["y"]).all()
    assert groups["observed_data"]["y"].values.tolist() == data["y"][kept].tolist()
    assert groups["constant_data"]["y"].values.tolist() == data["y"].tolist()
    assert abs(float(groups["posterior_predictive"]["y"].mean())) < 10
    draws = groups["posterior"]
    mean = draws["alpha"] + draws["phi"] * data["y"][kept[0] - 1] if dim == "time" else draws["mu"]
    expected = stats.norm.logpdf(data["y"][kept[0]], mean, draws["sigma"])
    np.testing.assert_allclose(groups["log_likelihood"]["y"][..., 0], expected, rtol=1e-10)
    assert np.isfinite(az.loo(fit).elpd_loo if arviz_line() == 0 else az.loo(fit).elpd)
    if arviz_line() == 0:  # 1.x leaves plots to other packages
        import matplotlib

        matplotlib.use("Agg")
        az.plot_ppc(fit, num_pp_samples=5)


def test_labels_stay_with_their_elements() -> None:
    labels = [str(year) for year in range(2001, 2031)]
    _, groups = run(AR, {"y": Y, "time": labels})
    assert groups["log_likelihood"]["time"].values.tolist() == labels[2:]
    assert groups["constant_data"]["time"].values.tolist() == labels


def test_two_quantities_with_different_parts() -> None:
    text = AR.replace("data y[time]", "data y[time], z[time]") + "z[time] ~ Normal(alpha, sigma)\n"
    _, groups = run(text, {"y": Y, "z": Y})
    assert groups["observed_data"]["y"].dims == ("time_y",)
    assert groups["observed_data"]["time_y"].values.tolist() == list(range(2, 30))
    assert groups["observed_data"]["z"].sizes == {"time": 30}
    assert groups["posterior_predictive"]["y"].shape == (2, 500, 28)


def test_observed_elements_that_are_no_rectangle() -> None:
    text = """
dim row, column
data n[row, column] : count, seen[row, column] : bool
rate ~ Gamma(2, 1)
n[i, j] ~ Poisson(rate) for i in row, j in column if seen[i, j]
"""
    seen = np.array([[1, 0, 1], [0, 0, 1]], bool)
    _, groups = run(text, {"n": np.full((2, 3), 4), "seen": seen})
    for name in ("posterior_predictive", "observed_data"):
        assert groups[name]["column"].values.tolist() == [0, 2]
        assert (np.isfinite(groups[name]["n"].values) == seen[:, [0, 2]]).all()
    pointwise = groups["log_likelihood"]["n"]
    assert pointwise["element_n"].values.tolist() == ["0, 0", "0, 2", "1, 2"]
    assert np.isfinite(pointwise).all()
    assert groups["constant_data"]["n"].values.tolist() == [[4, 4, 4], [4, 4, 4]]


def test_one_event_without_its_first_elements() -> None:
    text = """
dim time ordered
dim k = 2
data x[time, k], S[k, k]
m[k] ~ Normal(0, 3)
x[t, k] ~ MvNormal(m, S) for t in time[1:]
"""
    _, groups = run(text, {"x": np.arange(8.0).reshape(4, 2), "S": np.eye(2)})
    assert groups["log_likelihood"]["x"].sizes == {"chain": 2, "draw": 500, "time": 3}
    assert groups["posterior_predictive"]["x"].shape == (2, 500, 3, 2)
    assert groups["observed_data"]["x"].values.tolist() == [[2, 3], [4, 5], [6, 7]]


def test_dims_count_as_their_index_data_do() -> None:
    text = "dim obs, g\ndata y[obs], g_of[obs] : g from 1\na[g] ~ Normal(0, 5)\ny[obs] ~ Normal(a[g_of[obs]], 1)\n"
    _, groups = run(text, {"y": [1, 2, 3], "g_of": [1, 2, 1]})
    assert groups["posterior"]["g"].values.tolist() == [1, 2]
    assert groups["observed_data"]["obs"].values.tolist() == [0, 1, 2]
