"""Clamped latents are data: what remains is the conditional law."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import ppl
from tests.energies.models import AND_GATE, POTTS, SPIN_GLASS, log_sum, potts, probabilities, spin_glass

NOTHING = np.zeros(0)
SCHOOLS = """
dim school
data y[school], sigma[school] > 0
mu            ~ Normal(0, 5)
tau           ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau)
y[school]     ~ Normal(theta[school], sigma[school])
"""
DATA = {"y": [28.0, 8.0, -3.0], "sigma": [15.0, 10.0, 16.0], "school": ["Choate", "Deerfield", "Exeter"]}


def log_density(text: str, data: Any = None, u: Any = NOTHING, **set_: Any) -> float:
    with jax.enable_x64(True):
        density = ppl.compile(text).log_density(data, set=set_ or None)
        assert density.size == len(u)
        return float(jax.jit(lambda d, at: d.log_density(at))(density, np.asarray(u, np.float64)))


# --- in the text -------------------------------------------------------------------------------------


def test_a_clamped_latent_is_declared_data() -> None:
    as_data = SCHOOLS.replace("data y[school]", "data mu, y[school]")
    u = np.array([0.2, 1.0, -1.0, 0.5])
    clamped = log_density(f"{SCHOOLS}observe mu = 3\n", DATA, u)
    assert clamped == pytest.approx(log_density(as_data, {**DATA, "mu": 3.0}, u), rel=1e-12)


def test_clamping_conditions() -> None:
    """log p(x | c) differs from log p(x, c) by a constant: at c, with the Jacobian of the others alone."""
    text = "dim k = 3\nx[k] ~ Normal(0, 2)\ns ~ LogNormal(0, 1)\nenergy e: s * sum(x[k]^2, k)\n"
    u = np.array([0.3, -0.2, 1.0])
    both = log_density(text, None, [*u, np.log(0.7)])
    assert log_density(f"{text}observe s = 0.7\n", None, u) == pytest.approx(both - np.log(0.7), rel=1e-12)


def test_values_follow_from_data() -> None:
    text = """
dim i
data seen[i], shift
var x[i], z[i]
energy e: (x[i] - 2 * z[i])^2 + z[i]^2
observe x[i] = seen[i] + exp(shift)
"""
    seen, z = np.array([1.0, -2.0, 0.5]), np.array([0.1, 0.4, -1.0])
    x = seen + np.exp(0.3)
    expected = -np.sum((x - 2 * z) ** 2 + z**2)
    data = {"seen": seen, "shift": 0.3}
    assert log_density(text, data, z) == pytest.approx(expected, rel=1e-12)
    whole = text.replace("x[i] = seen[i] + exp(shift)", "x = seen + exp(shift)")
    assert log_density(whole, data, z) == pytest.approx(expected, rel=1e-12)
    pieces = text.replace("x[i] = seen[i] + exp(shift)", "x = cumsum(seen)")  # more than plain arithmetic
    assert log_density(pieces, data, z) == pytest.approx(-np.sum((np.cumsum(seen) - 2 * z) ** 2 + z**2), rel=1e-12)


def test_clamped_spins() -> None:
    data, states, weights = spin_glass(6)
    held = (states[:, 0] == 1) & (states[:, 4] == -1)
    text = SPIN_GLASS.replace("dim site, edge", "dim site ordered\ndim edge")
    found = log_density(f"{text}observe s[0] = +1\nobserve s[4] = -1\n", data)
    assert found == pytest.approx(log_sum(weights[held]), rel=1e-12)
    pattern = states[37]
    assert log_density(
        f"{SPIN_GLASS}data seen[site] : spin\nobserve s[site] = seen[site]\n", {**data, "seen": pattern}
    ) == pytest.approx(weights[37], rel=1e-12)


def test_some_elements_of_a_continuous_latent() -> None:
    """The density of the others, with the Jacobian of the others alone; the quantity keeps its name and shape."""
    text = """
dim i, j = 2
data low[i]
var x[i, j] : ordered, z[i] > 0
b[i] ~ truncated(Normal(0, 1), lower=low[i])
energy all: sum(x[i, q]^2 for q in j) * z[i] + b[i]
"""
    low = np.array([-1.0, 0.5, 0.2])
    values = {
        "x": np.array([[-0.5, 0.3], [1.0, 1.5], [0.1, 2.0]]),
        "z": np.array([0.5, 2.0, 0.7]),
        "b": np.array([-0.4, 0.9, 0.3]),
    }
    data = {"low": low, "i": ["p", "q", "r"]}
    given = {"x[q]": [1.0, 1.5], "z[p]": 0.5, "z[r]": 0.7, "b[1]": 0.9}
    with pytest.raises(ppl.PplError, match="E303"):
        ppl.compile(text).bind(data, set=given)
    del given["x[q]"]
    observed = f'{text}observe x["q"] = stack(j, 1, 1.5)\n'
    with jax.enable_x64(True):
        whole = ppl.compile(text).log_density(data)
        part = ppl.compile(observed).log_density(data, set=given)
        assert (whole.size, part.size) == (12, 7)
        u, v = (jax.jit(d.unconstrain)(values) for d in (whole, part))
        both = jax.jit(lambda d, at: (d.constrain(at), d.terms(at)))
        (_, pieces), (back, others) = both(whole, u), both(part, v)
        assert set(back) == set(values)
        for name, value in values.items():
            np.testing.assert_allclose(back[name], value, rtol=1e-12)
        assert float(pieces.pop("jacobian")) - float(others.pop("jacobian")) == pytest.approx(
            np.log(0.5) + np.log(0.5) + np.log(0.7) + np.log(0.4), rel=1e-12
        )  # the step of x[q]; z of p and r; b of q above its bound
        assert float(others.pop("b as clamped") + others.pop("b")) == pytest.approx(float(pieces.pop("b")), rel=1e-12)
        assert {k: float(t) for k, t in others.items()} == pytest.approx({k: float(t) for k, t in pieces.items()})


@pytest.mark.parametrize(
    "text",
    [
        "x ~ Normal(m, s)\n",
        "x[0] ~ Normal(0, s)\nx[t] ~ Normal(0.9 * x[t-1], s)  for t in time[1:]\n",
        "x ~ MvNormal(m, S)\n",
    ],
)
def test_elements_of_latents_with_distributions(text: str) -> None:
    """Wherever it is clamped, the density of all elements is the same, for all are real."""
    head = "dim time ordered\ndata m[time], S[time, time], y[time]\ns ~ HalfNormal(1)\n"
    model = ppl.compile(f"{head}{text}y[time] ~ Normal(exp(x[time]), s)\n")
    data = {"m": [0.1, 0.5, -0.3, 0.2], "S": np.eye(4) + 0.5, "y": [1.0, 2.0, 0.0, 1.0]}
    values = {"s": 0.7, "x": np.array([0.3, -0.2, 0.6, 1.0])}
    with jax.enable_x64(True):
        whole, part = model.log_density(data), model.log_density(data, set={"x[1]": -0.2, "x[3]": 1.0})
        assert (whole.size, part.size) == (5, 3)
        evaluate = jax.jit(lambda d, u: d.log_density(u) - d.terms(u)["jacobian"])
        expected, found = (float(evaluate(d, jax.jit(d.unconstrain)(values))) for d in (whole, part))
    assert found == pytest.approx(expected, rel=1e-12)


def test_results_hold_the_clamped_quantity_as_data() -> None:
    text = "z ~ Bernoulli(0.3)\nw ~ Bernoulli(0.9 if z else 0.2)\nobserve z = true\n"
    fit = ppl.compile(text).sample(chains=2, draws=1000, progress=False)
    assert "z" not in fit.posterior
    assert float(fit.constant_data["z"]) == 1
    assert float(fit.posterior["w"].mean()) == pytest.approx(0.9, abs=5 * np.sqrt(0.09 / 2000))


# --- from outside ------------------------------------------------------------------------------------


def test_set_is_observe_from_outside() -> None:
    data, states, weights = spin_glass(6)
    for given, held in (
        ({"s[0]": 1}, states[:, 0] == 1),
        ({"s[-1]": -1, "s[2]": 1}, (states[:, -1] == -1) & (states[:, 2] == 1)),
        ({"s": 1}, (states == 1).all(axis=1)),
        ({"s": states[11]}, (states == states[11]).all(axis=1)),
    ):
        assert log_density(SPIN_GLASS, data, **given) == pytest.approx(log_sum(weights[held]), rel=1e-12)


def test_labels_of_elements_and_of_values() -> None:
    data, states, weights = potts(4)
    named = {**data, "site": ["n", "e", "s", "w"]}
    held = (states[:, 1] == 2) & (states[:, 3] == 0)
    found = log_density(POTTS, named, **{'c["e"]': "blue", "c[w]": 0})
    assert found == pytest.approx(log_sum(weights[held]), rel=1e-12)
    everywhere = log_density(f"{POTTS}observe c = green\n", data)
    assert everywhere == pytest.approx(weights[(states == 1).all(axis=1)][0], rel=1e-12)


def test_draws_keep_what_is_clamped() -> None:
    data, states, weights = spin_glass(5)
    fit = ppl.compile(SPIN_GLASS).sample(data, chains=2, draws=1500, set={"s[2]": -1}, progress=False)
    spins = fit.posterior["s"].values.reshape(-1, 5)
    assert (spins[:, 2] == -1).all()
    held = states[:, 2] == -1
    mean = probabilities(weights[held]) @ states[held]
    error = np.sqrt(np.clip(1 - mean**2, 0, None) / len(spins))
    assert np.all(np.abs(spins.mean(axis=0) - mean) <= 5 * error + 1e-12)


def test_the_same_clamps_share_one_compiled_graph() -> None:
    model = ppl.compile(AND_GATE)
    first, second = (model.bind(set={"c": value}).graph for value in (1, -1))
    assert first is second
    assert model.bind(set={"a": 1}).graph is not first
    assert model.bind().graph is model.graph


REFUSED = {
    "E101": {"t": 1},
    "E106": {"s[0, 1]": 1},
    "E109": {"s[9]": 1},
    "E112": {"s[nowhere]": 1},
    "E122": {"J": 2},
    "E214": {"s": 2},
    "E303": {"s": [1, -1]},
    "E608": {"s[0": 1},
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_be_set(code: str) -> None:
    data, _, _ = spin_glass(6)
    with pytest.raises(ppl.PplError) as error:
        ppl.compile(SPIN_GLASS).bind(data, set=REFUSED[code])
    assert [d.code for d in error.value.diagnostics] == [code]


@pytest.mark.parametrize(
    ("text", "given", "code"),
    [
        ("x ~ HalfNormal(1)\n", {"x": -1}, "E214"),
        ("var x in [0, 1]\nenergy e: x\n", {"x": 1.5}, "E214"),
        ("dim k = 3\nw[k] ~ Dirichlet(fill(1, k))\n", {"w": [0.2, 0.3, 0.4]}, "E214"),
        ("dim k = 3\nw[k] ~ Dirichlet(fill(1, k))\n", {"w[0]": 0.2}, "E122"),
        ("var n : int in [0, 3]\nenergy e: n\n", {"n": 4}, "E214"),
        ("x ~ Normal(0, 1)\n", {"x": "tall"}, "E214"),
        ("x ~ Normal(0, 1)\nobserve x = 1\n", {"x": 2}, "E213"),
        ("data y\nx ~ Normal(0, 1)\ny ~ Normal(x, 1)\nobserve x = log(y)\n", {}, "E214"),
    ],
)
def test_values_outside_supports(text: str, given: dict[str, Any], code: str) -> None:
    with pytest.raises(ppl.PplError) as error:
        ppl.compile(text).bind({"y": -1.0} if "data y" in text else None, set=given)
    assert [d.code for d in error.value.diagnostics] == [code]
