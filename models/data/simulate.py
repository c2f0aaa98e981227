"""Writes the data sets that are simulated: `python models/data/simulate.py`. Each says the truth it is drawn from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent


def gaussian_process() -> dict[str, Any]:
    """40 points of a curve with length scale 1.5 and amplitude 1.2, noise 0.3."""
    rng = np.random.default_rng(20)
    x = np.sort(rng.uniform(-5, 5, 40)).round(2)
    covariance = 1.2**2 * np.exp(-0.5 * ((x[:, None] - x) / 1.5) ** 2) + 0.3**2 * np.eye(40)
    return {"x": x, "y": (np.linalg.cholesky(covariance) @ rng.standard_normal(40)).round(3)}


def stochastic_volatility() -> dict[str, Any]:
    """500 returns; log variance around -1 with persistence 0.95 and innovations of sd 0.3."""
    rng = np.random.default_rng(3)
    mu, phi, sigma = -1.0, 0.95, 0.3
    h = [mu + sigma / np.sqrt(1 - phi**2) * rng.standard_normal()]
    for _ in range(499):
        h.append(mu + phi * (h[-1] - mu) + sigma * rng.standard_normal())
    return {"y": (np.exp(np.array(h) / 2) * rng.standard_normal(500)).round(4)}


def neural_network() -> dict[str, Any]:
    """120 points of y = tanh(3 (x + 1.5)) + 0.7 tanh(2 (x - 1)) with noise 0.2."""
    rng = np.random.default_rng(5)
    x = np.sort(rng.uniform(-3, 3, 120)).round(3)
    curve = np.tanh(3 * (x + 1.5)) + 0.7 * np.tanh(2 * (x - 1))
    return {"x": x, "y": (curve + 0.2 * rng.standard_normal(120)).round(3)}


def occupancy() -> dict[str, Any]:
    """200 sites, 5 visits each: occupied with logit -0.3 + 1.0 cover, seen at a visit with probability 0.4."""
    rng = np.random.default_rng(11)
    cover = rng.standard_normal(200).round(2)
    occupied = rng.random(200) < 1 / (1 + np.exp(-(-0.3 + 1.0 * cover)))
    return {"cover": cover, "seen": rng.binomial(5, 0.4 * occupied)}


def garch() -> dict[str, Any]:
    """1000 returns around 0.1; variance 0.2 + 0.15 residual^2 + 0.75 of the day before's."""
    rng = np.random.default_rng(8)
    mean, w, a, b = 0.1, 0.2, 0.15, 0.75
    variance, y = w / (1 - a - b), []
    for _ in range(1000):
        y.append(mean + np.sqrt(variance) * rng.standard_normal())
        variance = w + a * (y[-1] - mean) ** 2 + b * variance
    return {"y": np.array(y).round(4)}


DATA: dict[str, Callable[[], dict[str, Any]]] = {
    f.__name__: f for f in (gaussian_process, stochastic_volatility, neural_network, occupancy, garch)
}


def text(entries: dict[str, Any]) -> str:
    """JSON with one entry a line."""
    lines = (f"  {json.dumps(name)}: {json.dumps(np.asarray(value).tolist())}" for name, value in entries.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    for name, simulate in DATA.items():
        (FOLDER / f"{name}.json").write_text(text(simulate()), encoding="utf-8")
