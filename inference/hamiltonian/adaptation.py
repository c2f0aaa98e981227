"""Adaptation in warmup: the step size by dual averaging, and the windows after which the metric changes.

Dual averaging: Nesterov 2009, as in Hoffman & Gelman 2014, algorithm 5: after iteration t with acceptance α_t,

    H̄_t = (1 − 1/(t + t0)) H̄_{t−1} + (δ − α_t) / (t + t0)
    log ε_t = μ − √t/γ · H̄_t
    log ε̄_t = t^{−κ} log ε_t + (1 − t^{−κ}) log ε̄_{t−1}

with γ = 0.05, t0 = 10, κ = 0.75 and μ = log(10 ε_0).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

GAMMA, T0, KAPPA = 0.05, 10.0, 0.75


class StepSize(NamedTuple):
    """State of dual averaging, scalars of the run's precision."""

    log_step: Any
    log_average: Any
    error: Any
    centre: Any
    count: Any


def initial_step_size(step_size: float, dtype: Any) -> StepSize:
    """The state before the first iteration, as NumPy scalars."""
    log_step = math.log(step_size)
    values = (log_step, log_step, 0.0, math.log(10.0) + log_step, 0.0)
    return StepSize(*(np.asarray(value, dtype) for value in values))


def restart(state: StepSize) -> StepSize:
    """The averaging begun anew at the present step size."""
    zero = jnp.zeros_like(state.count)
    return StepSize(state.log_step, state.log_step, zero, state.log_step + math.log(10.0), zero)


def update(state: StepSize, acceptance: jax.Array, target: jax.Array) -> StepSize:
    """One step of dual averaging."""
    count = state.count + 1
    weight = 1 / (count + T0)
    error = (1 - weight) * state.error + weight * (target - acceptance)
    log_step = state.centre - jnp.sqrt(count) / GAMMA * error
    decay = count**-KAPPA
    return StepSize(log_step, decay * log_step + (1 - decay) * state.log_average, error, state.centre, count)


def pooled(state: StepSize) -> StepSize:
    """The averages of all chains, along the first axis, replaced by their mean: one step size for sampling.

    A chain that ends its warmup in a narrow place would else keep a step size for that place.
    """
    averages = np.asarray(state.log_average)
    return state._replace(log_average=np.full_like(averages, averages.mean()))


def stan_windows(warmup: int) -> tuple[int, ...]:
    """Iterations after which Stan estimates a metric anew (Stan reference manual, «HMC algorithm parameters»).

    The first 75 and the last 50 iterations adapt only the step size; between them windows of 25, 50, 100, ...; one that
    would leave too little for the next takes the rest. Short warmups split 15 %, 75 %, 10 %; below 20 there is none.
    The first number is where the first window begins, so that windows lie between neighbours.
    """
    if warmup < 20:
        return ()
    first, window, last = 75, 25, 50
    if first + window + last > warmup:
        first, last = int(0.15 * warmup), int(0.1 * warmup)
        window = warmup - first - last
    end = warmup - last
    marks = [first, first + window]
    window *= 2
    while marks[-1] < end:
        following = marks[-1] + window
        window *= 2
        marks.append(end if following + window > end else following)
    return tuple(marks)


def growing_windows(warmup: int) -> tuple[int, ...]:
    """Windows that begin at once and double: 10, 20, 40, ...; the last 5 % (at most 50) adapt only the step size.

    Gradients tell so much of the metric that a window of ten draws of each chain is worth having; measured against
    Stan's windows this halves the steps of warmup, and takes an eighth where the scales of a model differ much.
    """
    if warmup < 20:
        return ()
    end = warmup - min(50, max(5, warmup // 20))
    marks = [0]
    following = 10
    # A window is not followed by a much shorter one.
    while 3 * following <= 2 * end:
        marks.append(following)
        following *= 2
    return (*marks, end)


def windows(adaptation: str, warmup: int) -> tuple[int, ...]:
    """Where the first window begins, then where each ends, for `pooled` and `stan`."""
    return stan_windows(warmup) if adaptation == "stan" else growing_windows(warmup)
