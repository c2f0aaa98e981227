"""What warmup learns of replicas between its rounds, on the host, from all chains together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing.movers import Tuning
from ppl.inference.annealing.replicas import Replicas, Tally
from ppl.inference.annealing.schedule import POWER, first_betas, respaced_betas

Array = NDArray[np.floating[Any]]

FIRST_STEP = 0.1
# Draws' worth of the scales so far in new ones.
_WEIGHT = 5.0


def rounds(warmup: int) -> tuple[int, ...]:
    """After which iterations temperatures and scales are found anew, from those since the one before. Each round is
    longer by half than the one before; the last stretch is for step sizes alone."""
    last, length = warmup - warmup // 6, 15.0
    ends, end = [], length
    while end + 1.5 * length <= last:
        ends.append(int(end))
        length *= 1.5
        end += length
    return (*ends, last) if ends else ()


def first_tuning(chains: int, replicas: int, size: int, dtype: Any) -> Tuning:
    """For each chain the same."""
    one = Tuning(
        first_betas(replicas).astype(dtype),
        np.full(replicas, np.log(FIRST_STEP), dtype),
        np.ones((replicas, size), dtype),
        np.zeros((), dtype),
    )
    return Tuning(*(np.tile(leaf, (chains, *(1,) * leaf.ndim)) for leaf in one))


def retuned(tuning: Tuning, states: Replicas) -> tuple[Tuning, Replicas]:
    """After a round: temperatures at which neighbours refuse each other equally often; scales of the draws at each;
    step sizes that go with them. Leaves have the chains along their first axis."""
    tally: Tally = states.tally
    chains = len(tuning.betas)
    betas, scale = tuning.betas[0].astype(np.float64), tuning.scale[0].astype(np.float64)
    new = respaced_betas(betas, tally.refused.sum(axis=0, dtype=np.float64) / tally.count.sum())
    spread = _spread(tally, scale)
    log_step = states.log_step.mean(axis=0, dtype=np.float64)
    if scale.shape[1]:
        # Steps stay as long as they are, on average over coordinates.
        log_step += np.mean(np.log(scale / spread), axis=1)
    log_step[0] = log_step[1]
    columns = np.concatenate([log_step[:, None], np.log(spread)], axis=1)
    moved = _interpolated(betas ** (1 / POWER), columns, new ** (1 / POWER))

    def for_all(values: Array) -> Any:
        return np.tile(values.astype(tuning.betas.dtype), (chains, *(1,) * values.ndim))

    after = Tuning(for_all(new), tuning.log_step, for_all(np.exp(moved[:, 1:])), tuning.moves)
    return after, forgotten(states._replace(log_step=for_all(moved[:, 0]), moves=np.zeros_like(states.moves)))


def forgotten(states: Replicas) -> Replicas:
    """With nothing counted; where states come from is still known."""
    tally: Tally = states.tally
    blank = Tally(*(np.zeros_like(leaf) for leaf in tally))
    nothing = np.full_like(tally.up, -np.inf)
    zero = np.zeros_like(states.trips.round)
    return states._replace(
        tally=blank._replace(up=nothing, down=nothing), trips=states.trips._replace(round=zero, arrivals=zero)
    )


def _spread(tally: Tally, scale: Array) -> Array:
    """(R, n), the standard deviations at each temperature, of the draws of all chains."""
    count = tally.count[:, None, None]
    between = tally.mean - tally.mean.mean(axis=0)
    variance = np.sum(tally.squares + count * between**2, axis=0, dtype=np.float64) / count.sum()
    weight = count.sum() / (count.sum() + _WEIGHT)
    spread = np.sqrt(weight * variance + (1 - weight) * scale**2)
    return np.where(np.isfinite(variance) & (variance > 0), spread, scale)


def _interpolated(points: Array, values: Array, at: Array) -> Array:
    """Each column of values, (R, k), between points, (R,), linearly."""
    left = np.clip(np.searchsorted(points, at, side="right") - 1, 0, len(points) - 2)
    share = ((at - points[left]) / np.maximum(points[left + 1] - points[left], 1e-300))[:, None]
    return np.asarray((1 - share) * values[left] + share * values[left + 1])
