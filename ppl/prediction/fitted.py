"""A fit, read back: the draws of its latents, the data it was made from, the sizes and labels of its dims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from ppl.errors import Diagnostic, PplError
from ppl.graph import Input, Latent, ModelGraph
from ppl.results.container import Groups, Layout
from ppl.running.record import decode_attrs
from ppl.types import Scalar

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Fitted:
    """sizes, labels: of the dims that the fit says anything of; arrays: its data, by input (positions count from 0);
    draws: (chains, draws, *shape), by latent; filled: likewise, of data with missing elements; unknown: of data whose
    missing elements have no draws, which these are."""

    sizes: Mapping[str, int]
    labels: Mapping[str, tuple[str, ...]]
    arrays: Mapping[str, Array]
    draws: Mapping[str, Array]
    filled: Mapping[str, Array]
    unknown: Mapping[str, Array]
    leading: tuple[int, int]
    attrs: Mapping[str, Any]


def read_fit(graph: ModelGraph, groups: Groups, attrs: Mapping[str, Any]) -> Fitted:
    """What a container of this model's draws holds.

    Raises:
        PplError: it was made by another model, or lacks what the model has (E506).
    """
    _same_model(graph, attrs)
    if "posterior" not in groups:
        hint = "predict from what `ppl sample` or `Model.sample` made"
        raise PplError([Diagnostic("E506", "these are draws from a prior, and no fit", hints=(hint,))])
    posterior = groups["posterior"]
    leading = (posterior.sizes["chain"], posterior.sizes["draw"])
    layout = Layout({dim: np.zeros(0) for dim in graph.dims}, frozenset(node.name for node in graph.nodes))
    found = _Found({}, {}, layout)
    arrays: dict[str, Array] = {}
    filled: dict[str, Array] = {}
    unknown: dict[str, Array] = {}
    for declared in graph.inputs:
        value = _in_data(groups, found, declared)
        if value is None:
            continue
        gaps = np.isnan(value) if value.dtype.kind == "f" else np.zeros((), np.bool_)
        arrays[declared.name] = _of_type(declared, np.where(gaps, 0.0, value) if gaps.any() else value)
        if gaps.any():
            drawn = _missing_draws(graph, posterior, layout, declared.name)
            if drawn is None:
                unknown[declared.name] = gaps
            else:
                filled[declared.name] = np.broadcast_to(value, (*leading, *value.shape)).copy()
                filled[declared.name][..., gaps] = drawn.reshape(*leading, -1)
    draws = {}
    for latent in graph.latents:
        name = layout.variable(latent.name)
        if name in posterior:
            draws[latent.name] = found.read(posterior[name].transpose("chain", "draw", ...), latent.dims, 2)
        else:
            value = _in_data(groups, found, latent)  # a latent that was clamped is data
            if value is None:
                hint = "sample the model again"
                raise PplError([Diagnostic("E506", f"the fit has no draws of `{latent.name}`", hints=(hint,))])
            draws[latent.name] = np.broadcast_to(value, (*leading, *value.shape))
    return Fitted(found.sizes, found.labels, arrays, draws, filled, unknown, leading, decode_attrs(attrs))


def _same_model(graph: ModelGraph, attrs: Mapping[str, Any]) -> None:
    text = attrs.get("model")
    if text == graph.source.text:
        return
    if not isinstance(text, str):
        title, hint = "the draws do not say which model made them", "they must come from `ppl sample` or `Model.sample`"
    else:
        title = "the draws were made by another model, or another version of this one"
        hint = "sample this model again, or predict with theirs: ppl.compile(fit.attrs['model'])"
    raise PplError([Diagnostic("E506", title, hints=(hint,))])


@dataclass(frozen=True)
class _Found:
    sizes: dict[str, int]
    labels: dict[str, tuple[str, ...]]
    layout: Layout

    def read(self, array: xr.DataArray, dims: tuple[str, ...], lead: int) -> Array:
        """The values, after noting what the coordinates say of the dims."""
        for dim, name, size in zip(dims, self.layout.dims(dims), array.shape[lead:], strict=True):
            self.sizes[dim] = size
            if name in array.coords and array.coords[name].dtype.kind in "UO":
                self.labels[dim] = tuple(map(str, array.coords[name].values.tolist()))
        return np.asarray(array.values)


def _in_data(groups: Groups, found: _Found, node: Input | Latent) -> Array | None:
    """An input that is whole in one of the groups of data; constant data hold those that are observed in part."""
    name = found.layout.variable(node.name)
    for group in ("constant_data", "observed_data"):
        if group in groups and name in groups[group]:
            array = groups[group][name]
            if array.ndim == len(node.dims):
                return found.read(array, node.dims, 0)
    return None


def _of_type(declared: Input, value: Array) -> Array:
    """Numbers as their input's type has them: results hold those with missing elements as floating numbers."""
    if declared.element is Scalar.REAL or value.dtype.kind != "f":
        return value
    return value.astype(np.bool_ if declared.element is Scalar.BOOL else np.int64)


def _missing_draws(graph: ModelGraph, posterior: xr.Dataset, layout: Layout, name: str) -> Array | None:
    """The draws of the missing elements of an input, (chains, draws, elements) in the order of the array."""
    own = f"{name}_missing"
    while own in graph:
        own += "_"
    own = layout.variable(own)
    return np.asarray(posterior[own].transpose("chain", "draw", ...).values) if own in posterior else None
