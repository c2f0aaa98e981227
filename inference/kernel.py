"""What one transition of a Hamiltonian sampler takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import jax

from ppl.inference.contract import Density
from ppl.inference.leapfrog import Point
from ppl.inference.metric import Metric

Options = Mapping[str, jax.Array]


class Transition(NamedTuple):
    """point: the next state of the chain; last: the last point the integrator reached, with its energy error.

    broken: the point before it, whose step was the one that broke if the trajectory diverged;
    energy: the Hamiltonian at `point` with its momentum, and energy_error its excess over the start's; depth: of the
    tree (0 where there is none); steps: leapfrog steps; acceptance: the mean Metropolis acceptance along the way.
    """

    point: Point
    last: Point
    last_error: jax.Array
    broken: jax.Array
    energy: jax.Array
    energy_error: jax.Array
    diverging: jax.Array
    depth: jax.Array
    steps: jax.Array
    acceptance: jax.Array


class Kernel(Protocol):
    """A transition as a hashable value: everything in it is static, everything that varies is an argument.

    A transition makes at most `limit` steps and at least one, and evaluates the gradient nowhere but in them: with
    limit 1 and step size 0 it evaluates the density and gradient at its start, whatever the start says they are.
    """

    def words(self, size: int) -> int:
        """How many random words a transition takes, for dimension `size`."""
        ...

    def transition(
        self,
        density: Density,
        metric: Metric,
        words: jax.Array,
        start: Point,
        step_size: jax.Array,
        limit: jax.Array,
        options: Options,
    ) -> Transition: ...
