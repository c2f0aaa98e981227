"""What cannot be drawn from its prior, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from ppl.compiler.forward.uniform import is_bounded
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.passes.finiteness import is_inferred
from ppl.compiler.passes.generative import outcomes
from ppl.errors import Diagnostic, PplError
from ppl.graph import Input, Latent, ModelGraph, Value, node_expressions
from ppl.results.observations import covered

Mask = npt.NDArray[np.bool_]


def check_prior(graph: ModelGraph) -> None:
    """Whether every latent has a distribution that its draws can come from: its own, or a uniform one between bounds
    that are known beforehand.

    Raises:
        PplError: one error for each flat quantity, further density and energy (E504).
    """
    found = list(_undrawable(graph))
    if found:
        raise PplError(found, graph.source)


def _undrawable(graph: ModelGraph) -> Iterator[Diagnostic]:
    for latent in graph.latents:
        title = f"`{latent.name}` cannot be drawn from the prior"
        if latent.flat and not is_bounded(latent):
            label = "it is declared by `var`, and has no distribution of its own"
            hint = "draw it with `~` in place of the declaration"
            yield Diagnostic("E504", title, latent.span, label, (hint,))
        elif latent.flat and any(is_inferred(graph, bound) for bound in node_expressions(latent)):
            label = "its bounds depend on latents, and a density flat over both is no uniform draw after another"
            hint = f"write `{latent.name} ~ Uniform({_written(graph, latent)})` if it is to be uniform given its bounds"
            yield Diagnostic("E504", title, latent.span, label, (hint,))
    for term in graph.terms:
        if term.role == "density":
            title = f"`{term.name}` cannot be drawn from the prior"
            label = "a density of a quantity that is declared elsewhere is no distribution to draw from"
            yield Diagnostic("E504", title, term.span, label, ("draw the quantity by this statement alone",))
    for energy in graph.energies:
        title = f"the energy `{energy.name}` is no distribution to draw from"
        label = "a prior is drawn statement by statement, each from its `~`"
        hint = "write what it stands for with `~`; a model of energies is sampled, as it is, by `ppl sample`"
        yield Diagnostic("E504", title, energy.span, label, (hint,))


def _written(graph: ModelGraph, latent: Latent) -> str:
    """The bounds as the text has them."""
    spans = (bound.meta.span for bound in (latent.support.lower, latent.support.upper) if bound is not None)
    return ", ".join(graph.source.text[span.start : span.end] for span in spans)


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
