"""Moments by importance weights beside plain ones: against sums written out, and when they speak of a bias."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppl.inference.modes.moments import Sums, bias_remark, no_sums, with_rows

CHAINS, ROWS, SIZE = 3, 40, 2


def summed(positions: Any, log_ratios: Any, *cuts: int) -> Sums:
    sums = no_sums(positions.shape[0], positions.shape[2])
    for u, ratios in zip(np.split(positions, cuts, axis=1), np.split(log_ratios, cuts, axis=1), strict=True):
        sums = with_rows(sums, u, ratios)
    return sums


@pytest.mark.parametrize("spread", [1.0, 2000.0])
def test_sums_are_those_of_all_rows(spread: float) -> None:
    """In units of the largest weight, whatever the pieces; ratios may differ by far more than a float holds."""
    rng = np.random.default_rng(1)
    u = rng.normal(size=(CHAINS, ROWS, SIZE))
    ratios = spread * rng.normal(size=(CHAINS, ROWS))
    ratios[1, 3] = -np.inf
    found = summed(u, ratios)
    peak = ratios.max(axis=1)
    w = np.exp(ratios - peak[:, None])
    powers = np.stack([u, u**2], axis=2)
    np.testing.assert_allclose(found["peak"], peak)
    np.testing.assert_allclose(found["plain"], powers.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found["weighted"], np.einsum("cr,crpn->cpn", w, powers), rtol=1e-11)
    np.testing.assert_allclose(found["weights"], np.stack([w.sum(1), (w**2).sum(1)], axis=1), rtol=1e-11)
    for name, value in summed(u, ratios, 1, 7).items():
        np.testing.assert_array_equal(value, found[name])


def proposal(mean: float, sd: float, draws: int = 20_000) -> Sums:
    """Draws of N(mean, sd²) in the first coordinate, for a target that is standard normal in both."""
    u = np.random.default_rng(2).normal(size=(CHAINS, draws, SIZE))
    u[..., 0] = mean + sd * u[..., 0]
    z = (u[..., 0] - mean) / sd
    return summed(u, -0.5 * u[..., 0] ** 2 + 0.5 * z**2)


@pytest.mark.parametrize(
    ("mean", "sd", "said"),
    [(0.15, 1.0, None), (0.3, 1.0, "means by up to 0.3"), (0.0, 0.75, "as far as 0.7"), (0.0, 1.35, "as far as 1.3")],
)
def test_a_bias_is_told_from_a_fifth_of_a_deviation_on(mean: float, sd: float, said: str | None) -> None:
    found = bias_remark(proposal(mean, sd), "the fit")
    if said is None:
        assert not found
        return
    (remark,) = found
    assert remark.verdict == "bad"
    assert "1 of 2 coordinates: the fit is off" in remark.title
    assert len(remark.details) == 1
    assert said in remark.details[0]


def test_what_few_weights_say_is_noise() -> None:
    """Of some forty draws the weighted mean is itself a third of a deviation off, which is no bias."""
    assert not bias_remark(proposal(0.3, 1.0, draws=40), "the fit")
