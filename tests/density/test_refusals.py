"""What only data can show to be impossible is refused when the model is compiled, with the element."""

from __future__ import annotations

import numpy as np
import pytest

from ppl.errors import PplError
from tests.density.from_text import compiled


def message(text: str, data: dict[str, object]) -> str:
    with pytest.raises(PplError) as caught:
        compiled(text, data)
    return str(caught.value)


def test_scale_of_data_below_zero() -> None:
    text = "dim site\ndata y[site], s[site]\nm ~ Normal(0, 1)\ny[site] ~ Normal(m, abs(s[site]) - 1)\n"
    said = message(text, {"y": np.zeros(3), "s": np.array([2.0, 0.5, 1.0])})
    assert "E552" in said
    assert "it is -0.5 at site 1" in said
    assert "it is 0 at site 2" in said
    assert "2 of 3" in said


def test_filtered_elements_do_not_count() -> None:
    text = (
        "dim site\ndata y[site], s[site], use[site] : bool\nm ~ Normal(0, 1)\n"
        "y[i] ~ Normal(m, abs(s[i]) - 1) for i in site if use[i]\n"
    )
    data = {"y": np.zeros(3), "s": np.array([2.0, 0.5, 3.0]), "use": np.array([True, False, True])}
    assert compiled(text, data).size == 1
    assert "at site 1" in message(text, {**data, "use": np.array([False, True, True])})


def test_probability_of_data_above_one() -> None:
    text = "dim i\ndata y[i] : bool, p[i] >= 0\nm ~ Normal(0, 1)\ny[i] ~ Bernoulli(p[i] * 0.5)\n"
    assert "it is 1.5 at i 1" in message(text, {"y": np.array([0, 1]), "p": np.array([1.0, 3.0])})


def test_position_computed_from_data() -> None:
    text = (
        "dim obs\ndim group ordered\ndata y[obs], g[obs] : group\n"
        "a[group] ~ Normal(0, 1)\ny[obs] ~ Normal(a[g[obs] + 1], 1)\n"
    )
    said = message(text, {"y": np.zeros(3), "g": np.array([0, 1, 2])})
    assert "E107" in said
