"""Metrics: their algebra, and estimates of them from draws and gradients."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.inference.hamiltonian import estimation
from ppl.inference.hamiltonian.metric import Dense, Diagonal, LowRank, identity

SIZE = 6


def covariance(size: int, seed: int = 1) -> Any:
    a = np.random.default_rng(seed).normal(size=(size, size))
    scale = np.exp(np.random.default_rng(seed + 1).normal(size=size))
    return scale[:, None] * (a @ a.T / size + 0.1 * np.eye(size)) * scale


def gaussian_draws(sigma: Any, count: int, seed: int = 2) -> tuple[Any, Any]:
    """Draws (4, count, n) of N(1, sigma) and gradients of its log density there."""
    size = sigma.shape[0]
    x = 1 + np.random.default_rng(seed).normal(size=(4, count, size)) @ np.linalg.cholesky(sigma).T
    return x, -(x - 1) @ np.linalg.inv(sigma)


def matrix(metric: Any) -> Any:
    """M⁻¹ as a matrix."""
    size = metric[0].shape[-1]
    return np.stack([np.asarray(metric.inverse_times(column)) for column in jnp.eye(size)], axis=1)


def first(metric: Any) -> Any:
    """The metric of the first chain."""
    return type(metric)(*(jnp.asarray(leaf)[0] for leaf in metric))


def stacked(form: str, size: int) -> Any:
    metric = identity(form, size, estimation.most_directions(size), np.float64)
    return type(metric)(*(np.repeat(np.asarray(leaf)[None], 4, axis=0) for leaf in metric))


@pytest.mark.parametrize("form", ["diagonal", "dense", "low-rank"])
def test_momenta_have_the_covariance_that_the_inverse_metric_inverts(form: str) -> None:
    with jax.enable_x64(True):
        x, g = gaussian_draws(covariance(SIZE), 50)
        metric = first(estimation.estimate("pooled", stacked(form, SIZE), x, g))
        root = np.stack([np.asarray(metric.momentum(column)) for column in jnp.eye(SIZE)], axis=1)
        np.testing.assert_allclose(root @ root.T @ matrix(metric), np.eye(SIZE), atol=1e-9)


def test_low_rank_is_the_formula() -> None:
    with jax.enable_x64(True):
        draw = np.random.default_rng(4)
        u = np.linalg.qr(draw.normal(size=(SIZE, SIZE)))[0][:3]
        scale, eigenvalues = np.exp(draw.normal(size=SIZE)), np.array([4.0, 0.3, 9.0])
        metric = LowRank(jnp.asarray(scale), jnp.asarray(u), jnp.asarray(eigenvalues), jnp.int32(2))
        middle = np.eye(SIZE) + u[:2].T @ np.diag(eigenvalues[:2] - 1) @ u[:2]
        np.testing.assert_allclose(matrix(metric), scale[:, None] * middle * scale, rtol=1e-12, atol=1e-12)


def test_geometric_mean_recovers_a_gaussian_from_few_draws() -> None:
    """Twice the dimension is enough, where the covariance of the draws alone is far off."""
    sigma = covariance(20)
    x, g = gaussian_draws(sigma, 10)
    x, g = x.reshape(-1, 20), g.reshape(-1, 20)

    def cost(estimate: Any) -> float:
        """Ratio of the extreme variances that the metric leaves."""
        return float(np.ptp(np.log(np.linalg.eigvals(np.linalg.solve(estimate, sigma)).real)))

    assert cost(estimation.geometric_mean(x, g)) < 1.0
    assert cost(np.cov(x.T)) > 2.0


def test_geometric_mean_solves_its_equation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimation, "SHRINKAGE", 0.0)
    x, g = gaussian_draws(covariance(SIZE), 100)
    g = np.tanh(g)  # not Gaussian, so that the two estimates differ
    x, g = x.reshape(-1, SIZE), g.reshape(-1, SIZE)
    a = estimation.geometric_mean(x, g)
    np.testing.assert_allclose(a @ np.cov(g.T) @ a, np.cov(x.T), rtol=1e-8, atol=1e-10)


def test_diagonal_scale_is_the_geometric_mean_of_diagonal_matrices() -> None:
    sigma = np.diag([1.0, 100.0, 1e-4])
    x, g = gaussian_draws(sigma, 500)
    scale = estimation.diagonal_scale(x.reshape(-1, 3), g.reshape(-1, 3))
    np.testing.assert_allclose(scale**2, np.diag(sigma), rtol=1e-10)


@pytest.mark.parametrize("size", [100, 250])
def test_low_rank_finds_the_few_directions_that_matter(size: int) -> None:
    draw = np.random.default_rng(6)
    factors = draw.normal(size=(size, 3))
    sigma = factors @ factors.T * 10 + np.diag(draw.gamma(4, size=size))
    x, g = gaussian_draws(sigma, 200)
    found = estimation.leading_directions(x.reshape(-1, size), g.reshape(-1, size), 64)
    assert 3 <= found.eigenvalues.shape[0] <= 32
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(len(found.eigenvalues)), atol=1e-10)
    middle = np.eye(size) + found.directions.T @ np.diag(found.eigenvalues - 1) @ found.directions
    left = np.linalg.eigvals(np.linalg.solve(found.scale[:, None] * middle * found.scale, sigma)).real
    assert left.max() / left.min() < 30
    assert np.ptp(np.log(np.linalg.eigvalsh(sigma / np.sqrt(np.outer(np.diag(sigma), np.diag(sigma)))))) > np.log(300)


def test_independent_quantities_get_no_directions() -> None:
    x, g = gaussian_draws(np.diag(np.exp(np.random.default_rng(0).normal(size=100))), 100)
    assert estimation.leading_directions(x.reshape(-1, 100), g.reshape(-1, 100), 64).eigenvalues.shape == (0,)


@pytest.mark.parametrize("form", ["diagonal", "dense", "low-rank"])
def test_stan_takes_each_chain_alone_with_its_regularisation(form: str) -> None:
    x, g = gaussian_draws(covariance(SIZE), 20)
    metric = estimation.estimate("stan", stacked(form, SIZE), x, g)
    wanted = np.cov(x[2].T) * 20 / 25 + 1e-3 * 5 / 25 * np.eye(SIZE)
    if isinstance(metric, Dense):
        np.testing.assert_allclose(metric.inverse[2], wanted, rtol=1e-12)
    else:
        assert isinstance(metric, (Diagonal, LowRank))
        np.testing.assert_allclose(np.asarray(metric.scale)[2] ** 2, np.diag(wanted), rtol=1e-12)


@pytest.mark.parametrize("form", ["diagonal", "dense", "low-rank"])
def test_draws_that_say_nothing_leave_a_usable_metric(form: str) -> None:
    """Chains that never moved, or gradients that are not numbers."""
    with jax.enable_x64(True):
        still = np.ones((4, 10, SIZE))
        for gradients in (still, np.full_like(still, np.nan)):
            metric = first(estimation.estimate("pooled", stacked(form, SIZE), still, gradients))
            eigenvalues = np.linalg.eigvalsh(matrix(metric))
            assert np.isfinite(eigenvalues).all()
            assert (eigenvalues > 0).all()


def test_the_form_goes_by_dimension_unless_chosen() -> None:
    assert estimation.form_of("auto", 10) == "dense"
    assert estimation.form_of("auto", 1000) == "low-rank"
    assert estimation.form_of("diagonal", 10) == "diagonal"


def test_departure_tells_a_funnel_from_gaussians() -> None:
    for seed in range(3):
        x, g = gaussian_draws(covariance(SIZE, seed), 300, seed)
        assert abs(estimation.departure(x.reshape(-1, SIZE), g.reshape(-1, SIZE))) < 0.05
    # Neal's funnel with v ~ N(0, 3), exact draws: cov(g) is that of its neck.
    generator = np.random.default_rng(3)
    v = generator.normal(0, 3, size=1000)
    rest = generator.normal(size=(1000, 9)) * np.exp(v / 2)[:, None]
    slopes = np.column_stack(
        [-v / 9 + 0.5 * (rest**2 * np.exp(-v)[:, None] - 1).sum(axis=1), -rest * np.exp(-v)[:, None]]
    )
    assert estimation.departure(np.column_stack([v, rest]), slopes) > 2 * estimation.MOST_DEPARTURE


@pytest.mark.parametrize("form", ["diagonal", "dense", "low-rank"])
def test_far_from_a_gaussian_the_variances_of_the_draws_are_taken(form: str) -> None:
    generator = np.random.default_rng(4)
    x = generator.standard_cauchy(size=(4, 200, SIZE))
    g = generator.standard_cauchy(size=(4, 200, SIZE)) * np.arange(1, SIZE + 1)
    with jax.enable_x64(True):
        metric = first(estimation.estimate("pooled", stacked(form, SIZE), x, g, misled=True))
        flat = x.reshape(-1, SIZE)
        expected = 800 / 805 * flat.var(axis=0, ddof=1) + 5 / 805 * 1e-3
        np.testing.assert_allclose(matrix(metric), np.diag(expected), rtol=1e-10)


def test_scales_too_far_apart_for_a_matrix_leave_variances() -> None:
    x, g = gaussian_draws(np.diag(10.0 ** np.array([-300, -200, -100, 0, 100, 200])), 50)
    with jax.enable_x64(True), np.errstate(all="ignore"):
        metric = first(estimation.estimate("pooled", stacked("dense", SIZE), x, g))
        assert np.isfinite(matrix(metric)).all()


def test_only_the_dense_metric_takes_a_matrix() -> None:
    """A matrix over ten million dimensions would be 800 TB."""
    size = 10_000_000
    for form in ("diagonal", "low-rank"):
        unit = identity(form, size, 1, np.float64)
        assert not isinstance(unit, Dense)
        assert unit.scale.shape == (size,)
