"""Engines that promise to be exact agree in pairs, where there is no closed form."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest

from ppl.inference.registry import ENGINES
from tests.engines.common import TRIED, Moments, exact, tried
from tests.engines.models import LOGISTIC, NORMAL, SCHOOLS, simulated
from tests.inference.runs import Run

MODELS = {"normal": NORMAL, "schools": SCHOOLS, "logistic": LOGISTIC}


def disagreements(runs: dict[str, Run]) -> dict[tuple[str, str], float]:
    """For each pair of engines, the largest difference of a mean or variance, in standard errors."""
    found = {name: Moments.of(made.positions, TRIED[name].alike) for name, made in runs.items()}
    return {
        (one, other): float(
            (np.abs(found[one].values - found[other].values) / np.hypot(found[one].errors, found[other].errors)).max()
        )
        for one, other in itertools.combinations(found, 2)
    }


@pytest.mark.long
@pytest.mark.parametrize("model", MODELS)
def test_pairs_agree(model: str) -> None:
    data = simulated(MODELS[model], 1, seed=3)
    with jax.enable_x64(True):
        runs = {name: tried(name, data.targets(ENGINES[name])[0]) for name in exact()}
    apart = disagreements(runs)
    assert max(apart.values()) < 5, apart
