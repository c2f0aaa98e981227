"""A plain recursive NUTS in NumPy, written from the papers, to compare the iterative one with.

Takes the momentum, the directions and the uniform numbers of a transition from outside, so that both make the same
random choices. The metric is diagonal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
LogDensity = Callable[[Vector], tuple[float, Vector]]


@dataclass
class State:
    q: Vector
    p: Vector
    lp: float
    g: Vector


@dataclass
class Tree:
    """A subtree in order of time: its ends, sum of momenta, and its points in the order in which they were visited."""

    left: State
    right: State
    rho: Vector
    visited: list[State] = field(default_factory=list)
    valid: bool = True


@dataclass
class Outcome:
    position: Vector
    steps: int
    depth: int
    diverging: bool
    energy: float


def transition(
    log_density: LogDensity,
    inverse_mass: Vector,
    step_size: float,
    start: Vector,
    momentum: Vector,
    forward: Callable[[int], bool],
    point_uniform: Callable[[int], float],
    doubling_uniform: Callable[[int], float],
    max_depth: int,
    threshold: float = 1000.0,
) -> Outcome:
    lp, g = log_density(start)
    origin = State(start, momentum, lp, g)

    def hamiltonian(z: State) -> float:
        return float(0.5 * np.sum(z.p * inverse_mass * z.p) - z.lp)

    h0 = hamiltonian(origin)
    count = 0
    diverging = False

    def leapfrog(z: State, epsilon: float) -> State:
        p = z.p + 0.5 * epsilon * z.g
        q = z.q + epsilon * inverse_mass * p
        lp, g = log_density(q)
        return State(q, p + 0.5 * epsilon * g, lp, g)

    def no_turn(rho: Vector, a: State, b: State) -> bool:
        return bool(np.sum(inverse_mass * a.p * rho) > 0 and np.sum(inverse_mass * b.p * rho) > 0)

    def merge(left: Tree, right: Tree) -> tuple[Tree, bool]:
        """Of trees in order of time. The criterion on the whole, and on each half with the nearest point beyond it."""
        rho = left.rho + right.rho
        persists = (
            no_turn(rho, left.left, right.right)
            and no_turn(left.rho + right.left.p, left.left, right.left)
            and no_turn(right.rho + left.right.p, left.right, right.right)
        )
        return Tree(left.left, right.right, rho), persists

    def build(z: State, depth: int, sign: int) -> Tree:
        nonlocal count, diverging
        if depth == 0:
            new = leapfrog(z, sign * step_size)
            count += 1
            error = hamiltonian(new) - h0
            diverging = not error <= threshold
            return Tree(new, new, new.p, [new], valid=not diverging)
        first = build(z, depth - 1, sign)
        if not first.valid:
            return first
        second = build(first.visited[-1], depth - 1, sign)
        whole, persists = merge(first, second) if sign > 0 else merge(second, first)
        whole.visited = first.visited + second.visited
        whole.valid = second.valid and persists
        return whole

    trajectory = Tree(origin, origin, momentum)
    chosen, log_weight, depth = origin, 0.0, 0
    while depth < max_depth:
        sign = 1 if forward(depth) else -1
        begun = count
        subtree = build(trajectory.right if sign > 0 else trajectory.left, depth, sign)
        if not subtree.valid:
            break
        candidate, candidate_weight = origin, -np.inf
        for i, z in enumerate(subtree.visited):
            weight = h0 - hamiltonian(z)
            candidate_weight = np.logaddexp(candidate_weight, weight)
            if np.log(point_uniform(begun + 1 + i)) < weight - candidate_weight:
                candidate = z
        if np.log(doubling_uniform(depth)) < candidate_weight - log_weight:
            chosen = candidate
        log_weight = np.logaddexp(log_weight, candidate_weight)
        depth += 1
        trajectory, persists = merge(trajectory, subtree) if sign > 0 else merge(subtree, trajectory)
        if not persists:
            break
    return Outcome(chosen.q, count, depth, diverging, hamiltonian(chosen))


def as_function(density: Any, value_and_grad: Callable[[Any, Vector], tuple[Any, Any]]) -> LogDensity:
    """A density as a function of NumPy vectors."""

    def log_density(q: Vector) -> tuple[float, Vector]:
        value, gradient = value_and_grad(density, q)
        return float(value), np.asarray(gradient)

    return log_density
