"""Engines that estimate the evidence beside their draws, against its exact value in conjugate models: within three
standard errors. Of `smc` and `ais`: `test_smc.py`, `test_ais.py`."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from ppl.inference.registry import ENGINES
from tests.inference.densities import conjugate
from tests.inference.runs import run

SETTINGS: dict[str, dict[str, Any]] = {
    "tempering": {"warmup": 500, "draws": 500},
    "laplace": {"draws": 200},
    "pathfinder": {},
    "vi": {"draws": 200},
}
CHAINS = 8
# Of an estimate whose ratios are constant up to rounding, as those of a Gaussian's own approximation are.
ROUNDING = 1e-6


def combined(log_evidence: Any) -> tuple[float, float]:
    """The log of the mean of the chains' estimates, and its standard error by the spread between them."""
    ratios = np.exp(log_evidence - log_evidence.max())
    relative = ratios.std(ddof=1) / ratios.mean() / np.sqrt(len(ratios))
    return float(np.log(ratios.mean()) + log_evidence.max()), float(relative)


# Not `pathfinder` in 50 dimensions: its few pairs of points and gradients hold no such covariance, and k̂ says so.
CASES = [(name, size) for name in SETTINGS for size in (2, 10, 50) if (name, size) != ("pathfinder", 50)]


@pytest.mark.long
@pytest.mark.parametrize(("name", "size"), CASES)
def test_the_evidence_of_conjugate_models(name: str, size: int) -> None:
    density = conjugate(size)
    engine = ENGINES[name](**SETTINGS[name])
    with jax.enable_x64(True):
        made = run(engine, density, chains=CHAINS)
        found, error = combined(engine.findings(density, made.carry).values["log_evidence"][1])
    exact = density.moments()[2]
    assert error < 0.2
    assert abs(found - exact) < 3 * error + ROUNDING, (found, error, exact)
