"""mams: its steps, the law of its draws, faults that must show, what it says of a funnel."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.inference.engines.mams import MAMS
from ppl.inference.hamiltonian import leapfrog, metric
from ppl.inference.hamiltonian.kernel import Kernel
from ppl.inference.hamiltonian.leapfrog import Point
from ppl.inference.microcanonical.adjusted import MicrocanonicalTrajectory
from tests.engines.test_mclmc import correlated, energies, in_errors
from tests.inference.densities import Funnel, gaussian
from tests.inference.runs import run

OPTIONS = {"length": 1.0, "jitter": 0.0, "max_steps": 100.0, "divergence_threshold": 1000.0}


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield


class ForceByDimension(MicrocanonicalTrajectory):
    def degrees(self, size: int) -> int:
        return size


class WorkNotCounted(MicrocanonicalTrajectory):
    def kicked(self, *arguments: Any) -> Any:
        half, work = super().kicked(*arguments)
        return half, 0.9 * work


# --- a step ------------------------------------------------------------------------------------------


@partial(jax.jit, static_argnums=0)
def begun(kernel: Kernel, density: Any, own: metric.Metric, at: Any, momentum: Any, size: Any, limit: Any) -> Any:
    origin = leapfrog.with_momentum(own, Point(at, *jax.value_and_grad(density.log_density)(at)), momentum)
    words, far = jnp.full(kernel.words(len(at)), 1 << 31, jnp.uint32), {**OPTIONS, "length": 100.0}
    return kernel.begin(kernel.blank(len(at), at.dtype), origin, words, size, limit, far)


@partial(jax.jit, static_argnums=0)
def further(kernel: Kernel, density: Any, own: metric.Metric, path: Any) -> Any:
    here = Point(path.half.position, *jax.value_and_grad(density.log_density)(path.half.position))
    return kernel.visit(path, here, own.inverse_times(here.gradient), OPTIONS)


def followed(kernel: Kernel, density: Any, own: metric.Metric, at: Any, momentum: Any, size: float, steps: int) -> Any:
    """The transition after so many steps."""
    path, taken = begun(kernel, density, own, at, momentum, jnp.asarray(size), jnp.asarray(steps, jnp.int32)), None
    while bool(path.going):
        path, taken = further(kernel, density, own, path)
    return taken


def test_a_step_solves_its_equations_in_any_metric() -> None:
    """Against many small Euler steps of du = (I - u u') g / (n - 1) dt in coordinates x / scale; the error of the
    energy is of third order."""
    density, covariance = correlated(4)
    scale = np.geomspace(0.02, 5.0, 4)
    at = density.mean + scale * np.array([0.3, -1.2, 0.8, 1.5])
    unit = np.array([0.5, -0.1, 0.7, 0.5])
    z, u = at / scale, unit / np.linalg.norm(unit)
    for _ in range(20000):
        g = -scale * (density.precision @ (scale * z - density.mean))
        u = u + (g - u * (u @ g)) / 3 * 1e-5
        u = u / np.linalg.norm(u)
        z = z + 1e-5 * u
    diagonal, momentum = metric.Diagonal(jnp.asarray(scale)), jnp.asarray(3.0 * unit / scale)
    kernel = MicrocanonicalTrajectory()
    # A length of 0.2 is 0.1 in units of √n.
    fine = followed(kernel, density, diagonal, jnp.asarray(at), momentum, 0.001, 100)
    np.testing.assert_allclose(fine.last.position / scale, z, atol=2e-4)
    errors = [
        float(followed(kernel, density, diagonal, jnp.asarray(at), momentum, size, 1).last_error)
        for size in (0.02, 0.01, 0.005)
    ]
    assert np.all(np.abs(np.divide(errors[:-1], errors[1:]) - 8) < 1), errors

    # The same of a full metric and of the coordinates in which it is the unit.
    root = np.linalg.cholesky(covariance)
    dense = metric.Dense(jnp.asarray(covariance), jnp.asarray(np.linalg.inv(root).T))
    inner = dataclasses.replace(density, mean=np.zeros(4), precision=np.eye(4))
    far, ones = jnp.array([2.0, -1.0, 0.5, 3.0]), metric.Diagonal(jnp.ones(4))
    wanted = followed(kernel, inner, ones, far, jnp.asarray(unit), 0.25, 4)
    found = followed(kernel, density, dense, root @ far + density.mean, jnp.linalg.solve(root.T, unit), 0.25, 4)
    np.testing.assert_allclose(found.last.position, root @ wanted.last.position + density.mean, rtol=1e-8)
    np.testing.assert_allclose(found.last_error, wanted.last_error, rtol=1e-6)


# --- the law of the draws ----------------------------------------------------------------------------


def test_a_correlated_gaussian_and_a_fault_that_shows() -> None:
    density, covariance = correlated(10)
    engine = MAMS(warmup=320, draws=600)
    made = run(engine, density)
    assert abs(in_errors(energies(density, made), 1.0)) < 4
    z = (made.positions - density.mean) / np.sqrt(np.diag(covariance))
    for i in range(10):
        assert abs(in_errors(z[..., i], 0.0)) < 4
        assert abs(in_errors(z[..., i] ** 2, 1.0)) < 4
    assert made.stats.keys() == {"lp", "energy_error", "acceptance_rate", "step_size", "n_steps", "diverging"}
    assert abs(made.stats["acceptance_rate"].mean() - 0.88) < 0.08  # 0.8 was asked for
    assert not made.stats["diverging"].any()

    found = engine.findings(density, made.carry)
    assert not found.remarks
    assert found.values["length"][1] == pytest.approx(1.25, abs=0.25)
    refused = (np.diff(made.positions[..., 0], axis=1) == 0).astype(int).tolist()
    longest = [max(len(part) for part in "".join(map(str, row)).split("0")) for row in refused]
    np.testing.assert_array_equal(found.values["standstill"][1], longest)

    again = run(engine, density, limits=itertools.cycle([1, 90, 7]))
    np.testing.assert_array_equal(again.positions, made.positions)
    np.testing.assert_array_equal(again.carry["longest"], made.carry["longest"])


@pytest.mark.long
@pytest.mark.parametrize("kernel", [ForceByDimension(), WorkNotCounted()], ids=lambda kernel: type(kernel).__name__)
def test_a_fault_shows(kernel: Kernel) -> None:
    density, _ = correlated(10)
    life: Any = MAMS(warmup=320, draws=2000).life
    wrong = dataclasses.replace(life, kernel=kernel)
    assert abs(in_errors(energies(density, run(wrong, density)), 1.0)) > 6


@pytest.mark.long
@pytest.mark.parametrize(("size", "precision"), [(1, "float64"), (2, "float64"), (100, "float32")])
def test_gaussians_of_other_sizes(size: int, precision: str) -> None:
    """In one dimension, where there is no direction but forth and back, trajectories are those of HMC."""
    density, covariance = correlated(size)
    made = run(MAMS(warmup=500, draws=1000, precision=precision), density)
    assert abs(in_errors(energies(density, made), 1.0)) < 4
    z = (made.positions - density.mean) / np.sqrt(np.diag(covariance))
    assert max(abs(in_errors(z[..., i] ** 2, 1.0)) for i in range(size)) < 4.5


def test_trajectories_are_as_long_as_the_target_is_wide() -> None:
    """A direction of variance 19 that a diagonal metric cannot see."""
    density = gaussian(0.05 * np.eye(20) + 0.95)
    engine = MAMS(warmup=320, draws=200, metric="diagonal")
    made = run(engine, density)
    found = engine.findings(density, made.carry).values["length"][1] / 1.25
    # In coordinates in which draws and gradients have like variances.
    widest = np.sqrt(19.05) * float(density.precision[0, 0]) ** 0.25
    assert 0.6 < found / widest < 1.3


@pytest.mark.long
def test_a_funnel_is_told_of() -> None:
    """By most runs: what a chain says depends on how deep it got."""
    engine, density = MAMS(warmup=500, draws=1000), Funnel(10)
    said = [engine.findings(density, run(engine, density, seed=seed).carry).remarks for seed in (1, 2, 3, 4)]
    assert sum(remark.verdict == "bad" for remarks in said for remark in remarks) >= 3, said
