"""Simulation-based calibration (Talts, Betancourt, Simpson, Vehtari & Gelman 2018, algorithm 2).

A latent drawn from the prior, and draws of its posterior given data that were drawn with it, are alike: its rank among
them is uniform. The log density of the latents and the data together is ranked too: it sees what single latents do not
(Modrák, Moon, Kim, Bürkner, Huurre, Faltejsková, Gelman & Vehtari 2023).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from ppl.inference.registry import ENGINES
from tests.engines.models import LOGISTIC, MIXTURE, NORMAL, SCHOOLS, Simulated, constrained, simulated
from tests.inference.runs import run

COUNT = 128
KEPT = 15  # draws, nearly independent, so that a rank is one of 16
BINS = 8


CHAIN = {"draws": 4 * KEPT}  # of which every fourth is kept
SETTINGS: dict[str, dict[str, Any]] = {
    "nuts": {"warmup": 150, **CHAIN},
    "hmc": {"warmup": 150, **CHAIN},
    "mh": {"warmup": 200, **CHAIN},
    "mams": {"warmup": 200, **CHAIN},
    "tempering": {"warmup": 100, "replicas": 5, **CHAIN},
    "smc": {"draws": 8 * KEPT},
    "ais": {"draws": 8 * KEPT},
    "mixed": {"warmup": 150, "sweeps": 2, **CHAIN},
}
MODELS = {"normal": NORMAL, "schools": SCHOOLS, "logistic": LOGISTIC, "mixture": MIXTURE}


@functools.cache
def data_sets(model: str) -> Simulated:
    return simulated(MODELS[model], COUNT)


def ranks(engine: Any, model: str) -> dict[str, Any]:
    """For each quantity, (COUNT,): how many of the draws that are kept lie below what the data were drawn with."""
    sets, one = data_sets(model), MODELS[model]
    kept = []
    for number, density in enumerate(sets.targets(type(engine))):
        positions = run(engine, density, seed=number, chains=1).positions[0]
        if engine.draws_are == "independent":
            positions = np.random.default_rng(number).permutation(positions)
        kept.append(positions[:: len(positions) // KEPT][:KEPT])
    latents = constrained(sets.densities, kept)
    found = {}
    for name, draws in latents.items():
        for at in np.ndindex(draws.shape[2:]):
            below = draws[(..., *at)] < sets.truths[name][(slice(None), None, *at)]
            found[name + "".join(f"[{i}]" for i in at)] = below.sum(axis=1)
    likely = one.log_likelihood(latents, sets.outcomes[:, None])
    found["log likelihood"] = (likely < one.log_likelihood(sets.truths, sets.outcomes)[:, None]).sum(axis=1)
    return found


def p_values(engine: Any, model: str) -> dict[str, float]:
    """Of a chi-square test of uniform ranks."""
    bins = {name: rank * BINS // (KEPT + 1) for name, rank in ranks(engine, model).items()}
    return {name: float(chisquare(np.bincount(one, minlength=BINS)).pvalue) for name, one in bins.items()}


CASES = [(name, model) for name in SETTINGS if name in ENGINES for model in MODELS]


@pytest.mark.long
@pytest.mark.parametrize(("name", "model"), [case for case in CASES if (case[0] == "mixed") == (case[1] == "mixture")])
def test_ranks_are_uniform(name: str, model: str) -> None:
    p = p_values(ENGINES[name](**SETTINGS[name]), model)
    assert min(p.values()) > 1e-4, p
