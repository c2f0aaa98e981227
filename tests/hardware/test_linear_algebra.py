"""Linear algebra by noise: against NumPy, in standard errors of what the array itself reports; and what it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ppl.errors import PplError
from ppl.hardware import invert, log_determinant, solve
from ppl.hardware.analogue.relaxation import Array, relaxed

Floats = NDArray[np.float64]


def matrix(size: int, seed: int) -> Floats:
    """Eigenvalues 1, 2, 4, 8, 1, 2, ... in a basis of no pattern."""
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    found: Floats = (basis * np.resize([1.0, 2.0, 4.0, 8.0], size)) @ basis.T
    return found


def squared_errors(values: list[Floats], errors: list[Floats], truths: list[Floats]) -> Floats:
    """Of each answer, in units of the mean square of what it says: 1 on average."""
    triples = zip(values, errors, truths, strict=True)
    return np.array([np.sum((value - truth) ** 2) / np.sum(error**2) for value, error, truth in triples])


def near(found: Floats, expected: float, sigmas: float = 4.0) -> None:
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found) - expected) < sigmas * error


def test_transitions_are_exact() -> None:
    """Averages over blocks of an array at rest have the variances and covariances of the process, however long the
    blocks are; and so has the state."""
    rates = np.array([3e-4, 0.01, 0.5, 2.0, 30.0])
    block, count = 1.5, 20000
    path = Array(rates, np.eye(5)).path(np.random.default_rng(1))
    path.place = path.rng.normal(size=5) / np.sqrt(rates)
    averages = np.array([path.average(block) for _ in range(count)])
    lost = -np.expm1(-rates * block)
    variance = 2 / (rates * block) ** 2 * (block - lost / rates)
    covariance = lost**2 / rates**3 / block**2
    # Of slow modes few relaxation times have gone by: their increments are compared.
    change = np.diff(averages, axis=0) ** 2
    spread = np.std(change[:19900].reshape(100, -1, 5).mean(1), axis=0)
    assert (abs(np.mean(change, axis=0) - 2 * (variance - covariance)) < 4 * spread / 10).all()
    z = relaxed(np.full((count, 5), 2.0), rates, block, path.rng)
    assert (abs(z.mean(0) - 2 * np.exp(-rates * block)) < 4 * z.std(0) / np.sqrt(count)).all()
    exact = -np.expm1(-2 * rates * block) / rates
    assert (abs(z.var(0) / exact - 1) < 4 * np.sqrt(2 / count)).all()


def test_answers_are_within_the_errors_that_they_state() -> None:
    matrices = [matrix(size, seed) for size in (2, 5, 9) for seed in range(30)]
    vectors = [np.random.default_rng(seed).normal(size=len(a)) for seed, a in enumerate(matrices)]
    solved = [solve(a, b, 0.05, seed=seed) for seed, (a, b) in enumerate(zip(matrices, vectors, strict=True))]
    inverted = [invert(a, 0.1, seed=seed) for seed, a in enumerate(matrices)]
    logs = [log_determinant(a, 0.1, seed=seed) for seed, a in enumerate(matrices)]
    exact: list[tuple[list[Any], list[Any]]] = [
        (solved, [np.linalg.solve(a, b) for a, b in zip(matrices, vectors, strict=True)]),
        (inverted, [np.linalg.inv(a) for a in matrices]),
        (logs, [np.linalg.slogdet(a).logabsdet for a in matrices]),
    ]
    for found, truths in exact:
        near(squared_errors([one.value for one in found], [one.error for one in found], truths), 1.0)
    for one, truth in zip(solved, exact[0][1], strict=True):
        assert np.linalg.norm(one.error) <= 0.05 * np.linalg.norm(one.value)
        assert np.linalg.norm(one.value - truth) < 0.3 * np.linalg.norm(truth)
    assert all(one.error <= 0.1 for one in logs)
    large = log_determinant(matrix(64, 1), 0.02)
    assert abs(large.value - 64 * np.log(8) / 2) < 4 * large.error


def test_the_time_that_it_takes_grows_with_the_dimension() -> None:
    """To one accuracy, for eigenvalues in one range and answers of one length: in proportion. And errors are those of
    the theory, so that it is the array's time that is counted."""
    sizes, repeats, accuracy = (4, 8, 16, 32), 12, 0.02
    times = np.zeros((len(sizes), repeats))
    shares = np.zeros((len(sizes), repeats))
    for row, size in enumerate(sizes):
        for seed in range(repeats):
            a = matrix(size, seed)
            x = np.random.default_rng(seed).normal(size=size)
            x /= np.linalg.norm(x)
            found = solve(a, a @ x, accuracy, drive=float(np.linalg.norm(a @ x)), tau=1.0, seed=seed)
            times[row, seed] = found.time
            # The mean squared error of the average of an array that shows a.max() x is 2 tr (a / a.max())⁻² / time.
            shares[row, seed] = found.time * np.sum(found.error**2) / (2 * np.sum(np.linalg.inv(a) ** 2))
    near(shares.ravel(), 1.0)
    at = np.log(sizes) - np.mean(np.log(sizes))
    near(at @ np.log(times) / (at @ at), 1.0)


def test_scales_change_nothing() -> None:
    """What an array holds is relative to the largest element, and what it shows to the answer's length."""
    a, b = matrix(5, 1), np.arange(5.0)
    plain, scaled = solve(a, b), solve(2.0**20 * a, b / 1024, tau=2e-6)
    np.testing.assert_allclose(scaled.value, plain.value / 2.0**30, rtol=1e-9)
    assert scaled.time == pytest.approx(2 * plain.time)
    assert scaled.relaxations == pytest.approx(plain.relaxations)
    stretched = np.diag([0.1, 1, 7, 100, 2.0])
    moved = log_determinant(stretched @ a @ stretched, 0.2)
    assert moved.time == pytest.approx(log_determinant(a, 0.2).time)
    assert moved.value == pytest.approx(log_determinant(a, 0.2).value + 2 * np.log(np.diag(stretched)).sum())


def test_what_needs_no_noise() -> None:
    assert log_determinant(np.diag([2.0, 3.0])).value == pytest.approx(np.log(6))
    np.testing.assert_array_equal(solve(matrix(3, 1), np.zeros(3)).value, np.zeros(3))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([[1.0, 2.0], [0.0, 1.0]], "not symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], "not positive definite"),
        ([[1.0, 1.0], [1.0, 1.0]], "not positive definite"),
        ([[1.0, np.nan], [np.nan, 1.0]], "finite"),
        ([1.0, 2.0], "square"),
    ],
)
def test_matrices_that_no_array_holds(wrong: Any, said: str) -> None:
    for of in (invert, log_determinant, lambda m: solve(m, np.ones(2))):
        with pytest.raises(PplError, match=said) as error:
            of(wrong)
        assert error.value.diagnostics[0].code == "E731"


def test_arguments() -> None:
    with pytest.raises(PplError, match="2 finite numbers"):
        solve(np.eye(2), [1.0, 2.0, 3.0])
    with pytest.raises(PplError, match="`accuracy` takes a number above 0"):
        invert(np.eye(2), 0.0)
