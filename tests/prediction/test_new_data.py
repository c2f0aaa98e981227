"""What new data may leave open: elements of outcomes, and everything but the future of a series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ppl
from tests.prediction.made import close, constant, made_fit, moments

COUNT = 4_000

SERIES = """
dim time ordered
data y[time]
phi ~ Uniform(0, 1)
k ~ Bernoulli(0.5)
y[0] ~ Normal(0, 1)
y[t] ~ Normal(phi * y[t-1] + 0 * k, 0.5) for t in time[1:]
"""

YEARS = """
dim year ordered
data y[year], u[year]
phi ~ Uniform(0, 1)
y[0] ~ Normal(0, 1)
y[1] ~ Normal(0, 1)
y[t] ~ Normal(phi * y[t-2] + u[t], 0.5) for t in year[2:]
"""


def series() -> tuple[Any, Any]:
    model = ppl.compile(SERIES)
    draws = {"phi": constant(0.5, COUNT), "k": np.arange(COUNT)[None] % 2 == 0}
    return model, made_fit(model, {"y": [1.0, 3.0]}, draws)


def years() -> tuple[Any, Any]:
    model = ppl.compile(YEARS)
    past = {"y": {"2001": 1.0, "2002": 3.0, "2003": 2.0}, "u": {"2001": 0.0, "2002": 0.0, "2003": 0.0}}
    return model, made_fit(model, past, {"phi": constant(0.5, COUNT)})


def test_what_is_null_in_an_outcome_is_predicted() -> None:
    model, fit = series()
    found = model.predict(fit, {"y": [1.0, 3.0, None, None]})
    y = found["predictions"]["y"].values[0]
    np.testing.assert_array_equal(y, model.predict(fit, sizes={"time": 4})["predictions"]["y"].values[0])
    moments(y[:, 2:], [1.5, 0.75], [[0.25, 0.125], [0.125, 0.3125]])
    for group in (fit["posterior"], found["posterior"]):
        assert group["k"].dtype == np.bool_


def test_a_value_of_the_future_is_read_and_the_null_after_it_predicted() -> None:
    model, fit = years()
    new = {"u": {"2004": 0.0, "2005": 1.0, "2006": 0.0}, "y": {"2004": 8.0, "2005": None, "2006": None}}
    y = model.predict(fit, new)["predictions"]["y"]
    assert y.coords["year"].values.tolist() == ["2004", "2005", "2006"]
    moments(y.values[0], [1.5, 2.0, 4.0], 0.25 * np.eye(3))


def test_one_new_element_of_a_series_that_looks_back_by_two() -> None:
    model, fit = years()
    y = model.predict(fit, {"u": {"2004": 1.0}})["predictions"]["y"]
    close(y.values.mean(), 2.5, COUNT, 0.5)


def test_a_prior_ignores_nulls_where_it_draws_and_asks_for_the_others() -> None:
    model = ppl.compile(SERIES.replace("y[0] ~ Normal(0, 1)\n", ""))
    found = model.prior({"y": [1.0, None, 3.0]}, draws=20)
    assert found["prior_predictive"]["y"].shape == (1, 20, 2)
    np.testing.assert_array_equal(found["observed_data"]["y"], [np.nan, 3.0])
    with pytest.raises(ppl.PplError, match=r"no statement draws `y\[0\]"):
        model.prior({"y": [None, 2.0, 3.0]})


# --- refusals ----------------------------------------------------------------------------------------


def refusal(model: Any, fit: Any, data: Any = None, sizes: Any = None) -> str:
    with pytest.raises(ppl.PplError) as caught:
        model.predict(fit, data, sizes=sizes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "sizes", "words"),
    [
        (None, {"time": 1}, ("E507", "`time` has 1 element here, and 2 in the fit", "--size time=3")),
        ({"y": [None]}, None, ("E507", "to predict 1 more, give `y` for 3")),
        ({"y": [np.inf, None, None]}, None, ("E305", "what is missing here is drawn")),
    ],
)
def test_only_new_times_without_labels_are_told_what_to_give(data: Any, sizes: Any, words: tuple[str, ...]) -> None:
    said = refusal(*series(), data, sizes)
    assert all(word in said for word in words), said


def test_labels_of_the_fit_are_no_count() -> None:
    said = refusal(*years(), {"u": [0.0, 0.0, 0.0]}, {"year": 6})
    assert "E608" in said
    assert 'label the elements to predict in the data: "year"' in said


def test_covariates_have_no_gaps() -> None:
    said = refusal(*years(), {"u": {"2004": None}})
    assert "E305" in said
    assert "only what the model draws (`y`) may be missing here" in said


def test_vectors_that_are_given_in_part() -> None:
    model = ppl.compile(
        "dim g\ndim k = 2\ndata n[g] : count, c[g, k] : count, z[g, k]\na ~ Normal(0, 1)\n"
        "S[i, j] = 1.0 if i == j else 0.0  for i in k, j in k\n"
        "c[g, k] ~ Multinomial(n[g], fill(0.5, k))\nz[g, k] ~ MvNormal(fill(a, k), covariance=S)"
    )
    fit = made_fit(model, {"n": [3], "c": [[1, 2]], "z": [[0.0, 0.0]]}, {"a": constant(0.0, 5)})
    said = refusal(model, fit, {"n": [4, 2], "c": [[1, None], [1, 1]], "z": [[0.0, None], [None, 0.0]]})
    assert "`c` is given in part, and drawn whole by `Multinomial`" in said
    assert "give the same elements of each vector" in said
    found = model.predict(fit, {"n": [4, 2], "c": [[None, None], [1, 1]], "z": [[0.0, None], [1.0, None]]})
    assert (found["predictions"]["c"].values.sum(axis=-1) == [4, 2]).all()
