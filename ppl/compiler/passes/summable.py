"""Whether the discrete latents that evidence depends on can be summed out, as far as a model's text says.

Those that it does not depend on are drawn forward, whatever their values; and so are all of them from the prior.
"""

from __future__ import annotations

from collections.abc import Iterator

from ppl.codes import CODES
from ppl.compiler.passes.enumeration import reads_of
from ppl.compiler.passes.finiteness import why_not_finite
from ppl.compiler.passes.inlining import inlining_problems
from ppl.compiler.passes.relevant import relevant
from ppl.compiler.passes.roles import is_discrete, target_name
from ppl.errors import Diagnostic, PplError
from ppl.graph import ModelGraph


def check_summable(graph: ModelGraph) -> None:
    """Refuses what cannot be summed out.

    Raises:
        PplError: with everything that is wrong (E402).
    """
    problems = summable_problems(graph)
    if problems:
        raise PplError(problems, graph.source)


def summable_problems(graph: ModelGraph) -> list[Diagnostic]:
    """What stands in the way. Sums need finitely many values, expressions in the place of the names of computed
    quantities, and ranges of continuous latents that do not depend on discrete ones (the unconstrained space has no
    such place). Latents that the text clamps are left to the data, where they may be given whole."""
    needed = relevant(graph)
    given = {clamp.name for clamp in graph.clamps}
    names = {latent.name for latent in needed.latents if is_discrete(latent)} - given
    return [*_infinite(needed, names), *_of_ranges(needed, names), *inlining_problems(needed, names)]


def _infinite(graph: ModelGraph, names: set[str]) -> Iterator[Diagnostic]:
    for latent in graph.latents:
        why = why_not_finite(graph, latent) if latent.name in names else None
        if why is not None:
            own = (t.target.meta.span for t in graph.terms if t.role == "latent" and target_name(t) == latent.name)
            yield Diagnostic("E402", CODES["E402"], next(own, latent.span), why[0], (why[1],))


def _of_ranges(graph: ModelGraph, names: set[str]) -> Iterator[Diagnostic]:
    for latent in graph.latents:
        if is_discrete(latent):
            continue
        for bound in (latent.support.lower, latent.support.upper):
            for read in reads_of(bound, names) if bound is not None else ():
                title = f"the range of `{latent.name}` depends on the discrete latent `{read.name}`"
                hint = "give it a fixed range, and let its distribution depend on the discrete latent"
                yield Diagnostic("E402", title, read.meta.span, hints=(hint,))
