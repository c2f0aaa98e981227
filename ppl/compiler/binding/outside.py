"""Clamps from outside the text, `--set s[3]=-1` or `set={"s[3]": -1}`, as those of a model's own `observe`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ppl.catalogue.supports import joint_rank
from ppl.compiler.check.extents import outside
from ppl.compiler.check.names import closest, quoted
from ppl.dataset import Dataset
from ppl.errors import Diagnostic
from ppl.graph import (
    Aligned,
    Axis,
    Clamp,
    Expr,
    Fixed,
    Input,
    Labelled,
    Latent,
    Literal,
    Meta,
    ModelGraph,
    Prediction,
    Subscript,
)
from ppl.types import IndexOf, Scalar

_PLACE = re.compile(r"\s*(?P<name>[^\W\d]\w*)\s*(?:\[(?P<indices>.*)\])?\s*", re.DOTALL)
_INDEX = re.compile(
    r"""\s*(?:(?P<position>[+-]?\d+)|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<label>[^,"'\]]*?))\s*(?:,|$)"""
)


class _Wrong(Exception):
    """What is wrong with one entry."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


@dataclass(frozen=True, eq=False)
class Outside:
    """clamps: of single numbers, which hold for every element that they name; arrays: of whole latents."""

    clamps: tuple[Clamp, ...]
    arrays: Mapping[str, npt.NDArray[np.float64]]


def from_outside(graph: ModelGraph, dataset: Dataset, given: Mapping[str, Any]) -> tuple[Outside, list[Diagnostic]]:
    """Entries are `name`, or `name[3]`, `name["label"]` for elements, with a number, a truth value, the label of an
    element, or for a whole latent an array. What only data can tell is not asked where `dataset` lacks the size of a
    dim."""
    clamps: list[Clamp] = []
    arrays: dict[str, npt.NDArray[np.float64]] = {}
    problems = []
    for place, value in given.items():
        try:
            latent, subscripts = _target(graph, dataset, place)
            array = _array(value)
            if array is None or array.ndim == 0:
                clamps.append(_clamp(latent, subscripts, _literal(graph, dataset, latent, value)))
            else:
                arrays[latent.name] = _whole(dataset, latent, subscripts, place, array)
        except _Wrong as wrong:
            problems.append(wrong.diagnostic)
    return Outside(tuple(clamps), arrays), problems


def _target(graph: ModelGraph, dataset: Dataset, place: str) -> tuple[Latent, tuple[Subscript, ...]]:
    match = _PLACE.fullmatch(place)
    if match is None:
        raise _Wrong(Diagnostic("E608", f"`{place}` names no quantity", hints=("write `name=value`, `name[0]=value`",)))
    name = match["name"]
    latent = _latent(graph, name)
    indices = [] if match["indices"] is None else _indices(match["indices"])
    if len(indices) > len(latent.dims) or (match["indices"] is not None and not indices):
        known = f"is indexed by {quoted(latent.dims)}" if latent.dims else "is a single number"
        raise _Wrong(Diagnostic("E106", f"`{place}`: `{name}` {known}", latent.span))
    if len(indices) > len(latent.dims) - joint_rank(latent.support.kind):
        title = f"`{place}`: the elements of a draw of `{name}` depend on each other, so that none can be clamped alone"
        hints = (
            f"clamp them together: give `{name}` a whole array, in Python or by `data` and `observe` in the model",
            f"or hold this one near a value: in the model, `data seen`, `seen ~ Normal({place}, 0.01)`",
        )
        raise _Wrong(Diagnostic("E122", title, latent.span, hints=hints))
    found = [_position(graph, dataset, dim, index, place) for dim, index in zip(latent.dims, indices, strict=False)]
    rest = [Aligned(Axis(f"{dim}#{n}", dim)) for n, dim in enumerate(latent.dims[len(indices) :])]
    return latent, (*found, *rest)


def _latent(graph: ModelGraph, name: str) -> Latent:
    latents = {latent.name: latent for latent in graph.latents}
    if name in latents:
        return latents[name]
    if name in graph:
        title, span = f"`{name}` is not latent, and only latent quantities can be clamped", graph[name].span
        raise _Wrong(Diagnostic("E122", title, span, hints=(_instead(graph, name),)))
    found = closest(name, latents)
    hint = f"did you mean `{found}`?" if found else f"latent quantities: {quoted(latents)}" if latents else ""
    raise _Wrong(
        Diagnostic("E101", f"the model has no latent quantity `{name}` to clamp", hints=(hint,) if hint else ())
    )


def _instead(graph: ModelGraph, name: str) -> str:
    match graph[name]:
        case Input():
            return "its value comes with the data"
        case Prediction():
            return "draw it without `predict`"
        case _:
            return "clamp what it is computed from"


def _indices(text: str) -> list[int | str]:
    found: list[int | str] = []
    at = 0
    while at < len(text):
        match = _INDEX.match(text, at)
        if match is None or match.end() == at:
            return []
        label = next((match[k] for k in ("double", "single", "label") if match[k] is not None), "")
        found.append(int(match["position"]) if match["position"] is not None else label)
        at = match.end()
    return found


def _position(graph: ModelGraph, dataset: Dataset, dim: str, index: int | str, place: str) -> Subscript:
    if isinstance(index, int):
        problem = outside(Fixed(index), dim, dataset.sizes)
        if problem is not None:
            raise _Wrong(Diagnostic("E109", f"`{place}`: {problem[0]}"))
        return Fixed(index % dataset.sizes[dim] if dim in dataset.sizes else index)
    if dim not in dataset.sizes:
        return Labelled(index, graph.dims[dim].span)
    position = _labelled(dataset.labels.get(dim, ()), dim, index, place)
    return Labelled(index, graph.dims[dim].span) if graph.dims[dim].labels is None else Fixed(position)


def _labelled(labels: tuple[str, ...], dim: str, label: str, place: str) -> int:
    if label in labels:
        return labels.index(label)
    near = closest(label, labels)
    hint = f"did you mean `{near}`?" if near else f"its labels are {quoted(labels[:12])}" if labels else ""
    title = f"`{place}`: `{label}` is not a label of `{dim}`" + ("" if labels else ", which has none")
    raise _Wrong(Diagnostic("E112", title, hints=(hint,) if hint else ()))


def _array(value: Any) -> npt.NDArray[np.generic] | None:
    """A value as an array of numbers; None if it is text."""
    array = np.asarray(value)
    return array if array.dtype.kind in "biuf" else None


def _literal(graph: ModelGraph, dataset: Dataset, latent: Latent, value: Any) -> Expr:
    span, element = latent.span, latent.element
    if isinstance(value, str):
        if not isinstance(element, IndexOf):
            title = f"`{value}` is no value for `{latent.name}`: it takes numbers"
            raise _Wrong(Diagnostic("E214", title, span))
        labels = dataset.labels.get(element.dim) or graph.dims[element.dim].labels or ()
        return Literal(_labelled(labels, element.dim, value, latent.name), Meta((), (), element, span))
    array = _array(value)
    if array is None:
        raise _Wrong(Diagnostic("E214", f"`{value!r}` is no value for `{latent.name}`: it takes numbers", span))
    number = float(array)
    return Literal(number, Meta((), (), element if isinstance(element, IndexOf) else Scalar.REAL, span))


def _clamp(latent: Latent, subscripts: tuple[Subscript, ...], value: Expr) -> Clamp:
    axes = tuple(s.axis for s in subscripts if isinstance(s, Aligned))
    return Clamp(latent.name, axes, subscripts, value, latent.span)


def _whole(
    dataset: Dataset, latent: Latent, subscripts: tuple[Subscript, ...], place: str, array: npt.NDArray[np.generic]
) -> npt.NDArray[np.float64]:
    shape = tuple(dataset.sizes.get(dim, dim) for dim in latent.dims)
    if not all(isinstance(s, Aligned) for s in subscripts):
        title = f"`{place}` is given an array; elements are set to single values"
        raise _Wrong(Diagnostic("E303", title, latent.span))
    if array.ndim != len(shape) or any(isinstance(n, int) and n != m for n, m in zip(shape, array.shape, strict=True)):
        title = f"`{latent.name}` has shape {shape}, but it is set to an array of shape {array.shape}"
        raise _Wrong(Diagnostic("E303", title, latent.span))
    return array.astype(np.float64)
