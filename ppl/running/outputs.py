"""Everything that follows from draws: constrained values, log-likelihoods, replicates and predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from ppl.inference.placing import here

Array = npt.NDArray[np.generic]
Tree = Any

_ELEMENTS = 1 << 22  # of the largest intermediate array of a batch: 32 MiB in float64
_MOST = 1024
_LAPACK = {"cholesky", "eig", "eigh", "geqrf", "householder_product", "lu", "qr", "schur", "svd", "triangular_solve"}


def over_draws(
    function: Callable[[Any, jax.Array, jax.Array], Tree],
    density: Any,
    positions: npt.NDArray[np.floating[Any]],
    key: jax.Array,
) -> Tree:
    """`function(density, u, key)` for each of (chains, draws, n) positions, leaves (chains, draws, ...).

    Vectorised over batches small enough that no intermediate array gets large. The key of a draw depends on the
    chain and the number of the draw alone.
    Draws follow one after the other, in one program still, where each calls LAPACK more than once: on a CPU, JAX 0.10
    spreads the calls of a batch over the threads that run the program, and two such calls that run at a time wait for
    each other for ever.
    """
    chains, draws, size = positions.shape
    total = chains * draws
    flat = positions.reshape(total, size)
    traced = jax.make_jaxpr(function)(density, np.zeros(size, positions.dtype), key)
    one_by_one = here().is_cpu and _calls_of_lapack(traced.jaxpr) > 1
    batch = int(np.clip(_ELEMENTS // max(_largest(traced.jaxpr), 1), 1, min(_MOST, total)))

    @jax.jit
    def run(density: Any, us: jax.Array, chain: jax.Array, draw: jax.Array, key: jax.Array) -> Tree:
        def at(u: jax.Array, chain: jax.Array, draw: jax.Array) -> Tree:
            return function(density, u, jax.random.fold_in(jax.random.fold_in(key, chain), draw))

        if one_by_one:
            return jax.lax.map(lambda row: at(*row), (us, chain, draw))
        return jax.vmap(at)(us, chain, draw)

    chain, draw = np.divmod(np.arange(total, dtype=np.uint32), np.uint32(draws))
    pieces: list[Tree] = []
    for start in range(0, total, batch):
        # The last batch is filled up with repeats, so that there is one program to compile.
        rows = np.minimum(np.arange(start, start + batch), total - 1)
        piece = run(density, jnp.asarray(flat[rows]), jnp.asarray(chain[rows]), jnp.asarray(draw[rows]), key)
        kept = min(batch, total - start)
        pieces.append(jax.tree.map(lambda leaf, kept=kept: np.asarray(leaf)[:kept], piece))
    return jax.tree.map(lambda *parts: np.concatenate(parts).reshape(chains, draws, *parts[0].shape[1:]), *pieces)


def _programs(jaxpr: Any) -> Iterator[Any]:
    """A program, and all programs inside it."""
    yield jaxpr
    for equation in jaxpr.eqns:
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from _programs(inner)


def _largest(jaxpr: Any) -> int:
    """Elements of the largest array that a program makes."""
    made = (variable for program in _programs(jaxpr) for equation in program.eqns for variable in equation.outvars)
    return max((int(np.prod(getattr(v.aval, "shape", ()), dtype=np.int64)) for v in made), default=0)


def _calls_of_lapack(jaxpr: Any) -> int:
    return sum(equation.primitive.name in _LAPACK for program in _programs(jaxpr) for equation in program.eqns)
