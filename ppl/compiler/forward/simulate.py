"""Quantities drawn forward in one evaluation: whole arrays at once, or step by step where elements look back.

Elements that are given keep their values. Of a Gaussian vector some of whose elements are given, the others are drawn
from their exact conditional; nothing else is drawn in part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from ppl.compiler.density.evaluation import Evaluation
from ppl.compiler.density.predictive import draw_elements, over_target
from ppl.compiler.forward.gaussian import conditional
from ppl.compiler.forward.statements import Group, Statement
from ppl.compiler.forward.uniform import uniform
from ppl.compiler.lowering.assemble import covers, place
from ppl.compiler.lowering.context import Context, Selection
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import BOOL, INT, Array, DType, Named, broadcast, dtype_of
from ppl.errors import CompilerBug
from ppl.graph import Aligned, Axis, Fixed, Labelled, Latent, Prediction, Value

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Given:
    """Values that are not drawn. values: whole arrays by name, whatever stands at other elements; masks: which elements
    are given, the same for every draw; all of them where a name has no mask."""

    values: Mapping[str, Array]
    masks: Mapping[str, Mask]

    def whole(self, name: str) -> bool:
        """Whether every element is given."""
        return name in self.values and (name not in self.masks or bool(self.masks[name].all()))

    def mask(self, name: str) -> Mask | None:
        """Which elements are given; None for none."""
        mask = self.masks.get(name)
        return None if mask is None or not mask.any() else mask


def simulate(evaluation: Evaluation, groups: Iterable[Group], given: Given, key: Array) -> None:
    """Gives every quantity of the groups its value in the evaluation, which reads all others."""
    for name, values in given.values.items():
        if given.whole(name):
            evaluation.known[name] = values
    for group in groups:
        left = [name for name in group.names if not given.whole(name)]
        drawn = [name for name in left if not isinstance(evaluation.program.graph[name], Value)]
        if drawn:
            _simulate(evaluation, group, left, given, key)


def redraw(evaluation: Evaluation, groups: Iterable[Group], names: Sequence[str], key: Array) -> dict[str, Array]:
    """New draws of these quantities, each element given the values that everything has."""
    found: dict[str, Array] = {}
    nothing = Given({}, {})
    for statement in (s for group in groups for s in (*group.whole, *group.steps)):
        name = statement.name
        if name in names:
            values = found.get(name, jnp.zeros_like(evaluation.known[name]))
            lowering = replace_known(evaluation).lowering
            inner, mask = lowering.filtered(statement.axes, statement.where, (id(statement.where), "forward"))
            made = _made(inner, statement, values.dtype, nothing, jax.random.fold_in(key, statement.number))
            if mask is not None:
                made = _chosen([mask], made, _reading(inner, values).value(statement.target, values.dtype))
            found[name] = _placed(inner, values, statement, made)
    return found


def _simulate(evaluation: Evaluation, group: Group, names: Sequence[str], given: Given, key: Array) -> None:
    for name in names:
        evaluation.known[name] = _initial(evaluation, name, given)
    for statement in group.whole:
        if statement.name in names:
            _run(evaluation, statement, (), given, key)
    steps = tuple(s for s in group.steps if s.name in names)
    if steps:
        _scan(evaluation, group, names, steps, given, key)


def _initial(evaluation: Evaluation, name: str, given: Given) -> Array:
    """What an array holds before anything is drawn."""
    program = evaluation.program
    dtype = _dtype(evaluation, name)
    if name in given.values:
        return jnp.asarray(given.values[name]).astype(dtype)
    return jnp.zeros(program.shape(program.dims(name)), dtype)


def _dtype(evaluation: Evaluation, name: str) -> DType:
    node = evaluation.program.graph[name]
    if not isinstance(node, Latent | Prediction | Value):
        raise CompilerBug(f"`{name}` is not drawn")
    dtype = dtype_of(node.element)
    return INT if dtype == BOOL and not isinstance(node, Value) else dtype


# --- whole -------------------------------------------------------------------------------------------


def _run(
    evaluation: Evaluation,
    statement: Statement,
    selections: Sequence[Selection],
    given: Given,
    key: Array,
    active: Array = None,
) -> None:
    """One statement, on the elements that are selected, if it is active."""
    fresh = replace_known(evaluation)
    lowering: Context = reduce(lambda context, s: context.within(s), selections, fresh.lowering)
    inner, mask = lowering.filtered(statement.axes, statement.where, (id(statement.where), "forward"))
    values = evaluation.known[statement.name]
    made = _made(inner, statement, values.dtype, given, jax.random.fold_in(key, statement.number))
    known = given.mask(statement.name)
    if known is None and mask is None and active is None:
        evaluation.known[statement.name] = _placed(inner, values, statement, made)
        return
    conditions = [] if mask is None else [mask]
    if known is not None:
        at = _read_mask(inner, statement, known)
        conditions.append(Named(~at.array, at.axes))
    if active is not None:
        conditions.append(Named(active))
    old = inner.value(statement.target, values.dtype)
    evaluation.known[statement.name] = _placed(inner, values, statement, _chosen(conditions, made, old))


def replace_known(evaluation: Evaluation) -> Evaluation:
    """Another evaluation of the same quantities, that remembers no expression."""
    return Evaluation(evaluation.program, evaluation.constants, evaluation.data, evaluation.known)


def _placed(lowering: Context, values: Array, statement: Statement, made: Named) -> Array:
    dims = lowering.program.dims(statement.name)
    if not dims:
        return made.array
    if not lowering.selections and covers(lowering, dims, statement.target.subscripts, None):
        values = jnp.zeros(values.shape, values.dtype)
    return place(lowering, values, dims, statement.target.subscripts, made)


def _made(lowering: Context, statement: Statement, dtype: DType, given: Given, key: Array) -> Named:
    """New values of the statement's elements, over the axes of its target."""
    if statement.flat is not None:
        drawn = uniform(lowering, statement.flat, statement.axes, key)
        return Named(drawn.array.astype(dtype), drawn.axes)
    if statement.distribution is None:
        assert statement.value is not None
        return lowering.value(statement.value, dtype)
    known = given.mask(statement.name)
    partial = None if known is None else _part(lowering, statement, known)
    if partial is not None:
        assert known is not None
        at = _read_mask(lowering, statement, known)
        drawn = conditional(lowering, statement, partial, Named(jnp.any(at.array, axis=-1), at.axes), key)
    else:
        event = tuple(lowering.program.size(whole) for whole in statement.target.meta.event)
        drawn = draw_elements(lowering, statement.distribution, statement.axes, event, key)
    drawn = over_target(lowering, drawn, statement.target, summed=False)
    return Named(drawn.array.astype(dtype), drawn.axes)


def _part(lowering: Context, statement: Statement, known: Mask) -> Mask | None:
    """Which elements of one event are given, if only some are: (event dims)."""
    distribution = statement.distribution
    assert distribution is not None
    rank = distribution.event_rank
    if rank == 0:
        return None
    at = np.asarray(_static_mask(lowering, statement, known))
    part = at.reshape(-1, *at.shape[at.ndim - rank :])
    mixed = [row for row in part if row.any() and not row.all()]
    if not mixed:
        return None
    if any((row != mixed[0]).any() for row in mixed):
        raise CompilerBug(f"`{statement.name}` is given in different elements of its events")
    return np.asarray(mixed[0])


def _static_mask(lowering: Context, statement: Statement, known: Mask) -> Array:
    """The mask at the statement's elements, in NumPy."""
    host = Lowering(lowering.program, np, lambda _: known)
    return host.value(statement.target, BOOL).array


def _read_mask(lowering: Context, statement: Statement, known: Mask) -> Named:
    """The mask at the statement's elements."""
    return _reading(lowering, jnp.asarray(known)).value(statement.target, BOOL)


def _reading(lowering: Context, values: Array) -> Context:
    """The lowering with these values in the place of every quantity, for a target to be read at."""
    assert isinstance(lowering, Lowering)
    return replace(lowering, quantity=lambda _: values, memo={})


def _chosen(conditions: Sequence[Named], made: Named, old: Named) -> Named:
    """`made` where all conditions hold, else `old`."""
    rank = max(made.rank, old.rank)
    padded = [_with_rank(c, rank) for c in conditions]
    axes, (new, before, *held) = broadcast(jnp, [made, old, *padded])
    return Named(jnp.where(reduce(jnp.logical_and, held), new, before), axes)


def _with_rank(value: Named, rank: int) -> Named:
    """With event dims of size 1 at the end, so that a condition on elements holds for their whole events."""
    if value.array.ndim == 0 or value.rank:
        return value
    return Named(jnp.expand_dims(value.array, tuple(range(value.array.ndim, value.array.ndim + rank))), value.axes)


# --- step by step ------------------------------------------------------------------------------------


def _scan(
    evaluation: Evaluation, group: Group, names: Sequence[str], steps: Sequence[Statement], given: Given, key: Array
) -> None:
    """The statements at one position after the other, from the first that any of them makes."""
    if not group.dims:  # nothing looks back: the statements only had to be in order
        for statement in steps:
            _run(evaluation, statement, (), given, key)
        return
    program = evaluation.program
    spans = [[_span(evaluation, s, dim) for dim in group.dims] for s in steps]
    lows = [min(span[i][0] for span in spans) for i in range(len(group.dims))]
    sizes = [max(0, max(span[i][1] for span in spans) - low) for i, low in enumerate(lows)]
    for statement in steps:  # what they read besides is computed once
        for read in statement.reads():
            if read.name not in group.names and not program.is_data(read.name):
                evaluation.quantity(read.name)
    if not math.prod(sizes):
        return

    def step(carry: dict[str, Array], number: Array) -> tuple[dict[str, Array], None]:
        at = [low + p for low, p in zip(lows, jnp.unravel_index(number, sizes), strict=True)]
        inside = Evaluation(program, evaluation.constants, evaluation.data, {**evaluation.known, **carry})
        for statement, span in zip(steps, spans, strict=True):
            active = [
                (p >= low) & (p < high)
                for p, (low, high), first, size in zip(at, span, lows, sizes, strict=True)
                if (low, high) != (first, first + size)
            ]
            chosen = _selections(program.dims(statement.name), statement, group.dims, at)
            own = jax.random.fold_in(key, number)
            _run(inside, statement, chosen, given, own, reduce(jnp.logical_and, active) if active else None)
        return {name: inside.known[name] for name in carry}, None

    carry = {name: jnp.asarray(evaluation.known[name]) for name in names}
    last, _ = jax.lax.scan(step, carry, jnp.arange(math.prod(sizes), dtype=INT))
    evaluation.known.update(last)


def _span(evaluation: Evaluation, statement: Statement, dim: str) -> tuple[int, int]:
    """The positions along a dim that a statement makes."""
    program = evaluation.program
    s = statement.target.subscripts[program.dims(statement.name).index(dim)]
    match s:
        case Aligned(axis):
            return program.span(axis)
        case Fixed(position):
            at = position + (program.sizes[dim] if position < 0 else 0)
            return at, at + 1
        case Labelled(label):
            at = program.position(dim, label)
            return at, at + 1
    raise CompilerBug(f"`{statement.name}` is made whole along `{dim}`, step by step")


def _selections(
    own: tuple[str, ...], statement: Statement, dims: Sequence[str], at: Sequence[Array]
) -> tuple[Selection, ...]:
    """One position of each bound index along the dims of the steps."""
    found = []
    for dim, position in zip(dims, at, strict=True):
        s = statement.target.subscripts[own.index(dim)]
        if isinstance(s, Aligned):
            here = Axis(f"{s.axis.name}@", dim)
            found.append(Selection(here, _always(position), (s.axis,), 1, False, ("step", s.axis)))
    return tuple(found)


def _always(position: Array) -> Callable[[Axis], Array]:
    return lambda _: jnp.reshape(position, (1,))
