"""Dual averaging by hand, and the windows of warmup."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.inference.hamiltonian import adaptation


def test_dual_averaging_by_hand() -> None:
    """Two steps from ε = 0.5 with acceptances 0.6 and 0.9 and target 0.8, worked out on paper."""
    with jax.enable_x64(True):
        state = adaptation.initial_step_size(0.5, np.float64)
        target = jnp.asarray(0.8)
        state = adaptation.update(state, jnp.asarray(0.6), target)
        # H̄ = (0.8 - 0.6) / 11; log ε = log 5 - 20 H̄; the average is the same after one step.
        assert float(state.error) == pytest.approx(0.2 / 11, rel=1e-14)
        first = math.log(5.0) - 20 * 0.2 / 11
        assert float(state.log_step) == pytest.approx(first, rel=1e-14)
        assert float(state.log_average) == pytest.approx(first, rel=1e-14)
        state = adaptation.update(state, jnp.asarray(0.9), target)
        error = (11 / 12) * 0.2 / 11 - 0.1 / 12
        second = math.log(5.0) - math.sqrt(2) * 20 * error
        weight = 2**-0.75
        assert float(state.error) == pytest.approx(error, rel=1e-13)
        assert float(state.log_step) == pytest.approx(second, rel=1e-13)
        assert float(state.log_average) == pytest.approx(weight * second + (1 - weight) * first, rel=1e-13)


def test_restart_keeps_the_step_and_forgets_the_rest() -> None:
    with jax.enable_x64(True):
        state = adaptation.update(adaptation.initial_step_size(0.5, np.float64), jnp.asarray(0.1), jnp.asarray(0.8))
        again = adaptation.restart(state)
        assert float(again.log_step) == float(state.log_step)
        assert float(again.centre) == pytest.approx(float(state.log_step) + math.log(10))
        assert float(again.count) == 0.0
        assert float(again.error) == 0.0


@pytest.mark.parametrize(
    ("warmup", "windows"),
    [
        (1000, (75, 100, 150, 250, 450, 950)),
        (500, (75, 100, 150, 250, 450)),
        (300, (75, 100, 150, 250)),
        (150, (75, 100)),
        (160, (75, 100, 110)),
        (100, (15, 90)),
        (40, (6, 36)),
        (20, (3, 18)),
        (19, ()),
        (0, ()),
    ],
)
def test_stan_windows(warmup: int, windows: tuple[int, ...]) -> None:
    """1000: 75, then 25, 50, 100, 200, 500, then 50; short ones as `windowed_adaptation.hpp` works them out."""
    assert adaptation.stan_windows(warmup) == windows


@pytest.mark.parametrize("warmup", [20, 21, 50, 100, 137, 500, 1000, 5000])
def test_growing_windows_tile_warmup_but_for_its_end(warmup: int) -> None:
    marks = adaptation.growing_windows(warmup)
    lengths = np.diff(marks)
    assert marks[0] == 0
    assert warmup - 50 <= marks[-1] < warmup
    assert (lengths >= 5).all()
    assert (lengths[1:] >= lengths[:-1] / 2).all()
