"""Engines that promise to be exact, against closed forms: means and variances within five standard errors."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from ppl.inference.registry import ENGINES
from tests.engines.common import (
    ELSEWHERE,
    FUNNEL,
    ROUGH,
    TARGETS,
    TRIED,
    engine_of,
    exact,
    objections,
    rough,
    scores,
    told,
)
from tests.inference.runs import run


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield


def test_every_engine_is_tried() -> None:
    assert ENGINES.keys() <= TRIED.keys() | ELSEWHERE


@pytest.mark.parametrize("name", exact())
def test_moments(name: str) -> None:
    for which, target in TARGETS.items():
        found = objections(name, target)
        # Of a banana's ends a chain may rightly say that it hardly gets there.
        hardly = {"r_hat", "ess", "divergences"} if which == "banana" else set()
        assert set(found) <= hardly, (which, found)


@pytest.mark.long
@pytest.mark.parametrize("name", exact())
def test_a_funnel_is_drawn_from_or_told(name: str) -> None:
    alike = TRIED[name].alike
    for seed in (1, 2):
        made = run(engine_of(name), FUNNEL.density, seed, chains=4)
        right = np.abs(scores(made, FUNNEL, alike)).max() < 5 and rough(made, FUNNEL, alike) < ROUGH
        assert right or told(engine_of(name), FUNNEL.density, made)
