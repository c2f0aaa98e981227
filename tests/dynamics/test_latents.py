"""Latents that depend on their own past, and on each other's, against densities written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from tests.check.programs import codes
from tests.density.from_text import compiled

Values = Mapping[str, np.ndarray]

SERIES = np.random.default_rng(5).normal(size=8)
AT = np.array([0.0, 0.3, 0.4, 1.0, 2.5, 2.6, 4.0, 4.5])


def normal(x: object, mean: object, scale: object) -> float:
    return float(np.sum(stats.norm.logpdf(x, mean, scale)))


VOLATILITY = """
dim time ordered
data y[time]
phi  ~ Uniform(-1, 1)
s    ~ HalfNormal(1)
h[0] ~ Normal(-1, s / sqrt(1 - phi^2))
h[t] ~ Normal(-1 + phi * (h[t-1] + 1), s)  for t in time[1:]
y[time] ~ Normal(0, exp(h[time] / 2))
"""


def volatility(v: Values) -> float:
    h, phi, s = v["h"], v["phi"], v["s"]
    prior = -np.log(2) + stats.halfnorm.logpdf(s) + normal(h[0], -1, s / np.sqrt(1 - phi**2))
    return prior + normal(h[1:], -1 + phi * (h[:-1] + 1), s) + normal(SERIES, 0, np.exp(h / 2))


SEASONS = """
dim time ordered
data y[time]
level[0] ~ Normal(0, 5)
slope[0] ~ Normal(0, 1)
for t in time[1:] {
    level[t] ~ Normal(level[t-1] + slope[t-1], 0.3)
    slope[t] ~ Normal(0.9 * slope[t-1] + 0.1 * level[t], 0.2)
}
season[t] ~ Normal(0, 1)  for t in time[:3]
season[t] ~ Normal(-season[t-1] - season[t-2] - season[t-3], 0.5)  for t in time[3:]
y[time] ~ Normal(level[time] + season[time], 1)
"""


def seasons(v: Values) -> float:
    level, slope, season = v["level"], v["slope"], v["season"]
    total = normal(level[0], 0, 5) + normal(slope[0], 0, 1) + normal(season[:3], 0, 1)
    total += normal(level[1:], level[:-1] + slope[:-1], 0.3)
    total += normal(slope[1:], 0.9 * slope[:-1] + 0.1 * level[1:], 0.2)
    total += sum(normal(season[t], -season[t - 3 : t].sum(), 0.5) for t in range(3, 8))
    return total + normal(SERIES, level + season, 1)


LAGS = """
dim time ordered
dim lag = 3
data y[time]
b[lag] ~ Normal(0, 0.5)
x[t]   ~ Normal(0, 1)  for t in time[:3]
x[t]   ~ Normal(sum(b[k] * x[t-1-k] for k in lag), 0.7)  for t in time[3:]
y[time] ~ Normal(x[time], 1)
"""


def lags(v: Values) -> float:
    b, x = v["b"], v["x"]
    total = normal(b, 0, 0.5) + normal(x[:3], 0, 1) + normal(SERIES, x, 1)
    return total + sum(normal(x[t], sum(b[k] * x[t - 1 - k] for k in range(3)), 0.7) for t in range(3, 8))


VECTORS = """
dim time ordered
dim v = 2
data y[time]
A[i, j] ~ Normal(0, 0.5)  for i in v, j in v
x[0, v] ~ Normal(0, 1)
x[t, v] ~ MvNormal(A @ x[t-1], diag(stack(v, 1, 4)))  for t in time[1:]
y[time] ~ Normal(x[time, 0] + x[time, 1], 1)
"""


def vectors(v: Values) -> float:
    a, x = v["A"], v["x"]
    total = normal(a, 0, 0.5) + normal(x[0], 0, 1) + normal(SERIES, x.sum(1), 1)
    return total + normal(x[1:], x[:-1] @ a.T, np.array([1.0, 2.0]))


DIFFUSION = """
dim time ordered
data at[time], y[time]
pull, s ~ HalfNormal(1)
home    ~ Normal(0, 2)
def drift(x) = pull * (home - x)
dt[0] = 0
dt[t] = at[t] - at[t-1]  for t in time[1:]
x[0]  ~ Normal(home, 1)
x[t]  ~ Normal(x[t-1] + drift(x[t-1]) * dt[t], s * sqrt(dt[t]))  for t in time[1:]
y[time] ~ Normal(x[time], 0.2)
"""


def diffusion(v: Values) -> float:
    x, dt = v["x"], np.diff(AT)
    total = stats.halfnorm.logpdf(v["pull"]) + stats.halfnorm.logpdf(v["s"]) + normal(v["home"], 0, 2)
    total += normal(x[0], v["home"], 1) + normal(SERIES, x, 0.2)
    return total + normal(x[1:], x[:-1] + v["pull"] * (v["home"] - x[:-1]) * dt, v["s"] * np.sqrt(dt))


COMPUTED = """
dim time ordered
data y[time]
phi  ~ Normal(0, 0.5)
m[0] = 0
x[0] ~ Normal(m[0], 1)
x[t] ~ Normal(m[t-1], 0.5)        for t in time[1:]
m[t] = phi * m[t-1] + tanh(x[t])  for t in time[1:]
y[time] ~ Normal(x[time] + m[time], 1)
"""


def computed(v: Values) -> float:
    x, m = v["x"], [0.0]
    for t in range(1, 8):
        m.append(v["phi"] * m[-1] + np.tanh(x[t]))
    total = normal(v["phi"], 0, 0.5) + normal(x[0], 0, 1) + normal(SERIES, x + m, 1)
    return total + normal(x[1:], m[:-1], 0.5)


MODELS: dict[str, tuple[str, Callable[[Values], float]]] = {
    "volatility": (VOLATILITY, volatility),
    "seasons": (SEASONS, seasons),
    "lags": (LAGS, lags),
    "vectors": (VECTORS, vectors),
    "diffusion": (DIFFUSION, diffusion),
    "computed": (COMPUTED, computed),
}


@pytest.mark.parametrize("name", MODELS)
def test_densities(name: str) -> None:
    """Every term but the Jacobian, at a few points."""
    text, reference = MODELS[name]
    density = compiled(text, {"y": SERIES, "at": AT} if "at[" in text else {"y": SERIES})
    points = np.random.default_rng(1).normal(size=(3, density.size)) * 0.7

    def both(u: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        return density.log_density(u) - jacobian(u), density.constrain(u)

    def jacobian(u: jax.Array) -> jax.Array:
        return density.terms(u)["jacobian"]

    with jax.enable_x64(True):
        found, values = jax.tree.map(np.asarray, jax.jit(jax.vmap(both))(jnp.asarray(points)))
    for i in range(3):
        expected = reference({n: x[i] for n, x in values.items()})
        np.testing.assert_allclose(found[i], expected, rtol=1e-11)


HEAD = "dim time ordered\ndata y[time]\n"


@pytest.mark.parametrize(
    "text",
    [
        "x[0] ~ Normal(0, 1)\nm[0] = 0\nx[t] ~ Normal(m[t], 1) for t in time[1:]\nm[t] = x[t] for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nz[0] ~ Normal(0, 1)\nx[t] ~ Normal(z[t], 1) for t in time[1:]\n"
        "z[t] ~ Normal(x[t], 1) for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nm = mean(x)\nx[t] ~ Normal(m, 1) for t in time[1:]",
        "x[0] ~ Normal(0, 1)\nm[time] = 2 * x[time]\nx[t] ~ Normal(m[t-1] + m[-1], 1) for t in time[1:]",
    ],
)
def test_a_circle_is_refused_once(text: str) -> None:
    assert codes(HEAD + text) == ["E116"]
