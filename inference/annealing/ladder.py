"""Temperatures that are alike apart, with moves tuned to each: from what a small population found on its way.

Between two temperatures the weights w = exp(δ gain) of a population are worth a share (Σ w)² / (N Σ w²) of it. If they
are log-normal that is exp(-σ²), σ² the variance of δ gain: so σ = (-log share)^1/2 is the distance between the two in
standard deviations of the work, the thermodynamic length (Crooks 2007; Gelman & Meng 1998, section 4.2). Rungs at
equal distances s dissipate the least: a work whose variance is s² times their number, where particles forget between
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing.particles import Rung
from ppl.inference.annealing.population import Mover

Array = NDArray[Any]


class Ladder(NamedTuple):
    """rungs: leaves (chains, rungs, ...), above β = 0; moves: (rungs,), after which particles forget, in any chain."""

    rungs: Rung
    moves: Array


def none(chains: int, size: int) -> Ladder:
    """For a carry: one without rungs."""
    empty = np.zeros((chains, 0))
    rung = Rung(empty, empty, empty, np.zeros((chains, 0), np.int32), np.zeros((chains, 0, size)))
    return Ladder(rung, np.zeros(0, np.int64))


def length(found: Mapping[str, Array]) -> float:
    """The distance from the reference to the target, the longest of all chains. found: what a pilot left, see there."""
    return float(np.nansum(_distances(found), axis=1).max())


def ladder(found: Mapping[str, Array], start: Array, mover: Mover, count: int) -> Ladder:
    """Of so many rungs. start: (chains, n), the standard deviations of the reference."""
    distances = _distances(found)
    each = [_of_chain(found, distances[at], start[at], count, at) for at in range(len(start))]
    betas, gaps, step_size, scale, moves = (np.stack(leaves) for leaves in zip(*each, strict=True))
    return Ladder(Rung(betas, gaps, step_size, mover.steps(step_size), scale), np.ceil(moves.max(axis=0)).astype(int))


def _distances(found: Mapping[str, Array]) -> Array:
    return np.sqrt(np.maximum(-np.log(found["share"]), 0.0))


def _of_chain(
    found: Mapping[str, Array], distances: Array, start: Array, count: int, at: int
) -> tuple[Array, Array, Array, Array, Array]:
    there = np.isfinite(distances)
    # A least distance keeps the order where the weights were all alike.
    places = np.concatenate([[0.0], np.cumsum(np.maximum(distances[there], 1e-6))])
    wanted = np.linspace(0.0, places[-1], count + 1)
    betas = np.interp(wanted, places, np.concatenate([[0.0], found["beta"][at][there]]))
    betas[-1] = 1.0
    step_size = np.exp(np.interp(wanted[1:], places[1:], np.log(found["step_size"][at][there])))
    moves = np.interp(wanted[1:], places[1:], found["moves"][at][there])
    scales = np.log(np.concatenate([start[None], found["scale"][at][there]]))
    scale = np.exp(np.stack([np.interp(wanted[1:], places, column) for column in scales.T], axis=1))
    return betas[1:], np.diff(betas), step_size, scale, moves
