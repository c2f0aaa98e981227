"""Why no chain could start: which term, on which line, at which values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.membership import outside
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.density.compiled import CompiledDensity
from ppl.compiler.density.faults import Fault
from ppl.errors import Diagnostic, PplError
from ppl.graph import ModelGraph
from ppl.inference.contract import InitialisationError

_SHOWN = 6
_ADVICE = (
    "starts lie within (-2, 2) on the unconstrained scale: rescale the data or the latents, or widen this "
    "distribution, so that such values are possible"
)
_NO_STATES = (
    "a search for states of the discrete latents that every term allows found none, and this term is among those that "
    "the last states break: are there any?"
)


def explain_failed_start(
    graph: ModelGraph, density: CompiledDensity, labels: Mapping[str, tuple[str, ...]], failure: InitialisationError
) -> PplError:
    """The error for the model's author; call it in the run's precision."""
    advice = _ADVICE
    if failure.states is not None:
        advice = _NO_STATES
        density = density.given(jnp.asarray(failure.states))
    u = jnp.asarray(failure.position, np.float64)
    if not np.isfinite(failure.position).all():  # the search went astray: any start shows what sent it there
        u = density.initial(jax.random.key(0))
    title = f"no starting point in {failure.tries} tries: the density or its gradient was never finite"
    found = density.diagnose(u, most=1)
    if found:
        return PplError([_at_fault(graph, title, fault, labels, advice) for fault in found], graph.source)
    values = f"at the last values tried: {_listed({k: np.asarray(v) for k, v in density.constrain(u).items()})}"
    steep = {name: np.asarray(gradient) for name, gradient in jax.jacrev(density.terms)(u).items()}
    names = density.plan.program.names
    diagnostics = [
        Diagnostic("E502", title, term.span, "the gradient of this term is not finite", (values, _ADVICE))
        for term in density.plan.program.graph.factors
        if not np.isfinite(steep.get(names[id(term)], 0.0)).all()
    ]
    whole = Diagnostic("E502", title, hints=("the transforms of the supports overflow", values))
    return PplError(diagnostics or [whole], graph.source)


def _at_fault(
    graph: ModelGraph, title: str, fault: Fault, labels: Mapping[str, tuple[str, ...]], advice: str
) -> Diagnostic:
    element = ", ".join(_position(dim, at, labels) for dim, at in fault.positions.items())
    what = "minus infinity" if fault.log_prob == -np.inf else "not a number" if np.isnan(fault.log_prob) else "infinite"
    where = f" at {element}" if element else ""
    more = f" (and at {fault.others} more)" if fault.others else ""
    parameters = "; ".join(f"{name} = {_number(value)}" for name, value in fault.parameters.items())
    hint = f"there the value is {_number(fault.value)}" + (f", with {parameters}" if parameters else "")
    mends = _outside(graph, fault) or [advice]
    return Diagnostic("E502", title, fault.span, f"its log density is {what}{where}{more}", (hint, *mends))


def _outside(graph: ModelGraph, fault: Fault) -> list[str]:
    """Parameters that left their domains, and what would keep them there."""
    distribution = next((term.distribution for term in graph.terms if term.span == fault.span), None)
    if distribution is None:  # an energy, which has no parameters
        return []
    base = distribution.leaf
    hints = []
    for parameter in DISTRIBUTIONS[base.name].parameters:
        expr, value = base.parameter(parameter.name), fault.parameters.get(parameter.name)
        if expr is None or value is None or np.isnan(value).any() or not outside(parameter.domain, value).any():
            continue
        domain = SUPPORTS[parameter.domain]
        text = graph.source.text[expr.meta.span.start : expr.meta.span.end]
        link = "sigmoid" if (domain.lower, domain.upper) == (0, 1) else "exp" if domain.lower == 0 else ""
        mend = f"`{link}({text})` always is" if link and not domain.event_rank else "constrain what it is computed from"
        hints.append(f"`{parameter.name}` must be {domain.description}, which `{text}` is not there: {mend}")
    return hints


def _position(dim: str, at: int, labels: Mapping[str, tuple[str, ...]]) -> str:
    own = labels.get(dim)
    return f"{dim} {own[at]}" if own is not None and at < len(own) else f"{dim} {at}"


def _listed(values: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} = {_number(value.tolist())}" for name, value in list(values.items())[:_SHOWN])


def _number(value: Any) -> str:
    flat = np.ravel(np.asarray(value, dtype=np.float64))
    if np.ndim(value) == 0:
        return f"{flat[0]:.6g}"
    return f"[{', '.join(f'{x:.4g}' for x in flat[:4])}{', ...' if flat.size > 4 else ''}]"
