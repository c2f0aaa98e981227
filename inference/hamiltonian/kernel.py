"""What a Hamiltonian sampler is: how its trajectories begin, and what they do with each point they reach.

A trajectory is a value of a loop that evaluates the density once each time round (`program.py`), whatever trajectory or
search it is in the middle of. So vectorised chains never wait for each other's trajectories.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

import jax
import jax.numpy as jnp

from ppl.inference.hamiltonian.leapfrog import HalfStep, PhasePoint, Point

Options = Mapping[str, jax.Array]
Tree = TypeVar("Tree")


class Transition(NamedTuple):
    """point: the next state of the chain; last: the last point the integrator reached, with its energy error.

    broken: the point before it, whose step was the one that broke if the trajectory diverged;
    energy: the Hamiltonian at `point` with its momentum, and energy_error its excess over the start's; depth: of the
    tree (0 where there is none); steps: leapfrog steps, each of size step_size; acceptance: the mean Metropolis
    acceptance along the way.
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
    step_size: jax.Array
    acceptance: jax.Array


class Trajectory(Protocol):
    """A pytree. half: the step under way, whose position awaits its density; going: whether there is one."""

    @property
    def half(self) -> HalfStep: ...

    @property
    def going(self) -> jax.Array: ...


class Kernel(Protocol):
    """A sampler as a hashable value: everything in it is static, everything that varies is an argument.

    A trajectory makes at most `limit` steps and at least one; with limit 1 and step size 0 it evaluates the density and
    gradient at its start.
    """

    def words(self, size: int) -> int:
        """How many random words a transition takes beside those of its momentum, for dimension `size`."""
        ...

    def blank(self, size: int, dtype: Any) -> Any:
        """A trajectory of the right shapes that means nothing."""
        ...

    def begin(
        self,
        before: Any,
        origin: PhasePoint,
        words: jax.Array,
        step_size: jax.Array,
        limit: jax.Array,
        options: Options,
    ) -> Any:
        """A trajectory from its origin, in the place of the one before it."""
        ...

    def visit(self, trajectory: Any, here: Point, acceleration: jax.Array, options: Options) -> tuple[Any, Transition]:
        """The trajectory once the density is known where it waited for it; and its result, if that was its end."""
        ...


def select(condition: jax.Array, if_true: Tree, if_false: Tree) -> Tree:
    """Elementwise choice between two equal pytrees by one truth value."""
    chosen: Tree = jax.tree.map(lambda a, b: jnp.where(condition, a, b), if_true, if_false)
    return chosen
