"""Engines that promise to be exact against long reference runs of real posteriors, those that `tests/posteriors`
compares with `nuts`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ppl
from tests.engines.common import TRIED, Moments, exact
from tests.posteriors import test_posteriordb as posteriordb

SETTINGS: dict[str, dict[str, Any]] = {"mh": {"warmup": 1000, "draws": 2000}, "tempering": {"warmup": 1000}}
POSTERIORS = (
    "eight_schools-eight_schools_noncentered",
    "kidiq-kidscore_interaction",
    "arK-arK",
    "sblrc-blr",
    "gp_pois_regr-gp_regr",
)

pytestmark = posteriordb.pytestmark


@pytest.mark.parametrize("posterior", POSTERIORS)
@pytest.mark.parametrize("name", exact(but=["nuts"]))
def test_reference_moments(name: str, posterior: str) -> None:
    how = TRIED[name]
    settings = {**how.settings, **SETTINGS.get(name, {})}
    chains = min(how.chains, 8)
    fit, reference = posteriordb.fitted(
        posterior, engine=name, chains=chains, seed=20, predictive=False, log_likelihood=False, **settings
    )
    # Populations judge their evidence too, which takes more of them than their draws.
    assert how.alike or ppl.diagnose(fit).trusted, ppl.diagnose(fit).text()
    draws = np.stack([posteriordb.scalar(fit.posterior, scalar) for scalar in reference], axis=-1)
    mean, sd, mean_error, sd_error = (
        np.array([one[key] for one in reference.values()]) for key in ("mean", "sd", "mcse_mean", "mcse_sd")
    )
    found = Moments.of(draws, how.alike)
    wanted, errors = np.concatenate([mean, sd**2]), np.concatenate([mean_error, 2 * sd * sd_error])
    assert np.abs((found.values - wanted) / np.hypot(found.errors, errors)).max() < 5
    assert (found.errors[: len(mean)] / sd).max() < 0.1
