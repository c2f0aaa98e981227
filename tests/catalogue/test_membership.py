"""Which given values lie outside each support, and that this agrees with the densities."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.membership import outside
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.distributions import log_prob
from tests.catalogue.references import REFERENCES

NAN, INF = float("nan"), float("inf")
EYE = np.eye(2)

# kind: (inside, outside)
VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "real": ([0.0, -1e300], [NAN, INF]),
    "positive": ([1e-300, 5.0], [0.0, -1.0, NAN, INF]),
    "nonnegative": ([0.0, 5.0], [-1e-300, NAN]),
    "interval": ([-1e9, 3.0], [NAN, INF]),
    "unit_interval": ([0.0, 1.0, 0.5], [-0.1, 1.1, NAN]),
    "open_unit_interval": ([0.5], [0.0, 1.0, NAN]),
    "circle": ([-3.14, 3.14, 0.0], [3.2, -4.0, NAN]),
    "real_vector": ([[1.0, 2.0]], [[1.0, NAN], [INF, 0.0]]),
    "simplex": ([[0.25, 0.75], [0.0, 1.0]], [[0.2, 0.7], [-0.5, 1.5], [NAN, 1.0]]),
    "open_simplex": ([[0.25, 0.75]], [[0.0, 1.0], [0.2, 0.7]]),
    "ordered": ([[-1.0, 2.0]], [[2.0, -1.0], [1.0, 1.0], [NAN, 1.0]]),
    "positive_ordered": ([[1.0, 2.0]], [[-1.0, 2.0], [0.0, 1.0], [2.0, 1.0]]),
    "cholesky_corr": ([EYE, [[1.0, 0.0], [0.6, 0.8]]], [2 * EYE, [[1.0, 0.6], [0.0, 0.8]], [[1.0, 0.0], [0.6, -0.8]]]),
    "corr": ([EYE, [[1.0, 0.6], [0.6, 1.0]]], [2 * EYE, [[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.6], [0.5, 1.0]]]),
    "cholesky_cov": ([2 * EYE, [[2.0, 0.0], [-3.0, 0.1]]], [-EYE, [[1.0, 0.1], [0.0, 1.0]]]),
    "positive_definite": ([2 * EYE], [-EYE, [[1.0, 2.0], [2.0, 1.0]], [[1.0, NAN], [NAN, 1.0]]]),
    "zero_sum": ([[1.0, -1.0], [0.0, 0.0], [1e9, -1e9]], [[1.0, -0.99], [1e-9, 0.0], [NAN, 1.0]]),
    "zero_sum_matrix": ([[[1.0, -1.0], [-1.0, 1.0]]], [[[1.0, -1.0], [1.0, -1.0]], [[1.0, 2.0], [-1.0, -2.0]], EYE]),
    "int": ([-3, 0.0, 2.0], [0.5, NAN]),
    "count": ([0, 7.0], [-1, 0.5, NAN]),
    "bool": ([0, 1, True], [2, -1, 0.5]),
    "spin": ([-1, 1], [0, 2, 0.5]),
    "categorical": ([0, 3], [-1, 0.5]),
    "count_vector": ([[0, 3]], [[-1, 4], [0.5, 2.5]]),
}


def test_every_support_is_tried() -> None:
    assert set(VALUES) == set(SUPPORTS)


@pytest.mark.parametrize("kind", VALUES)
def test_membership(kind: str) -> None:
    inside, beyond = VALUES[kind]
    assert not outside(kind, np.array(inside, np.float64)).any()
    assert outside(kind, np.array(beyond, np.float64)).all()
    assert outside(kind, np.array(inside[0], np.float64)).shape == ()


def test_bounds() -> None:
    assert outside("interval", [0.0, 1.0, 2.0, 3.0], 1.0, 2.0).tolist() == [True, False, False, True]
    assert outside("interval", [0.0, 5.0], [1.0, 1.0]).tolist() == [True, False]
    assert outside("count", [0, 4, 5], upper=4).tolist() == [False, False, True]
    assert outside("categorical", [0, 2, 3], upper=2).tolist() == [False, False, True]
    assert outside("count_vector", [[1, 2], [1, 3]], upper=[3, 3]).tolist() == [False, True]
    assert outside("ordered", [[1.0, 2.0], [1.0, 4.0]], 0.0, 3.0).tolist() == [False, True]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_agrees_with_the_density(name: str) -> None:
    """What may be observed has a finite density, and what may not has none."""
    spec = DISTRIBUTIONS[name]
    value, parameters = REFERENCES[name].cases[0]
    size = len(parameters["probabilities"]) - 1 if "probabilities" in parameters else 2
    ends = {"lower": spec.lower and parameters[spec.lower], "upper": spec.upper and parameters[spec.upper]}
    if spec.support == "categorical":
        ends["upper"] = size
    tried = [value, *(v for v in REFERENCES[name].outside if np.shape(v) == np.shape(value))]
    with jax.enable_x64(True):
        values = np.array(tried, np.float64)
        finite = np.isfinite(np.asarray(jax.jit(lambda v: log_prob(name, v, parameters))(values)))
    assert finite[0]
    assert np.array_equal(outside(spec.observable, values, **ends), ~finite)
