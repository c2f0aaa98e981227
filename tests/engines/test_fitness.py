"""Approximate engines where they are fit for purpose, on six models: means within 0.2 sd, sds within a factor in
[0.8, 1.25]; and where they are not, which they must tell. Of minibatches: `test_stochastic.py`, `test_vi.py`."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.inference.engines.shared import Settings
from ppl.inference.registry import ENGINES
from tests.engines.common import NORMAL, TRIED, Target, banana, complaints, funnel, told, two_peaks
from tests.engines.models import LOGISTIC, simulated
from tests.inference.densities import conjugate
from tests.inference.runs import run

APPROXIMATE: dict[str, dict[str, Any]] = {
    "sgld": {},
    "sghmc": {},
    "mclmc": {},
    "laplace": {},
    "pathfinder": {},
    "vi full-rank": {"draws": 500},
    "vi mean-field": {"draws": 500, "family": "mean-field"},
    "vi low-rank": {"draws": 500, "family": "low-rank", "rank": 2},
    "vi flow": {"draws": 500, "family": "flow"},
}


def engine_of(name: str) -> Settings:
    return ENGINES[name.split()[0]](**APPROXIMATE[name])


@functools.cache
def regression() -> Target:
    """A logistic regression with two coefficients and forty observations, by quadrature."""
    more = dataclasses.replace(LOGISTIC, given={"x": np.linspace(-2, 2, 40)})
    density = simulated(more, 1, seed=3).densities[0]
    axis = np.linspace(-6, 6, 241)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    with jax.enable_x64(True):
        log_p = np.asarray(jax.jit(lambda d, us: jax.vmap(d.log_density)(us))(density, jnp.asarray(grid)))
    weight = np.exp(log_p - log_p.max())
    weight /= weight.sum()
    mean = weight @ grid
    return Target(density, mean, weight @ (grid - mean) ** 2)


def linear() -> Target:
    """Ten coefficients, conjugate."""
    density = conjugate(10, observations=100)
    mean, covariance, _ = density.moments()
    return Target(density, mean, np.diag(covariance))


FIT = {
    "normal": lambda: NORMAL,
    "bent a little": lambda: banana(0.1),
    "narrowing a little": lambda: funnel(0.1),
    "two peaks that are one": lambda: two_peaks(0.7, 0.4),
    "logistic regression": regression,
    "linear regression": linear,
}
# Of a funnel so steep the second coordinate has a variance that no number of draws tells, and the first has to do.
STEEP = funnel(1.5)
UNFIT = {
    "bent": banana(1.5),
    "narrowing": Target(STEEP.density, STEEP.mean[:1], STEEP.variance[:1]),
    "two peaks": two_peaks(6.0, 0.5),
}


@pytest.mark.long
@pytest.mark.parametrize("name", APPROXIMATE)
def test_near_where_it_is_fit_and_told_where_it_is_not(name: str) -> None:
    """The shapes are one program. An engine may do better than its promise, but not on all that it is not made for."""
    engine, chains = engine_of(name), TRIED[name.split()[0]].chains
    with jax.enable_x64(True):
        for which, target in ((which, made()) for which, made in FIT.items()):
            drawn = run(engine, target.density, chains=chains)
            assert not complaints(drawn, target), which
            assert which != "normal" or not told(engine, target.density, drawn), which
        said = 0
        for which, target in UNFIT.items():
            drawn = run(engine, target.density, chains=chains)
            doubted = bool(told(engine, target.density, drawn))
            assert doubted or not complaints(drawn, target), which
            said += doubted
        assert said >= 2
