"""Latents that are clamped before others are drawn: in draws from the prior, and in predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ppl
from ppl.running.record import decode_attrs
from tests.prediction.made import close, constant, made_fit

COUNT = 4_000

GROUPS = """
dim obs, county
data y[obs], county_of[obs] : county
a ~ Normal(0, 1)
k ~ Bernoulli(0.5)
alpha[county] ~ Normal(a, 1)
twice[county] = 2 * alpha[county]
y[obs] ~ Normal(twice[county_of[obs]] + k, 0.5)
"""


def test_what_follows_from_clamped_latents_in_the_prior() -> None:
    values = {"a": 3.0, "k": True, "alpha[B]": -1}
    found = ppl.compile(GROUPS).prior({"county_of": ["A", "B"]}, set=values, draws=COUNT)
    prior = found["prior"]
    assert (prior["a"].values == 3).all()
    assert (prior["alpha"].values[..., 1] == -1).all()
    close(prior["alpha"].values[..., 0].mean(), 3, COUNT, 1)
    np.testing.assert_allclose(prior["twice"], 2 * prior["alpha"])
    close(found["prior_predictive"]["y"].values.mean(axis=(0, 1)), [7, -1], COUNT, [np.sqrt(4.25), 0.5])
    assert decode_attrs(found.attrs)["set"] == {"a": 3.0, "k": True, "alpha[B]": -1}


def test_observe_counts_in_the_prior() -> None:
    found = ppl.compile("data y\nx ~ Normal(0, 1)\nobserve x = 3\ny ~ Normal(x, 1)").prior(draws=COUNT)
    assert (found["prior"]["x"].values == 3).all()
    close(found["prior_predictive"]["y"].values.mean(), 3, COUNT, 1)


@pytest.mark.parametrize(
    ("text", "values", "words"),
    [
        (GROUPS, {"alpha": 1.0}, "drawn from, `a`"),
        (GROUPS, {"alpha[A]": 1.0, "beta": 1.0}, "no latent quantity `beta`"),
        ("dim t = 3 ordered\ndata y\nx[0] ~ Normal(0, 1)\nx[i] ~ Normal(x[i-1], 1) for i in t[1:]\ny ~ Normal(x[2], 1)",
         {"x[2]": 1.0}, "drawn from, `x`"),
    ],
)  # fmt: skip
def test_values_that_inform_what_they_are_drawn_from_are_refused(text: str, values: Any, words: str) -> None:
    data = {"county_of": ["A", "B"]} if text is GROUPS else {}
    with pytest.raises(ppl.PplError, match=words):
        ppl.compile(text).prior(data, set=values)


def test_predictions_under_another_value() -> None:
    model = ppl.compile(GROUPS)
    rng = np.random.default_rng(0)
    draws = {
        "a": constant(5.0, COUNT),
        "k": np.zeros((1, COUNT), np.bool_),
        "alpha": rng.normal(4.0, 0.1, (1, COUNT, 2)),
    }
    fit = made_fit(model, {"y": [0.0, 0.0], "county_of": ["A", "B"]}, draws)
    found = model.predict(fit, {"county_of": ["B", "C", "D"]}, set={"a": 20.0, "alpha[D]": 7.0})
    posterior = found["posterior"]
    np.testing.assert_array_equal(posterior["alpha"].values[..., 0], draws["alpha"][..., 1])  # what the fit found
    close(posterior["alpha"].values[..., 1].mean(), 20, COUNT, 1)
    assert (posterior["alpha"].values[..., 2] == 7).all()
    assert (posterior["a"].values == 20).all()
    close(found["predictions"]["y"].values[..., 2].mean(), 14, COUNT, 0.5)
    assert decode_attrs(found.attrs)["set"] == {"a": 20.0, "alpha[D]": 7.0}
