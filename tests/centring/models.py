"""Models with every kind of latent that has a location and a scale, with data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ppl.compiler.binding.bind import bind
from ppl.compiler.check import check
from ppl.compiler.density.compiled import CompiledDensity, compile_density
from ppl.compiler.passes.centring import Request, choose
from ppl.compiler.passes.sites import Choice
from ppl.data import load
from ppl.grammar.parser import parse
from ppl.source import Source

_RNG = np.random.default_rng(5)
_GROUPS = {"y": _RNG.normal(size=12), "g": np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 4, 4]), "group": list("abcde")}
_TIME = {"y": _RNG.normal(size=7).cumsum()}


def _grouped(prior: str, observed: str = "Normal(x[g[obs]], sigma)", more: str = "") -> str:
    return f"""
dim obs, group
data y[obs], g[obs] : group
m ~ Normal(0, 2)
s, sigma ~ HalfNormal(1)
{more}
x[group] ~ {prior}
y[obs] ~ {observed}
"""


def _walk(body: str, more: str = "") -> str:
    return f"""
dim time ordered
data y[time]
s, sigma ~ HalfNormal(1)
m, phi ~ Normal(0, 0.5)
{more}
{body}
y[time] ~ Normal(x[time], sigma)
"""


def _vector(matrix: str) -> str:
    return f"""
dim obs
data z[obs], y[obs]
m ~ Normal(0, 1)
rho, s ~ HalfNormal(1)
K[i, j] = s^2 * exp(-0.5 * ((z[i] - z[j]) / rho)^2) + (0.1 if i == j else 0) for i in obs, j in obs
L[i, j] = (1 + s if i == j else 0.2 * rho if i > j else 0) for i in obs, j in obs
x[obs] ~ MvNormal(m, {matrix})
y[obs] ~ Normal(x[obs], 0.5)
"""


_PLACES = {"z": np.array([0.0, 0.5, 1.1, 2.0]), "y": _RNG.normal(size=4)}

MODELS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "Normal": (_grouped("Normal(m, s)"), _GROUPS),
    "StudentT": (_grouped("StudentT(4, m, s)"), _GROUPS),
    "Laplace": (_grouped("Laplace(m, s)"), _GROUPS),
    "Logistic": (_grouped("Logistic(m, s)"), _GROUPS),
    "Cauchy": (_grouped("Cauchy(m, s)"), _GROUPS),
    "Gumbel": (_grouped("Gumbel(m, s)"), _GROUPS),
    "LogNormal": (_grouped("LogNormal(m, s)", "Normal(log(x[g[obs]]), sigma)"), _GROUPS),
    "location of data and latents": (
        _grouped("Normal(m + b * w[group], s)", more="b ~ Normal(0, 1)\nw[group] = 0.1 * size[group]").replace(
            "g[obs] : group", "g[obs] : group, size[group]"
        ),
        {**_GROUPS, "size": np.arange(5.0)},
    ),
    "a scale for each": (_grouped("Normal(m, s * local[group])", more="local[group] ~ HalfCauchy(1)"), _GROUPS),
    "counts": (
        _grouped("Normal(m, s)", "PoissonLog(x[g[obs]])"),
        {**_GROUPS, "y": np.arange(12) % 5},
    ),
    "two levels": (
        """
dim obs, group, region
data y[obs], g[obs] : group, r[group] : region
m ~ Normal(0, 2)
s, t, sigma ~ HalfNormal(1)
above[region] ~ Normal(m, t)
x[group] ~ Normal(above[r[group]], s)
y[obs] ~ Normal(x[g[obs]], sigma)
""",
        {**_GROUPS, "r": np.array([0, 0, 1, 1, 1]), "region": ["north", "south"]},
    ),
    "slopes and intercepts": (
        """
dim obs, group
dim k = {a, b}
data y[obs], g[obs] : group, t[obs]
mean[k]     ~ Normal(0, 2)
s[k]        ~ HalfNormal(1)
x[group, k] ~ Normal(mean[k], s[k])
y[obs]      ~ Normal(x[g[obs], "a"] + x[g[obs], "b"] * t[obs], 1)
""",
        {**_GROUPS, "t": np.linspace(-1, 1, 12)},
    ),
    "walk": (_walk("x[0] ~ Normal(m, 1)\nx[t] ~ Normal(x[t-1], s) for t in time[1:]"), _TIME),
    "walk with drift": (_walk("x[0] ~ Normal(0, 1)\nx[t] ~ StudentT(5, x[t-1] + m, s) for t in time[1:]"), _TIME),
    "autoregression": (_walk("x[0] ~ Normal(m, s)\nx[t] ~ Normal(m + phi * (x[t-1] - m), s) for t in time[1:]"), _TIME),
    "autoregression of order two": (
        _walk(
            "x[0] ~ Normal(m, s)\nx[1] ~ Normal(m, s)\nx[t] ~ Normal(phi * x[t-1] - m * x[t-2], s) for t in time[2:]"
        ),
        _TIME,
    ),
    "panel of walks": (
        """
dim time ordered
dim group
data y[group, time]
s[group]   ~ HalfNormal(1)
phi[group] ~ Normal(0, 0.5)
x[i, 0]    ~ Normal(0, 1) for i in group
x[i, t]    ~ Normal(phi[i] * x[i, t-1], s[i]) for i in group, t in time[1:]
y[group, time] ~ Normal(x[group, time], 1)
""",
        {"y": _RNG.normal(size=(3, 5))},
    ),
    "behind discrete latents": (
        """
dim obs
dim comp = 3
data y[obs]
m       ~ Normal(0, 2)
s       ~ HalfNormal(1)
x[comp] ~ Normal(m, s)
z[obs]  ~ Categorical(softmax(fill(0, comp)))
y[obs]  ~ Normal(x[z[obs]], 0.5)
""",
        {"y": _GROUPS["y"]},
    ),
    "covariance": (_vector("covariance=K"), _PLACES),
    "precision": (_vector("precision=K"), _PLACES),
    "cholesky": (_vector("cholesky=L"), _PLACES),
    "vectors by group": (
        """
dim obs, group
dim k = {a, b}
data y[obs], g[obs] : group, t[obs]
mean[k] ~ Normal(0, 2)
s[k] ~ HalfNormal(1)
C[i, j] = (s[i] if i == j else 0.3 if i > j else 0) for i in k, j in k
x[group, k] ~ MvNormal(mean, cholesky=C)
y[obs] ~ Normal(x[g[obs], "a"] + x[g[obs], "b"] * t[obs], 1)
""",
        {**_GROUPS, "t": np.linspace(-1, 1, 12)},
    ),
}


def compiled(name: str, form: str | None = None) -> CompiledDensity:
    """With `x` sampled in a form, or as the compiler chooses."""
    graph, dataset = _bound(name)
    requests = {"centred": Request(centre=("x",)), "non-centred": Request(noncentre=("x",)), None: None}
    return compile_density(graph, dataset, requests[form])


def chosen(name: str) -> Choice:
    """How the compiler would have `x`."""
    graph, dataset = _bound(name)
    return choose(graph, dataset)["x"]


def _bound(name: str) -> tuple[Any, Any]:
    text, data = MODELS[name]
    graph = check(parse(Source("<test>", text))).graph
    return graph, bind(graph, load(data))
