"""Missing elements in results: what their places are called, and NaN where data have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ppl.dataset import Dataset
from ppl.graph import ModelGraph, Quantity
from ppl.results.container import Layout

Array = npt.NDArray[np.generic]


def with_missing_labels(layout: Layout, graph: ModelGraph, dataset: Dataset) -> Layout:
    """With labels for the dims of missing elements: those of their places, `Adair, 3` where data have several dims.
    graph, dataset: those in which missing elements are quantities."""
    coordinates = dict(layout.coordinates)
    for name, outcome in graph.outcomes.items():
        if outcome.dim is not None:
            node = graph[name]
            assert isinstance(node, Quantity)
            places = [np.asarray(dataset.arrays[at]).astype(np.int64) for at in outcome.positions]
            coordinates[outcome.dim] = element_labels([layout.coordinates[dim] for dim in node.dims], places)
    return replace(layout, coordinates=coordinates)


def element_labels(labels: list[Array], places: list[npt.NDArray[np.int64]]) -> Array:
    """Labels of elements of an array, whose dims have these labels."""
    own = [names[at] for names, at in zip(labels, places, strict=True)]
    return own[0] if len(own) == 1 else np.array([", ".join(map(str, parts)) for parts in zip(*own, strict=True)])


def with_gaps(name: str, values: Array, missing: Mapping[str, npt.NDArray[np.bool_]]) -> Array:
    """Data, with NaN at their missing elements."""
    return np.where(missing[name], np.nan, values.astype(np.float64)) if name in missing else values
