"""Values as points of the unconstrained space; what is said of values that have none: `name.ppl` with `name.json`."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np
import pytest

import ppl
from ppl.codes import CODES
from ppl.errors import PplError
from tests import golden

CASES = golden.cases("values")
MODEL = """
dim obs, k = 3
data y[obs], low
mu ~ Normal(0, 1)
var rate > low
var part[obs] in [low, rate]
w[k] ~ Dirichlet(fill(1, k))
L[a, b] ~ LKJCholesky(2) for a in k, b in k
y[obs] ~ Normal(mu + rate * part[obs] + sum(w[k], k) * L[0, 0], 1)
"""


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.stem)
def test_words(case: Path) -> None:
    given = json.loads(case.with_suffix(".json").read_text())
    with pytest.raises(PplError) as caught:
        ppl.compile(golden.read(case), case.name).unconstrain(given["values"], given["data"])
    assert {d.code for d in caught.value.diagnostics} <= set(CODES)
    golden.check(case, str(caught.value))


def test_no_strays() -> None:
    assert not golden.strays("values")


@pytest.mark.parametrize("radius", [2.0, 6.0])
def test_every_value_that_the_model_can_take_goes_there_and_back(radius: float) -> None:
    model = ppl.compile(MODEL)
    data = {"y": [0.5, -0.5], "low": 1.5}
    density = model.log_density(data)
    for u in np.random.default_rng(1).uniform(-radius, radius, (20, density.size)):
        with jax.enable_x64(True):
            values = {name: np.asarray(value) for name, value in density.constrain(u).items()}
        np.testing.assert_allclose(model.unconstrain(values, data), u, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("part", [1.6, 2.5]),
        ("part", [1.5, 1.6]),
        ("w", [0.5, 0.5, 0.0]),
        ("w", [0.5, 0.5, 0.1]),
        ("L", [[1.0, 0.0, 0.0], [0.0, 0.9, 0.0], [0.0, 0.0, 1.0]]),
        ("L", [[1.0, 0.0, 0.1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        ("mu", np.inf),
    ],
)
def test_values_outside_name_their_latent(name: str, value: object) -> None:
    model = ppl.compile(MODEL)
    inside = {"mu": 0.0, "rate": 2.0, "part": [1.75, 1.9], "w": [0.25, 0.25, 0.5], "L": np.eye(3)}
    data = {"y": [0.5, -0.5], "low": 1.5}
    assert np.isfinite(model.unconstrain(inside, data)).all()
    with pytest.raises(PplError) as caught:
        model.unconstrain({**inside, name: value}, data)
    assert {(one.code, one.title) for one in caught.value.diagnostics} == {
        ("E553", f"a value of `{name}` is outside its support")
    }


def test_values_that_are_missing_or_of_another_shape() -> None:
    model = ppl.compile("m ~ Normal(0, 1)\ns ~ HalfNormal(1)\n")
    with pytest.raises(ValueError, match="no value is given for `s`"):
        model.unconstrain({"m": 0.0})
    with pytest.raises(ValueError, match="`s` has shape"):
        model.unconstrain({"m": 0.0, "s": [1.0, 2.0]})
    np.testing.assert_allclose(model.unconstrain({"m": 0.25, "s": 2.0, "other": "text"}), [0.25, np.log(2.0)])
