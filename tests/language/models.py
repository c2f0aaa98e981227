"""Model texts on data, next to densities written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from ppl.compiler.density.compiled import CompiledDensity
from tests.density.from_text import compiled

Values = Mapping[str, Any]
Floats = npt.NDArray[np.float64]


def agrees(
    text: str, data: Values, reference: Callable[[dict[str, Any]], float], *, scale: float = 1.0, rtol: float = 1e-10
) -> CompiledDensity:
    """The log density without its Jacobian, at random points, against `reference` of the named values."""
    with jax.enable_x64(True):
        density = compiled(text, data)
        points = np.random.default_rng(0).uniform(-scale, scale, (3, density.size))
        together = jax.jit(jax.vmap(lambda u: (density.terms(u), density.constrain(u))))
        terms, values = jax.tree.map(np.asarray, together(jnp.asarray(points)))
    for i in range(len(points)):
        found = sum(float(part[i]) for name, part in terms.items() if name != "jacobian")
        named = {name: value[i] for name, value in values.items()}
        expected = float(reference({**{k: np.asarray(v) for k, v in data.items()}, **named}))
        assert np.isfinite(expected)
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-10)
    return density


@dataclass(frozen=True)
class Found:
    """One term at one point: its value, its gradient with respect to each latent, and its elements."""

    value: float
    gradient: dict[str, Floats]
    pointwise: Floats


def term(text: str, data: Values, name: str, *points: Values) -> list[Found]:
    """A term at values of the latents, which are `var`s without bounds, so that gradients are with respect to them."""
    with jax.enable_x64(True):
        density = compiled(text, data)
        at = [density.unconstrain({k: jnp.asarray(v, jnp.float64) for k, v in values.items()}) for values in points]

        def everything(u: jax.Array) -> Any:
            value, gradient = jax.value_and_grad(lambda u: density.terms(u)[name])(u)
            return value, gradient, density.log_likelihood(u).get(name, value)

        value, gradient, each = jax.tree.map(np.asarray, jax.jit(jax.vmap(everything))(jnp.stack(at)))
        slots = density.plan.slots
    return [
        Found(float(value[i]), {s.latent.name: gradient[i][s.start : s.stop].reshape(s.shape) for s in slots}, each[i])
        for i in range(len(points))
    ]


def predicted(text: str, data: Values, values: Values, seed: int = 0) -> dict[str, Any]:
    """One draw of every prediction."""
    with jax.enable_x64(True):
        density = compiled(text, data)
        u = density.unconstrain({key: jnp.asarray(value, jnp.float64) for key, value in values.items()})
        return {k: np.asarray(v) for k, v in jax.jit(density.predict)(u, jax.random.key(seed)).items()}
