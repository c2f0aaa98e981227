"""Our vectorised statistics against ArviZ's, scalar by scalar."""

from __future__ import annotations

import logging
import warnings

import arviz as az
import numpy as np
import pytest

from ppl.results import statistics


def chains(count: int, length: int, seed: int = 0) -> np.ndarray:
    """Autoregressive chains from antithetic to nearly stuck, with ties, a displaced chain and heavy tails."""
    generator = np.random.default_rng(seed)
    coefficients = np.linspace(-0.9, 0.99, 24)
    draws = generator.normal(size=(count, length, 24))
    for t in range(1, length):
        draws[:, t] += coefficients * draws[:, t - 1]
    draws[..., 3] = np.round(draws[..., 3])
    draws[0, :, 5] += 3
    draws[..., 7] = generator.standard_cauchy(size=(count, length))
    return draws


def by_scalar(function, draws: np.ndarray, **options: object) -> np.ndarray:
    logging.getLogger("arviz").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([float(function(draws[..., i], **options)) for i in range(draws.shape[-1])])


@pytest.mark.parametrize(("count", "length"), [(4, 1000), (4, 250), (2, 101), (1, 50), (4, 9)])
def test_against_arviz(count: int, length: int) -> None:
    draws = chains(count, length)
    close = {"rtol": 1e-10, "atol": 0}
    np.testing.assert_allclose(statistics.ess_bulk(draws), by_scalar(az.ess, draws, method="bulk"), **close)
    tail = by_scalar(az.ess, draws, method="tail", prob=(0.05, 0.95))
    np.testing.assert_allclose(statistics.ess_tail(draws), tail, **close)
    np.testing.assert_allclose(statistics.mcse_mean(draws), by_scalar(az.mcse, draws, method="mean"), **close)
    if count > 1:
        np.testing.assert_allclose(statistics.rhat(draws), by_scalar(az.rhat, draws), **close)


def test_what_does_not_vary_or_is_not_finite_has_no_statistics() -> None:
    draws = chains(4, 100)[..., :3].copy()
    draws[..., 0] = 2.5
    draws[1, 7, 1] = np.inf
    for function in (statistics.ess_bulk, statistics.ess_tail, statistics.rhat, statistics.mcse_mean):
        values = function(draws)
        assert np.isnan(values[:2]).all()
        assert np.isfinite(values[2])


def test_where_chains_vary_only_between_one_another_there_is_no_rhat() -> None:
    draws = np.repeat([[0.1], [1.7], [1.7], [0.1]], 100, axis=1)[..., None]
    assert np.isnan(statistics.rhat(draws)).all()
    draws[0, :7] = 1.7
    assert statistics.rhat(draws)[0] > 2


def test_too_few_draws_have_no_statistics() -> None:
    assert np.isnan(statistics.ess_bulk(chains(4, 3))).all()


def test_blocks_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = chains(4, 200)
    whole = statistics.ess_bulk(draws)
    monkeypatch.setattr(statistics, "_BLOCK", 5)
    np.testing.assert_array_equal(statistics.ess_bulk(draws), whole)


def test_ebfmi() -> None:
    """Independent energies: the variance of a difference is twice the variance."""
    energy = np.random.default_rng(1).normal(size=(2, 20_000))
    np.testing.assert_allclose(statistics.ebfmi(energy), 2.0, rtol=0.05)
    walk = np.cumsum(energy, axis=1)
    assert (statistics.ebfmi(walk) < 0.01).all()
