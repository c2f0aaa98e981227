"""What is done to a graph, given its data, before anything is compiled."""

from __future__ import annotations

from ppl.compiler.passes.assembling import assemble_clamped
from ppl.compiler.passes.missing.quantities import fill_missing
from ppl.dataset import Dataset
from ppl.graph import ModelGraph


def prepared(graph: ModelGraph, dataset: Dataset) -> tuple[ModelGraph, Dataset]:
    """The graph with clamped and missing elements as quantities, and the data with what it needs of them besides. What
    is prepared already stays as it is.

    Raises:
        PplError: missing data that have no distribution (E317) or cannot be inferred (E318).
    """
    return fill_missing(*assemble_clamped(graph, dataset))
