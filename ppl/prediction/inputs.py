"""Data for drawing forward: outcomes need no values, and dims that no data run over are given a size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ppl.compiler.binding.bind import bind_with_notes
from ppl.compiler.passes.generative import generative, optional_inputs, without
from ppl.data.categories import with_listed_categories
from ppl.dataset import Dataset, RawArray
from ppl.errors import Diagnostic, Exit, PplError
from ppl.graph import ModelGraph


@dataclass(frozen=True)
class Inputs:
    """graph: the model without what is absent; drawn: the same with every outcome as a latent; absent: inputs without
    values."""

    graph: ModelGraph
    drawn: ModelGraph
    dataset: Dataset
    absent: frozenset[str]
    warnings: tuple[Diagnostic, ...]


def bind_inputs(graph: ModelGraph, raw: Mapping[str, RawArray], sizes: Mapping[str, int]) -> Inputs:
    """Data against the model. sizes: of dims, besides those that the data say.

    Raises:
        PplError: with every error of the data; a size of what is no dim, or is given twice (E608).
    """
    entries = {**with_listed_categories(graph, raw), **_sizes(graph, raw, sizes)}
    absent = optional_inputs(graph) - entries.keys()
    present = without(graph, absent)
    try:
        bound = bind_with_notes(present, entries)
    except PplError as error:
        said = [_explained(graph, d) for d in error.diagnostics]
        raise PplError(said, error.source, error.exit_code) from None
    return Inputs(present, generative(present), bound.dataset, absent, bound.warnings)


def _sizes(graph: ModelGraph, raw: Mapping[str, RawArray], sizes: Mapping[str, int]) -> dict[str, RawArray]:
    problems = []
    for name, size in sizes.items():
        if name not in graph.dims:
            dims = ", ".join(f"`{dim}`" for dim in graph.dims) or "none"
            problems.append(Diagnostic("E608", f"the model has no dim `{name}`", hints=(f"its dims: {dims}",)))
        elif isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            problems.append(Diagnostic("E608", f"the size of `{name}` is {size!r}, but it takes a whole number"))
        elif name in raw:
            problems.append(Diagnostic("E608", f"the data say how large `{name}` is", hints=("leave its size out",)))
    if problems:
        raise PplError(problems, exit_code=Exit.USAGE)
    return {name: RawArray(np.asarray(int(size)), "the sizes") for name, size in sizes.items()}


def _explained(graph: ModelGraph, problem: Diagnostic) -> Diagnostic:
    """What to do where an outcome would have given a size."""
    if problem.code == "E311":
        dim = next((d for d in graph.dims.values() if d.span == problem.span), None)
        hint = f"or give its size: --size {dim.name}=100, in Python sizes={{'{dim.name}': 100}}" if dim else ""
        return replace(problem, hints=(*problem.hints, hint)) if hint else problem
    return problem
