"""Other coordinates of a latent: the same density of its values, the right Jacobian, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.compiler.passes.sites import BETWEEN
from tests.centring.models import MODELS, chosen, compiled

FORMS = ("non-centred", None)
QUICK = {
    ("StudentT", None),
    ("LogNormal", None),
    ("two levels", None),
    ("walk with drift", "non-centred"),
    ("autoregression of order two", "non-centred"),
    ("panel of walks", "non-centred"),
    ("covariance", "non-centred"),
    ("vectors by group", "non-centred"),
}


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


CASES = [
    pytest.param(
        name, form, id=f"{name}, {form or 'chosen'}", marks=() if (name, form) in QUICK else (pytest.mark.long,)
    )
    for name in MODELS
    for form in FORMS
]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_same_density_right_jacobian_and_back(name: str, form: str | None) -> None:
    centred, other = compiled(name, "centred"), compiled(name, form)
    latents = [slot.latent.name for slot in other.plan.slots]
    u = jnp.asarray(np.random.default_rng(3).uniform(-1.5, 1.5, other.size))

    def flat(u: jax.Array) -> jax.Array:
        values = other.constrain(u)
        return jnp.concatenate([jnp.ravel(values[n]) for n in latents])

    h = 2e-2  # differences of order six are exact to 1e-9 at this step
    steps, weights = np.array([1, 2, 3, -1, -2, -3]), np.array([45, -9, 1, -45, 9, -1]) / (60 * h)
    moved = (np.asarray(u) + (h * steps)[:, None, None] * np.eye(other.size)).reshape(-1, other.size)

    @jax.jit
    def everything(u: jax.Array, moved: jax.Array) -> tuple[Any, ...]:
        values = other.constrain(u)
        centred_u = centred.unconstrain(values)
        there = (centred.constrain(centred_u)["x"], centred.terms(centred_u))
        along = jax.lax.map(lambda v: (flat(v), other.log_density(v)), moved)
        return other.terms(u), values["x"], there, other.unconstrain(values), along, jax.grad(other.log_density)(u)

    terms, x, (same, expected), back, (found, total), gradient = jax.tree.map(np.asarray, everything(u, moved))
    np.testing.assert_allclose(back, u, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(same, x, rtol=1e-12, atol=1e-12)
    for term in terms.keys() - {"jacobian"}:
        np.testing.assert_allclose(terms[term], expected[term], rtol=1e-10, atol=1e-10, err_msg=term)
    jacobian = np.einsum("s,sij->ji", weights, found.reshape(6, other.size, -1))
    assert float(terms["jacobian"]) == pytest.approx(np.linalg.slogdet(jacobian)[1], abs=1e-8)
    slopes = np.einsum("s,si->i", weights, total.reshape(6, other.size))
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["Normal", "panel of walks", "covariance"])
def test_between_with_normal_data_is_standard_normal_given_the_rest(name: str) -> None:
    """What is left of a latent, less its mean given data and over its deviation, has the gradient of its own square."""
    density = compiled(name)
    assert chosen(name).form == BETWEEN
    (slot,) = (slot for slot in density.plan.slots if slot.latent.name == "x")
    u = np.random.default_rng(4).uniform(-1, 1, density.size)
    gradient = np.asarray(jax.jit(jax.grad(density.log_density))(jnp.asarray(u)))
    np.testing.assert_allclose(gradient[slot.start : slot.stop], -u[slot.start : slot.stop], atol=1e-6)
