"""Other coordinates of a latent: the same density of its values, the right Jacobian, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.compiler.density.compiled import CompiledDensity
from tests.centring.models import MODELS, compiled

FORMS = ("non-centred", None)


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def of_values(density: CompiledDensity, u: jax.Array) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    """The terms at u, and the values."""
    return density.terms(u), density.constrain(u)


@pytest.mark.parametrize("form", FORMS, ids=["non-centred", "chosen"])
@pytest.mark.parametrize("name", MODELS)
def test_same_density_right_jacobian_and_back(name: str, form: str | None) -> None:
    centred, other = compiled(name, "centred"), compiled(name, form)
    latents = [slot.latent.name for slot in other.plan.slots]
    rng = np.random.default_rng(3)
    evaluate = jax.jit(of_values)
    back = jax.jit(lambda d, v: d.unconstrain(v))

    def flat(d: CompiledDensity, u: jax.Array) -> jax.Array:
        values = d.constrain(u)
        return jnp.concatenate([jnp.ravel(values[n]) for n in latents])

    several = jax.jit(jax.vmap(flat, (None, 0)))
    for _ in range(3):
        u = jnp.asarray(rng.uniform(-1.5, 1.5, other.size))
        terms, values = evaluate(other, u)
        np.testing.assert_allclose(back(other, values), u, rtol=1e-10, atol=1e-10)
        expected, same = evaluate(centred, back(centred, values))
        np.testing.assert_allclose(same["x"], values["x"], rtol=1e-12, atol=1e-12)
        for term in terms.keys() - {"jacobian"}:
            np.testing.assert_allclose(terms[term], expected[term], rtol=1e-10, atol=1e-10, err_msg=term)
        # Differences of order six: exact to 1e-10 at this step.
        h = 2e-2
        steps = np.array([1, 2, 3, -1, -2, -3])
        weights = np.array([45, -9, 1, -45, 9, -1]) / (60 * h)
        moved = np.asarray(u) + (h * steps)[:, None, None] * np.eye(other.size)
        found = np.asarray(several(other, jnp.asarray(moved.reshape(-1, other.size)))).reshape(6, other.size, -1)
        jacobian = np.einsum("s,sij->ji", weights, found)
        assert float(terms["jacobian"]) == pytest.approx(np.linalg.slogdet(jacobian)[1], abs=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_gradient(name: str) -> None:
    density = compiled(name, None)
    u = np.random.default_rng(4).uniform(-1, 1, density.size)
    value = jax.jit(jax.vmap(lambda d, u: d.log_density(u), (None, 0)))
    h = 1e-5
    up, down = (np.asarray(value(density, jnp.asarray(u + s * h * np.eye(density.size)))) for s in (1, -1))
    gradient = jax.jit(jax.grad(lambda u, d: d.log_density(u)))(jnp.asarray(u), density)
    np.testing.assert_allclose(gradient, (up - down) / (2 * h), rtol=1e-5, atol=1e-6)
