"""Why no chain could start: which term, on which line, at which values."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ppl.compiler.density import CompiledDensity
from ppl.errors import Diagnostic, PplError
from ppl.graph import ModelGraph, Read, Term
from ppl.inference.contract import InitialisationError
from ppl.results import touches

_SHOWN = 6


def explain_failed_start(graph: ModelGraph, density: CompiledDensity, failure: InitialisationError) -> PplError:
    """The error for the model's author; call it in the run's precision."""
    u = jax.numpy.asarray(failure.position)
    totals = {name: float(value) for name, value in density.terms(u).items()}
    gradients = {name: np.asarray(g) for name, g in jax.jacrev(density.terms)(u).items()}
    values = {name: np.asarray(value) for name, value in density.constrain(u).items()}
    names = density.plan.program.names
    bad = [
        (term, totals[names[id(term)]], gradients[names[id(term)]])
        for term in graph.terms
        if not np.isfinite(totals[names[id(term)]]) or not np.isfinite(gradients[names[id(term)]]).all()
    ]
    title = f"no starting point found in {failure.tries} tries: the density or its gradient is never finite"
    if not bad:
        whole = "the terms are finite one by one, but their sum or the transforms overflow"
        tried = f"the last values tried were {_listed(values, list(values))}"
        return PplError([Diagnostic("E502", title, hints=(whole, tried))], graph.source)
    diagnostics: list[Diagnostic] = []
    for term, total, _ in bad:
        if np.isfinite(total):
            label = f"the gradient of the log density of `{_target(term)}` is not finite"
        else:
            what = "minus infinity" if total == -np.inf else "not a number" if np.isnan(total) else "infinite"
            label = f"the log density of `{_target(term)}` is {what}"
        involved = [n for n in dict.fromkeys([_target(term), *touches(term)]) if n in values]
        hints = [f"at the last values tried: {_listed(values, involved)}"] if involved else []
        hints.append(
            "starts lie within (-2, 2) before the supports' transforms: scale the data or the latents so that such "
            "values are possible, or widen this distribution"
        )
        diagnostics.append(Diagnostic("E502", title, term.span, label, tuple(hints)))
    return PplError(diagnostics, graph.source)


def _target(term: Term) -> str:
    return term.target.name if isinstance(term.target, Read) else term.name


def _listed(values: dict[str, Any], names: list[str]) -> str:
    parts = []
    for name in names[:_SHOWN]:
        flat = np.ravel(values[name])
        shown = ", ".join(f"{x:.4g}" for x in flat[:4])
        more = ", ..." if flat.size > 4 else ""
        parts.append(f"{name} = {shown}" if values[name].ndim == 0 else f"{name} = [{shown}{more}]")
    return "; ".join(parts)
