"""One evaluation of a model: its quantities, each computed when first read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np

from ppl.compiler.density import transforms
from ppl.compiler.density.program import Program
from ppl.compiler.lowering.assemble import assemble
from ppl.compiler.lowering.fold import Constants, Recorder
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import REAL, Array, aligned
from ppl.dataset import Dataset
from ppl.errors import CompilerBug
from ppl.graph import Expr, Input, Latent, Value


@dataclass(frozen=True, eq=False)
class Slot:
    """Where a latent lies in the flat vector: `start:stop`, in this unconstrained shape."""

    latent: Latent
    start: int
    stop: int
    shape: tuple[int, ...]


def layout(program: Program) -> tuple[Slot, ...]:
    """The latents one after the other, in the order of their declarations."""
    slots: list[Slot] = []
    start = 0
    for latent in program.graph.latents:
        shape = transforms.unconstrained_shape(latent.support.kind, program.shape(latent.dims))
        stop = start + int(np.prod(shape, dtype=np.int64))
        slots.append(Slot(latent, start, stop, shape))
        start = stop
    return tuple(slots)


@dataclass(eq=False)
class Evaluation:
    """Quantities by name; `lowering` reads them."""

    program: Program
    constants: Constants | Recorder
    data: Lowering | None
    known: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lowering = Lowering(self.program, jnp, self.quantity, self.constants, self.data)

    def quantity(self, name: str) -> Array:
        """The whole array of a quantity over its declared dims; of latents, once `constrain` has run."""
        if name not in self.known:
            node = self.program.graph[name]
            if not isinstance(node, Value):
                raise CompilerBug(f"`{name}` is read before it has a value")
            self.known[name] = assemble(self.lowering, node)
        return self.known[name]

    # --- latents -------------------------------------------------------------------------------------

    def constrain(self, slots: tuple[Slot, ...], u: Array) -> Array:
        """Gives every latent its value; the log-Jacobian of the whole map."""
        jacobian: Array = np.float64(0)
        for slot in slots:
            part = u[slot.start : slot.stop].reshape(slot.shape)
            lower, upper = self.bounds(slot.latent)
            value, log_jacobian = transforms.to_constrained(slot.latent.support.kind, part, lower, upper)
            self.known[slot.latent.name] = value
            if slot.latent.support.kind not in _UNIT_JACOBIAN:
                jacobian = jacobian + jnp.sum(log_jacobian)
        return jacobian

    def unconstrain(self, slots: tuple[Slot, ...], values: Mapping[str, Array]) -> Array:
        """(n,): the flat vector of these values of all latents, each in its declared shape."""
        parts = []
        for slot in slots:
            value = jnp.asarray(values[slot.latent.name], REAL)
            self.known[slot.latent.name] = value
            lower, upper = self.bounds(slot.latent)
            part = transforms.to_unconstrained(slot.latent.support.kind, value, lower, upper)
            parts.append(jnp.reshape(part, (slot.stop - slot.start,)))
        return jnp.concatenate(parts) if parts else jnp.zeros((0,), REAL)

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
                known[name] = assemble(lowering, node)
            else:
                raise CompilerBug(f"`{name}` is not data")
        return known[name]

    lowering = Lowering(program, np, quantity)
    return lowering
