"""A model's prior as a distribution on the unconstrained space of its density, to draw from and to weigh.

What the model says without its observations: the same latents at the same places of u, with the same centring. Discrete
latents are summed out of it, as they are of the density.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from ppl.compiler.density.compiled import CompiledDensity, Plan, compile_program
from ppl.compiler.density.evaluation import Evaluation
from ppl.compiler.forward.drawable import undrawable
from ppl.compiler.forward.simulate import Given, simulate
from ppl.compiler.forward.statements import Group, groups, statements
from ppl.compiler.forward.uniform import log_volume
from ppl.compiler.lowering.named import REAL, Array
from ppl.compiler.passes.program import Program, make_program
from ppl.dataset import Dataset
from ppl.errors import PplError
from ppl.graph import ModelGraph, Node, Term

# Where a draw lies on the edge of its support, in floating point, its place is at infinity.
_EDGE = 700.0


@functools.partial(jax.tree_util.register_dataclass, data_fields=["density"], meta_fields=["groups"])
@dataclass(frozen=True, eq=False)
class Prior:
    """A pytree. groups: the statements, in the order in which they draw."""

    density: CompiledDensity
    groups: tuple[Group, ...]

    @property
    def size(self) -> int:
        return self.density.size

    def log_density(self, u: Array) -> Array:
        """(n,) -> (): the log density of u, with the Jacobian of the transforms; its exponential integrates to 1."""
        return self.density.log_density(u) - _log_volume(self.density.evaluation())

    def draw(self, key: Array) -> Array:
        """(n,): an independent draw."""
        return _draw(self.density.evaluation(), self.density.plan, self.groups, key)


@functools.partial(jax.tree_util.register_dataclass, data_fields=["density", "reference"], meta_fields=[])
@dataclass(frozen=True, eq=False)
class Conditioned:
    """A density with its prior, None where that cannot be drawn from. A pytree."""

    density: CompiledDensity
    reference: Prior | None

    @property
    def size(self) -> int:
        return self.density.size

    def log_density(self, u: Array) -> Array:
        """(n,) -> (): that of the model."""
        return self.density.log_density(u)

    def prior(self) -> Prior | None:
        return self.reference


def conditioned(density: CompiledDensity, dataset: Dataset) -> Conditioned:
    """With the prior of the same latents. dataset: prepared, the data that the density was compiled with."""
    return Conditioned(density, _prior(density, dataset))


def _prior(density: CompiledDensity, dataset: Dataset) -> Prior | None:
    program = density.plan.program
    found = _without_data(program)
    if found is None:
        return None
    own, order = found
    without_data = make_program(own, dataset, program.choices)
    plan = density.plan

    def used(evaluation: Evaluation) -> object:
        return _log_volume(evaluation), _draw(evaluation, plan, order, jax.random.key(0))

    return Prior(compile_program(without_data, dataset, without_data, used=used), order)


@functools.lru_cache(maxsize=16)
def _without_data(program: Program) -> tuple[ModelGraph, tuple[Group, ...]] | None:
    """The graph without what is observed, and the order in which it draws; None where it cannot. The same objects for
    equal programs, by whose identity JAX knows what it compiled."""
    own = replace(program.graph, nodes=tuple(node for node in program.graph.nodes if not _weighs_data(program, node)))
    names = {latent.name for latent in own.latents}
    if any(undrawable(own)) or not names <= statements(own).keys():
        return None
    try:
        return own, groups(own, names)
    except PplError:  # elements need one another in no order
        return None


def _weighs_data(program: Program, node: Node) -> bool:
    """Whether a statement is one of what is observed: outcomes, and latents that are given."""
    return isinstance(node, Term) and program.kind(node.target) == "data"


def _draw(evaluation: Evaluation, plan: Plan, order: tuple[Group, ...], key: Array) -> Array:
    simulate(evaluation, order, Given({}, {}), key)
    values = {slot.latent.name: evaluation.known[slot.latent.name] for slot in plan.slots}
    return jnp.clip(evaluation.unconstrain(plan.slots, values), -_EDGE, _EDGE)


def _log_volume(evaluation: Evaluation) -> Array:
    """Of the ranges over which flat latents are uniform, in whose places a density of 1 stands."""
    flat = [latent for latent in evaluation.program.graph.latents if latent.flat]
    return sum((log_volume(evaluation.lowering, latent) for latent in flat), jnp.zeros((), REAL))
