"""Linear algebra by thermal noise: A x = b, A⁻¹ and log det A read off an array of modes at rest (Aifer et al. 2023).

The array holds A / a, where a is the largest element of A, which is on its diagonal: a unit of time, `tau` seconds, is
then R C of its largest conductance. With kT = 1,

    dx = -((A / a) x - f) dt + √2 dW,    x ~ N(a A⁻¹ f, a A⁻¹) at rest,

so that the mean solves a system, the covariance is an inverse, and the work of leading the array from one matrix to
another gives the ratio of their determinants. All are averages over time, and `time` is how long they took, with the
time in which the array comes to rest. An array is linear, so that its transitions are simulated exactly, from one
diagonalisation, however long they are: a simulator must diagonalise what the array needs not.

The average over time T that solves a system has a mean squared error of 2 tr (A / a)⁻² / T, which grows with the
dimension where the eigenvalues keep their range; and so does the time for an answer of some length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ppl.errors import Diagnostic, PplError
from ppl.hardware.analogue.relaxation import Array, relaxed
from ppl.inference.annealing.work import bennett

Floats = NDArray[np.float64]

# Averages over blocks of time: when there are twice as many, they are joined two by two.
_BLOCKS = 32
# Relaxation times of the slowest mode: what an array is left to itself before it is read, after which e⁻²⁰ of a
# variance is missing; and the first blocks, which remember the one before by a tenth.
_SETTLING = 10.0
_FIRST_BLOCK = 10.0
# How many more blocks there are at each look at their scatter.
_LOOK = 8
# Cycles of the work before the first look at its error; steps one way, of which there are twice as many while a cycle
# dissipates more than so many nats; and relaxation times of the slowest mode for which a step is held, and the ends.
# Many cycles of few steps take as long as few of many, but for the ends, which should not be most of it.
_CYCLES = 64
_STEPS = 16
_DISSIPATED = 0.25
_HELD = 1.0
_ENDS = 5.0


@dataclass(frozen=True, eq=False)
class Estimate:
    """What an array has shown.

    value: the answer; error: its standard error, of the same shape; time: seconds of the array, all in all;
    relaxations: the same in relaxation times of its slowest mode.
    """

    value: Floats
    error: Floats
    time: float
    relaxations: float


def solve(
    matrix: ArrayLike,
    vector: ArrayLike,
    accuracy: float = 0.01,
    *,
    drive: float = 1.0,
    tau: float = 1e-6,
    seed: int = 0,
) -> Estimate:
    """x with A x = b: the average over time of an array that b drives (Aifer et al. 2023, section 2.1).

    matrix: (d, d), symmetric and positive definite; vector: (d,); accuracy: standard error of the answer over its
    length, at which the array is stopped; drive: the length of f, in units in which noise has kT = 1: a circuit whose
    voltages may swing further needs 1 / drive² of the time; tau: seconds.

    Raises:
        PplError: no such matrix or vector (E731), or a setting that is not valid (E608).
    """
    a, scale = _checked(matrix)
    b = np.asarray(vector, np.float64)
    if b.shape != a.shape[:1] or not np.isfinite(b).all():
        _refuse(f"the right-hand side is not {len(a)} finite numbers")
    _positive(accuracy=accuracy, drive=drive, tau=tau)
    length = float(np.linalg.norm(b))
    if length == 0:
        return Estimate(np.zeros(len(b)), np.zeros(len(b)), 0.0, 0.0)
    array = Array.of(a / scale)
    path = array.path(np.random.default_rng(seed), drive * b / length)
    value, error, time = _averaged(path.average, array, path.settle(_SETTLING), accuracy)
    shown = length / (drive * scale)
    return Estimate(shown * value, shown * error, tau * time, time * array.slowest)


def invert(matrix: ArrayLike, accuracy: float = 0.01, *, tau: float = 1e-6, seed: int = 0) -> Estimate:
    """A⁻¹: the covariance of an array, read once in a d / tr A units of time (Aifer et al. 2023, section 2.2).

    matrix: (d, d), symmetric and positive definite; accuracy: standard error over the answer's length, both in the
    Frobenius norm; tau: seconds.

    Raises:
        PplError: no such matrix (E731), or a setting that is not valid (E608).
    """
    a, scale = _checked(matrix)
    _positive(accuracy=accuracy, tau=tau)
    array = Array.of(a / scale)
    path = array.path(np.random.default_rng(seed))
    value, error, time = _averaged(path.second_moment, array, path.settle(_SETTLING), accuracy)
    return Estimate(value / scale, error / scale, tau * time, time * array.slowest)


def log_determinant(matrix: ArrayLike, accuracy: float = 0.1, *, tau: float = 1e-6, seed: int = 0) -> Estimate:
    """log det A: twice the free energy of A above that of its diagonal D, from the work of cycles D → A → D.

    Modes are shown at scales that make D the unit matrix. Conductances then go from it to D^(-½) A D^(-½) in equal
    steps, and at each, the array being at x, the work ½ xᵀ ΔK x is done. Work on both ways gives the free energy
    however fast the steps are (Jarzynski 1997; Crooks 1999; Bennett 1976); there are as many as keep what a cycle
    dissipates to a quarter of kT. At either end the array is left to come to rest.

    matrix: (d, d), symmetric and positive definite; accuracy: standard error, in nats; tau: seconds. `value` and
    `error` have no axes.

    Raises:
        PplError: no such matrix (E731), or a setting that is not valid (E608).
    """
    a, _ = _checked(matrix)
    _positive(accuracy=accuracy, tau=tau)
    diagonal = np.diag(a)
    known = float(np.sum(np.log(diagonal)))
    if not (a - np.diag(diagonal)).any():
        return Estimate(np.array(known), np.array(0.0), 0.0, 0.0)
    rates = np.asarray(np.linalg.eigvalsh(a / np.sqrt(np.outer(diagonal, diagonal))), np.float64)
    rng = np.random.default_rng(seed)
    steps, time = _STEPS, 0.0
    while True:
        cycle = _Cycle(rates, steps)
        there, back = cycle.work(_CYCLES, rng)
        time += _CYCLES * cycle.time
        if np.mean(there) - np.mean(back) <= _DISSIPATED:
            break
        steps *= 2
    found = bennett(-there, -back)
    while (error := 2 * float(np.sqrt(found.variance))) > accuracy:
        more = int(np.ceil(len(there) * min(max((error / accuracy) ** 2 - 1, 0.1), 3.0)))
        ways = cycle.work(more, rng)
        there, back = np.append(there, ways[0]), np.append(back, ways[1])
        time += more * cycle.time
        found = bennett(-there, -back)
    return Estimate(np.array(known - 2 * found.log_z), np.array(error), tau * time, time * float(rates[0]))


def _averaged(
    block: Callable[[float], Floats], array: Array, time: float, accuracy: float
) -> tuple[Floats, Floats, float]:
    """The average over time of what `block` averages over some of it; its standard error, from the scatter of blocks;
    and the time, with what went by before."""
    length = _FIRST_BLOCK / array.slowest
    blocks: list[Floats] = []
    while True:
        blocks.append(block(length))
        time += length
        if len(blocks) < _BLOCKS or len(blocks) % _LOOK:
            continue
        mean = np.mean(blocks, axis=0)
        error = np.std(blocks, axis=0, ddof=1) / np.sqrt(len(blocks))
        if np.linalg.norm(error) <= accuracy * np.linalg.norm(mean):
            return mean, error, time
        if len(blocks) == 2 * _BLOCKS:
            blocks = [(one + other) / 2 for one, other in zip(blocks[::2], blocks[1::2], strict=True)]
            length *= 2


@dataclass(frozen=True, eq=False)
class _Cycle:
    """From the unit matrix to one of these rates and back. All matrices on the way have the same modes, which are
    therefore simulated one by one. rates: (d,); steps: one way."""

    rates: Floats
    steps: int

    def at(self, step: int) -> Floats:
        """(d,): the rates after so many steps."""
        return 1 + step / self.steps * (self.rates - 1)

    def rest(self, step: int) -> float:
        """How long the array is held there."""
        return float((_ENDS if step in (0, self.steps) else _HELD) / self.at(step).min())

    @property
    def time(self) -> float:
        return 2 * sum(map(self.rest, range(self.steps + 1))) - self.rest(0) - self.rest(self.steps)

    def work(self, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """(count,) done on the way there, and (count,) gained on the way back, of cycles one after the other. Those
        forget each other at either end, and are simulated side by side."""
        change = (self.rates - 1) / self.steps
        x = relaxed(np.zeros((count, len(change))), self.at(0), self.rest(0), rng)
        works = []
        for way in (range(1, self.steps + 1), range(self.steps - 1, -1, -1)):
            work = np.zeros(count)
            for step in way:
                work += 0.5 * x**2 @ change
                x = relaxed(x, self.at(step), self.rest(step), rng)
            works.append(work)
        return works[0], works[1]


def _checked(matrix: ArrayLike) -> tuple[Floats, float]:
    """The matrix, and its largest element."""
    a = np.asarray(matrix, np.float64)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or not a.size or not np.isfinite(a).all():
        _refuse("not a square matrix of finite numbers")
    if not np.allclose(a, a.T, rtol=1e-10, atol=1e-10 * np.abs(a).max()):
        _refuse("the matrix is not symmetric")
    a = (a + a.T) / 2
    if np.linalg.eigvalsh(a)[0] <= 1e-13 * np.abs(a).max():
        _refuse("the matrix is not positive definite")
    return a, float(a.max())


def _refuse(title: str) -> NoReturn:
    hints = (
        "an array comes to rest under a symmetric, positive definite matrix alone",
        "any other system of full rank has normal equations, AᵀA x = Aᵀb, whose matrix is one",
    )
    raise PplError([Diagnostic("E731", title, hints=hints)])


def _positive(**settings: float) -> None:
    wrong = [name for name, value in settings.items() if not 0 < value < np.inf]
    if wrong:
        raise PplError([Diagnostic("E608", f"`{name}` takes a number above 0") for name in wrong])
