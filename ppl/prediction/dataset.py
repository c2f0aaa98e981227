"""One simulated data set, as the entries of a data file that the model takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ppl.compiler.binding.bind import bind
from ppl.compiler.passes.generative import outcomes
from ppl.data import load
from ppl.errors import Diagnostic, PplError
from ppl.graph import Input, Latent, ModelGraph, Value
from ppl.prediction.inputs import Inputs
from ppl.types import Element, IndexOf, Scalar

Array = npt.NDArray[Any]


def simulated_data(graph: ModelGraph, inputs: Inputs, values: Mapping[str, Array]) -> dict[str, Any]:
    """Numbers, nested lists and labels, as JSON has them: the inputs that were given, and the outcomes drawn. values:
    of the outcomes, (*shape) each.

    Raises:
        PplError: an outcome is computed from data that no draw gives, or the model refuses what it drew (E505).
    """
    _check_written(graph, values)
    entries: dict[str, Any] = {}
    for name, dim in graph.dims.items():
        labels = inputs.dataset.labels.get(name)
        if dim.size is not None or dim.labels is not None:
            continue
        if labels is not None:
            entries[name] = list(labels)
        elif not any(name in declared.dims for declared in graph.inputs):
            entries[name] = inputs.dataset.sizes[name]
    drawn = outcomes(graph)
    for declared in graph.inputs:
        if declared.name in drawn or declared.name in inputs.dataset.arrays:
            array = values[declared.name] if declared.name in drawn else inputs.dataset.arrays[declared.name]
            entries[declared.name] = _written(declared.element, np.asarray(array), inputs.dataset.labels)
    try:
        bind(graph, load(entries))
    except PplError as error:
        hint = "change the declaration, or the distribution, so that the model takes whatever it draws"
        first = Diagnostic("E505", "the model refuses data that it draws itself", hints=(hint,))
        raise PplError([first, *error.diagnostics], graph.source) from None
    return entries


def true_values(graph: ModelGraph, values: Mapping[str, Array]) -> dict[str, Any]:
    """The latents and recorded quantities of one draw, as nested lists of numbers. values: (*shape) each."""
    drawn = outcomes(graph)
    names = [n.name for n in graph.nodes if isinstance(n, Latent | Value) and n.name in values and n.name not in drawn]
    return {name: values[name].tolist() for name in names}


def _check_written(graph: ModelGraph, values: Mapping[str, Array]) -> None:
    found = []
    for name, terms in outcomes(graph).items():
        node = graph[name]
        if not isinstance(node, Input):
            title = f"`{name}` is drawn, but the data give what it is computed from"
            hint = f"declare `{name}` as data, or draw what is measured (`LogNormal` for a logarithm that is `Normal`)"
            found.append(Diagnostic("E505", title, terms[0].span, hints=(hint,)))
        elif not np.isfinite(values[name]).all():
            title = f"`{name}` was drawn infinite or not a number"
            hint = "another seed may do; a prior less wide is what helps"
            found.append(Diagnostic("E505", title, terms[0].span, hints=(hint,)))
    if found:
        raise PplError(found, graph.source)


def _written(element: Element, array: Array, labels: Mapping[str, tuple[str, ...]]) -> Any:
    if isinstance(element, IndexOf):
        own = labels.get(element.dim)
        whole = array.astype(np.int64)
        return (np.array(own)[whole] if own is not None else whole + element.first).tolist()
    if element is Scalar.BOOL:
        return array.astype(np.bool_).tolist()
    return array.astype(np.float64 if element is Scalar.REAL else np.int64).tolist()
