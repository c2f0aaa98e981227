"""Differential equations that could not be solved, as terms of the density: minus infinity, each with its line."""

from __future__ import annotations

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np

from ppl.compiler.density.evaluation import Evaluation
from ppl.compiler.density.faults import Fault
from ppl.compiler.lowering.context import Attempt
from ppl.compiler.lowering.named import Array


def solve_terms(evaluation: Evaluation) -> Iterator[tuple[str, Array]]:
    """0 for each differential equation that was solved, minus infinity for one that was not, by its line."""
    for name, attempt in _attempts(evaluation):
        yield name, jnp.where(jnp.all(attempt.found.array > 0), np.float64(0), np.float64(-np.inf))


def solve_faults(evaluation: Evaluation, most: int) -> list[Fault]:
    """The elements of differential equations without a solution, up to `most` of each, on the host."""
    out: list[Fault] = []
    for name, attempt in _attempts(evaluation):
        wrong = np.argwhere(np.asarray(attempt.found.array) <= 0)
        for where in wrong[:most]:
            at = {axis.dim: int(i) for axis, i in zip(attempt.found.axes, where, strict=True)}
            out.append(Fault(name, attempt.expr.meta.span, at, -np.inf, float("nan"), {}, len(wrong) - 1))
    return out


def _attempts(evaluation: Evaluation) -> Iterator[tuple[str, Attempt]]:
    source = evaluation.program.graph.source
    for attempt in (evaluation.lowering.attempts or {}).values():
        yield f"odesolve (line {source.position(attempt.expr.meta.span.start)[0]})", attempt
