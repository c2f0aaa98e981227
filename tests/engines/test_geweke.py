"""Joint tests of transitions (Geweke 2004, section 3.1): where parameters move by an engine's transition given the data
and then data are drawn anew given the parameters, in turn, both keep the joint law, whose moments are known.

This takes an engine that goes on from a state of its own at fixed settings. Those that make a population, a fit or a
weighted trajectory from nothing (`smc`, `ais`, `vi`, `laplace`, `pathfinder`) have no such transition; the replicas of
`tempering` are at laws that change with the data. The others are not exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import pytest

from ppl.inference.hamiltonian.program import REFRESH, ChainState
from ppl.inference.registry import ENGINES
from tests.engines.common import standard_errors
from tests.engines.joint import Measurement, Row

ROUNDS, RUNS = 600, 4
MOST = 4.5  # standard errors
SETTINGS: dict[str, dict[str, Any]] = {
    "nuts": {"warmup": 200},
    "hmc": {"warmup": 200},
    "mh": {"warmup": 300, "steps": 5},
    "mams": {"warmup": 300},
    "mixed": {"warmup": 200},
    "gibbs": {"warmup": 20, "sweeps": 2},
}
LAWS: dict[str, Any] = {"mixed": Row(1), "gibbs": Row(0)}


def engine_of(name: str) -> Any:
    return ENGINES[name](**{"draws": ROUNDS, **SETTINGS[name]})


@jax.jit
def _at(density: Any, positions: jax.Array) -> Any:
    return jax.vmap(jax.value_and_grad(density.log_density))(positions)


def refreshed(carry: Mapping[str, Any], density: Any) -> Mapping[str, Any]:
    """The carry with what it knows of the density at its positions, after the data have changed."""
    states = carry["states"]
    if "schedule" in carry:
        return carry  # with discrete sites, which remember nothing
    if isinstance(states, ChainState):
        return {**carry, "states": states._replace(phase=states.phase % REFRESH + REFRESH)}
    with jax.enable_x64(True):
        value, gradient = jax.tree.map(np.asarray, _at(density, states.position))
    known = {"log_density": value, "gradient": gradient}
    return {**carry, "states": states._replace(**{name: known[name] for name in known if hasattr(states, name)})}


def alternated(engine: Any, law: Any, seed: int) -> Any:
    """(rounds, k): the functions of the law at the parameters, after a warmup with data of the prior."""
    rng = np.random.default_rng(seed)
    density = law.density(law.data(rng, *law.prior(rng)))
    carry = engine.start(density, jax.random.split(jax.random.key(seed), 1))
    rows = []
    while not engine.done(carry):
        warming = engine.progress(carry)[0] < engine.warmup
        carry, chunk = engine.advance(density, carry, None if warming else 1)
        if not chunk.warmup:
            u, states = chunk.positions[0, 0], None if chunk.discrete is None else chunk.discrete[0, 0]
            rows.append(law.functions(u, states))
            density = law.density(law.data(rng, u, states))
            carry = refreshed(carry, density)
    return np.array(rows)


def joint_scores(engine: Any, law: Any) -> Any:
    """The means of the functions, in standard errors."""
    values = np.stack([alternated(engine, law, seed) for seed in range(RUNS)])
    return values.mean(axis=(0, 1)) / standard_errors(values, alike=False)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in SETTINGS if name in ENGINES])
def test_the_joint_law_is_kept(name: str) -> None:
    scores = joint_scores(engine_of(name), LAWS.get(name, Measurement()))
    assert np.abs(scores).max() < MOST, scores


@pytest.mark.parametrize("law", [Measurement(), Row(0), Row(1)], ids=["measured", "spins", "field"])
def test_the_functions_have_mean_zero(law: Any) -> None:
    rng = np.random.default_rng(1)
    values = np.array([law.functions(*law.prior(rng)) for _ in range(4000)])
    assert np.abs(values.mean(axis=0) / (values.std(axis=0, ddof=1) / np.sqrt(4000))).max() < MOST
