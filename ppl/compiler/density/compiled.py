"""A model and its data as a log-density on flat vectors."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.density.evaluation import Evaluation, Slot, data_lowering, layout
from ppl.compiler.density.faults import Fault, elements, faults
from ppl.compiler.density.minibatch import batch_dims, check_batch, subsampled
from ppl.compiler.density.parameters import check_parameters
from ppl.compiler.density.predictive import likelihood_dims, log_likelihood, predict, replicate
from ppl.compiler.density.program import Program, make_program
from ppl.compiler.density.scoring import score, total
from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.fold import Constants, Recorder
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import Array
from ppl.dataset import Dataset
from ppl.graph import Axis, Energy, ModelGraph, Term


@dataclass(frozen=True, eq=False)
class Plan:
    """What is static in a density. Equal for data of equal shapes, so that JAX reuses what it compiled."""

    program: Program
    keys: tuple[Hashable, ...]
    axes: tuple[tuple[Axis, ...], ...]
    shapes: tuple[tuple[tuple[int, ...], str], ...]

    @functools.cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Where each latent lies in the flat vector."""
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

    def __repr__(self) -> str:
        return f"<CompiledDensity of {self.size} dimensions>"

    @property
    def size(self) -> int:
        """Dimension n of the unconstrained space."""
        return self.plan.slots[-1].stop if self.plan.slots else 0

    def evaluation(self) -> Evaluation:
        """A new evaluation, on these data."""
        constants = Constants(
            dict(zip(self.plan.keys, self.leaves, strict=True)), dict(zip(self.plan.keys, self.plan.axes, strict=True))
        )
        return Evaluation(self.plan.program, constants, None)

    def log_density(self, u: Array) -> Array:
        """(n,) -> (): the log density, up to a constant, with the Jacobian of the transforms."""
        return functools.reduce(jnp.add, self.terms(u).values())

    def terms(self, u: Array) -> dict[str, Array]:
        """The log density in pieces: one for each term, and `jacobian`."""
        return _terms(self.evaluation(), self.plan.slots, self._vector(u))

    def initial(self, key: Array) -> Array:
        """(n,): uniform on (-2, 2)."""
        return jax.random.uniform(key, (self.size,), jnp.float64, -2.0, 2.0)

    def log_density_on(self, u: Array, batch: Mapping[str, Array]) -> Array:
        """An unbiased estimate of `log_density(u)` from some elements of some dims.

        batch: positions along each dim, (m,) integers, drawn uniformly. Observing terms over such a dim are computed
        for these elements only and scaled by N / m; everything else is whole.
        """
        check_batch(self.plan.program, batch)
        terms = _terms(
            self.evaluation(), self.plan.slots, self._vector(u), {dim: jnp.asarray(at) for dim, at in batch.items()}
        )
        return functools.reduce(jnp.add, terms.values())

    def diagnose(self, u: Array, most: int = 3) -> list[Fault]:
        """The elements of terms whose log-probability at u is not finite, up to `most` of each term."""
        return faults(elements(self._at(u)), self.plan.program.names, most)

    # --- draws ---------------------------------------------------------------------------------------

    def constrain(self, u: Array) -> dict[str, Array]:
        """Every latent and every recorded quantity that depends on one, in its declared shape, for one draw."""
        return _named(self._at(u))

    def unconstrain(self, values: Mapping[str, Array]) -> Array:
        """(n,): the vector at which the latents have these values.

        Raises:
            ValueError: a latent has no value, or one of the wrong shape.
        """
        for slot in self.plan.slots:
            name, shape = slot.latent.name, self.plan.program.shape(slot.latent.dims)
            if name not in values:
                raise ValueError(f"no value is given for `{name}`")
            if np.shape(values[name]) != shape:
                raise ValueError(f"`{name}` has shape {np.shape(values[name])}, but here it should be {shape}")
        return self.evaluation().unconstrain(self.plan.slots, values)

    def log_likelihood(self, u: Array) -> dict[str, Array]:
        """For each observed quantity the log-likelihood of each element (NaN where no term observes it), over
        `likelihood_dims`."""
        return log_likelihood(self._at(u))

    def replicate(self, u: Array, key: Array) -> dict[str, Array]:
        """New data in the place of the observed ones, given the draw."""
        return replicate(self._at(u), key)

    def predict(self, u: Array, key: Array) -> dict[str, Array]:
        """What the `predict` statements draw, given the draw of the latents."""
        return predict(self._at(u), key)

    def _at(self, u: Array) -> Evaluation:
        evaluation = self.evaluation()
        evaluation.constrain(self.plan.slots, self._vector(u))
        return evaluation

    def _vector(self, u: Array) -> Array:
        if np.shape(u) != (self.size,):
            raise ValueError(f"expected a vector of {self.size} numbers, but its shape is {np.shape(u)}")
        return jnp.asarray(u)

    @property
    def dims_of(self) -> dict[str, tuple[str, ...]]:
        """The dims of every quantity of the model, by name."""
        graph = self.plan.program.graph
        return {node.name: node.dims for node in graph.nodes if not isinstance(node, Term | Energy)}

    @property
    def likelihood_dims(self) -> dict[str, tuple[str, ...]]:
        """The dims of each entry of `log_likelihood`: those of the observed quantity without those of one event."""
        return likelihood_dims(self.plan.program)


def _terms(
    evaluation: Evaluation, slots: tuple[Slot, ...], u: Array, batch: Mapping[str, Array] | None = None
) -> dict[str, Array]:
    program = evaluation.program
    jacobian = evaluation.constrain(slots, u)
    totals = {}
    for term in program.graph.terms:
        lowering: Context = evaluation.lowering
        weight = None
        if batch and term.role == "observed":
            lowering, weight = subsampled(lowering, term, batch)
        totals[program.names[id(term)]] = total(score(lowering, term), term.axes, weight)
    return {**totals, "jacobian": jnp.asarray(jacobian)}


def _named(evaluation: Evaluation) -> dict[str, Array]:
    program = evaluation.program
    names = [latent.name for latent in program.graph.latents]
    names += [v.name for v in program.graph.values if v.recorded and not program.is_data(v.name)]
    return {name: evaluation.quantity(name) for name in names}


def compile_density(graph: ModelGraph, dataset: Dataset) -> CompiledDensity:
    """The log-density of a checked model given data that were bound to it.

    Raises:
        PplError: a position (E550) or a parameter (E552) that data determine is impossible.
    """
    program = make_program(graph, dataset)
    recorder = Recorder()
    data = data_lowering(program, dataset)
    check_parameters(data, dataset.labels)
    with jax.enable_x64(True):
        _record(program, recorder, data)
        leaves = tuple(jnp.asarray(array) for array in recorder.arrays.values())
    shapes = tuple((array.shape, array.dtype.str) for array in recorder.arrays.values())
    keys = tuple(recorder.arrays)
    return CompiledDensity(Plan(program, keys, tuple(recorder.axes[key] for key in keys), shapes), leaves)


def _record(program: Program, recorder: Recorder, data: Lowering) -> None:
    """Traces everything once, so that every constant is asked for."""
    slots = layout(program)

    def everything(u: Array, batches: dict[str, Array]) -> list[dict[str, Array]]:
        whole = Evaluation(program, recorder, data)
        key = jax.random.key(0)
        outputs = [_terms(whole, slots, u), _named(whole), log_likelihood(whole)]
        outputs += [replicate(whole, key), predict(whole, key)]
        elements(whole)
        for dim, positions in batches.items():
            outputs.append(_terms(Evaluation(program, recorder, data), slots, u, {dim: positions}))
        return outputs

    vector = np.zeros((slots[-1].stop if slots else 0,))
    batches = {dim: np.zeros((1,), np.int64) for dim in batch_dims(program)}
    jax.eval_shape(everything, vector, batches)
