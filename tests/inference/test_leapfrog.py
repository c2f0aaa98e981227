"""The integrator: reversible, of second order, and a wrong gradient shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.inference.contract import Density
from ppl.inference.hamiltonian import leapfrog
from ppl.inference.hamiltonian.leapfrog import PhasePoint, Point
from ppl.inference.hamiltonian.metric import Dense, Diagonal, LowRank, Metric
from tests.inference.densities import Funnel, eight_schools, gaussian

SIZE = 5


def metrics() -> dict[str, Metric]:
    draw = np.random.default_rng(3)
    a = draw.normal(size=(SIZE, SIZE))
    inverse = a @ a.T + np.eye(SIZE)
    basis = np.linalg.qr(draw.normal(size=(SIZE, SIZE)))[0][:2]
    return {
        "diagonal": Diagonal(jnp.asarray(np.exp(draw.normal(size=SIZE)))),
        "dense": Dense(jnp.asarray(inverse), jnp.asarray(np.linalg.inv(np.linalg.cholesky(inverse)).T)),
        "low-rank": LowRank(
            jnp.asarray(np.exp(draw.normal(size=SIZE))),
            jnp.asarray(basis),
            jnp.asarray(np.array([3.0, 0.2])),
            jnp.int32(2),
        ),
    }


@partial(jax.jit, static_argnames="count")
def travel(density: Density, metric: Metric, start: PhasePoint, step_size: jax.Array, count: int) -> PhasePoint:
    return jax.lax.fori_loop(0, count, lambda _, state: leapfrog.leapfrog(density, metric, step_size, state), start)


def begin(density: Density, metric: Metric) -> PhasePoint:
    draw = np.random.default_rng(5)
    position = jnp.asarray(0.5 * draw.normal(size=density.size))
    log_density, gradient = jax.value_and_grad(density.log_density)(position)
    momentum = metric.momentum(jnp.asarray(draw.normal(size=density.size)))
    return leapfrog.with_momentum(metric, Point(position, log_density, gradient), momentum)


def energy_slope(density: Density, metric: Metric) -> float:
    """Order of the energy error in the step size at a fixed time."""
    start = begin(density, metric)
    counts = np.array([32, 64, 128, 256])
    errors = []
    for count in counts:
        end = travel(density, metric, start, jnp.asarray(0.4 / count), int(count))
        errors.append(abs(float(leapfrog.energy(end) - leapfrog.energy(start))))
    return float(np.polyfit(np.log(0.4 / counts), np.log(errors), 1)[0])


@pytest.mark.parametrize("kind", ["diagonal", "dense", "low-rank"])
def test_going_back_returns_to_the_start(kind: str) -> None:
    with jax.enable_x64(True):
        density, metric = Funnel(SIZE), metrics()[kind]
        start = begin(density, metric)
        end = travel(density, metric, start, jnp.asarray(0.01), 50)
        back = travel(density, metric, end, jnp.asarray(-0.01), 50)
        assert float(jnp.max(jnp.abs(end.position - start.position))) > 0.1
        np.testing.assert_allclose(back.position, start.position, rtol=0, atol=1e-10)
        np.testing.assert_allclose(back.momentum, start.momentum, rtol=0, atol=1e-10)
        np.testing.assert_allclose(back.velocity, start.velocity, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", ["diagonal", "dense", "low-rank"])
def test_velocity_stays_the_product_with_the_inverse_metric(kind: str) -> None:
    with jax.enable_x64(True):
        density, metric = Funnel(SIZE), metrics()[kind]
        end = travel(density, metric, begin(density, metric), jnp.asarray(0.01), 200)
        np.testing.assert_allclose(end.velocity, metric.inverse_times(end.momentum), rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(end.acceleration, metric.inverse_times(end.gradient), rtol=1e-12)


@pytest.mark.parametrize("kind", ["diagonal", "dense", "low-rank"])
def test_energy_error_is_of_second_order(kind: str) -> None:
    with jax.enable_x64(True):
        assert energy_slope(Funnel(SIZE), metrics()[kind]) == pytest.approx(2.0, abs=0.1)


def test_second_order_on_eight_schools() -> None:
    with jax.enable_x64(True):
        assert energy_slope(eight_schools(False), Diagonal(jnp.ones(10))) == pytest.approx(2.0, abs=0.1)


@partial(jax.tree_util.register_dataclass, data_fields=[], meta_fields=[])
@dataclass(frozen=True)
class WrongGradient:
    """A standard normal whose gradient is 2 % too large."""

    size = SIZE

    def log_density(self, u: jax.Array) -> jax.Array:
        @jax.custom_jvp
        def value(u: jax.Array) -> jax.Array:
            return -0.5 * jnp.sum(u * u)

        value.defjvp(lambda primals, tangents: (value(*primals), -1.02 * jnp.sum(primals[0] * tangents[0])))
        return value(u)


def test_a_wrong_gradient_is_not_of_second_order() -> None:
    with jax.enable_x64(True):
        metric = Diagonal(jnp.ones(SIZE))
        assert energy_slope(gaussian(np.eye(SIZE)), metric) == pytest.approx(2.0, abs=0.1)
        assert energy_slope(WrongGradient(), metric) < 1.0
