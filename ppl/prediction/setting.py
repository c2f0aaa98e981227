"""Latents that are given values before the others are drawn forward: by `observe` in the text, or from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import Any

from ppl.compiler.binding.clamps import Given, given_values
from ppl.compiler.binding.outside import from_outside
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.passes.generative import depends
from ppl.compiler.passes.roles import target_name
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, PplError
from ppl.graph import Clamp, Latent, ModelGraph, Term, distribution_expressions, reads
from ppl.results.observations import covered


def values_of_latents(graph: ModelGraph, dataset: Dataset, given: Mapping[str, Any]) -> dict[str, Given]:
    """By the names of latents. given: from outside, as `Model.bind` takes them.

    Raises:
        PplError: entries that name no latent or element; elements given twice; values outside supports.
    """
    outer, problems = from_outside(graph, dataset, given)
    found, wrong = given_values(replace(graph, nodes=(*graph.nodes, *outer.clamps)), dataset, outer.arrays)
    if problems or wrong:
        raise PplError([*problems, *wrong], graph.source)
    return {one.latent.name: one for one in found}


def without_clamps(graph: ModelGraph) -> ModelGraph:
    """The graph without its `observe` statements."""
    return replace(graph, nodes=tuple(node for node in graph.nodes if not isinstance(node, Clamp)))


def without_given(graph: ModelGraph, given: Mapping[str, Given]) -> ModelGraph:
    """The graph of what is left to draw: without the latents that are given whole, and their statements."""
    whole = _whole(given)
    nodes = (n for n in graph.nodes if not (isinstance(n, Latent) and n.name in whole))
    return replace(graph, nodes=tuple(n for n in nodes if not (isinstance(n, Term) and target_name(n) in whole)))


def check_uninformed(graph: ModelGraph, data: Lowering, given: Mapping[str, Given]) -> None:
    """Whether what is not given can be drawn by its own statements: no given value says anything of it. data: the
    lowering of expressions of data alone.

    Raises:
        PplError: given elements are drawn from latents that are not given (E504).
    """
    whole = _whole(given)
    free = {latent.name for latent in graph.latents} - whole
    problems = []
    for term in graph.terms:
        name = target_name(term)
        if name not in given or not (covered(data, data.program.dims(name), [term]) & given[name].known).any():
            continue
        read = set(_read(term))
        informed = " and ".join(f"`{other}`" for other in sorted(free) if read & {other, *depends(graph, {other})})
        if informed:
            title = f"`{name}` is given a value, which says something of what it is drawn from, {informed}"
            hints = (f"give a value of {informed} too", "or let `ppl sample` infer it, with the same `--set`")
            problems.append(Diagnostic("E504", title, term.span, hints=hints))
    if problems:
        raise PplError(problems, graph.source)


def _whole(given: Mapping[str, Given]) -> Set[str]:
    return {name for name, one in given.items() if one.known.all()}


def _read(term: Term) -> Iterator[str]:
    """What a statement reads, besides what it draws."""
    for expr in distribution_expressions(term.distribution):
        yield from reads(expr)
    if term.where is not None:
        yield from reads(term.where)
