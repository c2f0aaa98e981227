"""Densities of model texts, and what it takes to compare them with densities written by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from ppl.compiler.binding.bind import bind
from ppl.compiler.check import check
from ppl.compiler.density.compiled import CompiledDensity, compile_density
from ppl.data import load
from ppl.grammar.parser import parse
from ppl.graph import ModelGraph
from ppl.source import Source

Floats = npt.NDArray[np.float64]
_DIFFERENCED = 3
Values = Mapping[str, Any]


@functools.cache
def graph_of(text: str) -> ModelGraph:
    """The same one for the same text: densities of one graph share what JAX compiles, those of equal graphs do not."""
    return check(parse(Source("<test>", text))).graph


def compiled(text: str, data: Mapping[str, Any]) -> CompiledDensity:
    graph = graph_of(text)
    return compile_density(graph, bind(graph, load(data)))


def evaluated(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function gives, as NumPy arrays, from one program: called as it is, it would be one per operation."""
    return jax.tree.map(np.asarray, jax.jit(function)(*arguments))


def points(density: CompiledDensity, count: int, scale: float = 1.0, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).uniform(-2 * scale, 2 * scale, size=(count, density.size))


def log_jacobian(density: CompiledDensity, free: Callable[[Values], Any]) -> Callable[[jax.Array], jax.Array]:
    """log |det| of the map from u to the free coordinates of the constrained values, by its whole Jacobian."""

    def coordinates(u: jax.Array) -> jax.Array:
        return jnp.concatenate([jnp.ravel(part) for part in free(density.constrain(u))])

    return lambda u: jnp.linalg.slogdet(jax.jacrev(coordinates)(u))[1]


def compare(
    density: CompiledDensity,
    reference: Callable[[dict[str, Any]], float],
    free: Callable[[Values], Any],
    *,
    count: int = 100,
    scale: float = 1.0,
) -> None:
    """The log density at random points against `reference` of the constrained values plus the log-Jacobian.

    free: lists the free coordinates of the values, as many as the vector has.
    """
    u = points(density, count, scale)
    h = 1e-5
    steps = h * np.concatenate([np.eye(density.size), -np.eye(density.size)])
    shifted = (u[:_DIFFERENCED, None] + steps).reshape(-1, density.size)
    jacobian = log_jacobian(density, free)

    def everything(u: jax.Array) -> tuple[Any, ...]:
        return (*jax.value_and_grad(density.log_density)(u), jacobian(u), density.constrain(u))

    together = jnp.asarray(np.concatenate([u, shifted]))
    found, gradient, jacobians, values = evaluated(lambda x: jax.lax.map(everything, x), together)
    for i in range(count):
        expected = float(reference({name: value[i] for name, value in values.items()})) + float(jacobians[i])
        assert np.isfinite(expected)
        np.testing.assert_allclose(found[i], expected, rtol=1e-10, atol=1e-10)
    up, down = np.moveaxis(found[count:].reshape(_DIFFERENCED, 2, density.size), 1, 0)
    np.testing.assert_allclose(gradient[:_DIFFERENCED], (up - down) / (2 * h), rtol=1e-5, atol=1e-5)
