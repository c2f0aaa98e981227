"""Points that must increase, where data determine them: those of an interpolation, the times of a differential
equation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.named import REAL
from ppl.compiler.passes.increasing import increasing_points
from ppl.errors import Diagnostic, PplError
from ppl.graph import Expr, OdeSolve


def check_increasing(data: Context) -> None:
    """Refuses points that do not increase, and solutions before the initial time.

    Raises:
        PplError: E554, with one diagnostic for each.
    """
    problems: list[Diagnostic] = []
    for expr, points in increasing_points(data.program.graph):
        if data.program.kind(points) == "live":
            continue
        if isinstance(expr, OdeSolve):
            problems += _times(data, expr)
        else:
            values = np.asarray(data.value(points, REAL).array)
            wrong = np.argwhere(~(np.diff(values, axis=-1) > 0))
            problems += _told(points, values, wrong, "the points of an interpolation must increase")
    if problems:
        raise PplError(problems, data.program.graph.source)


def _times(data: Context, expr: OdeSolve) -> list[Diagnostic]:
    named = data.value(expr.times, REAL)
    times = np.asarray(named.array)
    if named.rank:
        wrong = np.argwhere(~(np.diff(times, axis=-1) >= 0))
        problems = _told(expr.times, times, wrong, "the times of a differential equation must not decrease")
        if problems:
            return problems
    if data.program.kind(expr.start) == "live":
        return []
    start = np.max(data.value(expr.start, REAL).array)
    if expr.start.meta.axes or times.size == 0 or not np.min(times) < start:
        return []
    label = f"the first time is {np.min(times):g}, but the initial state is that at {start:g}"
    hint = "the state goes forward from the initial time: give times from there on"
    return [Diagnostic("E554", "a time before the initial time", expr.times.meta.span, label, (hint,))]


def _told(expr: Expr, points: npt.NDArray[np.float64], wrong: npt.NDArray[np.intp], title: str) -> list[Diagnostic]:
    if not len(wrong):
        return []
    at = tuple(int(i) for i in wrong[0])
    first, second = points[at], points[(*at[:-1], at[-1] + 1)]
    label = f"{second:g}, at position {at[-1] + 1}, comes after {first:g}"
    return [Diagnostic("E554", title, expr.meta.span, label, ("sort the data by it",))]
