"""What observations say of latents: found by moving the latents a little and watching what they predict.

The parameter that predicts an observation is taken as linear in each real latent at a plausible point. Which element of
a latent an observation reads, and with what coefficient, two or three evaluations in NumPy tell: all elements are moved
at once, each by its own amount, and the ratio of two such movements names the element. Where an observation reads
several elements, the last dims of the latent are moved one position at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ppl.compiler.lowering.named import REAL, Named, aligned, union
from ppl.compiler.passes.plausible import FAILURES, Point
from ppl.compiler.passes.responses import LINKS, RESPONSES, Response
from ppl.compiler.passes.sites import Ancestry
from ppl.graph import Distribution, Expr, Latent, Term, distribution_expressions
from ppl.types import Scalar

Array = npt.NDArray[np.float64]
Predictor = Callable[[Mapping[str, Array]], Array]
Column = tuple[npt.NDArray[np.int64], Array]

_STEP = 1e-5
_MOST_COLUMNS = 128
_MOST_WORK = 20_000_000


@dataclass(eq=False)
class Evidence:
    """Observations as normal ones of their predictors, (N,) each: precision W, residual z - eta at the current values
    of the latents. columns: of each latent, the element that each observation reads and its coefficient, several if it
    reads several; scale: an expression to whose inverse square W is proportional, W being given for scale 1, and noise
    about what it is."""

    term: Term
    precision: Array
    residual: Array
    columns: dict[str, list[Column]] = field(default_factory=dict)
    scale: Expr | None = None
    noise: float = 1.0

    @property
    def weight(self) -> Array:
        """The precision where the residual is known."""
        return np.where(np.isfinite(self.residual), self.precision, 0.0)


def observed_evidence(point: Point, ancestry: Ancestry, names: Sequence[str]) -> tuple[list[Evidence], set[str]]:
    """All that observing terms say of the latents of those names; and the names of which some term says what is not
    known here."""
    found: list[Evidence] = []
    unknown: set[str] = set()
    for term in point.program.graph.terms:
        if term.role != "observed":
            continue
        reading = ancestry.of(distribution_expressions(term.distribution)) & set(names)
        if not reading:
            continue
        known: set[str] = set()
        for response in RESPONSES.get(_base(term.distribution).name, ()):
            try:
                one = _of_term(point, ancestry, term, response, sorted(reading))
            except FAILURES:  # there is a rule for what is not known
                continue
            if one is not None:
                found.append(one)
                known |= set(one.columns)
        unknown |= reading - known
    for energy in point.program.graph.energies:
        unknown |= ancestry.of([energy.value]) & set(names)
    return found, unknown


def _base(distribution: Distribution) -> Distribution:
    """Truncation and censoring are taken for no news."""
    if distribution.base is not None and distribution.name in ("truncated", "censored"):
        return _base(distribution.base)
    return distribution


def _of_term(
    point: Point, ancestry: Ancestry, term: Term, response: Response, reading: Sequence[str]
) -> Evidence | None:
    base = _base(term.distribution)
    expr = base.parameter(response.parameter)
    if expr is None:
        return None
    movable = [name for name in reading if name in ancestry.of([expr])]
    if not movable:
        return None
    scale = base.parameter(response.scale) if response.scale else None
    live = scale is not None and not scale.meta.axes and not scale.meta.event and bool(ancestry.of([scale]))
    lowering, mask = point.lowering().filtered(term.axes, term.where, (id(term), "where"))
    if mask is not None:
        return None
    arrays = {name: lowering.value(e, REAL) for name, e in base.parameters if e is not None}
    target = lowering.value(term.target, REAL)
    if live:
        arrays[response.scale] = Named(np.ones(()))
    axes = union((target, *arrays.values()))
    rank = max(target.rank, *(a.rank for a in arrays.values()))
    laid = [aligned(np, v, axes, rank) if v.array.ndim else v.array for v in (target, *arrays.values())]
    shape = np.broadcast_shapes(*(a.shape for a in laid), tuple(lowering.size(axis) for axis in axes) + (1,) * rank)
    y, *rest = (np.broadcast_to(a, shape).ravel().astype(np.float64) for a in laid)
    with np.errstate(all="ignore"):
        z, precision = response.rule(y, dict(zip(arrays, rest, strict=True)))

    def predictor(changed: Mapping[str, Array]) -> Array:
        moved, _ = point.lowering(changed).filtered(term.axes, term.where, (id(term), "where"))
        with np.errstate(all="ignore"):
            value = moved.value(expr, REAL)
            array = aligned(np, value, axes, rank) if value.array.ndim else value.array
            return LINKS[response.link](np.broadcast_to(array, shape).ravel())

    at = predictor({})
    precision = np.where(np.isfinite(precision) & np.isfinite(at) & np.isfinite(y), precision, 0.0)
    evidence = Evidence(term, precision, z - at)
    if live and scale is not None:
        evidence.scale, evidence.noise = scale, float(point.lowering().value(scale, REAL).array)
    for name in movable:
        columns = columns_of(point, name, predictor, at)
        if columns is not None:
            evidence.columns[name] = columns
    return evidence if evidence.columns else None


# --- which element an observation reads -------------------------------------------------------------


def coordinates(point: Point, name: str) -> Array:
    """The values of a latent on the scale where it has location and scale."""
    values = np.asarray(point.values[name], np.float64)
    return np.log(values) if is_log(point, name) else values


def is_log(point: Point, name: str) -> bool:
    """Whether that is the log scale."""
    node = point.program.graph[name]
    return isinstance(node, Latent) and node.support.kind == "positive"


def columns_of(point: Point, name: str, predictor: Predictor, at: Array) -> list[Column] | None:
    """Coefficients of a latent; None if too many elements meet in one observation."""
    base = coordinates(point, name)

    def movement(pattern: Array) -> Array:
        moved = base + _STEP * pattern
        return np.asarray((predictor({name: np.exp(moved) if is_log(point, name) else moved}) - at) / _STEP)

    ones = np.ones(base.shape)
    whole = _column(movement, ones)
    if whole is not None:
        return [whole]
    for dims in range(1, base.ndim + 1):
        colours = int(np.prod(base.shape[base.ndim - dims :]))
        if colours > _MOST_COLUMNS or colours * at.size > _MOST_WORK:
            return None
        columns = []
        for position in range(colours):
            pattern = np.zeros((base.size // colours, colours))
            pattern[:, position] = 1.0
            column = _column(movement, pattern.reshape(base.shape))
            if column is None:
                break
            columns.append(column)
        else:
            return columns
    return None


def _column(movement: Callable[[Array], Array], pattern: Array) -> Column | None:
    """The element, among those of a pattern of ones, and its coefficient; None if several meet."""
    size = pattern.size
    slope = movement(pattern)
    slope = np.where(np.isfinite(slope), slope, 0.0)
    number = np.arange(1, size + 1).reshape(pattern.shape) / size
    numbered = movement(pattern * number)
    read = np.abs(slope) > 1e-8
    ratio = np.where(read, numbered / np.where(read, slope, 1.0), 1.0 / size)
    index = np.rint(np.nan_to_num(ratio) * size).astype(np.int64) - 1
    if np.any((index < 0) | (index >= size)):
        return None
    check = np.random.default_rng(2).uniform(0.5, 1.5, pattern.shape)
    expected = slope * check.ravel()[index]
    seen = movement(pattern * check)
    scale = np.max(np.abs(slope), initial=0.0)
    if not np.all(np.abs(seen - expected) <= 1e-3 * np.abs(expected) + 1e-4 * scale + 1e-9):
        return None
    return index, np.where(read, slope, 0.0)


def real_latents(point: Point) -> list[Latent]:
    """The latents on the line, or on the line by their logarithm, of which evidence is gathered."""
    return [
        latent
        for latent in point.program.graph.latents
        if latent.element is Scalar.REAL and latent.support.kind in ("real", "real_vector", "positive")
    ]
