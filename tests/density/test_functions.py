"""Every function of the catalogue: the NumPy rule against the JAX rule, and both against an independent value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from scipy import special

from ppl.catalogue.functions import FUNCTIONS, REAL
from ppl.compiler.lowering import functions

RNG = np.random.default_rng(5)
UNIT = RNG.uniform(0.05, 0.95, size=(2, 4))
REALS = RNG.normal(size=(2, 4))
OTHER = RNG.normal(size=(2, 4))
A = RNG.normal(size=(2, 3, 3))
POSITIVE_DEFINITE = A @ np.swapaxes(A, 1, 2) + 3 * np.eye(3)
V = RNG.normal(size=(2, 3))


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def both(rule: Any, *arguments: Any, **options: Any) -> np.ndarray:
    """The value, which NumPy and JAX must share."""
    on_numpy = rule(np, *arguments, **options)
    wrapped = [jnp.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    on_jax = jax.jit(lambda *x: rule(jnp, *x, **options), static_argnums=_static(arguments))(*wrapped)
    np.testing.assert_allclose(on_jax, on_numpy, rtol=1e-11, atol=1e-13)
    assert np.asarray(on_numpy).dtype == np.asarray(on_jax).dtype
    return np.asarray(on_numpy)


def _static(arguments: Any) -> tuple[int, ...]:
    return tuple(i for i, a in enumerate(arguments) if not isinstance(a, np.ndarray))


ELEMENTWISE = sorted(functions.ELEMENTWISE)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name: str) -> None:
    spec = FUNCTIONS[name]
    rule = functions.ELEMENTWISE[name]
    if name == "where":
        assert (both(rule, REALS > 0, REALS, OTHER) == np.where(REALS > 0, REALS, OTHER)).all()
    elif name in ("and", "or", "not"):
        arguments = (REALS > 0, OTHER > 0)[: spec.arity[0]]
        table = {"and": lambda a, b: a & b, "or": lambda a, b: a | b, "not": lambda a: ~a}
        assert (both(rule, *arguments) == table[name](*arguments)).all()
    else:
        first = UNIT if spec.domains[0] != REAL or name == "power" else REALS
        both(rule, *(first, OTHER)[: spec.arity[0]])


def test_all_functions_have_a_rule() -> None:
    have = {*functions.ELEMENTWISE, *functions.REDUCTIONS, *functions.LAST, *functions.MATRIX}
    assert set(FUNCTIONS) == have


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sigmoid", special.expit(REALS)),
        ("log_sigmoid", special.log_expit(REALS)),
        ("softplus", np.log1p(np.exp(REALS))),
        ("lgamma", special.gammaln(REALS)),
        ("Phi", special.ndtr(REALS)),
        ("relu", np.maximum(REALS, 0)),
        ("round", np.rint(REALS)),
    ],
)
def test_values(name: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(both(functions.ELEMENTWISE[name], REALS), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sum", REALS.sum()),
        ("prod", REALS.prod()),
        ("mean", REALS.mean()),
        ("max", REALS.max()),
        ("min", REALS.min()),
        ("logsumexp", np.log(np.exp(REALS).sum())),
        ("sd", REALS.std(ddof=1)),
        ("variance", REALS.var(ddof=1)),
    ],
)
def test_reductions(name: str, expected: float) -> None:
    found = both(lambda xp, x: functions.REDUCTIONS[name](xp, x, (0, 1)), REALS)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("softmax", np.exp(REALS) / np.exp(REALS).sum(1, keepdims=True)),
        ("log_softmax", REALS - np.log(np.exp(REALS).sum(1, keepdims=True))),
        ("cumsum", np.add.accumulate(REALS, axis=1)),
        ("sort", np.sort(REALS, axis=1)),
    ],
)
def test_along_the_last_dim(name: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(both(functions.LAST[name], REALS), expected, rtol=1e-12)


def each(f: Any, *arrays: np.ndarray) -> np.ndarray:
    return np.stack([f(*(a[i] for a in arrays)) for i in range(2)])


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("dot", (V, V[::-1]), each(np.dot, V, V[::-1])),
        ("matmul", (A, V), each(np.dot, A, V)),
        ("matmul", (V, A), each(np.dot, V, A)),
        ("matmul", (A, A[::-1]), each(np.dot, A, A[::-1])),
        ("cholesky", (POSITIVE_DEFINITE,), each(np.linalg.cholesky, POSITIVE_DEFINITE)),
        ("inverse", (POSITIVE_DEFINITE,), each(np.linalg.inv, POSITIVE_DEFINITE)),
        ("logdet", (POSITIVE_DEFINITE,), each(lambda a: np.log(np.linalg.det(a)), POSITIVE_DEFINITE)),
        ("trace", (A,), each(np.trace, A)),
        ("solve", (A, V), each(np.linalg.solve, A, V)),
        ("solve", (A, A[::-1]), each(np.linalg.solve, A, A[::-1])),
        ("solve_lower", (A, V), each(lambda a, v: scipy.linalg.solve_triangular(a, v, lower=True), A, V)),
        ("quadratic", (V, A), each(lambda v, a: v @ a @ v, V, A)),
        ("diag", (V,), each(np.diag, V)),
        ("diagonal", (A,), each(np.diag, A)),
        ("transpose", (A,), each(np.transpose, A)),
        ("outer", (V, V[::-1]), each(np.outer, V, V[::-1])),
    ],
)
def test_matrices(name: str, arguments: tuple[np.ndarray, ...], expected: np.ndarray) -> None:
    found = both(lambda xp, *x: functions.MATRIX[name](xp, 1, *x), *arguments)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_running_sums_of_a_batch_have_the_right_gradient() -> None:
    """XLA 0.10.2 gets this wrong for `lax.cumsum` alone; see `functions`."""

    def f(u: jax.Array) -> jax.Array:
        return -0.5 * (1.3 - functions.LAST["cumsum"](jnp, u[:3])[1]) ** 2

    points = jnp.asarray(RNG.normal(size=(3, 4)))
    found = jax.jit(jax.vmap(jax.grad(f)))(points)
    slope = 1.3 - points[:, 0] - points[:, 1]
    np.testing.assert_allclose(found, jnp.stack([slope, slope, 0 * slope, 0 * slope], 1), rtol=1e-12)
