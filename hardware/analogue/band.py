"""The law of a circuit under noise as it is: band-limited.

A noise source has a new normal number every `step` seconds and straight lines between them, as `trnoise` of ngspice.
Its values n_k have the variance density / step, so that slow circuits see white noise of that density. For a linear
circuit dz = (F z + B n + f) dt the pair (z, n) at the corners k · step is an autoregression of order one, whose
stationary covariance solves a discrete Lyapunov equation: nothing is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm, solve_continuous_lyapunov, solve_discrete_lyapunov

from ppl.hardware.analogue.cells import Cells
from ppl.hardware.analogue.components import Floats

# The least relaxation rate, in 1 / τ, that a time is told of: a flat place has none.
_SLOW = 1e-3


class Gaussian(NamedTuple):
    """mean: (n,); covariance: (n, n)."""

    mean: Floats
    covariance: Floats


@dataclass(frozen=True, eq=False)
class Linear:
    """dz = (drift z + inlet noise + constant) dt. drift: (d, d); inlet: (d, n); constant: (d,); density: (n,),
    two-sided. The first n of z are voltages."""

    drift: Floats
    inlet: Floats
    constant: Floats
    density: Floats


def linear(cells: Cells) -> Linear:
    """Of cells without their force. z: voltages, then, where there are inductors, their currents times L / τ, which are
    voltages too."""
    size = cells.size
    elastance = np.asarray(np.linalg.inv(cells.capacitance.matrix(size)), np.float64)
    conductance = cells.conductance.matrix(size)
    if cells.inductance is None:
        return Linear(-elastance @ conductance, elastance, elastance @ cells.bias, cells.noise)
    nothing, still = np.zeros((size, size)), np.zeros(size)
    turn = np.eye(size) / cells.tau
    admittance = elastance * (cells.tau / cells.inductance)
    if cells.resistance is None or cells.coupling is None:
        return Linear(
            np.block([[-elastance @ conductance, -admittance], [turn, nothing]]),
            np.concatenate([elastance, nothing]),
            np.concatenate([elastance @ cells.bias, still]),
            cells.noise,
        )
    loop = (cells.coupling - np.eye(size)) / cells.tau
    return Linear(
        np.block([[nothing, admittance], [loop, -np.diag(cells.resistance / cells.inductance)]]),
        np.concatenate([nothing, turn]),
        np.concatenate([still, cells.bias / cells.tau]),
        cells.noise,
    )


class Times(NamedTuple):
    """In s. slowest: what a mode takes to forget; fastest: the shortest time of the circuit."""

    slowest: float
    fastest: float


def times(cells: Cells) -> Times:
    """Of the circuit near its places of rest; what it takes from one to another is not among them."""
    circuit = linear(cells)
    found = []
    for curvature in cells.curvatures:
        drift = circuit.drift.copy()
        drift[:, : cells.size] -= circuit.inlet @ (cells.drive[:, None] * curvature * cells.scale)
        rates = np.linalg.eigvals(drift) * cells.tau
        slowest = min(-rates.real.max(), np.abs(rates).max())
        found.append((max(float(slowest), _SLOW), float(np.abs(rates).max())))
    slow, fast = (np.array(column) for column in zip(*found, strict=True))
    return Times(cells.tau / float(slow.min()), cells.tau / float(fast.max()))


def ideal_law(cells: Cells) -> Gaussian:
    """Of x under white noise."""
    circuit = linear(cells)
    spread = circuit.inlet * circuit.density @ circuit.inlet.T
    tau = cells.tau
    return _of_x(cells, circuit, solve_continuous_lyapunov(tau * circuit.drift, -tau * spread))


def banded_law(cells: Cells, step: float) -> Gaussian:
    """Of x at the corners of the noise. step: seconds."""
    circuit = linear(cells)
    size, width = circuit.inlet.shape
    # z, what the noise does to it in a step, and the change of that: over a step they move by one exponential.
    whole = np.zeros((size + 2 * width, size + 2 * width))
    whole[:size, :size] = step * circuit.drift
    whole[:size, size : size + width] = step * circuit.inlet * np.sqrt(circuit.density / step)
    whole[size : size + width, size + width :] = np.eye(width)
    moved = expm(whole)[:size]
    level, slope = moved[:, size : size + width], moved[:, size + width :]
    transition = np.zeros((size + width, size + width))
    transition[:size, :size] = moved[:, :size]
    transition[:size, size:] = level - slope
    entry = np.concatenate([slope, np.eye(width)])
    return _of_x(cells, circuit, solve_discrete_lyapunov(transition, entry @ entry.T)[:size, :size])


def _of_x(cells: Cells, circuit: Linear, covariance: NDArray[np.floating]) -> Gaussian:
    size = cells.size
    mean = np.asarray(np.linalg.solve(circuit.drift, -circuit.constant)[:size], np.float64)
    volts = covariance[:size, :size]
    return Gaussian(cells.shown(mean), cells.scale[:, None] * (0.5 * (volts + volts.T)) * cells.scale)
