"""Data onto models: sizes, labels, order and types of what fits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import ppl
from ppl.errors import PplError

COUNTIES = """
dim obs, county
data y[obs], u[county], county_of[obs] : county
a ~ Normal(0, 1)
alpha[county] ~ Normal(a + u[county], 1)
y[obs] ~ Normal(alpha[county_of[obs]], 1)
"""


def test_sizes_come_from_arrays_and_size_entries_are_tolerated() -> None:
    bound = ppl.compile(COUNTIES).bind({"N": 3, "J": 2, "K": 9, "y": [1, 2, 3], "u": [1, 2], "county_of": [0, 1, 1]})
    assert bound.dataset.sizes == {"obs": 3, "county": 2}
    assert bound.dataset.labels == {}
    assert not bound.warnings
    assert bound.notes == (
        "`N` = 3 equals the size of `obs`",
        "`J` = 2 equals the size of `county`",
        "`K` = 9 is not used",
    )
    arrays = bound.dataset.arrays
    assert arrays["y"].dtype == np.float64
    assert arrays["county_of"].dtype == np.int64


def test_labels_order_arrays_and_index_data() -> None:
    model = ppl.compile(COUNTIES)
    data = {"y": [1, 2, 3], "u": {"b": 2.0, "a": 1.0}, "county_of": ["a", "b", "a"]}
    dataset = model.bind(data).dataset
    assert dataset.labels["county"] == ("b", "a")
    assert dataset.arrays["u"].tolist() == [2.0, 1.0]
    assert dataset.arrays["county_of"].tolist() == [1, 0, 1]
    # An entry named like the dim says the order.
    dataset = model.bind({**data, "county": ["a", "b"]}).dataset
    assert dataset.labels["county"] == ("a", "b")
    assert dataset.arrays["u"].tolist() == [1.0, 2.0]
    assert dataset.arrays["county_of"].tolist() == [0, 1, 0]


def test_labels_from_index_data_alone_in_order_of_appearance() -> None:
    model = ppl.compile(
        "dim obs, county\ndata y[obs], c[obs] : county\na[county] ~ Normal(0, 1)\ny[obs] ~ Normal(a[c[obs]], 1)\n"
    )
    dataset = model.bind({"y": [1, 2, 3], "c": ["west", "east", "west"]}).dataset
    assert dataset.labels["county"] == ("west", "east")
    assert dataset.arrays["c"].tolist() == [0, 1, 0]
    assert model.bind({"y": [1, 2, 3], "c": [0, 4, 1]}).dataset.sizes["county"] == 5
    assert model.bind({"y": [1, 2, 3], "c": [1, 4, 1], "county": 6}).dataset.sizes["county"] == 6
    # Integers that are labels, not positions.
    dataset = model.bind({"y": [1, 2, 3], "c": [2003, 2001, 2003], "county": [2001, 2002, 2003]}).dataset
    assert dataset.arrays["c"].tolist() == [2, 0, 2]
    dataset = model.bind({"y": [1, 2, 3], "c": [1, 2, 1], "county": [1, 2, 3]}).dataset
    assert dataset.arrays["c"].tolist() == [0, 1, 0]


def test_counting_from_one() -> None:
    model = ppl.compile(COUNTIES.replace(": county", ": county from 1"))
    assert model.bind({"y": [1, 2], "u": [1, 2, 3], "county_of": [1, 3]}).dataset.arrays["county_of"].tolist() == [0, 2]


def test_declared_labels() -> None:
    model = ppl.compile("dim s = {prey, predator}\ndata y[s] > 0\nm ~ Normal(0, 1)\ny[s] ~ LogNormal(m, 1)\n")
    dataset = model.bind({"y": {"predator": 2.0, "prey": 1.0}}).dataset
    assert dataset.arrays["y"].tolist() == [1.0, 2.0]
    assert dataset.labels["s"] == ("prey", "predator")


def test_data_frame() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0], "county_of": pd.Categorical(["p", "q"]), "other": [0, 0]})
    bound = ppl.compile(COUNTIES).bind([frame, {"u": pd.Series([5.0, 6.0], index=["q", "p"])}])
    assert bound.dataset.labels == {"county": ("q", "p")}
    assert bound.dataset.arrays["county_of"].tolist() == [1, 0]
    assert not bound.warnings
    assert bound.notes == ("the column `other` of the data frame is not used",)


def test_csv_column_named_like_a_dim_gives_its_labels(tmp_path) -> None:
    (tmp_path / "d.csv").write_text("school,y,sigma\nChoate,28,15\nDeerfield,8,10\n")
    model = ppl.compile(
        "dim school\ndata y[school], sigma[school] > 0\nmu ~ Normal(0, 5)\ny[school] ~ Normal(mu, sigma[school])\n"
    )
    bound = model.bind(tmp_path / "d.csv")
    assert bound.dataset.labels == {"school": ("Choate", "Deerfield")}
    assert not bound.warnings
    assert not bound.notes


def test_xarray_axes_are_matched_by_name() -> None:
    model = ppl.compile("dim a, b\ndata y[a, b]\nm ~ Normal(0, 1)\ny[a, b] ~ Normal(m, 1)\n")
    array = xr.DataArray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dims=("b", "a"), coords={"b": ["u", "v"]})
    dataset = model.bind({"y": array}).dataset
    assert dataset.sizes == {"a": 3, "b": 2}
    assert dataset.arrays["y"].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert dataset.labels == {"b": ("u", "v")}
    with pytest.raises(PplError, match=r"E303.*wrong dims"):
        model.bind({"y": array.rename(b="c")})


def test_booleans_and_numbers_stand_for_each_other() -> None:
    model = ppl.compile("dim o\ndata y[o], t[o] : bool\nm ~ Normal(0, 1)\ny[o] ~ Normal(m * t[o], 1)\n")
    assert model.bind({"y": [True, False], "t": [1, 0]}).dataset.arrays["t"].tolist() == [True, False]
    assert model.bind({"y": [1, 2], "t": [1.0, 0.0]}).dataset.arrays["t"].dtype == np.bool_


def test_every_missing_entry_is_reported_in_one_run() -> None:
    with pytest.raises(PplError) as caught:
        ppl.compile(COUNTIES).bind({})
    assert [d.code for d in caught.value.diagnostics] == ["E301"] * 3


def test_an_entry_that_the_model_does_not_use_is_a_warning() -> None:
    bound = ppl.compile(COUNTIES).bind({"y": [1], "u": [1], "county_of": [0], "extra": [1, 2]})
    assert [w.code for w in bound.warnings] == ["W130"]
