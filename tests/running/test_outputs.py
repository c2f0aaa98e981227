"""What follows from draws, a batch of them at a time."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.running.outputs import over_draws


def _two_factors(density: jax.Array, u: jax.Array, key: jax.Array) -> jax.Array:
    """Two calls of LAPACK that do not need each other, and a random number."""
    matrix = density + jnp.outer(u, u)
    return jnp.linalg.cholesky(matrix)[-1, -1] + jnp.linalg.cholesky(2 * matrix)[-1, -1] + jax.random.normal(key)


def test_draws_with_several_calls_of_lapack_follow_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a batch the calls would wait for each other's threads, and the run for ever."""
    whole, mapped = jax.lax.map, []
    monkeypatch.setattr(jax.lax, "map", lambda *arguments: mapped.append(True) or whole(*arguments))
    with jax.enable_x64(True):
        positions = np.random.default_rng(0).normal(size=(2, 3, 4))
        key = jax.random.key(1)
        found = over_draws(_two_factors, jnp.eye(4), positions, key)
        for chain in range(2):
            for draw in range(3):
                own = jax.random.fold_in(jax.random.fold_in(key, chain), draw)
                expected = _two_factors(jnp.eye(4), positions[chain, draw], own)
                assert np.isclose(found[chain, draw], expected, rtol=1e-12)
        assert mapped
        mapped.clear()
        over_draws(lambda density, u, key: jnp.linalg.cholesky(density + jnp.outer(u, u)), jnp.eye(4), positions, key)
        assert not mapped
