"""Parameters that data alone determine, against the domains of their distributions: before anything is traced."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ppl.catalogue.domains import domains_of
from ppl.catalogue.membership import outside
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.lowering.context import Context
from ppl.compiler.lowering.named import REAL, Named
from ppl.errors import Diagnostic, PplError
from ppl.graph import Expr, Prediction, Term

_SHOWN = 3


def check_parameters(data: Context, labels: Mapping[str, tuple[str, ...]]) -> None:
    """Refuses scales below 0, probabilities above 1 and the like, naming the elements.

    Raises:
        PplError: with one diagnostic for each such parameter.
    """
    graph = data.program.graph
    problems: list[Diagnostic] = []
    nodes: tuple[Term | Prediction, ...] = (*graph.terms, *graph.predictions)
    for node in nodes:
        for part in node.distribution.walk():
            for domain, name, expr in domains_of(part):
                if data.program.kind(expr) == "data":
                    problem = _check(data, node, f"{name} of `{part.name}`", domain, expr, labels)
                    if problem is not None:
                        problems.append(problem)
    if problems:
        raise PplError(problems, graph.source)


def _check(
    data: Context,
    node: Term | Prediction,
    what: str,
    domain_name: str,
    expr: Expr,
    labels: Mapping[str, tuple[str, ...]],
) -> Diagnostic | None:
    inner, _ = data.filtered(node.axes, node.where, (id(node), "where"))
    with np.errstate(all="ignore"):
        value = inner.value(expr, REAL)
    domain = SUPPORTS[domain_name]
    wrong = outside(domain_name, value.array) | _impossible(domain_name, value.array)
    if not wrong.any():
        return None
    places = np.argwhere(wrong)
    listed = [_shown(inner, node, value, tuple(int(i) for i in at), labels) for at in places[:_SHOWN]]
    more = [f"also {'; '.join(listed[1:])} ({len(places)} of {wrong.size} in all)"] if len(places) > 1 else []
    return Diagnostic(
        "E552",
        f"the {what} is outside its domain",
        expr.meta.span,
        f"{listed[0]}, but it must be {domain.description}",
        tuple(more),
    )


def _impossible(domain: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """A matrix that is no covariance, which only its eigenvalues say."""
    if domain != "positive_definite":
        return np.zeros((), np.bool_)
    symmetric = np.allclose(values, np.swapaxes(values, -1, -2), rtol=1e-8)
    finite = np.isfinite(values).all()
    smallest = np.linalg.eigvalsh(values)[..., 0] if finite else np.zeros(values.shape[:-2])
    return np.asarray((smallest <= 0) | (not symmetric))


def _shown(
    lowering: Context,
    node: Term | Prediction,
    value: Named,
    at: tuple[int, ...],
    labels: Mapping[str, tuple[str, ...]],
) -> str:
    """`it is -1 at school 3 (Choate)`."""
    here = np.asarray(value.array[at])
    number = f"{float(here):.6g}" if here.ndim == 0 else "such"
    parts = []
    for i, axis in zip(at, value.axes, strict=False):
        for bound in (a for a in node.axes if lowering.seen(a) == axis):
            position = int(lowering.positions_along(bound)[i])
            names = labels.get(bound.dim)
            parts.append(f"{bound.dim} {position}" + (f" ({names[position]})" if names else ""))
    return f"it is {number}" + (f" at {', '.join(parts)}" if parts else "")
