"""Closed and iterated inverses of the tails: what they return has the tails that were asked for, in mpmath's digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from ppl.compiler.distributions import LAWS, log_cdf, log_sf
from ppl.compiler.distributions.inversion import quantile
from ppl.compiler.distributions.special import log_ndtri
from tests.catalogue.test_samplers import PARAMETERS

CLOSED = [name for name, law in LAWS.items() if law.quantile is not None and name != "Geometric"]
ITERATED = ["StudentT", "Gamma", "Beta"]
# log P(X <= x) over the middle and both tails; the far tails are where bounds leave a draw no other place
LEVELS = np.array([-600.0, -80.0, -9.0, -2.0, -0.7, -0.6])


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def both(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log tails with the smaller one below in the first half and above in the second."""
    others = np.log(-np.expm1(levels))
    return np.concatenate([levels, others]), np.concatenate([others, levels])


@pytest.mark.parametrize("name", [*CLOSED, *ITERATED])
def test_tails_of_the_quantile(name: str) -> None:
    law = LAWS[name]
    levels = LEVELS[1:] if name in ("Cauchy", "HalfCauchy") else LEVELS
    parameters = {k: jnp.asarray(v[1], np.float64) for k, v in PARAMETERS[name].items()}
    if name in ("Uniform", "Pareto", *ITERATED):  # closer to an end than the floating numbers next to it
        levels = levels[levels > -20]
    below, above = both(levels)

    def run(below: Any, above: Any) -> Any:
        each = {k: jnp.broadcast_to(v, below.shape) for k, v in parameters.items()}
        x = (
            quantile(law, below, above, each, None, None)
            if law.quantile is None
            else law.quantile(below, above, **each)
        )
        return x, log_cdf(name, x, each), log_sf(name, x, each), law.log_prob(x, **each)

    x, found_below, found_above, log_density = (np.asarray(f) for f in jax.jit(run)(below, above))
    found, wanted = np.where(below < above, found_below, found_above), np.minimum(below, above)
    # x itself is rounded, by a few parts in 2^52, which moves the tail by those parts of x times its slope
    allowance = 1e-12 * np.abs(wanted) + 1e-12 + 2e-15 * np.abs(x) * np.exp(log_density) / np.exp(wanted)
    assert np.all(np.abs(found - wanted) <= allowance), (x, found - wanted, allowance)


def test_normal_quantiles_of_the_smallest_probabilities() -> None:
    levels = np.array([-0.7, -30.0, -690.0, -705.0, -710.0, -5e3, -1e8])
    found = np.asarray(jax.jit(log_ndtri)(levels))
    for level, x in zip(levels, found, strict=True):
        with mp.workdps(40):
            root = mp.findroot(lambda t, level=level: mp.log(mp.erfc(-t / mp.sqrt(2)) / 2) - mp.mpf(level), mp.mpf(x))
        assert abs(x - root) <= 1e-12 * max(1, abs(root)), (level, x, root)
