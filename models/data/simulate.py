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


def satisfiability() -> dict[str, Any]:
    """70 clauses of three of 18 variables, at random but that the variables 0, 3, 6, ... true and all others false
    satisfy each."""
    rng = np.random.default_rng(8)
    planted = np.arange(18) % 3 == 0
    clauses: list[tuple[list[int], list[bool]]] = []
    while len(clauses) < 70:
        who, sign = rng.choice(18, 3, replace=False), rng.random(3) < 0.5
        if (planted[who] == sign).any():
            clauses.append((who.tolist(), sign.tolist()))
    names = ("first", "second", "third")
    variables = {name: [who[i] for who, _ in clauses] for i, name in enumerate(names)}
    return variables | {f"{name}_is": [sign[i] for _, sign in clauses] for i, name in enumerate(names)}


def max_cut() -> dict[str, Any]:
    """A graph of 16 vertices, in which each pair is joined with probability 0.4; weights are 1, 2 or 3."""
    rng = np.random.default_rng(4)
    edges = np.argwhere(np.triu(rng.random((16, 16)) < 0.4, 1))
    return {"tail": edges[:, 0], "head": edges[:, 1], "weight": rng.integers(1, 4, len(edges))}


def bars_and_stripes() -> dict[str, Any]:
    """Weights of a restricted Boltzmann machine with the likelihood of the 14 pictures of 3 x 3 points whose rows are
    all alike or whose columns are, climbed along its exact gradient, with a little decay."""
    v = (np.arange(512)[:, None] >> np.arange(9) & 1).astype(float)
    picture = v.reshape(-1, 3, 3)
    bars, stripes = (picture == picture[:, :1]).all((1, 2)), (picture == picture[:, :, :1]).all((1, 2))
    data = (bars | stripes) / (bars | stripes).sum()
    parameters = [np.random.default_rng(0).normal(0, 0.5, (9, 8)), np.zeros(9), np.zeros(8)]
    speed = [np.zeros_like(one) for one in parameters]
    for _ in range(3000):
        weight, bias, threshold = parameters
        field = v @ weight + threshold
        log_p = v @ bias + np.logaddexp(0, field).sum(1)
        p = np.exp(log_p - log_p.max())
        off, active = data - p / p.sum(), 1 / (1 + np.exp(-field))
        gradients = [v.T @ (off[:, None] * active) - 0.001 * weight, v.T @ off, active.T @ off]
        speed = [0.9 * old + 0.2 * gradient for old, gradient in zip(speed, gradients, strict=True)]
        parameters = [one + step for one, step in zip(parameters, speed, strict=True)]
    names = ("weight", "bias", "threshold")
    return {name: one.round(3) for name, one in zip(names, parameters, strict=True)}


DATA: dict[str, Callable[[], dict[str, Any]]] = {
    f.__name__: f
    for f in (
        gaussian_process, stochastic_volatility, neural_network, occupancy, garch, satisfiability, max_cut,
        bars_and_stripes,
    )
}  # fmt: skip


def text(entries: dict[str, Any]) -> str:
    """JSON with one entry a line."""
    lines = (f"  {json.dumps(name)}: {json.dumps(np.asarray(value).tolist())}" for name, value in entries.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    for name, simulate in DATA.items():
        (FOLDER / f"{name}.json").write_text(text(simulate()), encoding="utf-8")
