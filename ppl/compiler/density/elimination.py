"""Discrete latents summed out of a density: tables of terms over all values, and the plan that sums them.

Every term that reads discrete latents becomes a table of log-probabilities, (m, K_1, ..., K_r): its m elements, and an
axis for the values of each element of a latent that it reads. `ppl.compiler.elimination` sums over all assignments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from ppl.compiler.density.program import Program
from ppl.compiler.density.scoring import Scored, score
from ppl.compiler.elimination import Scope, Structure, TooWide, Variable, log_normaliser, make_plan, sample
from ppl.compiler.elimination import marginals as marginal_probabilities
from ppl.compiler.lowering.context import Context, Enumerated
from ppl.compiler.lowering.enumeration import read_key
from ppl.compiler.lowering.fold import Recorder
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import INT, REAL, Array, Named, aligned, broadcast, dtype_of
from ppl.compiler.lowering.reads import as_pick, item_for
from ppl.compiler.lowering.subscripts import linear_positions
from ppl.compiler.passes.enumeration import Reading, Site, discrete_latents, sites
from ppl.errors import CompilerBug, Diagnostic, PplError
from ppl.graph import Axis, Latent, Read, Term
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
class Elimination:
    """What is static in the summation of a model's discrete latents.

    values: of each latent, in the order of the axes of tables; parts: one for each table of the plan; structure, keys:
    of the plan and of the constants that it takes; lines: for `ppl explain`.
    """

    tables: tuple[Tabled, ...]
    values: Mapping[str, tuple[int, ...]]
    parts: tuple[Part, ...]
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
        return (tuple(self.values.items()), self.structure, tuple((p.table, p.pattern, p.rows) for p in self.parts))

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
    values = {latent.name: _values(program, data, latent) for latent in latents}
    variables = [Variable(lt.name, program.shape(lt.dims), len(values[lt.name])) for lt in latents]
    found = [_tabled(program, site) for site in sites(program.graph)]
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
    try:
        plan = make_plan(variables, scopes)
    except TooWide as wide:
        raise _too_wide(program, latents, wide) from None
    keys = tuple(("elimination", i) for i in range(len(plan.arrays)))
    for name, array in zip(keys, plan.arrays, strict=True):
        recorder.get(name, partial(Named, array))
    return Elimination(tuple(found), values, tuple(parts), plan.structure, keys, plan.lines)


def _too_wide(program: Program, latents: tuple[Latent, ...], wide: TooWide) -> PplError:
    named = {latent.name: latent for latent in latents}
    who = ", ".join(f"`{name}`" for name in wide.variables)
    title = f"{who} cannot be summed out: {wide.width + 1} of their elements would have to be tried jointly"
    hints = (
        f"that takes tables of {wide.cost:.2g} numbers; let fewer elements depend on each other, or observe some",
        "engines that walk through discrete states, such as Gibbs samplers, need no tables; this version has none",
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

# Numbers in the largest table of a term that is worth making.
_LARGEST = 1 << 24


def _sizes(program: Program, reading: Reading) -> tuple[int, ...]:
    """Of the indices that a reading binds inside its term, and of its whole dims."""
    return (*(program.size(axis) for axis in reading.bound), *(program.size(whole) for whole in reading.wholes))


def _tabled(program: Program, site: Site) -> Tabled:
    counts = tuple(math.prod(_sizes(program, r)) for r in site.readings)
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
    raise PplError([Diagnostic("E402", title, reading.read.meta.span, label, (hint,))], program.graph.source)


def _positions(data: Lowering, tabled: Tabled) -> Integers:
    """(m, r): the flat position in its latent of each read, for each element of the term."""
    node = tabled.site.node
    inner, _ = data.filtered(node.axes, node.where, (id(node), "where"))
    plates = _plates(tabled, inner)
    shape = tuple(inner.size(axis) for axis in plates)
    columns = []
    for reading, count in zip(tabled.site.readings, tabled.counts, strict=True):
        axes = (*plates, *reading.bound)
        flat = aligned(np, _flat(inner, reading.read), axes, len(reading.wholes))
        whole = (*shape, *_sizes(inner.program, reading))
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


# --- tables ------------------------------------------------------------------------------------------


def _table(elimination: Elimination, lowering: Lowering, tabled: Tabled) -> Array:
    return _over_plates(elimination, tabled, _weighed(elimination, lowering, tabled))


def _weighed(elimination: Elimination, lowering: Lowering, tabled: Tabled) -> Scored:
    """The log-probabilities of a term over its plates and all values of the latents that it reads."""
    return score(lowering.enumerating(_enumerated(elimination, lowering, tabled)), tabled.site.node)


def _enumerated(elimination: Elimination, lowering: Lowering, tabled: Tabled) -> dict[Hashable, Enumerated]:
    """What each read of a discrete latent is: all combinations of values of the elements that it reads."""
    found: dict[Hashable, Enumerated] = {}
    begin = 0
    for reading, count in zip(tabled.site.readings, tabled.counts, strict=True):
        read, axes = reading.read, tabled.axes[begin : begin + count]
        begin += count
        values = np.asarray(elimination.values[read.name], dtype_of(read.meta.element))
        if not (reading.bound or reading.wholes):
            plain = isinstance(read.meta.element, IndexOf)
            found[read_key(read)] = Enumerated(axes[0], Named(values, axes), plain)
            continue
        grid = values[np.indices((len(values),) * count)]
        grid = grid.reshape((*_sizes(lowering.program, reading), *grid.shape[1:]))
        first, last = len(reading.bound), len(reading.bound) + len(reading.wholes)
        order = (*range(first), *range(last, grid.ndim), *range(first, last))
        found[read_key(read)] = Enumerated(None, Named(np.transpose(grid, order), (*reading.bound, *axes)), False)
    return found


def _over_plates(elimination: Elimination, tabled: Tabled, scored: Scored) -> Array:
    """(m, K_1, ..., K_r): the elements of a term one after the other; 0 for those that a filter leaves out."""
    log_prob, lowering = scored.log_prob, scored.lowering
    if log_prob.rank:
        log_prob = Named(jnp.sum(log_prob.array, axis=tuple(range(-log_prob.rank, 0))), log_prob.axes)
    if scored.mask is not None:
        joined, (held, weights) = broadcast(jnp, [scored.mask, log_prob])
        log_prob = Named(jnp.where(held, weights, np.float64(0)), joined)
    plates = _plates(tabled, lowering)
    states = tuple(len(elimination.values[name]) for name in tabled.names)
    shape = (*(lowering.size(axis) for axis in plates), *states)
    array = jnp.broadcast_to(aligned(jnp, log_prob, (*plates, *tabled.axes), 0), shape)
    return jnp.reshape(array, (math.prod(shape[: len(plates)]), *states))


def _plates(tabled: Tabled, lowering: Context) -> tuple[Axis, ...]:
    return tuple(dict.fromkeys(lowering.seen(axis) for axis in tabled.site.node.axes))


def _parts(elimination: Elimination, lowering: Lowering, whole: list[Array]) -> list[Array]:
    """The tables of the plan."""
    return [_part(whole[part.table], part, lowering) for part in elimination.parts]


def _part(table: Array, part: Part, lowering: Lowering) -> Array:
    if part.rows is not None:
        table = table[_constant(lowering, part.rows)]
    for i in reversed(range(len(part.pattern))):
        if part.pattern[i] != i:  # the same element twice: only equal values are possible
            table = jnp.diagonal(table, axis1=1 + part.pattern[i], axis2=1 + i)
            table = jnp.moveaxis(table, -1, 1 + part.pattern[i])
    return table


def _constant(lowering: Lowering, key: Hashable) -> Array:
    def never(data: Context) -> Named:
        raise CompilerBug("a constant of the elimination was not recorded")

    return lowering.recorded(key, (), never).array


# --- sums, draws, probabilities ----------------------------------------------------------------------


def _summed(elimination: Elimination, lowering: Lowering, whole: list[Array]) -> Array:
    arrays = tuple(_constant(lowering, key) for key in elimination.keys)
    return log_normaliser(elimination.structure, arrays, _parts(elimination, lowering, whole))


def _tables(elimination: Elimination, lowering: Lowering) -> list[Array]:
    return [_table(elimination, lowering, tabled) for tabled in elimination.tables]


def summed_out(elimination: Elimination, lowering: Lowering) -> Array:
    """(): the logarithm of the sum over all values of the discrete latents."""
    return _summed(elimination, lowering, _tables(elimination, lowering))


def drawn(elimination: Elimination, lowering: Lowering, key: Array) -> dict[str, Array]:
    """A joint draw of the discrete latents from their posterior given everything else, each over its dims."""
    arrays = tuple(_constant(lowering, key) for key in elimination.keys)
    parts = _parts(elimination, lowering, _tables(elimination, lowering))
    states = sample(elimination.structure, arrays, parts, key)
    found = {}
    for latent in discrete_latents(lowering.program.graph):
        values = np.asarray(elimination.values[latent.name], dtype_of(latent.element))
        found[latent.name] = jnp.asarray(values)[states[latent.name]]
    return found


def marginals(elimination: Elimination, lowering: Lowering) -> dict[str, Array]:
    """The probability of each value of each discrete latent, (dims..., values)."""
    arrays = tuple(_constant(lowering, key) for key in elimination.keys)
    parts = _parts(elimination, lowering, _tables(elimination, lowering))
    found: dict[str, Array] = marginal_probabilities(elimination.structure, arrays, parts)
    return found


def best_scores(elimination: Elimination, lowering: Lowering) -> dict[int, Scored]:
    """Each term that reads discrete latents, by identity, at the most probable of their values for every element; what
    it was computed from is that of their first values."""
    found = {}
    for tabled in elimination.tables:
        scored = _weighed(elimination, lowering, tabled)
        first = {name: _without(p, tabled.axes, _first) for name, p in scored.parameters.items()}
        found[id(tabled.site.node)] = replace(
            scored,
            log_prob=_without(scored.log_prob, tabled.axes, jnp.max),
            value=_without(scored.value, tabled.axes, _first),
            parameters=first,
        )
    return found


def _without(value: Named, axes: tuple[Axis, ...], reduce: Callable[..., Array]) -> Named:
    """With some axes reduced."""
    places = tuple(i for i, axis in enumerate(value.axes) if axis in axes)
    if not places:
        return value
    return Named(reduce(value.array, axis=places), tuple(axis for axis in value.axes if axis not in axes))


def _first(array: Array, axis: tuple[int, ...]) -> Array:
    return array[tuple(0 if i in axis else slice(None) for i in range(array.ndim))]


# Below e^-600 of the greatest, a probability counts as that, so that none underflows and all can be divided by.
_LEAST = 600.0


def predictive_scores(elimination: Elimination, lowering: Lowering) -> dict[int, Scored]:
    """For each observing term that reads discrete latents, by identity: of every element its log-probability given
    everything else, with the latents summed out.

    With p(z | y) the joint probability of the values that an element y_i reads, p(z | y without y_i) is in proportion
    to p(z | y) / p(y_i | z), over which p(y_i | z) is averaged. p(z | y) is the derivative of the log sum by the
    element's table. This is the factor of leave-one-out cross-validation (Bürkner, Gabry & Vehtari 2021), and where no
    other element depends on these latents it is p(y_i) itself.
    """
    nodes = [tabled.site.node for tabled in elimination.tables]
    observing = [n for n, node in enumerate(nodes) if isinstance(node, Term) and node.role == "observed"]
    if not observing:
        return {}
    scores = {n: _weighed(elimination, lowering, elimination.tables[n]) for n in observing}
    tables = _tables(elimination, lowering)
    raised = []
    for table in tables:
        most = jnp.max(table, axis=tuple(range(1, table.ndim)), keepdims=True)
        raised.append(jnp.where(most > -np.inf, jnp.maximum(table, most - _LEAST), table))
    joint = jax.grad(lambda whole: _summed(elimination, lowering, whole))(raised)
    found = {}
    for n in observing:
        tabled, scored = elimination.tables[n], scores[n]
        possible = joint[n] > 0
        without = jnp.where(possible, jnp.log(jnp.where(possible, joint[n], 1.0)) - raised[n], -np.inf)
        over = tuple(range(1, without.ndim))
        without = without - jax.scipy.special.logsumexp(without, axis=over, keepdims=True)
        plates = _plates(tabled, scored.lowering)
        shape = (*(scored.lowering.size(axis) for axis in plates), *without.shape[1:])
        axes = (*plates, *tabled.axes)
        weights = Named(jnp.reshape(without, shape), axes)
        rank = scored.log_prob.rank
        total = aligned(jnp, scored.log_prob, axes, rank) + aligned(jnp, weights, axes, rank)
        values = tuple(range(len(plates), len(axes)))
        log_prob = Named(jax.scipy.special.logsumexp(total, axis=values), plates)
        found[id(nodes[n])] = replace(scored, log_prob=log_prob)
    return found
