"""What linear algebra by noise takes: simulated seconds of an array until an answer has its accuracy, by dimension.

    python benchmarks/thermodynamic.py [--largest 256] [--repeats 8]

Matrices have the eigenvalues 1, 2, 4 and 8, as many of each, in the basis of Hadamard in some order, so that all their
diagonals and the largest conductance are the same; solutions are of no pattern. Systems and inverses are stopped
at 5 % of the answer's length, log determinants at 0.05 nats; a unit of time is a microsecond. `error`: the root mean
square of the true error over that which the array states. The last line is the exponent of the growth, fitted to all,
with its standard error. The time that the simulation took is the processor's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from ppl.hardware import invert, log_determinant, solve
from ppl.hardware.analogue.linear_algebra import Estimate

Floats = NDArray[np.float64]
Task = Callable[[Floats, Floats, int], tuple[Estimate, Floats]]


def system(a: Floats, x: Floats, seed: int) -> tuple[Estimate, Floats]:
    """The solution at a length of one thermal unit, whatever its dimension."""
    b = a @ x
    return solve(a, b, 0.05, drive=float(np.linalg.norm(b) / np.linalg.norm(x) / a.max()), seed=seed), x


def inverse(a: Floats, _: Floats, seed: int) -> tuple[Estimate, Floats]:
    return invert(a, 0.05, seed=seed), np.asarray(np.linalg.inv(a), np.float64)


def determinant(a: Floats, _: Floats, seed: int) -> tuple[Estimate, Floats]:
    return log_determinant(a, 0.05, seed=seed), np.asarray(np.linalg.slogdet(a).logabsdet, np.float64)


TASKS: dict[str, Task] = {"A x = b": system, "inverse": inverse, "log det": determinant}


def measured(task: Task, size: int, repeats: int) -> tuple[Floats, float, float]:
    """Seconds of the array, (repeats,); the ratio of errors; and the processor's seconds each."""
    seconds, ratios = np.zeros(repeats), np.zeros(repeats)
    began = time.process_time()
    for seed in range(repeats):
        rng = np.random.default_rng([size, seed])
        basis = hadamard(size, np.float64)
        a = (basis * rng.permutation(np.resize([1.0, 2.0, 4.0, 8.0], size))) @ basis.T / size
        found, truth = task(a, rng.normal(size=size), seed)
        seconds[seed] = found.time
        ratios[seed] = np.sum((found.value - truth) ** 2) / np.sum(found.error**2)
    return seconds, float(np.sqrt(ratios.mean())), (time.process_time() - began) / repeats


def exponent(sizes: list[int], seconds: Floats) -> tuple[float, float]:
    """Of seconds, (sizes, repeats), and its standard error, from the scatter of repeats."""
    at = np.log(sizes) - np.mean(np.log(sizes))
    slopes = at @ np.log(seconds) / (at @ at)
    return float(np.mean(slopes)), float(np.std(slopes, ddof=1) / np.sqrt(len(slopes)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=8)
    options = parser.parse_args()
    sizes = [2**k for k in range(2, options.largest.bit_length())]
    for name, task in TASKS.items():
        print(f"{name}\n{'d':>6}{'array':>12}{'error':>8}{'simulated in':>14}")
        rows = []
        for size in sizes:
            seconds, ratio, cost = measured(task, size, options.repeats)
            rows.append(seconds)
            print(f"{size:>6}{seconds.mean() * 1e3:>9.3f} ms{ratio:>8.2f}{cost:>12.2f} s", flush=True)
        slope, error = exponent(sizes, np.array(rows))
        print(f"time ∝ d^{slope:.2f} ± {error:.2f}\n")


if __name__ == "__main__":
    main()
