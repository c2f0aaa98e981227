"""Differential equations, against SciPy, closed forms and differences."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ppl.compiler.density.compiled import CompiledDensity
from ppl.compiler.lowering import odes
from ppl.errors import PplError
from tests.density.from_text import compiled

TIMES = [0.5, 1.0, 2.5, 4.0, 4.0, 7.0]


def draw(density: CompiledDensity, u: np.ndarray) -> dict[str, np.ndarray]:
    with jax.enable_x64(True):
        return {name: np.asarray(x) for name, x in jax.jit(density.constrain)(jnp.asarray(u)).items()}


def check_gradient(density: CompiledDensity, u: np.ndarray, *, h: float = 1e-4, tolerance: float = 1e-6) -> None:
    """By five-point differences, relative to the largest of the gradient."""
    steps = h * np.concatenate([k * np.eye(density.size) for k in (0, -2, -1, 1, 2)])
    with jax.enable_x64(True):
        both = jax.jit(lambda x: jax.lax.map(jax.value_and_grad(density.log_density), x))
        values, gradients = (np.asarray(x) for x in both(jnp.asarray(u + steps)))
    _, a, b, c, d = values.reshape(5, -1)
    expected = (a - 8 * b + 8 * c - d) / (12 * h)
    np.testing.assert_allclose(gradients[0], expected, rtol=0, atol=tolerance * np.abs(expected).max())


# --- accuracy ----------------------------------------------------------------------------------------

PREDATOR_AND_PREY = """
dim time ordered
dim species = {prey, predator}
data t0, ts[time], y[time, species] > 0
alpha, gamma   ~ LogNormal(0, 0.5)
beta, delta    ~ LogNormal(-3, 0.5)
z0[species]    ~ LogNormal(2.3, 1)
sigma[species] ~ LogNormal(-1, 1)
def dzdt(t, z) = species(prey = (alpha - beta * z.predator) * z.prey, predator = (delta * z.prey - gamma) * z.predator)
z[time, species] = odesolve(dzdt, z0, t0, ts, rtol = 1e-11, atol = 1e-11)
y[time, species] ~ LogNormal(log(z[time, species]), sigma[species])
"""


def test_predator_and_prey() -> None:
    y = np.exp(np.random.default_rng(0).normal(size=(6, 2)))
    density = compiled(PREDATOR_AND_PREY, {"t0": 0.25, "ts": TIMES, "y": y})
    u = np.linspace(-0.3, 0.3, density.size)
    v = draw(density, u)

    def rate(t: float, z: np.ndarray) -> list[float]:
        return [(v["alpha"] - v["beta"] * z[1]) * z[0], (v["delta"] * z[0] - v["gamma"]) * z[1]]

    reference = solve_ivp(rate, (0.25, 7.0), v["z0"], "DOP853", t_eval=np.unique(TIMES), rtol=1e-13, atol=1e-13)
    expected = reference.y.T[np.searchsorted(np.unique(TIMES), TIMES)]
    np.testing.assert_allclose(v["z"], expected, rtol=1e-8)
    check_gradient(density, u)


ROBERTSON = """
dim time ordered
dim species = {a, b, c}
data ts[time], y[time]
k ~ LogNormal(0, 0.1)
def rate(t, z, slow) {
    first  = 0.04 * k * z.a
    second = 1e4 * z.b * z.c
    third  = slow * z.b^2
    return species(a = second - first, b = first - second - third, c = third)
}
z[time, species] = odesolve(rate, species(a = 1, b = 0, c = 0), 0, ts, 3e7, method = stiff, rtol = 1e-9, atol = 1e-13)
y[time] ~ Normal(z[time].a, 1)
"""


@pytest.mark.long
def test_robertson_is_stiff() -> None:
    ts = [0.4, 4.0, 40.0, 4e3, 4e5]
    density = compiled(ROBERTSON, {"ts": ts, "y": np.zeros(5)})
    v = draw(density, np.array([0.05]))

    def rate(t: float, z: np.ndarray) -> list[float]:
        first, second, third = 0.04 * v["k"] * z[0], 1e4 * z[1] * z[2], 3e7 * z[1] ** 2
        return [second - first, first - second - third, third]

    reference = solve_ivp(rate, (0, 4e5), [1, 0, 0], "Radau", t_eval=ts, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(v["z"], reference.y.T, rtol=1e-7, atol=1e-12)
    check_gradient(density, np.array([0.05]), h=1e-2, tolerance=1e-5)


VAN_DER_POL = """
dim time ordered
dim state = {x, v}
data ts[time], y[time]
mu ~ LogNormal(6, 1)
def rate(t, s) = state(x = s.v, v = mu * (1 - s.x^2) * s.v - s.x)
z[time, state] = odesolve(rate, state(x = 2, v = 0), 0, ts, method = stiff, rtol = 1e-10, atol = 1e-10)
y[time] ~ Normal(z[time, "x"], 1)
"""


@pytest.mark.long
def test_van_der_pol_is_stiff() -> None:
    ts = [10.0, 100.0, 300.0]
    density = compiled(VAN_DER_POL, {"ts": ts, "y": np.zeros(3)})
    v = draw(density, np.array([6.0]))

    def rate(t: float, s: np.ndarray) -> list[float]:
        return [s[1], v["mu"] * (1 - s[0] ** 2) * s[1] - s[0]]

    reference = solve_ivp(rate, (0, 300), [2, 0], "Radau", t_eval=ts, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(v["z"][:, 0], reference.y[0], rtol=1e-8)


# --- forms -------------------------------------------------------------------------------------------


@pytest.mark.long
def test_times_may_be_inferred() -> None:
    """x' = -k x from x(s) = 1: x(t) = exp(-k (t - s)), in each of k, s and t."""
    text = """
    dim time ordered
    data y[time]
    k, wait ~ LogNormal(0, 1)
    start   ~ Normal(0, 1)
    def decay(t, x) = -k * x
    ts[time] = cumsum(wait for i in time) + start
    x[time] = odesolve(decay, 1, start, ts, rtol = 1e-10, atol = 1e-12)
    y[time] ~ Normal(x[time], 0.1)
    """.replace("cumsum(wait for i in time)", "cumsum(fill(wait, time))")
    density = compiled(text, {"y": [0.5, 0.2, 0.1]})
    u = np.array([0.1, -0.4, 0.3])
    v = draw(density, u)
    np.testing.assert_allclose(v["x"], np.exp(-v["k"] * v["wait"] * np.arange(1, 4)), rtol=1e-9)
    check_gradient(density, u)


def test_each_element_of_a_plate_is_a_problem_of_its_own() -> None:
    """Also: the rate depends on time, reads data of the plate, and takes a further argument; the state is a number."""
    text = """
    dim time ordered
    dim subject
    data ts[subject, time], y[subject, time], dose[subject]
    k[subject] ~ LogNormal(0, 0.3)
    def rate(t, x, k) = dose[subject] * cos(t) - k * x
    x[subject, time] = odesolve(rate, dose[subject], 0, ts[subject], k[subject], rtol = 1e-10, atol = 1e-12)
    y[subject, time] ~ Normal(x[subject, time], 0.5)
    """
    ts = np.array([[0.0, 1.0, 2.0], [0.5, 3.0, 20.0]])
    dose = np.array([1.0, 3.0])
    density = compiled(text, {"ts": ts, "y": np.zeros((2, 3)), "dose": dose})
    u = np.array([0.2, -0.5])
    v = draw(density, u)
    k = v["k"][:, None]
    d = dose[:, None]
    expected = d * (k * np.cos(ts) + np.sin(ts)) / (k**2 + 1) + (d - d * k / (k**2 + 1)) * np.exp(-k * ts)
    np.testing.assert_allclose(v["x"], expected, rtol=1e-8, atol=1e-9)
    check_gradient(density, u)


@pytest.mark.long
def test_many_parameters_are_differentiated_backwards() -> None:
    """A neural network as a rate: 80 weights, more than derivatives are carried along for."""
    text = """
    dim time ordered
    dim unit = 8
    dim state = 5
    data ts[time], y[time]
    inner[unit, state], outer[state, unit] ~ Normal(0, 0.5)
    def rate(t, z) = outer @ tanh(inner @ z)
    z[time, state] = odesolve(rate, fill(1, state), 0, ts, rtol = 1e-10, atol = 1e-10)
    y[time] ~ Normal(z[time, 0], 0.5)
    """
    density = compiled(text, {"ts": [0.5, 1.0], "y": [0.0, 1.0]})
    check_gradient(density, np.random.default_rng(1).normal(size=density.size))


@pytest.mark.long
def test_a_solve_in_every_step_of_a_recurrence() -> None:
    """A dose at every time, decay between: x[t] = x[t-1] exp(-k dt) + 1."""
    text = """
    dim time ordered
    data at[time], y[time]
    k ~ LogNormal(0, 1)
    def decay(t, x) = -k * x
    x[0] = 1
    x[t] = odesolve(decay, x[t-1], at[t-1], at[t], rtol = 1e-10, atol = 1e-10) + 1  for t in time[1:]
    y[time] ~ Normal(x[time], 1)
    """
    at = np.array([0.0, 0.5, 2.0, 2.25])
    density = compiled(text, {"at": at, "y": np.ones(4)})
    v = draw(density, np.array([0.3]))
    expected = [1.0]
    for t in range(1, 4):
        expected.append(expected[-1] * np.exp(-v["k"] * (at[t] - at[t - 1])) + 1)
    np.testing.assert_allclose(v["x"], expected, rtol=1e-8)
    check_gradient(density, np.array([0.3]))


# --- failure -----------------------------------------------------------------------------------------

EXPLODING = """
dim time ordered
dim subject
data ts[time], y[subject, time]
x0[subject] ~ LogNormal(0, 1)
sigma ~ HalfNormal(1)
def rate(t, x) = x^2
x[subject, time] = odesolve(rate, x0[subject], 0, ts{options})
y[subject, time] ~ Normal(x[subject, time], sigma)
"""


@pytest.mark.parametrize(
    ("options", "few"),
    [
        pytest.param("", odes.FEW, marks=pytest.mark.long),
        pytest.param(", max_steps = 20", 0, marks=pytest.mark.long),
        (", max_steps = 20", odes.FEW),
    ],
)
def test_a_failure_is_a_term(options: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """x' = x^2 has the solution 1 / (1/x0 - t), which ends at 1 / x0: at 0.5 for the second subject. No derivative goes
    through what was not found, either way: its x0 has that of its prior."""
    monkeypatch.setattr(odes, "FEW", few)
    text = EXPLODING.format(options=options)
    density = compiled(text, {"ts": [0.2, 0.4, 1.0], "y": np.zeros((2, 3))})
    bad, good = np.array([-1.0, np.log(2.0), 0.0]), np.array([-1.0, -1.5, 0.0])
    with jax.enable_x64(True):

        def both(u: jax.Array) -> Any:
            return density.terms(u), jax.value_and_grad(density.log_density)(u), density.constrain(u)["x"]

        found = jax.jit(jax.vmap(both))(jnp.asarray([bad, good]))
        terms, (value, gradient), states = jax.tree.map(np.asarray, found)
    assert terms["odesolve (line 8)"].tolist() == [-np.inf, 0.0]
    assert np.isfinite([x for name, x in terms.items() if not name.startswith("odesolve")]).all()
    assert value[0] == -np.inf
    assert np.isfinite(value[1])
    assert np.isfinite(gradient).all()
    assert gradient[0, 1] == pytest.approx(-np.log(2.0), rel=1e-12)
    assert np.isfinite(states[1]).all()
    assert np.isfinite(states[0, 0]).all()
    assert np.isnan(states[0, 1]).all()


@pytest.mark.long
def test_a_failure_is_told_with_its_element() -> None:
    density = compiled(EXPLODING.format(options=", max_steps = 20"), {"ts": [0.2, 0.4, 1.0], "y": np.zeros((2, 3))})
    with jax.enable_x64(True):
        faults = density.diagnose(jnp.asarray([-1.0, np.log(2.0), 0.0]))
    told = [(f.term, f.positions, f.log_prob, f.others) for f in faults]
    assert told == [("odesolve (line 8)", {"subject": 1}, -np.inf, 0)]


# --- data --------------------------------------------------------------------------------------------


def test_what_data_determine_is_solved_once() -> None:
    text = """
    dim time ordered
    data ts[time], y[time], k
    a ~ Normal(0, 1)
    def decay(t, x) = -k * x
    x[time] = odesolve(decay, 1, 0, ts, rtol = 1e-10, atol = 1e-10)
    y[time] ~ Normal(a * x[time], 1)
    """
    density = compiled(text, {"ts": [1.0, 2.0], "y": [0.0, 0.0], "k": 0.5})
    with jax.enable_x64(True):
        jaxpr = jax.make_jaxpr(density.log_density)(jnp.zeros(1))
        found = float(jax.jit(density.log_density)(jnp.ones(1)))
    assert "while" not in str(jaxpr)
    np.testing.assert_allclose(found, -0.5 * (1 + np.exp(-1) + np.exp(-2)) - 1.5 * np.log(2 * np.pi), rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "span"),
    [({"ts": [1.0, 3.0, 2.0]}, "ts"), ({"t0": 1.5}, "ts"), ({"xs": [0.0, 1.0, 1.0]}, "xs")],
)
def test_points_that_do_not_increase_are_refused(change: Mapping[str, Any], span: str) -> None:
    text = """
    dim time ordered
    data ts[time], xs[time], y[time], t0
    k ~ LogNormal(0, 1)
    def decay(t, x) = -k * x * interp(t, xs, y)
    x[time] = odesolve(decay, 1, t0, ts)
    y[time] ~ Normal(x[time], 1)
    """
    data = {"ts": [1.0, 2.0, 3.0], "xs": [1.0, 2.0, 3.0], "y": [0.0, 0.0, 0.0], "t0": 0.0}
    with pytest.raises(PplError) as caught:
        compiled(text, {**data, **change})
    (problem,) = caught.value.diagnostics
    assert problem.code == "E554"
    assert text[problem.span.start : problem.span.end] == span


def test_times_that_decrease_are_refused_whatever_the_start() -> None:
    text = "dim time ordered\ndata ts[time]\nstart ~ Normal(0, 1)\ndef still(t, x) = -x\n"
    with pytest.raises(PplError, match="must not decrease"):
        compiled(text + "x[time] = odesolve(still, 1, start, ts)", {"ts": [1.0, 3.0, 2.0]})


def test_other_models_do_not_import_the_solver() -> None:
    program = """
import sys
from tests.density.from_text import compiled
compiled("mu ~ Normal(0, 1)", {})
assert "diffrax" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
