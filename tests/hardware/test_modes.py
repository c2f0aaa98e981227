"""Functions as laws, and models as modes: against JAX, closed forms, and each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ppl
from ppl.circuits.continuous import modes
from ppl.errors import PplError
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.laws.evaluation import function
from ppl.hardware.laws.law import Builder
from ppl.hardware.laws.splitting import plus_linear, split
from ppl.hardware.laws.tracing import NoLaw, traced

MATRIX = np.array([[2.0, 0.5, 0.0], [0.5, 1.5, -0.3], [0.0, -0.3, 1.0]])


def cumulative(x: jax.Array) -> jax.Array:
    return jax.lax.scan(lambda c, v: (0.5 * c + v, jnp.tanh(c)), jnp.zeros(()), x)[1]


FUNCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "arithmetic": lambda x: (x[0] * x - x / (2 + x[1] ** 2) + x**-2) * jnp.exp(-(x**2)),
    "named": lambda x: jnp.log1p(jnp.exp(x)) + jnp.sin(x) * jnp.sqrt(jnp.abs(x)) + jnp.tanh(x) + jax.nn.sigmoid(x),
    "special": lambda x: jax.scipy.special.gammaln(1 + x**2) + jax.scipy.special.erf(x) + jax.scipy.special.erfc(x),
    "choices": lambda x: (
        jnp.where(x > 0.3, x**3, jnp.maximum(x, -1)) + jnp.clip(x, -0.5, 0.5) + jnp.where(x <= 0.1, 1.0, x)
    ),
    "moves": lambda x: (
        jnp.concatenate([x[::-1], jnp.pad(x[1:], (1, 2))])[jnp.array([4, 0, 0, 7, 2])].at[1].add(x[2])
        + jnp.unstack(jnp.stack([x, 2 * x]))[1][0]
    ),
    "linear": lambda x: jnp.cumsum(jax.scipy.linalg.solve_triangular(np.linalg.cholesky(MATRIX), x, lower=True)),
    "products": lambda x: (jnp.outer(x, x) @ MATRIX @ x) + jax.scipy.special.logsumexp(x) + jnp.prod(x),
    "loops": cumulative,
    "looking up": lambda x: x * jnp.array([1.0, -2.0, 4.0])[jnp.floor(jnp.clip(x + 1.5, 0.0, 2.9)).astype(jnp.int32)],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_law_is_its_function(name: str) -> None:
    """And so is its linear part with the rest."""
    with jax.enable_x64(True):
        of = FUNCTIONS[name]
        law, shapes = traced(lambda x: [of(x)], 3)
        x = jnp.asarray(np.random.default_rng(1).normal(size=(20, 3)))
        exact = np.stack([of(row) for row in x])
        assert shapes == [exact.shape[1:]]
        np.testing.assert_allclose(function(law)(x), exact, rtol=1e-12, atol=1e-12)
        parts = split(law)
        linear = parts.constant + np.asarray(x) @ parts.matrix.T
        rest = np.asarray(function(parts.rest)(x))
        np.testing.assert_allclose(linear + rest, exact, rtol=1e-11, atol=1e-11)
        assert parts.linear == (name in ("linear", "moves"))
        again = plus_linear(parts.rest, 1.0, parts.matrix)
        np.testing.assert_allclose(parts.constant + np.asarray(function(again)(x)), exact, rtol=1e-11, atol=1e-11)


def test_what_is_linear_is_found_whatever_hides_it() -> None:
    with jax.enable_x64(True):
        hidden = traced(lambda x: [(x[0] + x[1]) * 3 - (x[0] - 2 * (x[1] - jnp.sin(x[0]))) + 2 * jnp.sin(x[0])], 2)[0]
        parts = split(hidden)
    assert parts.linear
    np.testing.assert_allclose(parts.matrix, [[2.0, 5.0]])


def test_steps_are_made_once() -> None:
    builder = Builder(2)
    one = builder.apply("multiply", 0, 1)
    assert builder.apply("multiply", 1, 0) == one
    assert builder.combine([(2.0, one), (-2.0, one)]) == builder.constant(0.0)
    assert builder.combine([(1.0, 0)]) == 0
    assert len(builder.law([one]).steps) == 1


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (lambda x: x[jnp.argmax(x)], "`argmax` is no operation of a circuit"),
        (lambda x: jax.lax.while_loop(lambda v: v < 3, lambda v: v + 1, x[0]), "`while`"),
        (lambda x: jnp.linalg.cholesky(jnp.eye(2) + x[0] ** 2 * jnp.ones((2, 2))), "`cholesky`"),
    ],
)
def test_what_is_no_law_is_refused(of: Callable[[jax.Array], jax.Array], said: str) -> None:
    with jax.enable_x64(True), pytest.raises(NoLaw, match=said):
        traced(lambda x: [of(x)], 2)


# --- models ------------------------------------------------------------------------------------------


def lowered(text: str, data: dict[str, Any]) -> Modes:
    bound = ppl.compile(text).bind(data)
    return modes(bound.graph, bound.dataset, "m")


def test_a_hierarchy_with_known_scales_is_its_precision() -> None:
    """In the model's own coordinates, although a sampler would have others."""
    text = """\
dim group, obs
data y[obs], of[obs] : group
mu ~ Normal(1, 2)
theta[group] ~ Normal(mu, 0.5)
y[obs] ~ Normal(theta[of[obs]], 2)
"""
    found = lowered(text, {"y": [1.0, 2, 4], "of": ["a", "b", "b"]})
    assert found.names == ("mu", "theta[a]", "theta[b]")
    assert found.is_gaussian
    exact = [[0.25 + 8, -4, -4], [-4, 4.25, 0], [-4, 0, 4.5]]
    np.testing.assert_allclose(found.precision, exact, rtol=1e-12)
    np.testing.assert_allclose(found.bias, [0.25, 0.25, 1.5], rtol=1e-12)
    with jax.enable_x64(True):
        np.testing.assert_allclose(function(found.readout.law)(jnp.arange(3.0)), [0, 1, 2])
    assert [(one.name, one.shape) for one in found.readout.readings] == [("mu", ()), ("theta", (2,))]


def test_a_walk_and_a_gaussian_process() -> None:
    walk = lowered(
        "dim t ordered\ndata y[t]\nvar x[t] : real\nx[0] ~ Normal(0, 3)\nx[t] ~ Normal(x[t-1], 0.5) for t in t[1:]\n"
        "y[t] ~ Normal(x[t], 2)\n",
        {"y": [1.0, 2.0, 0.5, 3.0]},
    )
    band = 4 * (np.diag([1, 2, 2, 1]) - np.eye(4, k=1) - np.eye(4, k=-1)) + 0.25 * np.eye(4)
    band[0, 0] += 1 / 9
    np.testing.assert_allclose(walk.precision, band, rtol=1e-12)
    at = np.array([0.0, 0.4, 1.5])
    kernel = np.exp(-0.5 * (at[:, None] - at) ** 2) + 1e-3 * np.eye(3)
    process = lowered(
        "dim p\ndata K[p, p], y[p]\nf[p] ~ MvNormal(0, K)\ny[p] ~ Normal(f[p], 0.1)\n",
        {"K": kernel.tolist(), "y": [1.0, 0, -1]},
    )
    np.testing.assert_allclose(process.precision, np.linalg.inv(kernel) + 100 * np.eye(3), rtol=1e-7)


def test_a_positive_scale_is_a_force() -> None:
    """The density's gradient and energy; and its quantities, with their transforms undone."""
    model = ppl.compile("dim obs\ndata y[obs]\nmu ~ Normal(0, 1)\ns ~ HalfNormal(1)\ny[obs] ~ Normal(mu, s)\n")
    data = {"y": [0.5, 1.5, -0.2]}
    bound = model.bind(data)
    found = modes(bound.graph, bound.dataset, "m")
    density = model.log_density(data)
    assert not found.is_gaussian
    assert found.force is not None
    assert found.energy is not None
    with jax.enable_x64(True):
        u = jnp.asarray(np.random.default_rng(2).normal(size=(5, 2)))
        force = found.bias - np.asarray(u) @ found.precision + np.asarray(function(found.force)(u))
        np.testing.assert_allclose(force, jax.vmap(jax.grad(density.log_density))(u), rtol=1e-10)
        np.testing.assert_allclose(function(found.energy)(u)[:, 0], -jax.vmap(density.log_density)(u), rtol=1e-10)
        np.testing.assert_allclose(function(found.readout.law)(u)[:, 1], jnp.exp(u[:, 1]), rtol=1e-12)


def test_what_no_circuit_does_is_refused_with_words() -> None:
    text = "dim p\ndata K[p, p]\ns ~ HalfNormal(1)\nf[p] ~ MvNormal(0, s * K)\n"
    with pytest.raises(PplError) as error:
        lowered(text, {"K": np.eye(2).tolist()})
    assert error.value.diagnostics[0].code == "E730"
    with pytest.raises(PplError) as error:
        lowered("dim s = 2\nvar a[s] : spin\nenergy e: a[0] * a[1]\n", {})
    assert error.value.diagnostics[0].code == "E501"
