"""A plausible value of every latent: the middle of its prior, real ones a little beside it, discrete ones at random.

Beside it, so that no product of two latents has a derivative of 0 there. What depends on others is worked out from
their values, so that a hierarchy is plausible as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ppl.compiler.lowering.assemble import assemble, place
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.lowering.named import REAL, Named
from ppl.compiler.passes.program import Program
from ppl.compiler.passes.sites import LOCATION, Ancestry, in_order
from ppl.dataset import Dataset
from ppl.errors import CompilerBug, PplError
from ppl.graph import Distribution, Input, Latent, Read, Term, Value, distribution_expressions, node_expressions
from ppl.types import IndexOf, Scalar

Array = npt.NDArray[np.float64]

_BESIDE = 0.3
"""How far from the middle, in scales."""

FAILURES = (ArithmeticError, LookupError, ValueError, CompilerBug, PplError)
"""What may stand in the way of an estimate at plausible values: a matrix without a factor, a position outside its dim,
an expression that only JAX can work out. Estimates choose among coordinates that are all right: no model is refused for
want of one."""

_MEDIAN = {"HalfNormal": 0.674, "HalfCauchy": 1.0, "HalfStudentT": 0.75}


class Point:
    """Values of latents, and whatever follows from them and the data, in NumPy. `values` may be changed: what follows
    is worked out anew by the next `lowering`."""

    def __init__(self, program: Program, dataset: Dataset) -> None:
        self.program = program
        self._dataset = dataset
        self._data: dict[str, npt.NDArray[np.generic]] = {}
        self.values: dict[str, npt.NDArray[np.generic]] = {}

    def lowering(self, changed: Mapping[str, Array] | None = None) -> Lowering:
        """Expressions at these values, or at others."""
        values = {**self.values, **(changed or {})}
        known: dict[str, npt.NDArray[np.generic]] = {}

        def quantity(name: str) -> npt.NDArray[np.generic]:
            if name in values:
                return values[name]
            held = self._data if self.program.is_data(name) else known
            if name not in held:
                node = self.program.graph[name]
                if isinstance(node, Input):
                    held[name] = np.asarray(self._dataset.arrays[name])
                elif isinstance(node, Value):
                    held[name] = assemble(found, node)
                else:
                    raise LookupError(name)
            return held[name]

        found = Lowering(self.program, np, quantity)
        return found


def plausible(program: Program, dataset: Dataset) -> Point:
    """Of every latent of a model bound to data."""
    graph = program.graph
    ancestry = Ancestry(graph)
    terms: dict[str, list[Term]] = {}
    for term in graph.terms:
        if term.role == "latent" and isinstance(term.target, Read):
            terms.setdefault(term.target.name, []).append(term)
    needed = {
        latent.name: ancestry.of(
            [
                *node_expressions(latent),
                *(e for t in terms.get(latent.name, ()) for e in distribution_expressions(t.distribution)),
            ]
        )
        - {latent.name}
        for latent in graph.latents
    }
    point = Point(program, dataset)
    latents = {latent.name: latent for latent in graph.latents}
    for name, latent in latents.items():
        point.values[name] = _middle(latent, program)
    beside = np.random.default_rng(1)
    for name in in_order(needed):
        for term in terms.get(name, ()):
            _give(point, latents[name], term, beside)
    return point


def _give(point: Point, latent: Latent, term: Term, beside: np.random.Generator) -> None:
    """What a term says of its latent."""
    values = np.asarray(point.values[latent.name])
    if latent.element is not Scalar.REAL or latent.event_rank or not isinstance(term.target, Read):
        return
    try:
        typical = _typical(point, term.distribution, values.shape, beside)
        if typical is not None:
            lowering = point.lowering()
            laid = np.asarray(place(lowering, values, latent.dims, term.target.subscripts, typical))
            good = np.isfinite(laid) & ((laid > 0) | (values.astype(np.float64) <= 0))
            point.values[latent.name] = np.where(good, laid, values)
    except FAILURES:  # it keeps a value of its support
        return


def _typical(
    point: Point, distribution: Distribution, shape: tuple[int, ...], rng: np.random.Generator
) -> Named | None:
    if distribution.base is not None:
        return _typical(point, distribution.base, shape, rng) if distribution.name == "truncated" else None
    lowering = point.lowering()
    p = {name: lowering.value(expr, REAL) for name, expr in distribution.parameters}
    name = distribution.name
    if name in LOCATION:
        location, scale = p[LOCATION[name]], p["scale"]
        spread = np.clip(np.asarray(scale.array), 1e-6, 10.0)
        noise = _BESIDE * float(np.median(spread)) * rng.standard_normal()
        moved = location.array + noise
        return Named(np.exp(np.clip(moved, -50, 50)) if name == "LogNormal" else moved, location.axes)
    if name in _MEDIAN:
        return Named(_MEDIAN[name] * p["scale"].array, p["scale"].axes)
    if name == "Exponential":
        return Named(0.69 / p["rate"].array, p["rate"].axes)
    if name == "Gamma" and p["shape"].axes == p["rate"].axes:
        return Named(p["shape"].array / p["rate"].array, p["rate"].axes)
    if name == "InverseGamma" and p["shape"].axes == p["scale"].axes:
        return Named(p["scale"].array / (p["shape"].array + 1), p["scale"].axes)
    return None


def _middle(latent: Latent, program: Program) -> npt.NDArray[np.generic]:
    """A value of a support; of discrete ones any, so that what they choose among is chosen alike often."""
    shape = program.shape(latent.dims)
    if latent.element is not Scalar.REAL:
        values = program.sizes[latent.element.dim] if isinstance(latent.element, IndexOf) else 2
        drawn = np.random.default_rng(3).integers(0, values, shape)
        if latent.element is Scalar.BOOL:
            return drawn.astype(np.bool_)
        return 2 * drawn - 1 if latent.element is Scalar.SPIN else drawn
    kind = latent.support.kind
    n = shape[-1] if shape else 1
    match kind:
        case "positive" | "nonnegative":
            return np.ones(shape)
        case "unit_interval" | "open_unit_interval" | "interval":
            return np.full(shape, 0.5)
        case "simplex" | "open_simplex":
            return np.full(shape, 1 / n)
        case "ordered":
            return np.broadcast_to(np.linspace(-1, 1, n), shape).copy()
        case "positive_ordered":
            return np.broadcast_to(np.arange(1.0, n + 1), shape).copy()
        case "cholesky_corr" | "corr" | "cholesky_cov" | "positive_definite":
            return np.broadcast_to(np.eye(n), shape).copy()
    return np.zeros(shape)
