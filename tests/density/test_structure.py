"""A density as a JAX object: what is traced, when it compiles, how it may be transformed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.compiler.density.compiled import CompiledDensity, compile_density
from ppl.dataset import Dataset
from ppl.errors import PplError
from ppl.graph import ModelGraph
from tests.density.build import SCHOOLS, dataset, eight_schools
from tests.density.from_text import evaluated
from tests.density.hand_built import items, items_data, radon, radon_data, regression, regression_data


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def schools_data(count: int = 8) -> Dataset:
    return dataset({"school": count}, **{name: np.resize(x, count) for name, x in SCHOOLS.items()})


SIZED: dict[str, tuple[Callable[[], ModelGraph], Callable[[int], Dataset]]] = {
    "schools": (eight_schools, lambda scale: schools_data(8 * scale)),
    "radon": (radon, lambda scale: radon_data(60 * scale, 7 * scale)),
    "items": (items, lambda scale: items_data(6 * scale, 5)),
    "regression": (regression, lambda scale: regression_data(40 * scale, 3)),
}


def equations(jaxpr: Any) -> int:
    """Of a traced function, those of the functions it calls included."""
    count = 0
    for eqn in jaxpr.eqns:
        count += 1
        for value in eqn.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                count += equations(inner) if hasattr(inner, "eqns") else 0
    return count


@pytest.mark.parametrize("name", SIZED)
def test_nothing_unrolls(name: str) -> None:
    make, data = SIZED[name]
    counts = []
    for scale in (1, 10):
        density = compile_density(make(), data(scale))
        u = jnp.zeros(density.size)

        def outputs(density: CompiledDensity, u: jax.Array) -> Any:
            key = jax.random.key(0)
            return density.constrain(u), density.log_likelihood(u), density.replicate(u, key), density.predict(u, key)

        gradient = jax.make_jaxpr(lambda d, u: jax.value_and_grad(lambda u: d.log_density(u))(u))(density, u)
        counts.append((equations(gradient.jaxpr), equations(jax.make_jaxpr(outputs)(density, u).jaxpr)))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", SIZED)
def test_gradient_is_that_of_central_differences(name: str) -> None:
    make, data = SIZED[name]
    density = compile_density(make(), data(1))
    both = jax.jit(jax.value_and_grad(density.log_density))
    u = np.random.default_rng(1).normal(size=density.size) * 0.5
    _, gradient = both(u)
    h = 1e-5
    for i in range(density.size):
        step = np.where(np.arange(density.size) == i, h, 0.0)
        numerical = float(both(u + step)[0] - both(u - step)[0]) / (2 * h)
        assert gradient[i] == pytest.approx(numerical, rel=1e-6, abs=1e-6)


def test_data_of_one_shape_share_a_program() -> None:
    graph = radon()
    traced = 0

    @jax.jit
    def log_density(density: CompiledDensity, u: jax.Array) -> jax.Array:
        nonlocal traced
        traced += 1
        return density.log_density(u)

    first = radon_data(60, 7)
    arrays = dict(first.arrays)
    second = dataset(first.sizes, **{**arrays, "y": arrays["y"] + 1.0, "uranium": -arrays["uranium"]})
    densities = [compile_density(graph, data) for data in (first, second)]
    u = jnp.full((densities[0].size,), 0.1)
    values = [float(log_density(density, u)) for density in densities]
    assert traced == 1
    assert values[0] != values[1]
    assert jax.tree.structure(densities[0]) == jax.tree.structure(densities[1])
    assert jax.tree.structure(densities[0]) != jax.tree.structure(compile_density(radon(), first))
    larger = compile_density(graph, radon_data(61, 7))
    log_density(larger, u)
    assert traced == 2


def test_data_are_arguments_of_the_program() -> None:
    density = compile_density(radon(), radon_data(500, 7))
    jaxpr = jax.make_jaxpr(lambda d, u: d.log_density(u))(density, jnp.zeros(density.size))
    assert all(np.size(const) <= 1 for const in jaxpr.consts)


@pytest.mark.parametrize("name", SIZED)
def test_transformations_agree(name: str) -> None:
    make, data = SIZED[name]
    density = compile_density(make(), data(1))
    u = jnp.asarray(np.random.default_rng(2).normal(size=(3, density.size)))
    log_density = jax.jit(density.log_density)
    alone = [float(log_density(x)) for x in u]
    assert np.allclose(jax.jit(jax.vmap(density.log_density))(u), alone, rtol=1e-12)
    _, scanned = jax.lax.scan(lambda c, x: (c, density.log_density(x)), 0, u)
    assert np.allclose(scanned, alone, rtol=1e-12)
    terms = jax.jit(jax.vmap(density.terms))(u)
    assert np.allclose(sum(terms.values()), alone, rtol=1e-12)
    likelihood = jax.jit(jax.vmap(density.log_likelihood))(u)
    (target,) = likelihood
    observing = [t for t in density.plan.program.graph.terms if t.role == "observed"]
    expected = sum(terms[t.name] for t in observing)
    assert np.allclose(np.nansum(likelihood[target], axis=1), expected, rtol=1e-12)


def test_threads() -> None:
    density = compile_density(radon(), radon_data(60, 7))
    u = jnp.full((density.size,), 0.1)
    expected = float(jax.jit(density.log_density)(u))
    found: list[float] = []

    def work() -> None:
        with jax.enable_x64(True):
            found.append(float(jax.jit(lambda d, u: d.log_density(u))(density, u)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == pytest.approx([expected] * 4, rel=1e-12)


def test_constrain_and_back() -> None:
    density = compile_density(items(), items_data(6, 5))
    u = jnp.asarray(np.random.default_rng(3).normal(size=density.size))
    values = evaluated(density.constrain, u)  # in one program XLA might cancel the two
    assert np.allclose(evaluated(density.unconstrain, values), u, rtol=1e-12, atol=1e-14)


def test_initial_points_are_uniform() -> None:
    density = compile_density(eight_schools(), schools_data())
    points = jax.jit(jax.vmap(density.initial))(jax.random.split(jax.random.key(0), 4000))
    assert points.shape == (4000, 10)
    assert points.dtype == np.float64
    assert float(points.min()) > -2.0
    assert float(points.max()) < 2.0
    assert np.allclose(points.mean(0), 0.0, atol=0.1)
    assert np.allclose(points.std(0), 4 / np.sqrt(12), atol=0.05)


# --- minibatches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dim"), [("schools", "school"), ("radon", "obs"), ("items", "obs"), ("regression", "obs")]
)
def test_minibatches_are_unbiased(name: str, dim: str) -> None:
    make, data = SIZED[name]
    bound = data(1)
    density = compile_density(make(), bound)
    u = jnp.asarray(np.random.default_rng(4).normal(size=density.size))
    whole = float(jax.jit(density.log_density)(u))
    # the mean over all batches of one element is the mean of the estimate
    every = jnp.arange(bound.sizes[dim])[:, None]
    estimate = jax.jit(lambda positions: density.log_density_on(u, {dim: positions}))
    estimates = jax.lax.map(estimate, every)
    assert float(jnp.mean(estimates)) == pytest.approx(whole, rel=1e-11)
    assert float(jnp.std(estimates)) > 0.0
    assert float(estimate(every[:, 0])) == pytest.approx(whole, rel=1e-11)


def test_minibatch_of_a_dim_that_has_none() -> None:
    density = compile_density(radon(), radon_data(60, 7))
    u = jnp.zeros(density.size)
    for dim in ("county", "home"):
        with pytest.raises(PplError, match="E551"):
            density.log_density_on(u, {dim: jnp.arange(3)})


# --- faults ------------------------------------------------------------------------------------------


def test_faults_name_the_element() -> None:
    bound = schools_data()
    density = compile_density(eight_schools(), bound)
    u = jnp.zeros(density.size)
    assert density.diagnose(u) == []
    y = bound.arrays["y"].astype(float).copy()
    y[3] = np.inf
    broken = compile_density(eight_schools(), dataset({"school": 8}, y=y, sigma=bound.arrays["sigma"]))
    (fault,) = broken.diagnose(u)
    assert fault.term == "y"
    assert fault.positions == {"school": 3}
    assert fault.log_prob == -np.inf
    assert fault.value == np.inf
    assert fault.parameters == {"mean": 0.0, "scale": 11.0}
    assert fault.others == 0


def test_filtered_elements_have_no_likelihood() -> None:
    bound = regression_data(40, 3)
    density = compile_density(regression(), bound)
    u = jnp.asarray(np.random.default_rng(5).normal(size=density.size))
    pointwise, replicated = evaluated(
        lambda u, key: (density.log_likelihood(u)["y"], density.replicate(u, key)["y"]), u, jax.random.key(0)
    )
    kept = bound.arrays["kept"]
    eta = float(u[0]) + bound.arrays["X"] @ np.asarray(u[1:])
    expected = np.where(bound.arrays["y"], -np.log1p(np.exp(-eta)), -np.log1p(np.exp(eta)))
    assert np.allclose(pointwise[kept], expected[kept], rtol=1e-12)
    assert np.isnan(pointwise[~kept]).all()
    assert replicated.dtype == np.int64
    assert (replicated[~kept] == bound.arrays["y"][~kept]).all()
