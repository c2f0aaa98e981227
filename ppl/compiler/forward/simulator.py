"""A model and its data as a way to draw everything forward, for one draw at a time; vectorise it over draws."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from ppl.compiler.density.evaluation import Evaluation, data_lowering
from ppl.compiler.density.parameters import check_parameters
from ppl.compiler.forward.simulate import Given, Mask, redraw, simulate
from ppl.compiler.forward.statements import Group, groups
from ppl.compiler.lowering.fold import Constants, Recorder
from ppl.compiler.lowering.named import Array
from ppl.compiler.passes.program import Program, make_program
from ppl.dataset import Dataset
from ppl.graph import Axis, Latent, ModelGraph, Prediction, Value


@dataclass(frozen=True, eq=False)
class Slot:
    """Where the given values of a quantity lie in the flat vector: `start:stop`, in this shape."""

    name: str
    start: int
    stop: int
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is static in a simulator: compared by identity."""

    program: Program
    groups: tuple[Group, ...]
    slots: tuple[Slot, ...]
    masks: Mapping[str, Mask]
    again: tuple[str, ...]
    keys: tuple[Hashable, ...]
    axes: tuple[tuple[Axis, ...], ...]


@functools.partial(jax.tree_util.register_dataclass, data_fields=["leaves", "fixed"], meta_fields=["plan"])
@dataclass(frozen=True, eq=False)
class Simulator:
    """Draws forward all quantities that are not given.

    A pytree: its leaves are the data. Everything is float64: trace and call it under `jax.enable_x64(True)`.
    fixed: given values that are the same for every draw.
    """

    plan: Plan
    leaves: tuple[Array, ...]
    fixed: Mapping[str, Array]

    @property
    def size(self) -> int:
        """Length of the flat vector of given values."""
        return self.plan.slots[-1].stop if self.plan.slots else 0

    def pack(self, values: Mapping[str, npt.NDArray[np.generic]], leading: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """(*leading, size): the given values of each draw, (*leading, *shape) each, as flat vectors."""
        parts = [np.asarray(values[s.name], np.float64).reshape(*leading, s.stop - s.start) for s in self.plan.slots]
        return np.concatenate([np.zeros((*leading, 0)), *parts], axis=-1)

    def draw(self, flat: Array, key: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        """Every latent, recorded value and prediction in its declared shape; and new draws of the quantities that the
        simulator was made to draw again, given all of these. flat: (size,), as `pack` makes it."""
        plan = self.plan
        store = Constants(dict(zip(plan.keys, self.leaves, strict=True)), dict(zip(plan.keys, plan.axes, strict=True)))
        given = _given(plan.slots, self.fixed, plan.masks, flat)
        return _draw(Evaluation(plan.program, store, None), plan.groups, given, plan.again, key)


def make_simulator(
    graph: ModelGraph,
    dataset: Dataset,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    fixed: Mapping[str, npt.NDArray[np.generic]] | None = None,
    masks: Mapping[str, Mask] | None = None,
    again: tuple[str, ...] = (),
) -> Simulator:
    """shapes: of the quantities whose values are given for each draw; fixed: those given once for all; masks: which
    elements of them are given, where not all are; again: given quantities to draw too, without effect on others.

    Raises:
        PplError: a parameter (E552) that data determine is impossible; quantities that cannot be
            drawn one after the other (E504).
    """
    program = make_program(graph, dataset)
    data = data_lowering(program, dataset)
    check_parameters(data, dataset.labels)
    slots: list[Slot] = []
    for name, shape in (shapes or {}).items():
        start = slots[-1].stop if slots else 0
        slots.append(Slot(name, start, start + int(np.prod(shape, dtype=np.int64)), shape))
    order = groups(graph)
    recorder = Recorder()

    def everything(flat: Array, key: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        given = _given(slots, fixed or {}, masks or {}, flat)
        return _draw(Evaluation(program, recorder, data), order, given, again, key)

    with jax.enable_x64(True):
        jax.eval_shape(everything, np.zeros((slots[-1].stop if slots else 0,)), jax.random.key(0))
        leaves = tuple(jnp.asarray(array) for array in recorder.arrays.values())
        known = {name: jnp.asarray(values) for name, values in (fixed or {}).items()}
    keys = tuple(recorder.arrays)
    axes = tuple(recorder.axes[key] for key in keys)
    return Simulator(Plan(program, order, tuple(slots), masks or {}, again, keys, axes), leaves, known)


def _given(slots: Sequence[Slot], fixed: Mapping[str, Array], masks: Mapping[str, Mask], flat: Array) -> Given:
    each = {s.name: flat[s.start : s.stop].reshape(s.shape) for s in slots}
    return Given({**fixed, **each}, masks)


def _draw(
    evaluation: Evaluation, order: tuple[Group, ...], given: Given, again: tuple[str, ...], key: Array
) -> tuple[dict[str, Array], dict[str, Array]]:
    simulate(evaluation, order, given, jax.random.fold_in(key, 0))
    program = evaluation.program
    found = {}
    for node in program.graph.nodes:
        recorded = isinstance(node, Value) and node.recorded and not program.is_data(node.name)
        if recorded or isinstance(node, Latent | Prediction):
            found[node.name] = evaluation.quantity(node.name)
    return found, redraw(evaluation, order, again, jax.random.fold_in(key, 1))
