"""Checks that wait for the sizes of dims."""

from __future__ import annotations

import pytest

from ppl.compiler.check import check_sizes
from tests.check.programs import graph

LATENT = """
dim time ordered
x[0] ~ Normal(0, 1)
x[1] ~ Normal(0, 1)
x[t] ~ Normal(x[t-1] + x[t-2], 1) for t in time[2:]
"""
LAGS = """
dim time ordered
dim lag ordered
data y[time], b[lag]
y[t] ~ Normal(sum(b[k] * y[t-1-k] for k in lag), 1) for t in time[3:]
"""


def said(text: str, sizes: dict[str, int], labels: dict[str, tuple[str, ...]] | None = None) -> list[tuple[str, str]]:
    return [(d.code, d.label) for d in check_sizes(graph(text), sizes, labels)]


@pytest.mark.parametrize("size", [3, 10])
def test_enough_elements(size: int) -> None:
    assert said(LATENT, {"time": size}) == []


def test_a_constant_position_outside() -> None:
    codes = [code for code, _ in said(LATENT, {"time": 1})]
    assert set(codes) == {"E109"}


def test_a_range_that_is_empty() -> None:
    found = said(LATENT, {"time": 2})
    assert found == [("E109", "`t`: this range is empty: `time` has 2 elements")]


@pytest.mark.parametrize(("lags", "expected"), [(3, []), (2, []), (4, ["E109"])])
def test_lags_before_the_first_element(lags: int, expected: list[str]) -> None:
    assert [code for code, _ in said(LAGS, {"time": 20, "lag": lags})] == expected


def test_pieces_that_overlap_once_the_size_is_known() -> None:
    text = "dim time ordered\nx[t] ~ Normal(0, 1) for t in time[:3]\nx[t] ~ Normal(0, 1) for t in time[3:-1]\n"
    text += "x[-1] ~ Normal(0, 1)"
    assert said(text, {"time": 5}) == []
    assert [code for code, _ in said(text, {"time": 3})] != []


def test_labels_of_the_data() -> None:
    text = 'dim school\ndata y[school]\na = y["Choate"]'
    assert said(text, {"school": 2}, {"school": ("Choate", "Deerfield")}) == []
    assert said(text, {"school": 2}, {"school": ("Andover", "Deerfield")}) == [
        ("E112", "`Choate` is not a label of `school`")
    ]
    assert said(text, {"school": 2}) == []


def test_stacks_of_the_wrong_length() -> None:
    text = "dim k\ndata w[k]\na = dot(w, stack(k, 1, 2))"
    assert said(text, {"k": 2}) == []
    assert said(text, {"k": 3}) == [("E111", "`k` has 3 elements, and here are 2")]
