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


@pytest.mark.parametrize("ends", ["0, 1 + z", "z, 3"])
def test_ranges_that_depend_on_what_is_summed_out(ends: str) -> None:
    text = f"data y\nz ~ Bernoulli(0.5)\nx ~ Uniform({ends})\ny ~ Normal(x, 1)\n"
    assert "the range of `x` depends on the discrete latent `z`" in message(text, {"y": 0.5})


def test_tables_too_large_to_sum() -> None:
    """2^7 combinations for each of 2^18 elements are 2^25 numbers."""
    text = (
        "dim obs\ndim k = 7\ndata y[obs], x[obs, k]\nz[k] ~ Bernoulli(0.5)\n"
        "y[i] ~ Normal(sum(x[i, j] * z[j] for j in k), 1) for i in obs\n"
    )
    data = {"y": np.zeros(2**18), "x": np.zeros((2**18, 7))}
    assert "one term depends on 7 discrete elements at once" in message(text, data)


def test_values_go_from_the_least_bound_to_the_greatest() -> None:
    text = (
        "dim k = 2\ndata least[k] : int, most[k] : int, y\n"
        "N[k] ~ truncated(Poisson(2), lower=least[k], upper=most[k])\ny ~ Normal(N[0] + N[1], 1)\n"
    )
    elimination = compiled(text, {"least": [2, 0], "most": [3, 5], "y": 1.0}).plan.elimination
    assert elimination is not None
    assert elimination.values == {"N": (0, 1, 2, 3, 4, 5)}
