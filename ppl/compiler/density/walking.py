"""Discrete latents that stay in a density, for engines that walk through their states.

All elements of all discrete latents are *sites*, with numbers: latents in the order of their declarations, the elements
of each in C order. The state of a site is the position of its value among all values of its latent.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate

import jax.numpy as jnp
import numpy as np

from ppl.compiler.density.elimination import Integers, Tabulation, tabulate
from ppl.compiler.density.summation import tables
from ppl.compiler.elimination import ground, numbered
from ppl.compiler.lowering.fold import Recorder
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import Array, Named, dtype_of
from ppl.compiler.passes.enumeration import discrete_latents
from ppl.compiler.passes.program import Program


@dataclass(frozen=True, eq=False)
class Walk(Tabulation):
    """What is static in a density whose discrete latents stay.

    shapes: of each latent; dtypes: of its values; keys: of the constants with the scope of each table.
    """

    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, np.dtype[np.generic]]
    keys: tuple[Hashable, ...]

    @property
    def key(self) -> Hashable:
        """What makes two of them equal, for one model."""
        return (super().key, tuple(self.shapes.items()))

    @cached_property
    def cardinality(self) -> Integers:
        """(m,): the number of states of each site."""
        return np.repeat([len(v) for v in self.values.values()], [math.prod(s) for s in self.shapes.values()])

    def values_at(self, states: Array) -> dict[str, Array]:
        """(m,) states -> each latent, over its dims."""
        ends = accumulate(math.prod(shape) for shape in self.shapes.values())
        found: dict[str, Array] = {}
        for (name, shape), end in zip(self.shapes.items(), ends, strict=True):
            values = jnp.asarray(np.asarray(self.values[name], self.dtypes[name]))
            found[name] = values[jnp.reshape(states[end - math.prod(shape) : end], shape)]
        return found

    def factors(self, lowering: Lowering) -> tuple[Array, ...]:
        """For each scope the log-probabilities of its ground factors, (f, K_1, ..., K_r), or (1, K_1, ..., K_r) where
        those of all are equal."""
        return tuple(tables(self, lowering))


def plan_walk(program: Program, data: Lowering, recorder: Recorder) -> Walk | None:
    """The discrete latents of a model as sites, with the constants recorded; None if it has none.

    Raises:
        PplError: E402, a table is too large.
    """
    latents = discrete_latents(program.graph)
    if not latents:
        return None
    tabulation, variables, scopes = tabulate(program, data, recorder)
    grounds = ground(variables)
    keys = tuple(("walk", i) for i in range(len(scopes)))
    for key, scope in zip(keys, scopes, strict=True):
        recorder.get(key, partial(Named, numbered(grounds, scope)))
    shapes = {variable.name: variable.shape for variable in variables}
    dtypes = {latent.name: dtype_of(latent.element) for latent in latents}
    return Walk(tabulation.tables, tabulation.values, tabulation.parts, shapes=shapes, dtypes=dtypes, keys=keys)
