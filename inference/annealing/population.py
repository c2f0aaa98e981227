"""Populations of particles that are moved at one temperature until they have forgotten where they were.

Scales of the moves are the population's own; their step size follows its acceptance from move to move. A population has
forgotten where it was when, over the particles, no coordinate of u, nor log p - log q, is correlated any more with
what it was (as in Buchholz, Chopin & Jacob 2021, section 3.3, where products of distances tell it).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing.moves import Place
from ppl.inference.annealing.particles import Rung, travel
from ppl.inference.contract import Density
from ppl.inference.modes.gaussian import Gaussian

Array = NDArray[Any]

# A quarter of the period of a normal coordinate, after which it is independent of where it was.
LENGTH = math.pi / 2
# Longer steps are unstable for a Gaussian, and nothing is gained by them.
LONGEST_STEP = 1.5
TARGET_ACCEPTANCE = 0.8
# A correlation that is as good as none; beside it what comes of few particles by chance.
_FORGOTTEN, _NOISE = 0.1, 2.0


class Population(NamedTuple):
    """Leaves with the chains along their first axis.

    place: of the particles, (chains, particles, ...); before: (chains, particles, n + 1), their positions and gains
    when the temperature began; beta, step_size: (chains,); scale: (chains, n); acceptance: the mean in the last move;
    correlation: the largest with `before`; moves: at this temperature; made: in all.
    """

    place: Place
    before: Array
    beta: Array
    step_size: Array
    scale: Array
    acceptance: Array
    correlation: Array
    moves: Array
    made: Array


def begun(place: Place) -> Population:
    """At β = 0, where nothing has to be moved."""
    chains, _, size = place.position.shape
    ones = np.ones(chains)
    none = Population(
        place=place,
        before=seen(place),
        beta=0 * ones,
        step_size=min(LONGEST_STEP, size**-0.25) * ones,
        scale=np.ones((chains, size)),
        acceptance=ones,
        correlation=0 * ones,
        moves=np.ones(chains, np.int64),
        made=np.zeros(chains, np.int64),
    )
    return none._replace(scale=spread(place))


def cooled(population: Population, place: Place, beta: Array, chosen: Array) -> Population:
    """The chosen chains, (chains,), with their particles at other places, to be moved at their β."""
    there = Place(*(_where(chosen, new, old) for new, old in zip(place, population.place, strict=True)))
    return population._replace(
        place=there,
        before=_where(chosen, seen(there), population.before),
        beta=np.where(chosen, beta, population.beta),
        scale=_where(chosen, spread(there), population.scale),
        correlation=np.where(chosen, 1.0, population.correlation),
        moves=np.where(chosen, 0, population.moves),
    )


@dataclass(frozen=True)
class Mover:
    """moves: at a temperature, at most; leapfrog: steps of a move, at most."""

    moves: int
    leapfrog: int

    def resting(self, population: Population) -> Array:
        """(chains,): which have moved enough at their temperature."""
        return forgotten(population) | (population.moves >= self.moves)

    def moved(
        self, density: Density, normal: Gaussian | None, keys: Array, population: Population, going: Array, room: int
    ) -> Population:
        """Every particle of the chains that are going, (chains,), moved once. room: see `travel`."""
        rungs = Rung(
            beta=population.beta[:, None],
            gap=np.zeros_like(population.beta)[:, None],
            step_size=population.step_size[:, None],
            steps=self.steps(population.step_size)[:, None],
            scale=population.scale[:, None],
        )
        way = travel(density, normal, keys, population.place, rungs, population.made, room, going=going)
        acceptance = way.acceptance[:, 0]
        longer = np.minimum(population.step_size * np.exp(acceptance - TARGET_ACCEPTANCE), LONGEST_STEP)
        return population._replace(
            place=way.place,
            step_size=np.where(going, longer, population.step_size),
            acceptance=np.where(going, acceptance, population.acceptance),
            correlation=np.where(going, correlation(population.before, seen(way.place)), population.correlation),
            moves=population.moves + going,
            made=population.made + going,
        )

    def steps(self, step_size: Array) -> Array:
        """How many make a move of LENGTH."""
        return np.clip(np.ceil(LENGTH / step_size), 1, self.leapfrog).astype(np.int32)


def forgotten(population: Population) -> Array:
    """(chains,): which are where they were by chance alone."""
    return is_forgotten(population.correlation, population.before.shape[1])


def is_forgotten(correlation: Array, particles: int) -> Array:
    """(chains,): whether correlations, between what so many particles were and are, are as good as none."""
    return np.asarray(correlation <= _FORGOTTEN + _NOISE / math.sqrt(particles))


def spread(place: Place) -> Array:
    """(chains, n): the standard deviation of each coordinate, 1 where there is none."""
    deviations = place.position.std(axis=1)
    return np.where(np.isfinite(deviations) & (deviations > 0), deviations, 1.0)


def seen(place: Place) -> Array:
    return np.concatenate([place.position, place.gain[..., None]], axis=2)


def correlation(before: Array, after: Array) -> Array:
    """(chains, particles, k) twice -> (chains,), the largest of the k. What does not vary tells nothing."""
    with np.errstate(all="ignore"):
        first, second = (x - x.mean(axis=1, keepdims=True) for x in (before, after))
        norms = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
        each = np.abs((first * second).sum(axis=1)) / norms
    return np.asarray(np.max(np.nan_to_num(each, nan=0.0), axis=1))


def _where(chosen: Array, new: Array, old: Array) -> Array:
    return np.where(chosen.reshape(-1, *(1,) * (new.ndim - 1)), new, old)
