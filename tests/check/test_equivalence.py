"""Two ways to write one model give one density: the checker's readings, seen through the compiled density."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.compiler.binding.bind import bind
from ppl.compiler.density.compiled import compile_density
from ppl.data import load
from tests.check.programs import graph

RNG = np.random.default_rng(0)
DECLARED = {
    "X": "X[obs, feature]", "y": "y[obs]", "x": "x[obs]", "county_of": "county_of[obs] : county", "z": "z[time]",
    "S": "S[feature, feature]", "low": "low[feature]", "m": "m[county, feature]", "A": "A[county, feature] > 0",
    "cat": "cat[obs] : feature",
}  # fmt: skip
DATA = {
    "X": RNG.normal(size=(6, 3)), "y": RNG.normal(size=6), "x": RNG.normal(size=6), "z": RNG.normal(size=5),
    "county_of": np.array([0, 1, 1, 0, 1, 0]), "S": np.eye(3) * 2 + 0.3, "low": np.array([0.1, 0.2, 0.3]),
    "m": RNG.normal(size=(2, 3)), "A": RNG.uniform(1, 4, size=(2, 3)), "cat": np.array([0, 1, 2, 2, 1, 0]),
}  # fmt: skip
DIMS = "dim obs\ndim feature = 3\ndim county = 2\ndim time ordered\n"

PAIRS = {
    "whole arrays": (
        "b[feature] ~ Normal(0, 1)\ny ~ Normal(X @ b, 1)",
        "b[feature] ~ Normal(0, 1)\ny[obs] ~ Normal(sum(X[obs, k] * b[k] for k in feature), 1)",
    ),
    "whole gathers": (
        "a[county] ~ Normal(0, 1)\ny[obs] ~ Normal(a[county_of[obs]] + x, 1)",
        "a[county] ~ Normal(0, 1)\ny ~ Normal(a[county_of] + x, 1)",
    ),
    "slices and shifts": (
        "s ~ HalfNormal(1)\nz[1:] ~ Normal(z[:-1], s)",
        "s ~ HalfNormal(1)\nz[t] ~ Normal(z[t-1], s) for t in time[1:]",
    ),
    "lifted and whole parameters": (
        "P[county, feature] ~ Dirichlet(A[county, feature])\ncat[obs] ~ Categorical(P[county_of[obs]])",
        "P ~ Dirichlet(A)\ncat ~ Categorical(P[county_of])",
    ),
    "batches of vectors": (
        "f ~ MvNormal(m, S)\ny[obs] ~ Normal(sum(f[county_of[obs]]), 1)",
        "f[county, feature] ~ MvNormal(m[county, feature], S)\n"
        "y[obs] ~ Normal(sum(f[county_of[obs], k] for k in feature), 1)",
    ),
    "bounds by element": (
        "u[feature] ~ Uniform(0, low[feature])\ny[obs] ~ Normal(sum(u), 1)",
        "u ~ Uniform(0, low)\ny[obs] ~ Normal(mean(u) * length(feature), 1)",
    ),
    "functions": (
        "def f(v, w) {\n  q = v * w\n  return q + exp(-q)\n}\na ~ Normal(0, 1)\ny[obs] ~ Normal(f(a, x[obs]), 1)",
        "a ~ Normal(0, 1)\ny[obs] ~ Normal(a * x[obs] + exp(-(a * x[obs])), 1)",
    ),
    "running sums": (
        "e[time] ~ Normal(0, 1)\nz ~ Normal(cumsum(e), 1)",
        "e[time] ~ Normal(0, 1)\nz[t] ~ Normal(sum(e[s] for s in time if s <= t), 1) for t in time",
    ),
    "values in pieces": (
        "e[time] ~ Normal(0, 1)\nc[0] = 1\nc[t] = e[t-1] * 2 for t in time[1:]\nz[time] ~ Normal(c[time], 1)",
        "e[time] ~ Normal(0, 1)\nz[0] ~ Normal(1, 1)\nz[t] ~ Normal(2 * e[t-1], 1) for t in time[1:]",
    ),
    "computed arrays indexed": (
        "b[county, feature] ~ Normal(0, 1)\ncat[obs] ~ Categorical(softmax(b[county_of[obs]]))",
        "b[county, feature] ~ Normal(0, 1)\np[county] = softmax(b[county])\ncat[obs] ~ Categorical(p[county_of[obs]])",
    ),
    "sums over one dim": (
        "W[feature, county] ~ Normal(0, 1)\ns = sum(W, feature)\ny[obs] ~ Normal(s[county_of[obs]], 1)",
        "W[feature, county] ~ Normal(0, 1)\ns[county] = sum(W[feature, county], feature)\n"
        "y[obs] ~ Normal(s[county_of[obs]], 1)",
    ),
    "factors of a covariance": (
        "L[i, j] ~ LKJCholesky(2) for i in feature, j in feature\nb[feature] ~ MvNormal(0, cholesky = L)\n"
        "y ~ Normal(X @ b, 1)",
        "L[i, j] ~ LKJCholesky(2) for i in feature, j in feature\nb[feature] ~ MvNormal(0, L @ transpose(L))\n"
        "y ~ Normal(X @ b, 1)",
    ),
}


def log_density(body: str) -> float:
    used = [name for name in DECLARED if name in set(_words(body))]
    text = DIMS + "data " + ", ".join(DECLARED[name] for name in used) + "\n" + body
    model = graph(text)
    data = {name: DATA[name] for name in used}
    open_dims = {"obs": 6, "time": 5}
    known = {d for name in used for d in ("obs", "time") if d in DECLARED[name]}
    sizes = {d: np.asarray(n) for d, n in open_dims.items() if d not in known}
    with jax.enable_x64(True):
        density = compile_density(model, bind(model, load({**data, **sizes})))
        u = jnp.asarray(np.random.default_rng(1).normal(size=density.size))
        return float(density.log_density(u))


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in text).split()


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_two_ways_to_write_it(pair: tuple[str, str]) -> None:
    first, second = (log_density(body) for body in pair)
    assert np.isfinite(first)
    assert first == pytest.approx(second, rel=1e-12)


def test_another_model_has_another_density() -> None:
    first = log_density("s ~ HalfNormal(1)\nz[1:] ~ Normal(z[:-1], s)")
    second = log_density("s ~ HalfNormal(1)\nz[1:] ~ Normal(2 * z[:-1], s)")
    assert abs(first - second) > 0.1
