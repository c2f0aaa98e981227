"""The examples of functions in the reference have the values that it says; each function and distribution has one."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import ppl
from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.examples import DISTRIBUTION_EXAMPLES, FUNCTION_EXAMPLES, SETTING
from ppl.catalogue.functions import BUILDERS, FUNCTIONS


def test_each_has_an_example() -> None:
    assert set(FUNCTION_EXAMPLES) | {"odesolve"} == set(FUNCTIONS) | set(BUILDERS)
    assert set(DISTRIBUTION_EXAMPLES) == set(DISTRIBUTIONS)


def test_values() -> None:
    # What data alone determine is no result: each gets a latent, 0 here, added.
    lines = [f"r{n} = ({expression}) + zero" for n, (expression, _) in enumerate(FUNCTION_EXAMPLES.values())]
    density = ppl.compile("\n".join([SETTING, "zero ~ Normal(0, 1)", *lines])).log_density()
    with jax.enable_x64(True):
        found = density.constrain(np.zeros(density.size))
    for n, (expression, value) in enumerate(FUNCTION_EXAMPLES.values()):
        assert float(found[f"r{n}"]) == pytest.approx(value, abs=6e-7), expression


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distribution(name: str) -> None:
    """It stands in the example, with every parameter of which a default is not chosen from alternatives."""
    assert f"~ {name}(" in DISTRIBUTION_EXAMPLES[name]
    ppl.compile(DISTRIBUTION_EXAMPLES[name])
