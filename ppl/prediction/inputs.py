"""Data for drawing forward: outcomes need no values, each element of them or all, and dims that no data run over are
given a size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ppl.compiler.binding.bind import bind_with_notes, check_statements
from ppl.compiler.binding.clamps import Given
from ppl.compiler.passes.generative import generative, optional_inputs, outcomes, without
from ppl.data.categories import with_listed_categories
from ppl.dataset import SIZES, Dataset, RawArray
from ppl.errors import Diagnostic, Exit, PplError
from ppl.graph import Input, ModelGraph
from ppl.prediction.setting import values_of_latents


@dataclass(frozen=True)
class Inputs:
    """graph: the model without what is absent; drawn: the same with every outcome as a latent; dataset: elements of
    outcomes may be missing; absent: inputs without values; given: values of latents, by name."""

    graph: ModelGraph
    drawn: ModelGraph
    dataset: Dataset
    absent: frozenset[str]
    warnings: tuple[Diagnostic, ...]
    given: Mapping[str, Given] = field(default_factory=dict)


def bind_inputs(
    graph: ModelGraph, raw: Mapping[str, RawArray], sizes: Mapping[str, int], given: Mapping[str, Any]
) -> Inputs:
    """Data against the model. sizes: of dims, besides those that the data say; given: values of latents, besides those
    of `observe` statements.

    Raises:
        PplError: with every error of the data, then of what is given; a size of what is no dim, or is given twice
            (E608).
    """
    inputs = bind_declared(graph, raw, sizes)
    check_forward(inputs.graph, inputs.dataset)
    return replace(inputs, given=values_of_latents(graph, inputs.dataset, given))


def bind_declared(graph: ModelGraph, raw: Mapping[str, RawArray], sizes: Mapping[str, int]) -> Inputs:
    """`bind_inputs`, but statements may ask for elements that are not there: those before the new ones of a series."""
    entries = {**with_listed_categories(graph, raw), **_sizes(graph, raw, sizes)}
    absent = optional_inputs(graph) - entries.keys()
    present = without(graph, absent)
    try:
        bound = bind_with_notes(_with_gaps(present), entries, statements=False)
    except PplError as error:
        said = [_explained(graph, d) for d in error.diagnostics]
        raise PplError(said, error.source, error.exit_code) from None
    return Inputs(present, generative(present), bound.dataset, absent, bound.warnings)


def check_forward(graph: ModelGraph, dataset: Dataset) -> None:
    """Whether the statements can be read on these elements.

    Raises:
        PplError: they leave their dims, or observe what their distributions never give.
    """
    problems = check_statements(graph, dataset)
    if problems:
        raise PplError(problems, graph.source)


def _with_gaps(graph: ModelGraph) -> ModelGraph:
    """The graph where elements of outcomes may be missing."""
    observed = outcomes(graph)
    nodes = (replace(n, optional=True) if isinstance(n, Input) and n.name in observed else n for n in graph.nodes)
    return replace(graph, nodes=tuple(nodes))


def _sizes(graph: ModelGraph, raw: Mapping[str, RawArray], sizes: Mapping[str, int]) -> dict[str, RawArray]:
    problems = []
    for name, size in sizes.items():
        if name not in graph.dims:
            dims = ", ".join(f"`{dim}`" for dim in graph.dims) or "none"
            problems.append(Diagnostic("E608", f"the model has no dim `{name}`", hints=(f"its dims: {dims}",)))
        elif isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            problems.append(
                Diagnostic("E608", f"the size of `{name}` is {size!r}, but it takes a whole number, at least 0")
            )
        elif name in raw:
            problems.append(Diagnostic("E608", f"the data say how large `{name}` is", hints=("leave its size out",)))
    if problems:
        raise PplError(problems, exit_code=Exit.USAGE)
    return {name: RawArray(np.asarray(int(size)), SIZES) for name, size in sizes.items()}


def _explained(graph: ModelGraph, problem: Diagnostic) -> Diagnostic:
    """What to do where an outcome would have given a size, or where covariates have gaps."""
    if problem.code == "E301":
        drawn = ", ".join(f"`{n}`" for n in outcomes(graph))
        needed = f"only what the model draws ({drawn})" if drawn else "no data of this model"
        return replace(problem, hints=(*problem.hints, f"it is needed here: {needed} may be absent"))
    if problem.code == "E305":
        name = next((i.name for i in graph.inputs if i.span == problem.span), "")
        drawn = ", ".join(f"`{n}`" for n in outcomes(graph))
        hint = f"fill them in, or leave those elements out: only what the model draws ({drawn}) may be missing here"
        if name in outcomes(graph):
            hint = "leave them out: what is missing here is drawn"
        elif name in optional_inputs(graph):
            hint = f"`{name}` is not needed here: leave it out as a whole"
        return replace(problem, hints=(*problem.hints[:-1], hint))
    if problem.code == "E311":
        dim = next((d for d in graph.dims.values() if d.span == problem.span), None)
        hint = f"or give its size: --size {dim.name}=100, in Python sizes={{'{dim.name}': 100}}" if dim else ""
        return replace(problem, hints=(*problem.hints, hint)) if hint else problem
    return problem
