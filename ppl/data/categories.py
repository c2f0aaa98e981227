"""Ordered categories of index data list the labels of their dim."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ppl.dataset import RawArray
from ppl.errors import Diagnostic, PplError
from ppl.graph import Input, ModelGraph
from ppl.types import IndexOf


def with_listed_categories(graph: ModelGraph, raw: Mapping[str, RawArray]) -> dict[str, RawArray]:
    """The data, and for each dim whose index data are ordered categories an entry that lists these in their order.

    Labels that the model, an entry named like the dim, or an array over the dim give go before them.

    Raises:
        PplError: two entries have other categories, or another order of them, for the same dim (E315).
    """
    listed: dict[str, tuple[Input, RawArray]] = {}
    problems: list[Diagnostic] = []
    for declared in graph.inputs:
        entry = raw.get(declared.name)
        if entry is None or entry.categories is None or not isinstance(declared.element, IndexOf):
            continue
        dim = declared.element.dim
        if dim in raw or graph.dims[dim].labels is not None or _labels_an_axis(graph, raw, dim):
            continue
        first, known = listed.setdefault(dim, (declared, entry))
        if known.categories != entry.categories:
            problems.append(
                Diagnostic(
                    "E315",
                    f"the order of `{dim}` is not known",
                    declared.span,
                    f"the categories of `{first.name}` and `{declared.name}` differ",
                    (f"give both the same categories, or list the labels of `{dim}` under its name",),
                )
            )
    if problems:
        raise PplError(problems, graph.source)
    return {**raw, **{dim: RawArray(np.array(e.categories), e.origin, (None,)) for dim, (_, e) in listed.items()}}


def _labels_an_axis(graph: ModelGraph, raw: Mapping[str, RawArray], dim: str) -> bool:
    """Whether an array over the dim names its elements by more than their numbers."""
    for declared in graph.inputs:
        entry = raw.get(declared.name)
        if entry is None:
            continue
        for axis in (i for i, own in enumerate(declared.dims) if own == dim):
            labels = entry.axis_labels(axis)
            if labels is not None and labels != tuple(map(str, range(len(labels)))):
                return True
    return False
