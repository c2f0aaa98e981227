"""The density of every model in `models/` against one written by hand with SciPy, at 100 random points.

Positive quantities live on the log scale, so each adds its own logarithm as the Jacobian; everything is centred (other
coordinates are compared with these in tests/centring).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

import ppl
from ppl.compiler.passes.sites import sites

MODELS = Path(__file__).parents[2] / "models"

Values = dict[str, np.ndarray]
Data = dict[str, np.ndarray]


def half_cauchy(x: np.ndarray, scale: float) -> float:
    return float(np.sum(stats.halfcauchy.logpdf(x, scale=scale) + np.log(x)))


def half_normal(x: np.ndarray, scale: float) -> float:
    return float(np.sum(stats.halfnorm.logpdf(x, scale=scale) + np.log(x)))


def normal(x: np.ndarray, mean: Any, scale: Any) -> float:
    return float(np.sum(stats.norm.logpdf(x, mean, scale)))


def eight_schools(v: Values, d: Data) -> float:
    prior = normal(v["mu"], 0, 5) + half_cauchy(v["tau"], 5) + normal(v["theta"], v["mu"], v["tau"])
    return prior + normal(d["y"], v["theta"], d["sigma"])


def radon(v: Values, d: Data) -> float:
    prior = normal(v["a"], 0, 5) + normal(v["b"], 0, 1) + normal(v["g"], 0, 1)
    prior += half_normal(v["tau"], 1) + half_normal(v["sigma"], 1)
    prior += normal(v["alpha"], v["a"] + v["g"] * d["uranium"], v["tau"])
    return prior + normal(d["log_radon"], v["alpha"][d["county_of"] - 1] + v["b"] * d["floor"], v["sigma"])


def wells(v: Values, d: Data) -> float:
    far, log_as, schooled = d["dist"] / 100, np.log(d["arsenic"]), d["educ"] / 4
    far, log_as, schooled = far - far.mean(), log_as - log_as.mean(), schooled - schooled.mean()
    eta = v["alpha"] + v["b_dist"] * far + v["b_arsenic"] * log_as + v["b_educ"] * schooled + v["b_both"] * far * log_as
    prior = sum(normal(v[n], 0, 2.5) for n in ("alpha", "b_dist", "b_arsenic", "b_educ", "b_both"))
    return prior + float(np.sum(-np.logaddexp(0, np.where(d["switched"] == 1, -eta, eta))))


def stackloss(v: Values, d: Data) -> float:
    mean = v["alpha"] + v["b_air"] * (d["air_flow"] - 60) / 9
    mean = mean + v["b_water"] * (d["water_temp"] - 21) / 3 + v["b_acid"] * (d["acid_conc"] - 86) / 5
    prior = normal(v["alpha"], 17, 10) + sum(normal(v[n], 0, 10) for n in ("b_air", "b_water", "b_acid"))
    prior += half_normal(v["sigma"], 10) + float(stats.gamma.logpdf(v["nu"], 2, scale=10) + np.log(v["nu"]))
    return prior + float(np.sum(stats.t.logpdf(d["loss"], v["nu"], mean, v["sigma"])))


def lynx(v: Values, d: Data) -> float:
    y = np.log10(d["trapped"])
    prior = normal(v["a"], 0, 3) + normal(v["phi1"], 0, 1) + normal(v["phi2"], 0, 1) + half_normal(v["sigma"], 1)
    return prior + normal(y[2:], v["a"] + v["phi1"] * y[1:-1] + v["phi2"] * y[:-2], v["sigma"])


BY_HAND: dict[str, Callable[[Values, Data], float]] = {
    "eight_schools": eight_schools,
    "radon": radon,
    "wells": wells,
    "stackloss": stackloss,
    "lynx": lynx,
}


def test_every_model_has_a_reference() -> None:
    assert {p.stem for p in MODELS.glob("*.ppl")} == set(BY_HAND)


@pytest.mark.parametrize("name", BY_HAND)
def test_density(name: str) -> None:
    path = MODELS / "data" / f"{name}.json"
    raw = {k: np.asarray(v) for k, v in json.loads(path.read_text()).items()}
    model = ppl.load(MODELS / f"{name}.ppl")
    density = model.log_density(path, centre=list(sites(model.graph)))
    rng = np.random.default_rng(7)
    with jax.enable_x64(True):
        evaluate = jax.jit(lambda d, u: (d.log_density(u), d.constrain(u)))
        for _ in range(100):
            value, constrained = evaluate(density, jax.numpy.asarray(rng.uniform(-2, 2, density.size)))
            by_hand = BY_HAND[name]({k: np.asarray(x) for k, x in constrained.items()}, raw)
            assert float(value) == pytest.approx(by_hand, rel=1e-10, abs=1e-9)


@pytest.mark.parametrize("name", BY_HAND)
def test_header_shows_the_line_that_runs_it(name: str) -> None:
    head = (MODELS / f"{name}.ppl").read_text()
    assert f"#   ppl sample models/{name}.ppl --data models/data/{name}.json" in head


@pytest.mark.parametrize("name", BY_HAND)
def test_models_are_in_standard_layout(name: str) -> None:
    from ppl.grammar.formatter import format_program
    from ppl.grammar.parser import parse
    from ppl.source import Source

    text = (MODELS / f"{name}.ppl").read_text()
    assert format_program(parse(Source(name, text))) == text
