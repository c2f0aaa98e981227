"""Tails, truncated densities and ordered vectors against mpmath, with bounds far in the tails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.compiler.distributions import log_cdf, log_prob, log_sf
from tests.catalogue.laws import log_prob_ordered, log_prob_truncated
from tests.catalogue.references import REFERENCES, Case, derivative, exact
from tests.catalogue.test_densities import close, stacked

NAMES = [name for name, spec in DISTRIBUTIONS.items() if spec.truncatable]
DEEP = 1e5  # smaller probabilities than e^-1e5 are not tried


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def inner_cases(name: str) -> tuple[Case, ...]:
    """Grid points where the reference's tails are cheap: moderate shapes, one in three of the others."""
    cases = REFERENCES[name].cases
    kept = [
        (value, p)
        for value, p in cases
        if abs(value) < 1e6
        and all(abs(v) < 5e3 for v in p.values())
        and p.get("probability", 0.5) not in (0.0, 1.0)
        and p.get("rate", 1.0) > 0
    ]
    return tuple(kept[:: max(1, len(kept) // 40)])


def tails(name: str, case: Case) -> tuple[Any, Any]:
    reference = REFERENCES[name]
    assert reference.cdf is not None
    assert reference.sf is not None
    value, parameters = exact(case[0]), {k: exact(v) for k, v in case[1].items()}
    with mp.workdps(100):
        below, above = reference.cdf(value, **parameters), reference.sf(value, **parameters)
        return tuple(mp.log(t) if t > 0 else -mp.inf for t in (below, above))


@pytest.mark.parametrize("name", NAMES)
def test_tails(name: str) -> None:
    """log P(X <= x) and log P(X > x), wherever they are above e^-1e5."""
    cases = list(inner_cases(name))
    found = jax.jit(jax.vmap(lambda v, p: (log_cdf(name, v, p), log_sf(name, v, p))))(*stacked(cases))
    for case, below, above in zip(cases, *(np.asarray(f) for f in found), strict=True):
        for got, wanted in zip((below, above), tails(name, case), strict=True):
            if -DEEP < wanted < -1e-90:
                assert close(got, wanted, 1e-10, 1.0), (case, got, mp.nstr(wanted, 17))


# --- truncated densities -----------------------------------------------------------------------------

BOUNDS: dict[str, tuple[tuple[dict[str, float], float | None, float | None], ...]] = {
    "Normal": (
        ({"mean": 0.3, "scale": 1.2}, 0.0, None),
        ({"mean": 0.3, "scale": 1.2}, None, -35.0),
        ({"mean": 0.3, "scale": 1.2}, 31.0, 32.5),
        ({"mean": 0.3, "scale": 1.2}, -60.0, -58.0),
        ({"mean": 0.3, "scale": 1.2}, -2.0, 50.0),
    ),
    "StudentT": (
        ({"df": 3.0, "location": 0.0, "scale": 1.2}, 0.0, None),
        ({"df": 3.0, "location": 0.2, "scale": 1.2}, 1e3, 2e3),
        ({"df": 40.0, "location": 0.2, "scale": 1.2}, -70.0, -30.0),
    ),
    "Cauchy": (({"location": 0.2, "scale": 1.2}, 1e5, 3e5), ({"location": 0.2, "scale": 1.2}, -1.0, None)),
    "Laplace": (({"location": 0.2, "scale": 1.2}, 300.0, 301.0), ({"location": 0.2, "scale": 1.2}, -2.0, 3.0)),
    "Logistic": (({"location": 0.2, "scale": 1.2}, -900.0, -899.0), ({"location": 0.2, "scale": 1.2}, -2.0, 3.0)),
    "Gumbel": (({"location": 0.2, "scale": 1.2}, 300.0, 301.0), ({"location": 0.2, "scale": 1.2}, -5.0, -2.0)),
    "HalfNormal": (({"scale": 1.2}, 40.0, 41.0), ({"scale": 1.2}, None, 1e-8)),
    "HalfCauchy": (({"scale": 1.2}, 1e9, None), ({"scale": 1.2}, None, 1e-8)),
    "HalfStudentT": (({"df": 3.0, "scale": 1.2}, 1e4, 3e4), ({"df": 3.0, "scale": 1.2}, None, 2.0)),
    "Exponential": (({"rate": 0.7}, 2000.0, 2001.0), ({"rate": 0.7}, None, 1e-9)),
    "LogNormal": (({"location": 0.2, "scale": 0.4}, 1e9, None), ({"location": 0.2, "scale": 0.4}, 0.5, 3.0)),
    "Gamma": (
        ({"shape": 2.3, "rate": 0.7}, 2000.0, 2010.0),
        ({"shape": 52.3, "rate": 0.7}, None, 1e-6),
        ({"shape": 2.3, "rate": 0.7}, 2.0, 4.0),
    ),
    "ChiSquared": (({"df": 2.3}, 2000.0, 2010.0), ({"df": 2.3}, 1.0, 4.0)),
    "InverseGamma": (({"shape": 2.3, "scale": 0.7}, None, 1e-3), ({"shape": 2.3, "scale": 0.7}, 1e4, 1e5)),
    "Weibull": (({"shape": 2.3, "scale": 0.7}, 20.0, 21.0), ({"shape": 2.3, "scale": 0.7}, None, 1e-3)),
    "Pareto": (({"minimum": 1.5, "shape": 0.7}, 1e9, 1e10), ({"minimum": 1.5, "shape": 0.7}, None, 2.0)),
    "Beta": (({"alpha": 2.3, "beta": 40.0}, 0.9, 0.99), ({"alpha": 30.0, "beta": 0.7}, None, 1e-6)),
    "Uniform": (({"lower": -1.0, "upper": 4.0}, 0.5, 1.5), ({"lower": -1.0, "upper": 4.0}, 3.0, None)),
    "Binomial": (
        ({"trials": 30.0, "probability": 0.01}, 20.0, 25.0),
        ({"trials": 30.0, "probability": 0.4}, 1.0, None),
    ),
    "BinomialLogit": (({"trials": 30.0, "logit": -9.0}, 20.0, 25.0), ({"trials": 30.0, "logit": 0.4}, 1.0, None)),
    "Poisson": (({"rate": 3.0}, 1.0, None), ({"rate": 3.0}, 200.0, 210.0), ({"rate": 700.0}, None, 3.0)),
    "PoissonLog": (({"log_rate": 1.0}, 1.0, None), ({"log_rate": 1.0}, 200.0, 210.0)),
    "NegativeBinomial2": (
        ({"mean": 3.0, "concentration": 1.3}, 1.0, None),
        ({"mean": 3.0, "concentration": 1.3}, 2000.0, 2010.0),
    ),
    "Geometric": (({"probability": 0.3}, 1.0, None), ({"probability": 0.3}, 3000.0, 3003.0)),
}
# every case is a program to compile: by default the first of each, without those that only repeat an iteration
REPEATS = ("Beta", "Binomial", "BinomialLogit", "HalfStudentT", "ChiSquared", "InverseGamma", "PoissonLog")
ARGUMENTS = [
    pytest.param(name, *case, marks=pytest.mark.long if i or name in REPEATS else ())
    for name, cases in BOUNDS.items()
    for i, case in enumerate(cases)
]


def test_every_truncatable_distribution_is_tried() -> None:
    assert set(BOUNDS) == set(NAMES)


def reference_log_density(name: str, x: Any, parameters: dict[str, Any], lower: Any, upper: Any) -> Any:
    reference = REFERENCES[name]
    assert reference.cdf is not None
    assert reference.sf is not None
    whole = 1 if DISTRIBUTIONS[name].discrete else 0
    with mp.workdps(100):
        if lower is None:
            mass = reference.cdf(upper, **parameters)
        elif upper is None:
            mass = reference.sf(lower - whole, **parameters)
        elif reference.cdf(upper, **parameters) < 0.5:
            mass = reference.cdf(upper, **parameters) - reference.cdf(lower - whole, **parameters)
        else:
            mass = reference.sf(lower - whole, **parameters) - reference.sf(upper, **parameters)
        return reference.log_density(x, **parameters) - mp.log(mass)


def between(name: str, lower: float | None, upper: float | None, parameters: dict[str, float]) -> float:
    """A value that the bounds admit."""
    if lower is not None and upper is not None:
        middle = 0.5 * (lower + upper)
        return float(np.floor(middle)) if DISTRIBUTIONS[name].discrete else middle
    if lower is not None:
        return lower + 1.0
    assert upper is not None
    if DISTRIBUTIONS[name].discrete:
        return upper
    end = upper - 1.0 if DISTRIBUTIONS[name].support == "real" else parameters.get("minimum", 0.0)
    return 0.6 * upper + 0.4 * end


@pytest.mark.parametrize(("name", "parameters", "lower", "upper"), ARGUMENTS)
def test_truncated(name: str, parameters: dict[str, float], lower: float | None, upper: float | None) -> None:
    x = between(name, lower, upper, parameters)
    arguments = {"parameters": dict(parameters), "bounds": {}}
    if lower is not None:
        arguments["bounds"]["lower"] = lower
    if upper is not None:
        arguments["bounds"]["upper"] = upper
    arguments = jax.tree.map(jnp.asarray, arguments)

    def density(a: dict[str, Any], value: jax.Array) -> jax.Array:
        return log_prob_truncated(name, value, a["parameters"], **a["bounds"])

    run = jax.jit(jax.value_and_grad(density))
    value, gradient = run(arguments, jnp.asarray(x))
    given = {k: mp.mpf(v) for k, v in parameters.items()}
    bounds = {k: None if v is None else mp.mpf(v) for k, v in (("lower", lower), ("upper", upper))}
    wanted = reference_log_density(name, mp.mpf(x), given, **bounds)
    assert close(value, wanted, 1e-10, 1.0), (value, mp.nstr(wanted, 17))

    discrete = DISTRIBUTIONS[name].discrete
    for key in (k for k in given if k != "trials"):
        slope = derivative(
            lambda t, key=key: reference_log_density(name, mp.mpf(x), given | {key: t}, **bounds), given[key]
        )
        assert close(gradient["parameters"][key], slope, 1e-6, 1e-4), (key, gradient["parameters"][key], mp.nstr(slope))
    for key in () if discrete else arguments["bounds"]:
        slope = derivative(
            lambda t, key=key: reference_log_density(name, mp.mpf(x), given, **(bounds | {key: t})), bounds[key]
        )
        assert close(gradient["bounds"][key], slope, 1e-6, 1e-4), (key, gradient["bounds"][key], mp.nstr(slope))
    for bound, side in ((lower, -1.0), (upper, 1.0)):
        if bound is not None:
            beyond, slopes = run(arguments, jnp.asarray(bound + side))
            assert beyond == -np.inf
            assert not any(np.isnan(leaf).any() for leaf in jax.tree.leaves(slopes))


def test_bounds_that_leave_nothing() -> None:
    """-inf and no NaN: bounds that cross, that lie outside the support, that are beyond all floating numbers."""
    for name, parameters, lower, upper in (
        ("Normal", {"mean": 0.0, "scale": 1.0}, 2.0, 1.0),
        ("HalfNormal", {"scale": 1.0}, -3.0, -2.0),
        ("Uniform", {"lower": 0.0, "upper": 1.0}, 2.0, 3.0),
        ("Exponential", {"rate": 1.0}, np.inf, None),
        ("Poisson", {"rate": 2.0}, -4.0, -3.0),
    ):

        def density(bounds: dict[str, Any], value: jax.Array, name: str = name, p: Any = parameters) -> jax.Array:
            return log_prob_truncated(name, value, p, **bounds)

        bounds = {k: jnp.asarray(v) for k, v in (("lower", lower), ("upper", upper)) if v is not None}
        value, slopes = jax.jit(jax.value_and_grad(density))(bounds, jnp.asarray(lower))
        assert value == -np.inf
        assert not any(np.isnan(leaf) for leaf in jax.tree.leaves(slopes)), name


def test_bounds_outside_the_support_change_nothing() -> None:
    for name, parameters, x in (("HalfNormal", {"scale": 1.3}, 0.7), ("Poisson", {"rate": 2.0}, 3.0)):

        def densities(x: jax.Array, name: str = name, p: Any = parameters) -> tuple[jax.Array, ...]:
            bounded = log_prob_truncated(name, x, p, -5.0), log_prob_truncated(name, x, p, -5.0, 1e6)
            return log_prob(name, x, p), *bounded

        plain, above, between_both = (float(value) for value in jax.jit(densities)(x))
        assert above == pytest.approx(plain, rel=1e-14)
        assert between_both == pytest.approx(plain, rel=1e-13)


def test_bounds_for_each_element() -> None:
    lower, values = np.array([[0.0, 1.0, 2.0]]), np.array([[0.5, 1.5, 2.5], [3.0, 3.0, 3.0]])
    found = np.asarray(log_prob_truncated("Normal", values, {"mean": 0.3, "scale": 2.0}, lower=lower))
    assert found.shape == (2, 3)
    single = float(log_prob_truncated("Normal", 2.5, {"mean": 0.3, "scale": 2.0}, lower=2.0))
    assert found[0, 2] == pytest.approx(single, rel=1e-14)


# --- ordered -----------------------------------------------------------------------------------------


def test_ordered_density_integrates_to_one() -> None:
    """By Gauss-Hermite quadrature over the whole plane: the density of two ordered normals is 2 phi phi on half of it,
    so its integral, and that of x[1] - x[0] (which is 2 / sqrt(pi)), are known."""
    nodes, weights = np.polynomial.legendre.leggauss(120)
    low, width = -9.0, 9.0
    first = nodes * width
    total = spread = 0.0
    for a, wa in zip(first, weights * width, strict=True):
        half = 0.5 * (width - a)
        second = a + half * (nodes + 1.0)
        x = np.stack([np.full_like(second, a), second], -1)
        density = np.exp(np.asarray(log_prob_ordered("Normal", jnp.asarray(x), {"mean": 0.0, "scale": 1.0})))
        total += wa * np.sum(weights * half * density)
        spread += wa * np.sum(weights * half * density * (second - a))
    assert low == -width
    assert total == pytest.approx(1.0, abs=1e-10)
    assert spread == pytest.approx(2.0 / np.sqrt(np.pi), abs=1e-10)


def test_ordered_refuses_what_does_not_increase() -> None:
    def density(x: jax.Array) -> jax.Array:
        return log_prob_ordered("Normal", x, {"mean": 0.0, "scale": 1.0})

    value, gradient = jax.value_and_grad(density)(jnp.asarray([0.0, 2.0, 1.0]))
    assert value == -np.inf
    assert not np.isnan(np.asarray(gradient)).any()
    assert np.isfinite(density(jnp.asarray([0.0, 1.0, 2.0])))
