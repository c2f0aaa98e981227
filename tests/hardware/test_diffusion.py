"""Time turned round: against exact laws, in standard errors; what a slow regulator does to them, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ppl.errors import PplError
from ppl.hardware.analogue.diffusion import (
    Mixture,
    Noising,
    Regulator,
    compared,
    flow,
    learn,
    predicted,
    reverse,
)

Floats = NDArray[np.float64]

NOISING = Noising()
VARIANCES = (0.01, 0.25, 4.0)


def gaussian(*variances: float) -> Mixture:
    return Mixture.of([1.0], np.zeros((1, len(variances))), np.diag(variances)[None])


def test_the_score_of_a_mixture_is_the_slope_of_its_log_density() -> None:
    """At every time; and the log density is that of the noised mixture."""
    covariances = np.array([[[0.5, 0.3], [0.3, 0.4]], [[0.01, 0.0], [0.0, 2.0]], [[1.0, -0.2], [-0.2, 1.0]]])
    weights, means = np.array([0.2, 0.5, 0.3]), np.array([[1.0, -2.0], [0.5, 0.0], [-1.0, 3.0]])
    with jax.enable_x64(True):
        mixture = Mixture.of(10 * weights, means, covariances)
        x = jnp.asarray(np.random.default_rng(1).normal(size=(6, 2)) * 2)
        times = jnp.linspace(0.0, NOISING.duration, 7)
        signals = jnp.tile(NOISING.signal(times)[:, None, None], (1, len(x), 1))

        @jax.jit
        def both(signal: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
            slope = jax.grad(lambda at: jnp.sum(mixture.log_density(at, signal)))(x)
            return mixture(x, signal), slope, jnp.exp(mixture.log_density(x, signal))

        for signal in signals:
            score, slope, density = both(signal)
            np.testing.assert_allclose(score, slope, rtol=1e-9, atol=1e-9)
            alpha = float(signal[0, 0])
            exact = sum(
                w * stats.multivariate_normal(alpha * m, alpha**2 * c + (1 - alpha**2) * np.eye(2)).pdf(np.asarray(x))
                for w, m, c in zip(weights, means, covariances, strict=True)
            )
            np.testing.assert_allclose(density, exact, rtol=1e-9)


@pytest.mark.parametrize("regulator", [Regulator(0.02, noise=0.05), Regulator(0.02, latency=0.03)], ids=str)
def test_a_slow_regulator_does_what_is_predicted(regulator: Regulator) -> None:
    """To the variances of a Gaussian, of which none is right, and to the work."""
    draws = 8000
    found = reverse(NOISING, gaussian(*VARIANCES), regulator, draws, seed=1)
    expected = [predicted(NOISING, variance, regulator) for variance in VARIANCES]
    error = np.sqrt(2 / draws)
    ratios = found.draws.var(axis=0) / np.array([one.variance for one in expected])
    assert (abs(ratios - 1) < 4 * error).all()
    assert abs(expected[0].variance / VARIANCES[0] - 1) > 20 * error
    work, heat = found.ledger.work, found.ledger.heat
    assert abs(work.mean() - sum(one.work for one in expected)) < 4 * work.std() / np.sqrt(draws)
    gained = 0.5 * (np.sum(found.draws**2, axis=1) - len(VARIANCES))
    assert abs(np.mean(work - heat - gained)) < 4 * np.sqrt(len(VARIANCES) / 2 / draws)
    assert (found.ledger.readings, found.ledger.time) == (50, 1.0)


def test_what_comes_of_noise_that_stays_noise() -> None:
    """The regulator does nothing, and its readings tell what a channel of their noise can."""
    ledger = reverse(NOISING, gaussian(1.0, 1.0, 1.0), Regulator(0.02, noise=0.05), 8000, seed=2).ledger
    assert np.abs(ledger.work).max() < 1e-3
    assert ledger.information == pytest.approx(50 * 1.5 * np.log1p(1 / 0.05**2), rel=0.02)
    assert predicted(NOISING, 1.0, Regulator(0.02)).work == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("variance", VARIANCES)
def test_a_fast_regulator_is_right_and_works_as_the_second_law_says(variance: float) -> None:
    """To first order in its period, data get their variance, and the work is 2 KL, and twice the entropy they lack."""
    noising = Noising(last=30.0)
    fine = [predicted(noising, variance, Regulator(period)) for period in (8e-4, 4e-4, 2e-4)]
    changes = np.diff(fine, axis=0)
    np.testing.assert_allclose(changes[1] / changes[0], 0.5, atol=0.05)
    limit = 2 * np.array(fine[2]) - np.array(fine[1])
    divergence = 0.5 * (variance - 1 - np.log(variance))
    np.testing.assert_allclose(limit, [variance, 2 * divergence - np.log(variance)], rtol=2e-3)


RING = Mixture.of(
    [0.1, 0.2, 0.3, 0.4], [[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]], np.tile(0.04 * np.eye(2), (4, 1, 1))
)


@pytest.mark.parametrize("period", [0.05, 0.005])
def test_a_ring_of_clusters_comes_out_of_noise(period: float) -> None:
    """With their weights and, where the regulator is fast, their places; where it is slow, wider, as predicted."""
    draws = 4000
    found = reverse(NOISING, RING, Regulator(period), draws, seed=3).draws
    means = np.asarray(RING.means)
    nearest = np.argmin(np.linalg.norm(found[:, None] - means, axis=-1), axis=1)
    off = found - means[nearest]
    variance = predicted(NOISING, 0.04, Regulator(period)).variance
    error = np.sqrt(1 / draws)
    assert abs(np.mean(off**2) / variance - 1) < (4 * error if period < 0.01 else 0.1)
    assert np.mean(off**2) > 1.5 * 0.04 or period < 0.01
    if period < 0.01:
        counts = np.bincount(nearest, minlength=4)
        shares = np.array([0.1, 0.2, 0.3, 0.4])
        assert (abs(counts / draws - shares) < 4 * np.sqrt(shares * (1 - shares) / draws)).all()
        for cluster, count in enumerate(counts):
            assert (abs(off[nearest == cluster].mean(axis=0)) < 4 * np.sqrt(variance / count)).all()


def test_the_flow_of_probability_stretches_a_gaussian() -> None:
    target = gaussian(*VARIANCES)
    start = np.asarray(jax.random.normal(jax.random.key(5), (4, 3)))
    signal = float(NOISING.signal(jnp.asarray(NOISING.duration)))
    before = signal**2 * np.array(VARIANCES) + 1 - signal**2
    np.testing.assert_allclose(
        flow(NOISING, target, 4, 5, 400) / start, np.tile(np.sqrt(VARIANCES / before), (4, 1)), rtol=0.02
    )


def test_samples_of_one_law_are_not_told_apart_and_others_are() -> None:
    rng = np.random.default_rng(1)
    near, far = (
        [compared(rng.normal(size=(150, 1)), shift + rng.normal(size=(200, 1)), seed) for seed in range(40)]
        for shift in (0, 1)
    )
    root = np.sqrt(len(near))
    assert abs(np.mean([one.energy / one.energy_noise for one in near])) < 4 / root
    assert abs(np.mean([(one.accuracy - 0.5) / one.accuracy_noise for one in near])) < 4 / root
    # X - Y is normal, with the mean 1 and the variance 2.
    energy = 2 * (stats.foldnorm(1 / np.sqrt(2), scale=np.sqrt(2)).mean() - 2 / np.sqrt(np.pi))
    energies = [one.energy for one in far]
    assert abs(np.mean(energies) - energy) < 4 * np.std(energies) / root
    assert 0.6 < np.mean([one.accuracy for one in far]) < stats.norm.cdf(0.5) + 4 * far[0].accuracy_noise / root


def test_arguments() -> None:
    wrong: list[tuple[Callable[[], Any], str]] = [
        (lambda: Noising(duration=0.0), "`duration`"),
        (lambda: Regulator(0.0), "`period` takes a number above 0"),
        (lambda: Regulator(0.1, latency=-1.0), "`latency` takes a number of at least 0"),
        (lambda: Mixture.of([1.0], [[0.0]], [[[0.0]]]), "not positive"),
        (lambda: Mixture.of([1.0], [0.0], [[[1.0]]]), "takes"),
        (lambda: Regulator(0.1, latency=np.inf), "`latency`"),
        (lambda: compared(np.zeros((9, 2)), np.zeros((9, 3))), "of the same modes"),
        (lambda: compared([1.0, 2.0], [1.0, 2.0]), "rows"),
        (lambda: learn(NOISING, [1.0, 2.0]), "`data`"),
        (lambda: learn(NOISING, [[1.0], [2.0]], steps=0), "`steps`"),
    ]
    for make, said in wrong:
        with pytest.raises(PplError, match=said):
            make()
