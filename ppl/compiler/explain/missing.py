"""Which elements of the data are missing, and how each is inferred."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ppl.compiler.explain.sections import Section, table
from ppl.compiler.passes.missing.fates import Fates, fates
from ppl.dataset import Dataset
from ppl.graph import Input, ModelGraph

_SHOWN = 6
Mask = npt.NDArray[np.bool_]


def missing_elements(graph: ModelGraph, dataset: Dataset) -> Section | None:
    """For each input that may have missing elements, how many are there, are sampled, and are drawn after sampling."""
    found, _ = fates(graph, dataset)
    rows = [row for i in graph.inputs if i.optional for row in _rows(i, dataset, found.get(i.name))]
    return table("missing elements", rows)


def _rows(declared: Input, dataset: Dataset, own: Fates | None) -> Iterator[list[str]]:
    missing = dataset.missing.get(declared.name)
    size = int(np.prod([dataset.sizes[dim] for dim in declared.dims], dtype=np.int64))
    gone = 0 if missing is None else int(missing.sum())
    yield [declared.name, f"{size - gone} of {size} there", "", ""]
    if missing is None or own is None:
        return
    for mask, fate, why in (
        (
            own.sampled,
            "summed out" if own.summed else "sampled",
            "other terms depend on them, or on others of their joint draw",
        ),
        (own.forward, "drawn after sampling", "nothing else depends on them"),
        (own.conditional, "drawn after sampling", "given the rest of their joint draw, which counts by its marginal"),
        (missing & ~own.missing, "left out", "nothing draws them, and nothing reads them"),
    ):
        if mask.any():
            yield ["", f"{int(mask.sum())} {fate}", which(declared, dataset, mask), why]


def which(declared: Input, dataset: Dataset, mask: Mask) -> str:
    """Labels or positions of the first elements of a mask."""
    places = np.argwhere(mask)
    shown = [[_label(dataset, d, int(i)) for d, i in zip(declared.dims, at, strict=True)] for at in places[:_SHOWN]]
    words = [at[0] if len(at) == 1 else f"[{', '.join(at)}]" for at in shown]
    return ", ".join(words) + (", ..." if len(places) > _SHOWN else "")


def _label(dataset: Dataset, dim: str, position: int) -> str:
    labels = dataset.labels.get(dim)
    return str(position) if labels is None else labels[position]
