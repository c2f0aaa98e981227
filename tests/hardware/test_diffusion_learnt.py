"""Learnt scores: against exact ones, and by what comes out beside data that were held out."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits, make_moons

from ppl.hardware.analogue.diffusion import Comparison, Mixture, Noising, Regulator, compared, flow, learn, reverse

Floats = NDArray[np.float64]

NOISING = Noising()
FAST, SLOW, LATE = Regulator(0.005), Regulator(0.1), Regulator(0.005, latency=0.03)


def test_a_network_learns_what_a_gaussian_leaves() -> None:
    """Of two clusters on a line: less than a quarter of its squared error, weighted by the density, is left."""
    exact = Mixture.of([0.7, 0.3], [[-1.0], [1.0]], np.full((2, 1, 1), 0.04))
    learnt = learn(NOISING, exact.sample(4000, 1), width=32, layers=1, steps=600, batch=512, rate=1e-2)
    x = jnp.linspace(-1.5, 1.5, 61)[:, None]
    for signal in (0.6, 0.9, 0.97):
        level = jnp.full((len(x), 1), signal)
        density = np.exp(np.asarray(exact.log_density(x, level)))[:, None]
        wrong, linear = (
            np.sum(density * np.asarray(score(x, level) - exact(x, level)) ** 2) for score in (learnt, learnt.linear)
        )
        assert wrong < 0.25 * linear


@pytest.mark.long
def test_two_moons() -> None:
    """The analogue draws are as close to held-out data as the flow's; a slow or late regulator's are not."""
    rows = make_moons(4000, noise=0.1, random_state=0)[0]
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    known, held_out = rows[:2000], rows[2000:]
    score = learn(NOISING, known, steps=8000)
    found = {
        "real": compared(known, held_out),
        "flow": compared(flow(NOISING, score, 2000, 1), held_out),
        "fast": compared(reverse(NOISING, score, FAST, 2000, 1).draws, held_out),
        "slow": compared(reverse(NOISING, score, SLOW, 2000, 1).draws, held_out),
        "late": compared(reverse(NOISING, score, LATE, 2000, 1).draws, held_out),
    }
    tell(found)
    noise = np.sqrt(2) * found["real"].accuracy_noise
    for name in ("flow", "fast"):
        assert abs(found[name].energy - found["real"].energy) < 4 * np.sqrt(2) * found[name].energy_noise
        assert found[name].accuracy - found["real"].accuracy < 5 * noise
    for name in ("slow", "late"):
        assert found[name].energy - found["fast"].energy > 3 * found["fast"].energy_noise
        assert found[name].accuracy - found["fast"].accuracy > 4 * noise


@pytest.mark.long
def test_digits() -> None:
    """Pictures of 8×8 numbers from 0 to 16, to which readings are rounded; 797 of them are held out.

    The classifier tells the analogue ones from real ones as little as real ones from one another, and their energy
    distance is below 1 % of the distance of two pictures, which for a slow or late regulator is more. They are no
    copies: from the nearest picture that was learnt they are half as far, at the least, as those held out.
    """
    pictures = np.random.default_rng(0).permutation(load_digits().data)
    known, held_out = pictures[:1000], pictures[1000:]
    mean, sd = known.mean(axis=0), float(known.std())
    score = learn(NOISING, (known - mean) / sd, width=256, steps=12000, batch=128)

    def shown(draws: Floats) -> Floats:
        return np.asarray(np.clip(np.round(draws * sd + mean), 0, 16), np.float64)

    count = len(held_out)
    fast = shown(reverse(NOISING, score, FAST, count, 1).draws)
    found = {
        "real": compared(known, held_out),
        "flow": compared(shown(flow(NOISING, score, count, 1)), held_out),
        "fast": compared(fast, held_out),
        "slow": compared(shown(reverse(NOISING, score, SLOW, count, 1).draws), held_out),
        "late": compared(shown(reverse(NOISING, score, LATE, count, 1).draws), held_out),
    }
    tell(found)
    noise = np.sqrt(2) * found["real"].accuracy_noise
    apart = float(cdist(known, held_out).mean())
    from_known = cdist(fast, known[:count]).min(axis=1)
    closer = np.mean(from_known < cdist(fast, held_out).min(axis=1))
    copied = np.median(from_known) / np.median(cdist(held_out, known[:count]).min(axis=1))
    print(f"two pictures {apart:.1f}; nearest learnt {copied:.2f}; closer to what was learnt {closer:.3f}")
    assert copied > 0.5
    assert abs(found["fast"].accuracy - found["real"].accuracy) < 3 * noise
    assert found["fast"].energy < 0.01 * apart
    assert found["slow"].energy - found["fast"].energy > 4 * np.sqrt(2) * found["fast"].energy_noise
    assert found["late"].energy - found["fast"].energy > 4 * np.sqrt(2) * found["fast"].energy_noise


def tell(found: dict[str, Comparison]) -> None:
    for name, one in found.items():
        print(f"{name}: energy {one.energy:.4f} ± {one.energy_noise:.4f}", end=", ")
        print(f"told {one.accuracy:.3f} ± {one.accuracy_noise:.3f}")
