"""One evaluation of a model: its quantities, each computed when first read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np

from ppl.compiler.density import transforms
from ppl.compiler.density.centring import from_standard, to_standard
from ppl.compiler.lowering.assemble import assemble
from ppl.compiler.lowering.fold import Constants, Recorder
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import INT, REAL, Array, aligned
from ppl.compiler.lowering.recurrence import recurrent_values
from ppl.compiler.passes.program import Program
from ppl.compiler.passes.roles import is_discrete
from ppl.dataset import Dataset
from ppl.errors import CompilerBug
from ppl.graph import Expr, Input, Latent, Prediction, Value
from ppl.types import Scalar


@dataclass(frozen=True, eq=False)
class Slot:
    """Where a latent lies in the flat vector: `start:stop`, in this unconstrained shape."""

    latent: Latent
    start: int
    stop: int
    shape: tuple[int, ...]


def layout(program: Program) -> tuple[Slot, ...]:
    """The continuous latents one after the other, in the order of their declarations."""
    slots: list[Slot] = []
    start = 0
    for latent in program.graph.latents:
        if is_discrete(latent):
            continue
        shape = transforms.unconstrained_shape(latent.support.kind, program.shape(latent.dims))
        stop = start + int(np.prod(shape, dtype=np.int64))
        slots.append(Slot(latent, start, stop, shape))
        start = stop
    return tuple(slots)


@dataclass(eq=False)
class Evaluation:
    """Quantities by name; `lowering` reads them.

    settled: log-densities of the terms that define a latent, by their identity, where its coordinates gave them."""

    program: Program
    constants: Constants | Recorder
    data: Lowering | None
    known: dict[str, Array] = field(default_factory=dict)
    settled: dict[int, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lowering = Lowering(self.program, jnp, self.quantity, self.constants, self.data)

    def quantity(self, name: str) -> Array:
        """The whole array of a quantity over its declared dims; of latents, once `constrain` has run."""
        if name not in self.known:
            node = self.program.graph[name]
            if isinstance(node, Prediction) and not node.recorded:
                return self._undrawn(node)
            if not isinstance(node, Value):
                raise CompilerBug(f"`{name}` is read before it has a value")
            self.known.update(computed(self.lowering, node))
        return self.known[name]

    def noting_failures(self) -> None:
        """From here on, differential equations without a solution are noted (`lowering.attempts`), not NaN."""
        self.lowering = replace(self.lowering, attempts={})

    def _undrawn(self, prediction: Prediction) -> Array:
        """What stands in the place of missing elements before they are drawn; nothing in the density reads it."""
        shape = self.program.shape(prediction.dims)
        return jnp.full(shape, np.nan, REAL) if prediction.element is Scalar.REAL else jnp.zeros(shape, INT)

    # --- latents -------------------------------------------------------------------------------------

    def constrain(self, slots: tuple[Slot, ...], u: Array) -> Array:
        """Gives every latent its value; the log-Jacobian of the whole map."""
        jacobian: Array = np.float64(0)
        for slot in self._in_order(slots):
            part = u[slot.start : slot.stop].reshape(slot.shape)
            choice = self.program.choice(slot.latent.name)
            if choice is not None:
                found = from_standard(self.lowering, choice, part)
                self.known[slot.latent.name] = found.value
                self.settled.update(found.terms)
                jacobian = jacobian + found.log_jacobian
                continue
            lower, upper = self.bounds(slot.latent)
            value, log_jacobian = transforms.to_constrained(slot.latent.support.kind, part, lower, upper)
            self.known[slot.latent.name] = value
            if slot.latent.support.kind not in _UNIT_JACOBIAN:
                jacobian = jacobian + jnp.sum(log_jacobian)
        return jacobian

    def unconstrain(self, slots: tuple[Slot, ...], values: Mapping[str, Array]) -> Array:
        """(n,): the flat vector of these values of all latents, each in its declared shape."""
        parts = []
        self.known.update({slot.latent.name: jnp.asarray(values[slot.latent.name], REAL) for slot in slots})
        for slot in slots:
            value = self.known[slot.latent.name]
            choice = self.program.choice(slot.latent.name)
            if choice is not None:
                parts.append(jnp.reshape(to_standard(self.lowering, choice, value), (slot.stop - slot.start,)))
                continue
            lower, upper = self.bounds(slot.latent)
            part = transforms.to_unconstrained(slot.latent.support.kind, value, lower, upper)
            parts.append(jnp.reshape(part, (slot.stop - slot.start,)))
        return jnp.concatenate(parts) if parts else jnp.zeros((0,), REAL)

    def _in_order(self, slots: tuple[Slot, ...]) -> list[Slot]:
        """Each after those that its value is made with."""
        return sorted(slots, key=lambda slot: self.program.rank.get(slot.latent.name, -1))

    def bounds(self, latent: Latent) -> tuple[Array | None, Array | None]:
        """Lower and upper bounds of a latent's support: numbers, or arrays over the latent's axes; None for none."""
        support = latent.support
        return self._bound(latent, support.lower), self._bound(latent, support.upper)

    def _bound(self, latent: Latent, expr: Expr | None) -> Array | None:
        if expr is None:
            return None
        named = self.lowering.value(expr, REAL)
        if named.array.ndim == 0:
            return named.array
        return aligned(jnp, named, latent.axes, 0)


def computed(lowering: Lowering, value: Value) -> dict[str, Array]:
    """A deterministic quantity, with those that it is computed together with."""
    recurrence = lowering.program.recurrence(value.name)
    return {value.name: assemble(lowering, value)} if recurrence is None else recurrent_values(lowering, recurrence)


_UNIT_JACOBIAN = frozenset({"real", "real_vector"})


def data_lowering(program: Program, dataset: Dataset) -> Lowering:
    """Expressions of data alone, in NumPy."""
    known: dict[str, Array] = {}

    def quantity(name: str) -> Array:
        if name not in known:
            node = program.graph[name]
            if isinstance(node, Input):
                known[name] = np.asarray(dataset.arrays[name])
            elif isinstance(node, Value) and program.is_data(name):
                known.update(computed(lowering, node))
            else:
                raise CompilerBug(f"`{name}` is not data")
        return known[name]

    lowering = Lowering(program, np, quantity)
    return lowering
