"""The density of every model in `models/` against one written by hand, at 100 random points.

Everything is centred: other coordinates are compared with these in tests/centring.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import jax
import numpy as np
import pytest

import ppl
from ppl.compiler.passes.sites import sites
from tests.models.by_hand import BY_HAND

MODELS = Path(__file__).parents[2] / "models"
POINTS = {"lsat": 20, "predator_prey": 20}
# Where the density is defined up to the error of a solver, that is what it may differ by.
TOLERANCE = {"predator_prey": 1e-5}
# Far from the data predators and prey grow beyond what any step can follow.
SPREAD = {"predator_prey": 0.5}


def numbers(name: str) -> dict[str, np.ndarray]:
    raw = json.loads((MODELS / "data" / f"{name}.json").read_text())
    arrays = {k: np.asarray(x) for k, x in raw.items()}
    return {k: x.astype(float) if x.dtype == object else x for k, x in arrays.items()}


def test_every_model_has_a_reference() -> None:
    assert {p.stem for p in MODELS.glob("*.ppl")} == set(BY_HAND)


@pytest.mark.parametrize("name", BY_HAND)
def test_density(name: str) -> None:
    raw = numbers(name)
    model = ppl.load(MODELS / f"{name}.ppl")
    density = model.log_density(MODELS / "data" / f"{name}.json", centre=list(sites(model.graph)))
    rng = np.random.default_rng(7)
    with jax.enable_x64(True):
        evaluate = jax.jit(lambda d, u: (d.log_density(u), d.constrain(u)))
        spread, tolerance = SPREAD.get(name, 2.0), TOLERANCE.get(name, 1e-10)
        for _ in range(POINTS.get(name, 100)):
            u = jax.numpy.asarray(rng.uniform(-spread, spread, density.size))
            value, constrained = evaluate(density, u)
            by_hand = BY_HAND[name]({k: np.asarray(x) for k, x in constrained.items()}, raw)
            assert float(value) == pytest.approx(by_hand, rel=tolerance, abs=1e-9)


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


SIMULATED = runpy.run_path(str(MODELS / "data" / "simulate.py"))


@pytest.mark.parametrize("name", SIMULATED["DATA"])
def test_simulated_data_are_what_their_script_writes(name: str) -> None:
    stored = numbers(name)
    drawn = json.loads(SIMULATED["text"](SIMULATED["DATA"][name]()))
    assert list(stored) == list(drawn)
    for key, value in drawn.items():
        np.testing.assert_allclose(stored[key], value, rtol=0, atol=1.5e-3)  # another NumPy may round otherwise
