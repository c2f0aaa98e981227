"""Whether a model's latents can be drawn forward, each by its own statement."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.compiler.forward.uniform import is_bounded
from ppl.compiler.passes.finiteness import is_inferred
from ppl.errors import Diagnostic
from ppl.graph import Latent, ModelGraph, node_expressions


def undrawable(graph: ModelGraph) -> Iterator[Diagnostic]:
    """What stands in the way of draws from the prior: an error (E504) for each flat quantity, density and energy."""
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
