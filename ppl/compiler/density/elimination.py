"""Discrete latents summed out of a density: tables of terms over all values, and the plan that sums them.

Every term that reads discrete latents becomes a table of log-probabilities, (m, K_1, ..., K_r): its m elements, and an
axis for the values of each element of a latent that it reads. `ppl.compiler.elimination` sums over all assignments.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from ppl.compiler.elimination import Scope, Structure, TooWide, Variable, make_plan
from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.fold import Recorder
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import INT, REAL, Named, aligned
from ppl.compiler.lowering.reads import as_pick, item_for
from ppl.compiler.lowering.subscripts import linear_positions
from ppl.compiler.passes.enumeration import Reading, Site, discrete_latents, sites
from ppl.compiler.passes.program import Program
from ppl.errors import CompilerBug, Diagnostic, PplError
from ppl.graph import Axis, Latent, Read
from ppl.types import IndexOf, Scalar

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tabled:
    """A term as a table. counts: how many elements of a latent each reading reads at once; axes: for the values of each
    of them all, in order; names: of their latents."""

    site: Site
    counts: tuple[int, ...]
    axes: tuple[Axis, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Part:
    """The elements of a table whose reads coincide alike. pattern: for each of the reads the first that is the same
    element of a latent; rows: the key of the constant that says which elements, None for all of them."""

    table: int
    pattern: tuple[int, ...]
    rows: Hashable | None


@dataclass(frozen=True, eq=False)
class Tabulation:
    """What is static in the tables of a model's discrete latents.

    values: of each latent, in the order of the axes of tables; parts: the tables, each with a scope.
    """

    tables: tuple[Tabled, ...]
    values: Mapping[str, tuple[int, ...]]
    parts: tuple[Part, ...]

    @property
    def key(self) -> Hashable:
        """What makes two of them equal, for one model."""
        return (tuple(self.values.items()), tuple((p.table, p.pattern, p.rows) for p in self.parts))


@dataclass(frozen=True, eq=False)
class Elimination(Tabulation):
    """What is static in the summation of a model's discrete latents.

    structure, keys: of the plan and of the constants that it takes; lines: for `ppl explain`.
    """

    structure: Structure
    keys: tuple[Hashable, ...]
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of the sum, among the terms of the density: its latents."""
        return ", ".join(self.values)

    @property
    def key(self) -> Hashable:
        """What makes two of them equal, for one model."""
        return (super().key, self.structure)

    def reads_discrete(self, node: object) -> bool:
        """Whether a node's own log-probability depends on what is summed out."""
        return any(tabled.site.node is node for tabled in self.tables)


def plan_elimination(program: Program, data: Lowering, recorder: Recorder) -> Elimination | None:
    """The plan for a model's discrete latents, whose constants are recorded; None if it has none.

    Raises:
        PplError: E402, they cannot be summed out within the budget.
    """
    latents = discrete_latents(program.graph)
    if not latents:
        return None
    tabulation, variables, scopes = tabulate(program, data, recorder)
    try:
        plan = make_plan(variables, scopes)
    except TooWide as wide:
        raise _too_wide(program, latents, wide) from None
    keys = tuple(("elimination", i) for i in range(len(plan.arrays)))
    for name, array in zip(keys, plan.arrays, strict=True):
        recorder.get(name, partial(Named, array))
    return Elimination(
        tabulation.tables, tabulation.values, tabulation.parts, structure=plan.structure, keys=keys, lines=plan.lines
    )


def tabulate(
    program: Program, data: Lowering, recorder: Recorder
) -> tuple[Tabulation, tuple[Variable, ...], tuple[Scope, ...]]:
    """The tables of the terms that read discrete latents, whose constants are recorded; the latents as variables, and
    the scope of each table.

    Raises:
        PplError: E402, a table is too large.
    """
    latents = discrete_latents(program.graph)
    values = {latent.name: _values(program, data, latent) for latent in latents}
    variables = tuple(Variable(lt.name, program.shape(lt.dims), len(values[lt.name])) for lt in latents)
    found = tuple(_tabled(program, site) for site in sites(program.graph))
    parts, scopes = [], []
    for n, tabled in enumerate(found):
        positions = _positions(data, tabled)
        _check_size(program, latents, tabled, [len(values[name]) for name in tabled.names], len(positions))
        for pattern, rows in _patterns(tabled, positions):
            key = None if rows is None else ("elimination", "rows", n, pattern)
            if rows is not None:
                recorder.get(key, partial(Named, rows))
            own = positions if rows is None else positions[rows]
            kept = [i for i, first in enumerate(pattern) if i == first]
            names = tuple(tabled.names[i] for i in kept)
            scopes.append(Scope(tabled.site.node.name, names, own[:, kept]))
            parts.append(Part(n, pattern, key))
    return Tabulation(found, values, tuple(parts)), variables, tuple(scopes)


def _too_wide(program: Program, latents: tuple[Latent, ...], wide: TooWide) -> PplError:
    named = {latent.name: latent for latent in latents}
    who = ", ".join(f"`{name}`" for name in wide.variables)
    title = f"{who} cannot be summed out: {wide.width + 1} of their elements would have to be tried jointly"
    walking = "mixed" if len(latents) < len(program.graph.latents) else "gibbs"
    hints = (
        f"that takes tables of {wide.cost:.2g} numbers; let fewer elements depend on each other, or observe some",
        f"or walk through their states instead: `--engine {walking}`",
    )
    return PplError([Diagnostic("E402", title, named[wide.variables[0]].span, hints=hints)], program.graph.source)


def _values(program: Program, data: Lowering, latent: Latent) -> tuple[int, ...]:
    """All values that a latent can have."""
    if isinstance(latent.element, IndexOf):
        return tuple(range(program.sizes[latent.element.dim]))
    if latent.element is Scalar.BOOL:
        return (0, 1)
    if latent.element is Scalar.SPIN:
        return (-1, 1)
    lower = 0 if latent.support.lower is None else int(np.min(data.value(latent.support.lower, REAL).array))
    if latent.support.upper is None:
        raise CompilerBug(f"`{latent.name}` has no upper bound")
    return tuple(range(lower, int(np.max(data.value(latent.support.upper, REAL).array)) + 1))


# --- where a term reads ------------------------------------------------------------------------------


class TableTooLarge(PplError):
    """One term depends on too many discrete elements (E402)."""


# Numbers in the largest table of a term that is worth making.
_LARGEST = 1 << 24


def sizes_of(program: Program, reading: Reading) -> tuple[int, ...]:
    """Of the indices that a reading binds inside its term, and of its whole dims."""
    return (*(program.size(axis) for axis in reading.bound), *(program.size(whole) for whole in reading.wholes))


def _tabled(program: Program, site: Site) -> Tabled:
    counts = tuple(math.prod(sizes_of(program, r)) for r in site.readings)
    names = tuple(r.read.name for r, count in zip(site.readings, counts, strict=True) for _ in range(count))
    axes = tuple(Axis(f"value {i} of {name}", "") for i, name in enumerate(names))
    return Tabled(site, counts, axes, names)


def _check_size(
    program: Program, latents: tuple[Latent, ...], tabled: Tabled, states: list[int], elements: int
) -> None:
    size = elements * math.prod(states)
    if size <= _LARGEST:
        return
    reading = max(zip(tabled.counts, tabled.site.readings, strict=True), key=lambda pair: pair[0])[1]
    title = f"`{reading.read.name}` cannot be summed out: one term depends on {len(states)} discrete elements at once"
    label = f"all their combinations are {math.prod(states):.2g}"
    hint = "let each term read few elements, or give some of them as data"
    raise TableTooLarge([Diagnostic("E402", title, reading.read.meta.span, label, (hint,))], program.graph.source)


def _positions(data: Lowering, tabled: Tabled) -> Integers:
    """(m, r): the flat position in its latent of each read, for each element of the term."""
    node = tabled.site.node
    inner, _ = data.filtered(node.axes, node.where, (id(node), "where"))
    plates = plates_of(tabled, inner)
    shape = tuple(inner.size(axis) for axis in plates)
    columns = []
    for reading, count in zip(tabled.site.readings, tabled.counts, strict=True):
        axes = (*plates, *reading.bound)
        flat = aligned(np, _flat(inner, reading.read), axes, len(reading.wholes))
        whole = (*shape, *sizes_of(inner.program, reading))
        columns.append(np.broadcast_to(flat, whole).reshape(math.prod(shape), count))
    return np.concatenate(columns, axis=1).astype(np.int64)


def _flat(data: Lowering, read: Read) -> Named:
    dims = data.program.dims(read.name)
    shape = data.program.shape(dims)
    items = [as_pick(data, item_for(data, d, n, s)) for d, n, s in zip(dims, shape, read.subscripts, strict=True)]
    return linear_positions(np, [item.positions() for item in items], shape) if items else Named(np.zeros((), INT))


def _patterns(tabled: Tabled, positions: Integers) -> list[tuple[tuple[int, ...], Integers | None]]:
    """Which reads are the same element: all elements of the term alike (None), or which of them."""
    names = tabled.names
    first = np.tile(np.arange(len(names)), (len(positions), 1))
    for i in range(len(names)):
        for j in range(i):
            if names[i] == names[j]:
                same = (first[:, i] == i) & (positions[:, i] == positions[:, j])
                first[:, i] = np.where(same, first[:, j], first[:, i])
    patterns, which = np.unique(first, axis=0, return_inverse=True)
    if len(patterns) == 1:
        return [(tuple(map(int, patterns[0])), None)]
    return [(tuple(map(int, p)), np.flatnonzero(which.ravel() == n)) for n, p in enumerate(patterns)]


def plates_of(tabled: Tabled, lowering: Context) -> tuple[Axis, ...]:
    """The axes of a term's elements."""
    return tuple(dict.fromkeys(lowering.seen(axis) for axis in tabled.site.node.axes))
