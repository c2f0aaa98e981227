"""What cannot be drawn from its prior, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ppl.compiler.forward.drawable import undrawable
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.passes.generative import outcomes
from ppl.errors import Diagnostic, PplError
from ppl.graph import Input, ModelGraph, Value
from ppl.results.observations import covered

Mask = npt.NDArray[np.bool_]


def check_prior(graph: ModelGraph) -> None:
    """Whether every latent has a distribution that its draws can come from: its own, or a uniform one between bounds
    that are known beforehand.

    Raises:
        PplError: one error for each flat quantity, further density and energy (E504).
    """
    found = list(undrawable(graph))
    if found:
        raise PplError(found, graph.source)


def drawn_elements(graph: ModelGraph, data: Lowering, given: Mapping[str, Mask]) -> dict[str, Mask]:
    """For each outcome which of its elements its statements draw. data: the lowering of expressions of data alone;
    given: the elements of outcomes that have values.

    Raises:
        PplError: an element is drawn twice, or neither drawn nor given (E504).
    """
    masks: dict[str, Mask] = {}
    found = []
    for name, terms in outcomes(graph).items():
        node = graph[name]
        dims = data.program.dims(name)
        times = np.sum([covered(data, dims, [term]) for term in terms], axis=0)
        masks[name] = np.asarray(times > 0)
        if (times > 1).any():
            title = f"`{_element(name, times > 1)}` is observed by several statements"
            label = "together they are no distribution to draw it from"
            found.append(Diagnostic("E504", title, terms[-1].span, label, ("let one statement observe it",)))
        nowhere = ~masks[name] & ~given.get(name, np.zeros((), np.bool_))
        if nowhere.any() and isinstance(node, Input | Value):
            title = f"no statement draws `{_element(name, nowhere)}`"
            hint = f"give `{name}` in the data: where statements draw it, its values are replaced"
            found.append(Diagnostic("E504", title, node.span, hints=(hint,)))
    if found:
        raise PplError(found, graph.source)
    return masks


def _element(name: str, mask: Mask) -> str:
    """The first element of a mask."""
    at = np.argwhere(mask)[0]
    return f"{name}[{', '.join(map(str, at))}]" if len(at) else name
