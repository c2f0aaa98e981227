"""Values computed from their own elements, against loops over the elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.compiler.density.compiled import CompiledDensity
from ppl.compiler.explain import explain
from tests.check.programs import codes, graph
from tests.density.from_text import compiled
from tests.density.test_structure import equations

Values = Mapping[str, np.ndarray]

SERIES = np.random.default_rng(3).normal(size=9)
PANEL = SERIES[:8].reshape(2, 4)

GARCH = """
dim time ordered
data y[time], first > 0
var mu, w > 0, a in [0, 1], b in [0, 1 - a]
h[0]    = first^2
h[t]    = w + a * (y[t-1] - mu)^2 + b * h[t-1]  for t in time[1:]
y[time] ~ Normal(mu, sqrt(h[time]))
"""


def garch(v: Values) -> Mapping[str, Any]:
    h = [0.25]
    for t in range(1, 9):
        h.append(v["w"] + v["a"] * (SERIES[t - 1] - v["mu"]) ** 2 + v["b"] * h[-1])
    return {"h": h}


MOVING_AVERAGE = """
dim time ordered
data y[time]
mu         ~ Normal(0, 1)
phi, theta ~ Uniform(-1, 1)
nu[0]  = mu + phi * mu
err[0] = y[0] - nu[0]
for t in time[1:] {
    nu[t]  = mu + phi * y[t-1] + theta * err[t-1]
    err[t] = y[t] - nu[t]
}
y[time] ~ Normal(nu[time], 1)
"""


def moving_average(v: Values) -> Mapping[str, Any]:
    nu = [v["mu"] + v["phi"] * v["mu"]]
    err = [SERIES[0] - nu[0]]
    for t in range(1, 9):
        nu.append(v["mu"] + v["phi"] * SERIES[t - 1] + v["theta"] * err[-1])
        err.append(SERIES[t] - nu[-1])
    return {"nu": nu, "err": err}


VECTORS = """
dim time ordered
dim s = 2
data y[time]
A[i, j] ~ Normal(0, 1)  for i in s, j in s
z[0, s] = 1
z[t]    = tanh(A @ z[t-1]) + y[t]  for t in time[1:]
y[t]    ~ Normal(z[t, 0] + z[t, 1], 1)  for t in time
"""


def vectors(v: Values) -> Mapping[str, Any]:
    z = [np.ones(2)]
    for t in range(1, 9):
        z.append(np.tanh(v["A"] @ z[-1]) + SERIES[t])
    return {"z": z}


LAGS = """
dim time ordered
dim lag = 3
data y[time]
b[lag] ~ Normal(0, 1)
w[0] = 1
w[1] = w[0] + y[1]
w[2] = b[0]
w[t] = sum(b[k] * w[t-1-k] for k in lag) + 0.1 * w[0] + (log(y[t]) * w[t-1] if y[t] > 0 else 0)  for t in time[3:]
y[time] ~ Normal(w[time], 1)
"""


def lags(v: Values) -> Mapping[str, Any]:
    w = [1.0, 1.0 + SERIES[1], v["b"][0]]
    for t in range(3, 9):
        new = sum(v["b"][k] * w[t - 1 - k] for k in range(3)) + 0.1 * w[0]
        w.append(new + (np.log(SERIES[t]) * w[-1] if SERIES[t] > 0 else 0.0))
    return {"w": w}


BACKWARDS = """
dim time ordered
dim next = 2
data y[time]
g ~ Uniform(0, 1)
last  ~ Normal(0, 1)
q[-1] = last
q[-2] = 2 * last
q[t]  = g * q[t+1] + g^2 * sum(q[t+1+j] for j in next) + y[t]  for t in time[:-2]
y[time] ~ Normal(q[time], 1)
"""


def backwards(v: Values) -> Mapping[str, Any]:
    q = {8: v["last"], 7: 2 * v["last"]}
    for t in range(6, -1, -1):
        q[t] = v["g"] * q[t + 1] + v["g"] ** 2 * (q[t + 1] + q[t + 2]) + SERIES[t]
    return {"q": [q[t] for t in range(9)]}


PLATES = """
dim time ordered
dim unit, group
data y[unit, time], of[unit] : group, start[group]
a[group] ~ Normal(0, 0.5)
h[unit, 0]  = y[unit, 0]
for u in unit, t in time[1:] {
    h[u, t] = start[of[u]] + a[of[u]] * h[u, t-1] + 0.1 * sum(h[w, t-1] for w in unit if w != u)
}
k[t, group] = start  for t in time[:2]
k[t, r]     = a[r] * (k[t-1, r] + k[t-2, r]) + 1  for t in time[2:], r in group
y[unit, time] ~ Normal(h[unit, time] + k[time, of[unit]], 1)
"""


def plates(v: Values) -> Mapping[str, Any]:
    of, start, a = [1, 0], np.array([0.5, -1.0]), v["a"]
    h = np.zeros((2, 4))
    h[:, 0] = PANEL[:, 0]
    k = np.zeros((4, 2))
    k[:2] = start
    for t in range(1, 4):
        for u in range(2):
            h[u, t] = start[of[u]] + a[of[u]] * h[u, t - 1] + 0.1 * h[1 - u, t - 1]
    for t in range(2, 4):
        k[t] = a * (k[t - 1] + k[t - 2]) + 1
    return {"h": h, "k": k}


PARTS = """
dim time ordered
dim species = {prey, predator}
data y[time]
a ~ LogNormal(0, 0.3)
n[0, species] = 1
grown[0] = a
n[t, "prey"]     = n[t-1, "prey"] * exp(0.1 * grown[t])  for t in time[1:]
n[t, "predator"] = n[t-1].predator + 0.1 * n[t-1, "prey"]  for t in time[1:]
grown[t]         = a - 0.1 * n[t-1, "predator"]  for t in time[1:]
y[time] ~ Normal(n[time, "prey"], 1)
"""


def parts(v: Values) -> Mapping[str, Any]:
    n, grown = [np.ones(2)], [v["a"]]
    for _ in range(1, 9):
        grown.append(v["a"] - 0.1 * n[-1][1])
        n.append(np.array([n[-1][0] * np.exp(0.1 * grown[-1]), n[-1][1] + 0.1 * n[-1][0]]))
    return {"n": n, "grown": grown}


STATES = """
dim time ordered
data y[time]
a ~ Normal(0, 1)
alive[0] = y[0] > -10
alive[t] = alive[t-1] and y[t] < 1  for t in time[1:]
x[0] = a
x[t] = x[t-1] + 1 if alive[t] else a * x[t-1]  for t in time[1:]
y[time] ~ Normal(x[time], 1)
"""


def states(v: Values) -> Mapping[str, Any]:
    alive, x = True, [v["a"]]
    for t in range(1, 9):
        alive = alive and SERIES[t] < 1
        x.append(x[-1] + 1 if alive else v["a"] * x[-1])
    return {"x": x}


MODELS: dict[str, tuple[str, Mapping[str, Any], Callable[[Values], Mapping[str, Any]]]] = {
    "garch": (GARCH, {"y": SERIES, "first": 0.5}, garch),
    "moving average": (MOVING_AVERAGE, {"y": SERIES}, moving_average),
    "vectors": (VECTORS, {"y": SERIES}, vectors),
    "lags": (LAGS, {"y": SERIES}, lags),
    "backwards": (BACKWARDS, {"y": SERIES}, backwards),
    "plates": (PLATES, {"y": PANEL, "of": [1, 0], "start": [0.5, -1.0]}, plates),
    "parts": (PARTS, {"y": SERIES}, parts),
    "states": (STATES, {"y": SERIES}, states),
}


@pytest.fixture(scope="module")
def densities() -> dict[str, CompiledDensity]:
    return {name: compiled(text, data) for name, (text, data, _) in MODELS.items()}


@pytest.mark.parametrize("name", MODELS)
def test_values_are_those_of_a_loop(name: str, densities: dict[str, CompiledDensity]) -> None:
    density, reference = densities[name], MODELS[name][2]
    with jax.enable_x64(True):
        values = jax.jit(jax.vmap(density.constrain))(jnp.asarray(points(density, 3)))
        for i in range(3):
            draw = {n: np.asarray(x[i]) for n, x in values.items()}
            for n, expected in reference(draw).items():
                np.testing.assert_allclose(draw[n], np.asarray(expected, float), rtol=1e-12, atol=1e-12, err_msg=n)


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_those_of_differences(name: str, densities: dict[str, CompiledDensity]) -> None:
    density = densities[name]
    with jax.enable_x64(True):
        u, h = points(density, 1)[0], 1e-5
        steps = h * np.concatenate([np.zeros((1, density.size)), np.eye(density.size), -np.eye(density.size)])
        values, gradients = jax.jit(jax.vmap(jax.value_and_grad(density.log_density)))(jnp.asarray(u + steps))
    up, down = np.asarray(values[1:]).reshape(2, -1)
    np.testing.assert_allclose(gradients[0], (up - down) / (2 * h), rtol=1e-6, atol=1e-6)


def points(density: CompiledDensity, count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.7, 0.7, size=(count, density.size))


def test_the_number_of_equations_does_not_depend_on_the_length() -> None:
    def size(count: int) -> int:
        density = compiled(GARCH, {"y": np.resize(SERIES, count), "first": 0.5})
        with jax.enable_x64(True):
            return equations(jax.make_jaxpr(jax.grad(density.log_density))(jnp.zeros(density.size)).jaxpr)

    assert size(20) == size(2000)


def test_what_data_alone_determine_is_computed_once() -> None:
    text = """
    dim time ordered
    data x[time], y[time]
    s[0] = x[0]
    s[t] = 0.9 * s[t-1] + 0.1 * x[t]  for t in time[1:]
    r[-1] = 1
    r[t] = r[t+1] * 0.5 + s[t]  for t in time[:-1]
    a ~ Normal(0, 1)
    y[time] ~ Normal(a * s[time] + r[time], 1)
    """
    density = compiled(text, {"x": SERIES, "y": SERIES})
    s = [SERIES[0]]
    for t in range(1, 9):
        s.append(0.9 * s[-1] + 0.1 * SERIES[t])
    r = [1.0]
    for t in range(7, -1, -1):
        r.append(0.5 * r[-1] + s[t])
    with jax.enable_x64(True):
        jaxpr = jax.make_jaxpr(density.log_density)(jnp.zeros(1))
        found = float(jax.jit(density.log_density)(jnp.asarray([0.3])))
    assert "scan" not in str(jaxpr)
    expected = -0.5 * np.sum((SERIES - 0.3 * np.array(s) - np.array(r[::-1])) ** 2) - 9 * 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(found, expected - 0.045 - 0.5 * np.log(2 * np.pi), rtol=1e-12)


def test_a_branch_that_is_not_taken_spoils_no_gradient() -> None:
    text = """
    dim time ordered
    data y[time]
    a[time] ~ Normal(0, 1)
    h[0] = 1
    h[t] = h[t-1] * sqrt(a[t]) if a[t] > 0 else h[t-1]  for t in time[1:]
    y[time] ~ Normal(h[time], 1)
    """
    density = compiled(text, {"y": SERIES})
    with jax.enable_x64(True):
        gradient = jax.jit(jax.grad(density.log_density))(jnp.asarray(np.where(np.arange(9) % 2, 0.0, 1.0)))
    assert np.isfinite(gradient).all()


HEAD = "dim time ordered\ndim k = 3\ndata y[time]\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("h[t] = h[t-1] for t in time[1:]\nh[0] = 1", "E116"),
        ("h[0] = 1\nh[t] = h[t] for t in time[1:]", "E116"),
        ("h[0] = 1\nh[t] = h[t+1] + h[t-1] for t in time[1:-1]\nh[-1] = 2", "E116"),
        ("h[0] = 1\nh[t] = sum(h[s] for s in time) for t in time[1:]", "E116"),
        ("h[:3] = y[:3]\nh[t] = sum(h[t-j] for j in k) for t in time[3:]", "E116"),
        ("h[:3] = y[:3]\nh[-1] = 1\nh[t] = sum(h[t+1-j] for j in k) for t in time[3:-1]", "E116"),
        ("h[0] = 1\ng[0] = 1\nh[t] = g[t] for t in time[1:]\ng[t] = h[t] for t in time[1:]", "E116"),
        ("h[0] = 1\nh[t] = h[t-1] for t in time[2:]", "E110"),
        ("h[0] = 1\nh[t] = h[t-2] for t in time[1:]", "E109"),
        ("h[0] = 1\ns = sum(h)\nh[t] = h[t-1] for t in time[1:]", "E103"),
        ("h[0] = 1\ny[t] ~ Normal(h[t], 1) for t in time\nh[t] = h[t-1] for t in time[1:]", "E103"),
        ("h[0] = y[0] > 0\nh[t] = 1 if h[t-1] else 0 for t in time[1:]", "E114"),
        ("h[0, 0] = 1\nh[0, j] = 1 for j in k[1:]\nh[t, 0] = 1 for t in time[1:]\n"
         "h[t, j] = h[t-1, j] + h[t, j-1] for t in time[1:], j in k[1:]", "E116"),
    ],
)  # fmt: skip
def test_what_has_no_order_is_refused(text: str, code: str) -> None:
    assert codes(HEAD + text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "h[0] = 1\nh[t] = h[t-1] for t in time[1:]",
        "h[:2] = y[:2]\nh[t] = h[t-1] + h[t-2] for t in time[2:]",
        "h[0] = 1\nh[t] = sum(h[t-1-j] for j in k[:1]) for t in time[1:]",
        "h[:3] = y[:3]\nh[t] = sum(h[t-3+j] for j in k) for t in time[3:]",
        "h[0] = 1\ng[0] = 1\nh[t] = g[t-1] for t in time[1:]\ng[t] = h[t] for t in time[1:]",
        "h[-1] = 1\nh[t] = h[t+1] for t in time[1:-1]\nh[0] = 2",
        "m[0] = 0\nx[0] ~ Normal(m[0], 1)\nx[t] ~ Normal(m[t-1], 1) for t in time[1:]\n"
        "m[t] = m[t-1] + x[t] for t in time[1:]",
    ],
)
def test_what_has_an_order_is_accepted(text: str) -> None:
    assert codes(HEAD + text) == []


def test_explain_tells_how() -> None:
    text = explain(graph(HEAD + "q[-1] = y[0]\nq[t] = 0.5 * q[t+1] for t in time[:-1]\nmu ~ Normal(q[0], 1)"))
    assert "dynamics:\n  q  element by element along time, backwards\n" in text
    text = explain(graph("a ~ Normal(0, 1)\ndef f(t, x) = -a * x\nz = odesolve(f, 1, 0, 2, method = stiff)"))
    assert "  z  a differential equation, by an implicit method: rtol = 1e-06, atol = 1e-08" in text
    assert "z = odesolve(dx / dt = −a · x, x(0) = 1, 2)" in text
