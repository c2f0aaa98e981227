"""Log densities and their gradients against mpmath, on grids that reach far into the tails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.compiler.distributions import LAWS, log_prob
from tests.catalogue.references import REFERENCES, Case, Value, derivative, exact, paths, perturbed

VALUE_TOLERANCE = 1e-10
GRADIENT_TOLERANCE = 1e-6
SYMMETRIC = ("covariance", "precision")


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def test_every_distribution_has_a_law_and_a_reference() -> None:
    assert set(DISTRIBUTIONS) == set(LAWS) == set(REFERENCES)
    for name, spec in DISTRIBUTIONS.items():
        assert spec.truncatable == (LAWS[name].log_cdf is not None) == (REFERENCES[name].cdf is not None), name


def by_shape(cases: tuple[Case, ...]) -> list[list[Case]]:
    """Cases that can be stacked into arrays."""
    groups: dict[Any, list[Case]] = defaultdict(list)
    for case in cases:
        value, parameters = case
        shape = (np.shape(value), tuple((k, np.shape(v)) for k, v in parameters.items()))
        groups[shape].append(case)
    return list(groups.values())


def stacked(group: list[Case]) -> tuple[jax.Array, dict[str, jax.Array]]:
    values = jnp.asarray(np.array([v for v, _ in group], np.float64))
    names = group[0][1]
    return values, {k: jnp.asarray(np.array([p[k] for _, p in group], np.float64)) for k in names}


def value_and_gradients(name: str, group: list[Case]) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    def one(value: jax.Array, parameters: dict[str, jax.Array]) -> jax.Array:
        return log_prob(name, value, parameters)

    run = jax.jit(jax.vmap(jax.value_and_grad(one, argnums=(0, 1))))
    value, (by_value, by_parameter) = run(*stacked(group))
    return np.asarray(value), np.asarray(by_value), {k: np.asarray(v) for k, v in by_parameter.items()}


def close(found: float, expected: Any, tolerance: float, floor: float) -> bool:
    if mp.isinf(expected):
        return bool(found == float(expected))
    return bool(abs(mp.mpf(float(found)) - expected) <= tolerance * max(mp.mpf(floor), abs(expected)))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_log_density(name: str) -> None:
    reference = REFERENCES[name]
    for group in by_shape(reference.cases):
        found = jax.jit(jax.vmap(lambda v, p: log_prob(name, v, p)))(*stacked(group))
        for got, (value, parameters) in zip(np.asarray(found), group, strict=True):
            wanted = reference.log_density(exact(value), **{k: exact(v) for k, v in parameters.items()})
            assert close(got, wanted, VALUE_TOLERANCE, 1.0), (value, parameters, got, mp.nstr(wanted, 17))


def partials(name: str, case: Case, argument: str | None) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Places in the value (argument None) or in a parameter, each with its derivative."""
    value, parameters = exact(case[0]), {k: exact(v) for k, v in case[1].items()}
    target = value if argument is None else parameters[argument]
    for path in paths(target):
        if argument == "cholesky" and path[0] < path[1]:
            continue
        if argument in SYMMETRIC and path[0] < path[1]:
            continue

        def moved(step: Any, path: tuple[int, ...] = path) -> Any:
            changed = perturbed(target, path, step)
            if argument in SYMMETRIC and path[0] != path[1]:
                changed = perturbed(changed, path[::-1], step)
            if argument is None:
                return REFERENCES[name].log_density(changed, **parameters)
            return REFERENCES[name].log_density(value, **{**parameters, argument: changed})

        at = target
        for i in path:
            at = at[i]
        yield path, derivative(lambda t, at=at: moved(t - at), at)


def at_an_end(name: str, case: Case) -> bool:
    """Where a two-sided difference would leave the domain: a probability, a rate or a value at its end."""
    value, parameters = case
    ends = any(p in (0.0, 1.0) for k, p in parameters.items() if k in ("probability", "gate"))
    zero = any(p == 0.0 for k, p in parameters.items() if k == "rate")
    probabilities = np.asarray(parameters.get("probabilities", 0.5))
    edge = bool(np.any((probabilities <= 0) | (probabilities >= 1)))
    return ends or zero or edge or (value == 0.0 and "Half" in name)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_gradient(name: str) -> None:
    spec, reference = DISTRIBUTIONS[name], REFERENCES[name]
    for group in by_shape(tuple(c for c in reference.cases if not at_an_end(name, c))):
        _, by_value, by_parameter = value_and_gradients(name, group)
        for i, case in enumerate(group):
            arguments: list[str | None] = [k for k in case[1] if k not in reference.integers]
            if not spec.discrete:
                arguments.insert(0, None)
            for argument in arguments:
                found = by_value[i] if argument is None else by_parameter[argument][i]
                for path, wanted in partials(name, case, argument):
                    got = found[path]
                    if argument in SYMMETRIC and path[0] != path[1]:
                        got = got + found[path[::-1]]
                    # what rounding of the log density's own terms leaves of a derivative that is 0 or nearly so
                    floor = 1e-6 * max(1.0, float(np.abs(found).max()))
                    assert close(got, wanted, GRADIENT_TOLERANCE, floor), (argument, path, case, got, mp.nstr(wanted))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_outside_the_support_and_the_domain(name: str) -> None:
    """-inf, and gradients that are not NaN."""
    reference = REFERENCES[name]
    good_value, good = reference.cases[0]
    cases: list[Case] = [(v, good) for v in reference.outside] + [(good_value, p) for p in reference.invalid]
    for group in by_shape(tuple(cases)):
        value, by_value, by_parameter = value_and_gradients(name, group)
        for i, case in enumerate(group):
            assert value[i] == -np.inf, (case, value[i])
            for gradient in (by_value, *by_parameter.values()):
                assert not np.isnan(gradient[i]).any(), (case, gradient[i])


def shaped(value: Value, times: int) -> np.ndarray:
    return np.repeat(np.asarray(value, np.float64)[None], times, 0)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_batches_broadcast_from_the_right(name: str) -> None:
    """Values (2, 3), every other parameter (3,) and the rest single: the same number everywhere."""
    value, parameters = REFERENCES[name].cases[0]
    run = jax.jit(lambda v, p: log_prob(name, v, p))
    single = run(np.asarray(value, np.float64), parameters)
    values = np.broadcast_to(np.asarray(value, np.float64), (2, 3, *np.shape(value)))
    batched = {k: np.asarray(v if i % 2 else shaped(v, 3), np.float64) for i, (k, v) in enumerate(parameters.items())}
    found = run(values, batched)
    assert found.shape == (2, 3)
    np.testing.assert_allclose(np.asarray(found), float(single), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_single_precision_stays_single(name: str) -> None:
    value, parameters = next(c for c in REFERENCES[name].cases if 1e-20 < np.abs(c[0]).max() < 1e20)
    cast = {k: np.asarray(v, np.float32) for k, v in parameters.items()}
    found = jax.jit(lambda v, p: log_prob(name, v, p))(np.asarray(value, np.float32), cast)
    assert found.dtype == np.float32
    assert not np.isnan(found)


def shapes_of(name: str, jaxpr: Any) -> list[tuple[int, ...]]:
    """Output shapes of every equation of one primitive, inner programs included."""
    shapes = []
    for equation in jaxpr.eqns:
        if equation.primitive.name == name:
            shapes.append(equation.outvars[0].aval.shape)
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda p: hasattr(p, "jaxpr")):
            if hasattr(inner, "jaxpr"):
                shapes += shapes_of(name, inner.jaxpr)
    return shapes


@pytest.mark.parametrize(
    ("name", "primitive", "parameters"),
    [
        ("Normal", "log", {"mean": 0.0, "scale": 2.0}),
        ("Normal", "div", {"mean": 0.0, "scale": 2.0}),
        ("StudentT", "log", {"df": 4.0, "location": 0.0, "scale": 2.0}),
        ("Gamma", "lgamma", {"shape": 3.0, "rate": 2.0}),
        ("Bernoulli", "log", {"probability": 0.3}),
        ("Poisson", "log", {"rate": 0.3}),
        ("Categorical", "log", {"probabilities": np.array([0.25, 0.75])}),
    ],
)
def test_constants_are_computed_once(name: str, primitive: str, parameters: dict[str, Any]) -> None:
    """What depends on a scalar parameter alone never takes the shape of the values."""
    parameters = {k: jnp.asarray(v) for k, v in parameters.items()}
    jaxpr = jax.make_jaxpr(lambda v, p: log_prob(name, v, p))(jnp.ones(1000), parameters)
    found = shapes_of(primitive, jaxpr.jaxpr)
    assert found
    assert all(1000 not in shape for shape in found)


def test_one_factor_serves_a_batch() -> None:
    covariance = jnp.eye(4) + 0.5
    jaxpr = jax.make_jaxpr(lambda v: log_prob("MvNormal", v, {"mean": 0.0, "covariance": covariance}))(jnp.ones((9, 4)))
    assert shapes_of("cholesky", jaxpr.jaxpr) == [(4, 4)]


def test_a_covariance_for_each_element() -> None:
    rng = np.random.default_rng(3)
    roots = rng.normal(size=(5, 4, 4))
    covariance = roots @ roots.transpose(0, 2, 1) + np.eye(4)
    values = rng.normal(size=(2, 5, 4))
    log_density = jax.jit(lambda value, parameters: log_prob("MvNormal", value, parameters))
    found = log_density(values, {"mean": np.float64(0.3), "covariance": covariance})
    for i in range(2):
        for j in range(5):
            single = log_density(values[i, j], {"mean": np.float64(0.3), "covariance": covariance[j]})
            np.testing.assert_allclose(found[i, j], single, rtol=1e-12)
    inverse = {"mean": np.float64(0.3), "precision": np.linalg.inv(covariance)}
    np.testing.assert_allclose(log_density(values, inverse), found, rtol=1e-9)
    factor = {"mean": np.float64(0.3), "cholesky": np.linalg.cholesky(covariance)}
    np.testing.assert_allclose(log_density(values, factor), found, rtol=1e-11)
