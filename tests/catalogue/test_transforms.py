"""Round trips and log-Jacobians of every support's transform, the latter against the determinant by autodiff."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy.linalg import null_space

from ppl.catalogue.membership import outside
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.density.transforms import TRANSFORMS, to_constrained, to_unconstrained, unconstrained_shape

EVENTS = {0: (), 1: (4,), 2: (4, 4)}
KINDS = [name for name, spec in SUPPORTS.items() if not spec.discrete]
BOUNDS = [(None, None), (-0.3, None), (None, 2.5), (-0.3, 2.5)]
CASES = [(kind, *bounds) for kind in KINDS for bounds in (BOUNDS if SUPPORTS[kind].bounded else BOUNDS[:1])]


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def event_of(kind: str) -> tuple[int, ...]:
    return EVENTS[SUPPORTS[kind].event_rank]


def split(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """(points, size of u): the origin with random ones, and extremes in all and in some of the coordinates."""
    size = int(np.prod(unconstrained_shape(kind, event_of(kind)), dtype=int))
    rng = np.random.default_rng(7)
    near = rng.normal(size=(20, size))
    far = 30.0 * rng.choice([-1.0, 1.0], size=(8, size))
    mixed = np.where(rng.random((8, size)) < 0.3, far, near[:8])
    ends = 30.0 * np.array([[-1.0], [1.0]]) * np.ones((1, size))
    return np.concatenate([np.zeros((1, size)), near]), np.concatenate([mixed, far, ends])


def free(kind: str, x: jax.Array) -> jax.Array:
    """The coordinates that determine the event."""
    if kind in ("simplex", "open_simplex"):
        return x[..., :-1]
    if kind in ("cholesky_corr", "corr"):
        return x[np.tril_indices(x.shape[-1], -1)]
    if kind in ("cholesky_cov", "positive_definite"):
        return x[np.tril_indices(x.shape[-1])]
    if kind.startswith("zero_sum"):
        basis = jnp.asarray(null_space(np.ones((1, 4))))  # not the transform's own, but orthonormal too
        return jnp.ravel(basis.T @ x if kind == "zero_sum" else basis.T @ x @ basis)
    return x.reshape(-1)


def test_every_support_has_a_transform() -> None:
    assert set(KINDS) == set(TRANSFORMS)
    for kind in KINDS:
        assert TRANSFORMS[kind].event_rank == SUPPORTS[kind].event_rank


def run(
    kind: str, lower: float | None, upper: float | None, us: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, log-Jacobian and the Jacobian of the free coordinates at each row of us."""
    shape = unconstrained_shape(kind, event_of(kind))

    def forward(u: jax.Array) -> tuple[jax.Array, jax.Array]:
        x, log_jacobian = to_constrained(kind, u.reshape(shape), lower, upper)
        return x, jnp.sum(log_jacobian)

    def coordinates(u: jax.Array) -> jax.Array:
        return free(kind, forward(u)[0])

    x, log_jacobian, jacobian = jax.jit(jax.vmap(lambda u: (*forward(u), jax.jacfwd(coordinates)(u))))(us)
    return np.asarray(x), np.asarray(log_jacobian), np.asarray(jacobian)


@pytest.mark.parametrize(("kind", "lower", "upper"), CASES)
def test_log_jacobian_and_round_trip(kind: str, lower: float | None, upper: float | None) -> None:
    near, far = split(kind)
    us = np.concatenate([near, far])
    x, log_jacobian, jacobian = run(kind, lower, upper, us)
    assert np.isfinite(x).all()
    assert np.isfinite(log_jacobian).all()
    assert np.isfinite(jacobian).all()
    assert not outside(kind, x, lower, upper)[: len(near)].any()
    triangular = kind not in ("simplex", "open_simplex", "cholesky_corr", "corr") and not (lower and upper)
    checked = len(us) if triangular else len(near)  # else the determinant in floating point loses its digits
    wanted = np.linalg.slogdet(jacobian[:checked])[1]
    assert np.all(np.abs(log_jacobian[:checked] - wanted) <= 1e-8 * np.maximum(1.0, np.abs(wanted)))
    shape = unconstrained_shape(kind, event_of(kind))
    back = jax.jit(jax.vmap(lambda t: to_unconstrained(kind, t, lower, upper)))(x)
    assert back.shape == (len(us), *shape)
    np.testing.assert_allclose(np.asarray(back)[: len(near)].reshape(near.shape), near, atol=1e-11, rtol=1e-11)


# --- the extremes, in mpmath -------------------------------------------------------------------------


def softmax(z: list[Any]) -> list[Any]:
    total = mp.fsum(mp.exp(t) for t in z)
    return [mp.exp(t) / total for t in z]


def exact_simplex(u: list[Any]) -> list[Any]:
    """softmax(V u), the k-th column of V being k ones and then -k over sqrt(k (k + 1))."""
    n = len(u) + 1
    z = [mp.mpf(0)] * n
    for k, t in enumerate(u, start=1):
        for i in range(k):
            z[i] += t / mp.sqrt(k * (k + 1))
        z[k] -= k * t / mp.sqrt(k * (k + 1))
    return softmax(z)


def exact_ordered(u: list[Any]) -> list[Any]:
    steps = exact_simplex(u)
    return [mp.mpf(-0.3) + mp.mpf(2.8) * mp.fsum(steps[: k + 1]) for k in range(len(u))]


def placement(size: int) -> list[tuple[int, int]]:
    """Which entry of the factor each unconstrained coordinate sets: the one that is not 0 when only it is not."""
    places = []
    for k in range(size):
        factor = np.tril(np.asarray(to_constrained("cholesky_corr", jnp.eye(size)[k])[0]), -1)
        ((row, column),) = np.argwhere(factor != 0)
        places.append((int(row), int(column)))
    return places


def exact_factor(u: list[Any]) -> Any:
    n = 4
    factor = mp.eye(n)
    partial = dict(zip(placement(len(u)), u, strict=True))
    for i in range(1, n):
        rest = mp.mpf(1)
        for j in range(i):
            factor[i, j] = mp.tanh(partial[i, j]) * rest
            rest *= mp.sech(partial[i, j])
        factor[i, i] = rest
    return factor


def strictly_lower(matrix: Any) -> list[Any]:
    return [matrix[i, j] for i in range(matrix.rows) for j in range(i)]


def exact_log_determinant(forward: Callable[[list[Any]], list[Any]], u: list[float]) -> Any:
    with mp.workdps(250):
        at = [mp.mpf(t) for t in u]
        step = mp.mpf(10) ** -80
        columns = []
        for k in range(len(at)):
            up, down = (forward([t + s * (i == k) for i, t in enumerate(at)]) for s in (step, -step))
            columns.append([(a - b) / (2 * step) for a, b in zip(up, down, strict=True)])
        return mp.log(abs(mp.det(mp.matrix(columns))))


@pytest.mark.parametrize(
    ("kind", "lower", "upper", "forward"),
    [
        ("simplex", None, None, lambda u: exact_simplex(u)[:-1]),
        ("ordered", -0.3, 2.5, exact_ordered),
        ("cholesky_corr", None, None, lambda u: strictly_lower(exact_factor(u))),
        ("corr", None, None, lambda u: strictly_lower(exact_factor(u) * exact_factor(u).T)),
    ],
)
def test_log_jacobian_at_the_extremes(
    kind: str, lower: float | None, upper: float | None, forward: Callable[[list[Any]], list[Any]]
) -> None:
    _, far = split(kind)
    found = np.asarray(jax.jit(jax.vmap(lambda u: to_constrained(kind, u, lower, upper)[1]))(far[:6]))
    for u, log_jacobian in zip(far[:6], found, strict=True):
        wanted = exact_log_determinant(forward, [float(t) for t in u])
        assert abs(mp.mpf(float(log_jacobian)) - wanted) <= 1e-8 * abs(wanted)


# --- shapes and bounds -------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "lower", "upper"), CASES)
def test_batches(kind: str, lower: float | None, upper: float | None) -> None:
    """A batch (2, 3), with bounds that vary along its last dim, equals its elements one by one."""
    event = event_of(kind)
    shape = unconstrained_shape(kind, (2, 3, *event))
    u = jnp.asarray(np.random.default_rng(1).normal(size=shape))
    low = None if lower is None else jnp.asarray([lower, lower - 1, lower - 2])
    high = None if upper is None else jnp.asarray([upper, upper + 1, upper + 2])
    forward = jax.jit(functools.partial(to_constrained, kind))
    x, log_jacobian = forward(u, low, high)
    assert x.shape == (2, 3, *event)
    assert log_jacobian.shape == (2, 3)
    back = jax.jit(functools.partial(to_unconstrained, kind))(x, low, high)
    np.testing.assert_allclose(np.asarray(back), np.asarray(u), atol=1e-11)
    one, one_jacobian = forward(u[1, 2], None if low is None else low[2], None if high is None else high[2])
    np.testing.assert_allclose(np.asarray(one), np.asarray(x[1, 2]), rtol=1e-13)
    np.testing.assert_allclose(float(one_jacobian), float(log_jacobian[1, 2]), rtol=1e-12)


def test_single_elements() -> None:
    """A simplex of one, a correlation matrix of one: nothing to choose."""
    for kind, event in (("simplex", (1,)), ("cholesky_corr", (1, 1)), ("corr", (1, 1))):
        shape = unconstrained_shape(kind, (3, *event))
        assert shape == (3, 0)
        x, log_jacobian = to_constrained(kind, jnp.zeros(shape))
        assert x.shape == (3, *event)
        assert np.all(np.asarray(x) == 1)
        assert np.all(np.asarray(log_jacobian) == 0)
        assert to_unconstrained(kind, x).shape == shape


def test_origin_is_the_middle() -> None:
    assert np.asarray(to_constrained("simplex", jnp.zeros(4))[0]) == pytest.approx(0.2)
    assert float(to_constrained("interval", jnp.zeros(()), 2.0, 6.0)[0]) == 4.0
    assert float(to_constrained("positive", jnp.zeros(()))[0]) == 1.0
    assert np.array_equal(np.asarray(to_constrained("cholesky_corr", jnp.zeros(6))[0]), np.eye(4))
    between = np.asarray(to_constrained("ordered", jnp.zeros(3), 0.0, 1.0)[0])
    assert between == pytest.approx(np.array([0.25, 0.5, 0.75]))


@pytest.mark.parametrize("kind", ["interval", "ordered"])
def test_gradients_reach_the_bounds(kind: str) -> None:
    """Bounds may be parameters: central differences, at the origin and far out, and never NaN."""
    size = unconstrained_shape(kind, event_of(kind))

    def total(bounds: jax.Array, u: jax.Array) -> jax.Array:
        x, log_jacobian = to_constrained(kind, u, bounds[0], bounds[1])
        return jnp.sum(jnp.sin(x)) + jnp.sum(log_jacobian)

    gradient = jax.jit(jax.grad(total))
    bounds = np.array([-0.3, 2.5])
    for u in (np.zeros(size), np.full(size, 0.7), np.full(size, 30.0), np.full(size, -30.0)):
        found = np.asarray(gradient(bounds, u))
        for i in range(2):
            step = np.eye(2)[i] * 1e-5
            wanted = (float(total(bounds + step, u)) - float(total(bounds - step, u))) / 2e-5
            assert found[i] == pytest.approx(wanted, rel=1e-6, abs=1e-6)
    crossed = np.asarray(gradient(np.array([2.5, -0.3]), np.zeros(size)))
    assert not np.isnan(crossed).any()
    assert float(total(np.array([2.5, -0.3]), np.zeros(size))) == -np.inf
