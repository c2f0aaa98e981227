"""Data onto models: sizes, labels, order and types of what fits."""

from __future__ import annotations

import json
from pathlib import Path

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
    dataset = model.bind({"y": [1, 2, 3], "c": [1, 3, 1], "county": [1, 2, 3]}).dataset
    assert dataset.arrays["c"].tolist() == [0, 2, 0]


DOSES = """
dim obs
dim dose ordered
data y[obs], d[obs] : dose
a[dose] ~ Normal(0, 1)
y[obs] ~ Normal(a[d[obs]], 1)
"""


def doses(values: list[str], categories: list[str], ordered: bool = True) -> pd.DataFrame:
    return pd.DataFrame({"y": np.arange(len(values)), "d": pd.Categorical(values, categories, ordered=ordered)})


def test_ordered_categories_are_the_labels_in_their_order() -> None:
    model = ppl.compile(DOSES)
    frame = doses(["high", "low", "high"], ["low", "middle", "high"])
    for data in (frame, {"y": frame["y"], "d": frame["d"]}):
        dataset = model.bind(data).dataset
        assert dataset.labels["dose"] == ("low", "middle", "high")
        assert dataset.sizes["dose"] == 3
        assert dataset.arrays["d"].tolist() == [2, 0, 2]
    # Those without an order of their own stand in the alphabet's: the order of appearance holds.
    dataset = model.bind(doses(["low", "high", "low"], ["high", "low"], ordered=False)).dataset
    assert dataset.labels["dose"] == ("low", "high")
    # Numbers are positions, whatever their categories.
    dataset = model.bind({"y": [1, 2], "d": pd.Series(pd.Categorical([1, 0], [1, 0], ordered=True))}).dataset
    assert dataset.labels == {}
    assert dataset.arrays["d"].tolist() == [1, 0]


def test_what_else_gives_labels_goes_before_ordered_categories() -> None:
    frame = doses(["high", "low", "high"], ["low", "middle", "high"])
    assert ppl.compile(DOSES).bind([frame, {"dose": ["high", "low"]}]).dataset.arrays["d"].tolist() == [0, 1, 0]
    named = ppl.compile(DOSES.replace("dim dose ordered", "dim dose = {low, high} ordered"))
    assert named.bind(frame).dataset.arrays["d"].tolist() == [1, 0, 1]
    over = ppl.compile(DOSES.replace("d[obs] : dose", "d[obs] : dose, x[dose]"))
    dataset = over.bind([frame, {"x": pd.Series([1.0, 2.0], index=["high", "low"])}]).dataset
    assert dataset.labels["dose"] == ("high", "low")
    # By position an array follows the categories.
    dataset = over.bind([frame, {"x": pd.Series([1.0, 2.0, 3.0])}]).dataset
    assert dataset.arrays["x"].tolist() == [1.0, 2.0, 3.0]
    assert dataset.arrays["d"].tolist() == [2, 0, 2]


def test_ordered_categories_that_differ_are_refused() -> None:
    model = ppl.compile(DOSES.replace("d[obs] : dose", "d[obs] : dose, e[obs] : dose"))
    frame = doses(["high", "low", "high"], ["low", "high"])
    assert model.bind(frame.assign(e=frame["d"])).dataset.labels["dose"] == ("low", "high")
    other = pd.Categorical(["low", "low", "low"], ["high", "low"], ordered=True)
    with pytest.raises(PplError, match=r"E315[\s\S]*the categories of `d` and `e` differ"):
        model.bind(frame.assign(e=other))
    assert model.bind([frame.assign(e=other), {"dose": ["low", "high"]}]).dataset.labels["dose"] == ("low", "high")


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


ONE_DIM = "dim g{}\ndata y[g], s[g]\nm ~ Normal(0, 1)\ny[g] ~ Normal(m, 1 + s[g])\n"


def refusal(text: str, data: object) -> str:
    with pytest.raises(PplError) as caught:
        ppl.compile(text).bind(data)
    return str(caught.value)


def test_an_integer_index_labels_too() -> None:
    model = ppl.compile(ONE_DIM.format(""))
    y, s = pd.Series([1.0, 2, 3], index=[5, 7, 9]), pd.Series([10.0, 20, 30], index=[9, 7, 5])
    dataset = model.bind({"y": y, "s": s}).dataset
    assert dataset.labels == {"g": ("5", "7", "9")}
    assert dataset.arrays["s"].tolist() == [30, 20, 10]
    # A default index is a mere count, unless another order of it stands beside.
    assert model.bind({"y": y, "s": s.reset_index(drop=True)}).dataset.arrays["s"].tolist() == [10, 20, 30]
    assert model.bind(pd.DataFrame({"y": [1.0], "s": [2.0]})).dataset.labels == {}
    default, turned = y.reset_index(drop=True), pd.Series([10.0, 20, 30], index=[2, 1, 0])
    arrays = model.bind({"y": default, "s": turned}).dataset.arrays
    assert (arrays["y"].tolist(), arrays["s"].tolist()) in (([1, 2, 3], [30, 20, 10]), ([3, 2, 1], [10, 20, 30]))
    frame = pd.DataFrame({"y": [1.0, 2, 3], "s": [1.0, 2, 3]})
    assert model.bind(frame[frame["y"] > 1]).dataset.labels == {"g": ("1", "2")}
    assert "E306" in refusal(ONE_DIM.format(""), {"y": pd.Series([1.0, 2], index=[0, 0]), "s": [1, 1]})
    assert "E306" in refusal(ONE_DIM.format(""), {"y": y, "s": pd.Series([1.0, 2, 3], index=[5, 7, 7])})


def test_masked_elements_are_missing() -> None:
    masked = np.ma.masked_less([-5.0, 2.0, 3.0], 0)
    assert "`y[0]` is nan" in refusal(ONE_DIM.format(""), {"y": masked, "s": [1, 1, 1]})


@pytest.mark.parametrize(
    ("dim", "entry", "words"),
    [
        ("", ["A", "B", "A"], "`A` labels more than one element"),
        ("", [1, 2, 1], "`1` labels more than one element"),
        ("", [0.5, 1.5, 2.5], "it is neither a list of labels nor a size"),
        ("", "A", "it is neither a list of labels nor a size"),
        (" = {a, b, c}", ["a", "x", "c"], "it lists a, x, c, but the model a, b, c"),
        (" = {a, b, c}", ["b", "a", "c"], "it lists b, a, c, but the model a, b, c"),
    ],
)
def test_an_entry_named_like_a_dim_is_never_dropped(dim: str, entry: object, words: str) -> None:
    said = refusal(ONE_DIM.format(dim), {"y": [1, 2, 3], "s": [1, 1, 1], "g": entry})
    assert "E306" in said
    assert words in said
    assert "W130" not in said


def test_an_entry_that_repeats_the_model_is_accepted() -> None:
    bound = ppl.compile(ONE_DIM.format(" = {a, b, c}")).bind({"y": [1, 2, 3], "s": [1, 1, 1], "g": ["a", "b", "c"]})
    assert not bound.warnings
    said = refusal(ONE_DIM.format(" = 2"), {"y": [1, 2], "s": [1, 1], "g": ["a", "b", "c"]})
    assert "the model says `dim g = 2`, but `g` in the data lists 3 labels" in said


def test_years_as_positions_are_names() -> None:
    text = "dim obs, g\ndata y[obs], w[obs] : g{}\na[g] ~ Normal(0, 1)\ny[obs] ~ Normal(a[w[obs]], 1)\n"
    data = {"y": [1, 2, 3], "w": [2001, 2002, 2001]}
    for first in ("", " from 1"):
        said = refusal(text.format(first), data)
        assert '"g": [2001, 2002]' in said
        assert "declare" not in said
    assert ppl.compile(text.format("")).bind({**data, "g": [2001, 2002]}).dataset.arrays["w"].tolist() == [0, 1, 0]
    assert '"g": [2001, 2002]' in refusal(text.format(""), {**data, "g": 2})
    assert ": g from 1`" in refusal(text.format(""), {**data, "w": [1, 2, 1]})


def test_empty_data_are_named(tmp_path: Path) -> None:
    said = refusal(ONE_DIM.format(""), {"y": [], "s": []})
    assert "`y` in the data is empty" in said
    assert "E109" not in said
    (tmp_path / "d.csv").write_text("y,s\n")
    assert "`s` in d.csv is empty" in refusal(ONE_DIM.format(""), tmp_path / "d.csv")


def test_the_one_field_that_is_no_number_is_at_fault(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("y,s\n1,1\n2_0,1\n3,1\n")
    said = refusal(ONE_DIM.format(""), tmp_path / "d.csv")
    assert '`y[1]` is the text "2_0"' in said
    assert "also" not in said
    assert "quotes" not in said
    assert "write numbers without quotes" in refusal(ONE_DIM.format(""), {"y": ["1", "2"], "s": [1, 1]})


@pytest.mark.parametrize(
    ("first", "values", "names", "expected"),
    [
        ("", [1, 2, 1], [1, 2, 3], "1 is the label `1`, and the position of `2` counted from 0"),
        ("", [0, 2, 1], [1, 2, 3], "2 is the label `2`, and the position of `3`"),
        (" from 1", [1, 2, 1], [3, 2, 1], "1 is the label `1`, and the position of `3` counted from 1"),
        ("", [0, 1, 2], [0, 1, 9], "0 is the label `0`, but 2 is no label"),
        ("", [1, 4, 1], [1, 2, 3], "E306"),
        (" from 1", [1, 2, 1], [1, 2, 3], [0, 1, 0]),
        (" from 1", [1, 2, 1], [2, 3, 4], "2 is the label `2`, and the position of `3`"),
        ("", ["1", "2", "1"], [1, 2, 3], [0, 1, 0]),
        ("", [1, 2, 1], [0, 1, 2], [1, 2, 1]),
        ("", [1, 0, 1], [7, 8, 9], [1, 0, 1]),
        ("", [9, 7, 9], [7, 8, 9], [2, 0, 2]),
        (" from 1", [3, 1, 2], [3, 1, 7], "3 is the label `3`, and the position of `7`"),
    ],
)
def test_numbers_are_labels_or_positions_and_never_either(
    first: str, values: list[object], names: list[int], expected: object
) -> None:
    text = f"dim obs, g\ndata y[obs], w[obs] : g{first}\na[g] ~ Normal(0, 1)\ny[obs] ~ Normal(a[w[obs]], 1)\n"
    data = {"y": [1, 2, 3], "w": values, "g": names}
    if isinstance(expected, list):
        assert ppl.compile(text).bind(data).dataset.arrays["w"].tolist() == expected
    else:
        assert expected in refusal(text, data)


@pytest.mark.parametrize("label", ["\0z", "\ud800"])
def test_labels_that_no_file_can_hold_are_refused(tmp_path: Path, label: str) -> None:
    (tmp_path / "d.json").write_text(json.dumps({"y": {label: 1, "b": 2}, "s": [1, 1]}))
    said = refusal(ONE_DIM.format(""), tmp_path / "d.json")
    assert "E306" in said
    assert ascii(label) in said
    assert "E306" in refusal(ONE_DIM.format(""), {"y": [1, 2], "s": [1, 1], "g": [label, "b"]})


INDEXED = "dim obs, g\ndata y[obs], w[obs] : g{}\na[g] ~ Normal(0, 1)\ny[obs] ~ Normal(a[w[obs]], 1)\n"


@pytest.mark.parametrize("top", [10**12, 5000, 1e300, 2**63 - 1])
def test_a_size_far_beyond_the_data_is_asked_for(top: float) -> None:
    said = refusal(INDEXED.format(""), {"y": [1, 2, 3], "w": [0, 1, top]})
    assert "E311" in said
    assert "but there are only 3 of them" in said
    assert f'give its size: "g": {int(top) + 1}' in said


def test_a_large_size_that_data_fill_or_state_is_accepted() -> None:
    model = ppl.compile(INDEXED.format(""))
    assert model.bind({"y": [1, 2, 3], "w": [0, 1, 5000], "g": 5001}).dataset.sizes["g"] == 5001
    assert model.bind({"y": [1.0] * 600, "w": [0] * 599 + [5000]}).dataset.sizes["g"] == 5001
    assert model.bind({"y": [1, 2, 3], "w": [0, 1, 999]}).dataset.sizes["g"] == 1000


def test_names_of_data_are_normalised_as_those_of_models_are() -> None:
    model = ppl.compile("dim µ\ndata ﬁt[µ]\nm ~ Normal(0, 1)\nﬁt[µ] ~ Normal(m, 1)\n")
    bound = model.bind({"ﬁt": [1, 2], "µ": ["a", "b"]})
    assert bound.dataset.labels == {"μ": ("a", "b")}
    assert not bound.warnings
