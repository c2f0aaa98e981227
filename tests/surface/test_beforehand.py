"""What a run would refuse is found without one, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

import ppl
from ppl.errors import PplError
from ppl.running.beforehand import check_domains

# Each distribution's parameter that data determine: plainly, by a computed quantity, by a whole dim, under a filter.
MODEL = """
dim obs
dim k = 2
data y[obs], s[obs], p[k], on[obs] : bool
mu ~ Normal(0, 1)
_scale[obs] = s[obs] + 1
_sum = sum(s[obs], obs)
w[k] ~ Dirichlet(p)
y[obs] ~ Normal(mu, PARAMETER)
"""
DATA = {"y": [0.5, 1.5], "s": [1.0, 2.0], "p": [0.5, 0.5], "on": [1, 0]}
REACHED = ["s[obs]", "s[obs] * 2 - 1", "_scale[obs] - 1", "_sum - s[obs]", "exp(mu) * 0 + s[obs]"]


def model(parameter: str) -> ppl.Model:
    return ppl.compile(MODEL.replace("PARAMETER", parameter))


def codes(model: ppl.Model, data: dict[str, object]) -> list[str]:
    bound = model.bind(data)
    try:
        check_domains(model.graph, bound.dataset)
    except PplError as error:
        return [one.code for one in error.diagnostics]
    return []


@pytest.mark.parametrize("parameter", REACHED)
def test_it_agrees_with_the_compiler(parameter: str) -> None:
    found = model(parameter)
    for s in ([1.0, 2.0], [1.0, -2.0], [0.0, 1.0]):
        data = {**DATA, "s": s}
        try:
            found.log_density(data)
            expected = []
        except PplError as error:
            expected = [one.code for one in error.diagnostics]
        assert codes(found, data) == expected
    assert codes(found, {**DATA, "s": [1.0, -2.0]}) == ([] if "mu" in parameter else ["E552"])


def test_elements_behind_a_filter_do_not_count() -> None:
    text = MODEL.replace("y[obs] ~ Normal(mu, PARAMETER)", "y[i] ~ Normal(mu, s[i]) for i in obs if on[i]")
    filtered = ppl.compile(text)
    assert codes(filtered, {**DATA, "s": [1.0, -2.0]}) == []
    assert codes(filtered, {**DATA, "s": [-1.0, 2.0]}) == ["E552"]


def test_every_parameter_is_told_of_at_once() -> None:
    with pytest.raises(PplError) as caught:
        model("s[obs]").check({**DATA, "s": [1.0, -2.0], "p": [0.5, -0.5]})
    assert [one.code for one in caught.value.diagnostics] == ["E552", "E552"]


def test_an_engine_needs_something_to_sample() -> None:
    known = ppl.compile("dim o\ndata y[o]\ny[o] ~ Normal(0, 1)\n")
    assert known.check({"y": np.zeros(2)}) == ()
    with pytest.raises(PplError, match="E501"):
        known.check({"y": np.zeros(2)}, engine="nuts")
    with pytest.raises(PplError, match="E607"):
        known.check({"y": np.zeros(2)}, engine="nust")
    assert "2 elements" in known.explain({"y": np.zeros(2)})
    assert "size from the data" in known.explain()
