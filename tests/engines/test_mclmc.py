"""mclmc: the energy of its steps, the law of its draws, faults that must show, what it says of itself."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.inference.engines.mclmc import MCLMC
from ppl.inference.microcanonical.chain import MicrocanonicalKernel, kicked
from ppl.inference.microcanonical.life import MicrocanonicalLife
from ppl.inference.starting import Start
from tests.inference.densities import Funnel, Gaussian, gaussian
from tests.inference.runs import Run, run


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield


def correlated(size: int) -> tuple[Gaussian, Any]:
    """Correlations of 0.5 between neighbours, sds from 0.01 to 10; and its covariance."""
    sd = np.geomspace(0.01, 10.0, size)
    covariance = sd[:, None] * sd * 0.5 ** np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    return gaussian(covariance, np.linspace(-3, 3, size) * sd), covariance


def in_errors(values: Any, expected: float) -> float:
    """The mean of (chains, draws) less what is expected, in standard errors of means of stretches."""
    stretches = values.reshape(values.shape[0] * 10, -1).mean(axis=1)
    return float((stretches.mean() - expected) / (stretches.std(ddof=1) / np.sqrt(len(stretches))))


def energies(density: Any, made: Run) -> Any:
    """Twice the energy of each draw, per dimension, of which the mean is 1 for a Gaussian."""
    return -2 * made.stats["lp"] / density.size


def verdicts(life: Any, density: Any, made: Run) -> dict[str, str]:
    return {remark.name: remark.verdict for remark in life.findings(density, made.carry).remarks}


class ForceByDimension(MicrocanonicalKernel):
    def degrees(self, size: int) -> int:
        return size


class UnscaledNoise(MicrocanonicalKernel):
    def refreshed(self, velocity: jax.Array, normals: jax.Array, share: jax.Array) -> jax.Array:
        return super().refreshed(velocity, normals * jnp.sqrt(velocity.shape[0]), share)


class LengthNotKept(MicrocanonicalKernel):
    def refreshed(self, velocity: jax.Array, normals: jax.Array, share: jax.Array) -> jax.Array:
        return velocity + jnp.sqrt(jnp.expm1(2 * share) / velocity.shape[0]) * normals


# --- a step ------------------------------------------------------------------------------------------


def test_a_kick_solves_its_equation() -> None:
    """Against many small Euler steps of du = (I - u u') g / (n - 1) dt, d log w = u·g / (n - 1) dt."""
    velocity, force = np.array([0.6, 0.0, -0.8]), np.array([1.0, 2.0, 3.0])
    u, work = velocity, 0.0
    for _ in range(20000):
        middle = u + (force - u * (u @ force)) / 2 * 2.5e-5
        work += middle @ force * 5e-5
        u = u + (force - middle * (middle @ force)) / 2 * 5e-5
    turned, found = kicked(jnp.asarray(velocity), jnp.asarray(force), jnp.asarray(1.0), 2)
    np.testing.assert_allclose(turned, u, atol=1e-7)
    np.testing.assert_allclose(found, work, atol=1e-7)
    # A force without limit only sets the direction; none at all leaves everything as it is.
    far = kicked(jnp.asarray(velocity), jnp.asarray(force * 1e200), jnp.asarray(1.0), 2)
    np.testing.assert_allclose(far[0], force / np.sqrt(14))
    assert np.isfinite(far[1])
    rest = kicked(jnp.asarray(velocity), jnp.zeros(3), jnp.asarray(1.0), 2)
    np.testing.assert_allclose(rest[0], velocity)
    assert float(rest[1]) == 0.0


def test_the_energy_error_of_a_step_is_of_third_order() -> None:
    density, _ = correlated(4)
    kernel, scale = MicrocanonicalKernel(), jnp.asarray(np.geomspace(0.01, 10.0, 4))
    at = jnp.asarray(density.mean) + scale * jnp.array([0.3, -1.2, 0.8, 1.5])
    value, gradient = jax.value_and_grad(density.log_density)(at)
    start = Start(at, value, gradient, jnp.array(True), jnp.array(1))
    state = kernel.begin(density, start, scale, {})
    glide = jax.jit(kernel.glide)
    errors = [float(glide(density, state, scale, jnp.asarray(epsilon))[1]) for epsilon in (0.1, 0.05, 0.025)]
    ratios = np.divide(errors[:-1], errors[1:])
    assert np.all(np.abs(ratios - 8) < 1.5), ratios


def forgets(kernel: MicrocanonicalKernel) -> tuple[float, float]:
    """The cosine between velocities before and after a refreshment by 0.3 of L, over e^-0.3; the length after it."""
    size = 2000
    velocity = jnp.full((size,), 1 / np.sqrt(size))
    normals = np.random.default_rng(1).normal(size=size)
    after = jax.jit(kernel.refreshed)(velocity, normals, 0.3)
    return float(after @ velocity / np.exp(-0.3)), float(jnp.linalg.norm(after))


def test_a_refreshment_forgets_by_the_length_it_is_given() -> None:
    cosine, length = forgets(MicrocanonicalKernel())
    assert abs(cosine - 1) < 4 / np.sqrt(2000)
    assert length == pytest.approx(1, abs=1e-12)
    assert abs(forgets(UnscaledNoise())[0] - 1) > 0.5
    assert forgets(LengthNotKept())[1] > 1.2


# --- the law of the draws ----------------------------------------------------------------------------


def test_a_correlated_gaussian_and_a_fault_that_shows() -> None:
    density, covariance = correlated(10)
    engine = MCLMC(warmup=320, draws=600)
    # Only numbers differ in what follows: the same program.
    fine = dataclasses.replace(engine, energy_variance=5e-5)
    assert abs(in_errors(energies(density, run(fine, density)), 1.0)) < 4

    made = run(engine, density)
    sd = np.sqrt(np.diag(covariance))
    z = ((made.positions - density.mean) / sd).reshape(-1, 10)
    assert np.all(np.abs(z.mean(0)) < 0.1)
    assert np.all(np.abs(z.std(0) - 1) < 0.1)
    found = engine.findings(density, made.carry)
    assert [(remark.name, remark.verdict) for remark in found.remarks] == [("energy", "good")]
    # Warmup comes near what it aims at.
    np.testing.assert_allclose(found.values["energy_variance"][1], 5e-4, rtol=0.5)

    states = made.carry["states"]
    differ = states._replace(tally=states.tally._replace(square=states.tally.square * [0.02, 1, 1, 1]))
    uneven = engine.findings(density, {**made.carry, "states": differ})
    assert [(remark.name, remark.verdict) for remark in uneven.remarks] == [("uneven", "bad")]

    again = run(engine, density, limits=itertools.cycle([1, 90, 7]))
    np.testing.assert_array_equal(again.positions, made.positions)
    np.testing.assert_array_equal(again.carry["states"].tally.square, made.carry["states"].tally.square)

    coarse = dataclasses.replace(engine, energy_variance=0.05, length=10.0)
    assert verdicts(coarse, density, run(coarse, density)) == {"energy": "bad"}

    life = fine.life
    assert isinstance(life, MicrocanonicalLife)
    wrong = dataclasses.replace(life, kernel=ForceByDimension())
    assert in_errors(energies(density, run(wrong, density)), 1.0) > 6


@partial(jax.tree_util.register_dataclass, data_fields=["rate"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class Exponential:
    """Without a transform, so that half of the line has no density."""

    rate: jax.Array
    size = 1

    def log_density(self, u: jax.Array) -> jax.Array:
        return jnp.where(u[0] > 0, -self.rate * u[0], -jnp.inf)


def test_one_dimension_and_a_wall() -> None:
    """One coordinate has company that is not seen; a wall is told of."""
    engine = MCLMC(warmup=160, draws=600)
    density = Exponential(jnp.asarray(2.0))
    made = run(engine, density)
    assert made.positions.shape == (4, 600, 1)
    assert made.positions.min() > 0
    np.testing.assert_allclose(made.stats["lp"], -2 * made.positions[..., 0], atol=1e-12)
    assert verdicts(engine, density, made)["broken"] == "bad"


@pytest.mark.long
@pytest.mark.parametrize("size", [1, 2, 50])
def test_gaussians_of_other_sizes(size: int) -> None:
    density, covariance = correlated(size)
    made = run(MCLMC(warmup=500, draws=4000), density)
    z = ((made.positions - density.mean) / np.sqrt(np.diag(covariance))).reshape(-1, size)
    assert np.all(np.abs(z.mean(0)) < 0.1)
    assert np.all(np.abs(z.std(0) - 1) < 0.1)


@pytest.mark.long
def test_a_funnel_is_told_of() -> None:
    """By most runs: what a chain says depends on how deep it got."""
    engine, density = MCLMC(warmup=500, draws=2000), Funnel(10)
    said = [verdicts(engine, density, run(engine, density, seed=seed)) for seed in (1, 2, 3, 4)]
    assert sum("bad" in each.values() for each in said) >= 3, said
