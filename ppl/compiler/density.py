"""A model and its data as a log-density on flat vectors."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.evaluation import Evaluation, Slot, data_lowering, layout
from ppl.compiler.fold import Constants, Recorder
from ppl.compiler.lower import Lowering
from ppl.compiler.program import Program, make_program
from ppl.compiler.scoring import score, total
from ppl.dataset import Dataset
from ppl.graph import Axis, ModelGraph

Array = Any


@dataclass(frozen=True, eq=False)
class Plan:
    """What is static in a density. Equal for data of equal shapes, so that JAX reuses what it compiled."""

    program: Program
    keys: tuple[Hashable, ...]
    axes: tuple[tuple[Axis, ...], ...]
    shapes: tuple[tuple[tuple[int, ...], str], ...]

    @functools.cached_property
    def slots(self) -> tuple[Slot, ...]:
        return layout(self.program)

    @functools.cached_property
    def _hash(self) -> int:
        return hash((self.program, self.shapes))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Plan)
            and self._hash == other._hash
            and self.program == other.program
            and self.keys == other.keys
            and self.shapes == other.shapes
        )


@functools.partial(jax.tree_util.register_dataclass, data_fields=["leaves"], meta_fields=["plan"])
@dataclass(frozen=True, eq=False)
class CompiledDensity:
    """`log p(latents, data) + log |Jacobian|` as a function of the flat unconstrained vector u, (n,) float64.

    A pytree: its leaves are the data and what follows from them alone, so that a function jitted over it serves every
    data set of the same shape. Everything is float64: trace and call it under `jax.enable_x64(True)`.
    """

    plan: Plan
    leaves: tuple[Array, ...]

    @property
    def size(self) -> int:
        """Dimension n of the unconstrained space."""
        return self.plan.slots[-1].stop if self.plan.slots else 0

    def evaluation(self) -> Evaluation:
        constants = Constants(
            dict(zip(self.plan.keys, self.leaves, strict=True)), dict(zip(self.plan.keys, self.plan.axes, strict=True))
        )
        return Evaluation(self.plan.program, constants, None)

    def log_density(self, u: Array) -> Array:
        """(n,) -> (): the log density, up to a constant, with the Jacobian of the transforms."""
        return functools.reduce(jnp.add, self.terms(u).values())

    def terms(self, u: Array) -> dict[str, Array]:
        """The log density in pieces: one for each term, and `jacobian`."""
        return _terms(self.evaluation(), self.plan.slots, u)

    def initial(self, key: Array) -> Array:
        """(n,): uniform on (-2, 2)."""
        return jax.random.uniform(key, (self.size,), jnp.float64, -2.0, 2.0)

    def constrain(self, u: Array) -> dict[str, Array]:
        """Every latent and every recorded quantity that depends on one, in its declared shape, for one draw."""
        evaluation = self.evaluation()
        evaluation.constrain(self.plan.slots, u)
        return _named(evaluation)

    def unconstrain(self, values: Mapping[str, Array]) -> Array:
        """(n,): the vector at which the latents have these values."""
        return self.evaluation().unconstrain(self.plan.slots, values)


def _terms(evaluation: Evaluation, slots: tuple[Slot, ...], u: Array) -> dict[str, Array]:
    program = evaluation.program
    jacobian = evaluation.constrain(slots, u)
    totals = {program.names[id(t)]: total(score(evaluation.lowering, t), t.axes) for t in program.graph.terms}
    return {**totals, "jacobian": jnp.asarray(jacobian)}


def _named(evaluation: Evaluation) -> dict[str, Array]:
    program = evaluation.program
    names = [latent.name for latent in program.graph.latents]
    names += [v.name for v in program.graph.values if v.recorded and not program.is_data(v.name)]
    return {name: evaluation.quantity(name) for name in names}


def compile_density(graph: ModelGraph, dataset: Dataset) -> CompiledDensity:
    """The log-density of a checked model given data that were bound to it."""
    program = make_program(graph, dataset)
    recorder = Recorder()
    with jax.enable_x64(True):
        _record(program, recorder, data_lowering(program, dataset))
        leaves = tuple(jnp.asarray(array) for array in recorder.arrays.values())
    shapes = tuple((array.shape, array.dtype.str) for array in recorder.arrays.values())
    keys = tuple(recorder.arrays)
    return CompiledDensity(Plan(program, keys, tuple(recorder.axes[key] for key in keys), shapes), leaves)


def _record(program: Program, recorder: Recorder, data: Lowering) -> None:
    """Traces everything once, so that every constant is asked for."""
    slots = layout(program)
    n = slots[-1].stop if slots else 0
    vector = jax.ShapeDtypeStruct((n,), np.float64)

    def everything(u: Array) -> Any:
        evaluation = Evaluation(program, recorder, data)
        totals = _terms(evaluation, slots, u)
        return totals, _named(evaluation)

    jax.eval_shape(everything, vector)
