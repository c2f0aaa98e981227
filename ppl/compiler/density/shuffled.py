"""Minibatches without gathers: the data along a dim, copied once in a random order, of which a slice is a sample.

A slice of m of N elements costs what it computes; a gather of as many costs several times that. Where it begins is
uniform on 0, ..., N - 1, and it goes on at the beginning where it meets the end, so that every element is in it with
probability m / N. What is copied are the recorded constants with an axis over the dim: data as the terms use them,
lagged or not. What latents give along the dim is gathered at the positions of the slice.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.density.evaluation import Evaluation
from ppl.compiler.density.minibatch import Sample
from ppl.compiler.lowering.named import Array, Named
from ppl.errors import CompilerBug
from ppl.graph import Axis


class Estimated(Protocol):
    """What a density must be able to, to be shuffled."""

    @property
    def size(self) -> int: ...

    def log_density(self, u: Array) -> Array: ...

    def evaluation(self) -> Evaluation: ...

    def estimate(self, u: Array, batch: Mapping[str, Sample]) -> Array: ...


# Of a constant recorded under a key: which of its dims is copied in the new order, where that begins along the dim of
# the model, and between which elements of the dim the copied ones lie.
Copy = tuple[Hashable, int, int, tuple[int, int]]


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["density", "order", "copies"],
    meta_fields=["dim", "elements", "count", "places"],
)
@dataclass(frozen=True, eq=False)
class Shuffled:
    """A density with shuffled copies of its data along `dim`.

    order: (elements + count - 1,), the elements of the dim in the new order, the first ones once more at its end;
    copies: for each of `places` the constant with its elements in this order.
    """

    density: Estimated
    order: Array
    copies: tuple[Array, ...]
    dim: str
    elements: int
    count: int
    places: tuple[Copy, ...]

    @property
    def size(self) -> int:
        return self.density.size

    def log_density(self, u: Array) -> Array:
        """(n,) -> (): from all data."""
        return self.density.log_density(u)

    def log_density_slice(self, u: Array, start: Array) -> Array:
        """(n,), () integer -> (): an estimate of it from `count` elements, unbiased for uniform starts."""
        by_place = dict(zip(self.places, self.copies, strict=True))

        def rows(span: tuple[int, int], key: Hashable, constant: Named, axis: Axis) -> Array:
            place = _place(self.density, span, key, constant, axis)
            if place not in by_place:
                raise CompilerBug(f"no copy was made of {key}")
            return jax.lax.dynamic_slice_in_dim(by_place[place], start, self.count, place[1])

        positions = jax.lax.dynamic_slice_in_dim(self.order, start, self.count)
        return self.density.estimate(u, {self.dim: Sample(positions, rows)})


def _place(density: Estimated, span: tuple[int, int], key: Hashable, constant: Named, axis: Axis) -> Copy:
    return key, constant.axes.index(axis), density.evaluation().program.span(axis)[0], span


def shuffled(density: Estimated, dim: str, count: int, seed: Sequence[int]) -> Shuffled:
    """See `CompiledDensity.shuffled`, which has checked the rest."""
    program = density.evaluation().program
    elements = program.sizes[dim]
    order = np.random.default_rng([int(word) for word in seed]).permutation(elements)
    order = np.concatenate([order, order[: count - 1]])
    found: dict[Copy, Array] = {}

    def note(span: tuple[int, int], key: Hashable, constant: Named, axis: Axis) -> Array:
        place = _place(density, span, key, constant, axis)
        found[place] = None
        return jax.lax.slice_in_dim(_copied(constant.array, order, place), 0, count, axis=place[1])

    with jax.enable_x64(True):
        sample = Sample(jnp.asarray(order[:count]), note)
        jax.eval_shape(lambda u: density.estimate(u, {dim: sample}), np.zeros(density.size))
        constants = density.evaluation().constants
        copies = tuple(_copied(constants.get(place[0], _missing).array, order, place) for place in found)
        return Shuffled(density, jnp.asarray(order), copies, dim, elements, count, tuple(found))


def _copied(array: Array, order: Array, place: Copy) -> Array:
    _, along, first, (start, stop) = place
    return jnp.take(array, np.clip(order, start, stop - 1) - first, axis=along)


def _missing() -> Named:
    raise CompilerBug("a constant is asked for that was not recorded")
