"""Draws → named, labelled groups in ArviZ's layout, and the container that ArviZ itself uses.

Groups are plain xarray datasets; only `to_arviz` knows which of ArviZ's two containers there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from ppl.dataset import Dataset
from ppl.graph import ModelGraph, Term, distribution_expressions, reads
from ppl.types import IndexOf

Groups = dict[str, xr.Dataset]
Arrays = Mapping[str, npt.NDArray[np.generic]]

# In the order in which ArviZ lists them.
GROUPS = (
    "posterior",
    "posterior_predictive",
    "predictions",
    "log_likelihood",
    "sample_stats",
    "divergences",
    "divergent_points",
    "unconstrained_posterior",
    "warmup_sample_stats",
    "warmup_posterior",
    "prior",
    "prior_predictive",
    "observed_data",
    "constant_data",
    "predictions_constant_data",
)

# Where draws stand in what `sample` and `predict` return, and in what `prior` does.
OF_A_FIT = ("posterior", "predictions")
OF_A_PRIOR = ("prior", "prior_predictive")

_OURS = ("chain", "draw", "divergence", "unconstrained")


@dataclass(frozen=True)
class Layout:
    """Dims for the variables of a model. coordinates: for each dim the labels of its elements, (size,); variables: the
    names of the model. What is called like a dim of ArviZ's gets a `_` at its end, and no two things get one name."""

    coordinates: Mapping[str, npt.NDArray[np.generic]]
    variables: frozenset[str] = frozenset()

    @staticmethod
    def of(graph: ModelGraph, dataset: Dataset) -> Layout:
        """A dim without labels counts as its index data do: from 1 if they are declared so, else from 0."""
        firsts: dict[str, list[int]] = {}
        for declared in graph.inputs:
            if isinstance(declared.element, IndexOf):
                firsts.setdefault(declared.element.dim, []).append(declared.element.first)
        counted = {d: np.arange(n) + min(firsts.get(d, [0])) for d, n in dataset.sizes.items()}
        labelled = {dim: np.array(own) for dim, own in dataset.labels.items()}
        return Layout({**counted, **labelled}, frozenset(node.name for node in graph.nodes))

    def dims(self, dims: Sequence[str]) -> tuple[str, ...]:
        """Their names in the container; a dim used twice gets `_2` (and so on) the second time."""
        names: list[str] = []
        for dim in dims:
            name = self._free(dim, (*_OURS, *self.variables))
            number = 2
            while name in names or (number > 2 and name in {*self.coordinates, *self.variables}):
                name, number = f"{dim}_{number}", number + 1
            names.append(name)
        return tuple(names)

    def variable(self, name: str) -> str:
        """The name of a variable in the container."""
        return self._free(name, _OURS)

    def _free(self, name: str, taken: Sequence[str]) -> str:
        while name in taken:
            name += "_"
            taken = (*taken, *self.coordinates, *self.variables)
        return name

    def dataset(
        self, arrays: Arrays, dims_of: Mapping[str, Sequence[str]], leading: Sequence[str] = ("chain", "draw")
    ) -> xr.Dataset:
        """One group. arrays: (*leading, *dims) each; dims_of: the dims of each, without the leading ones."""
        variables: dict[str, Any] = {}
        coordinates: dict[str, Any] = {}
        for name, values in arrays.items():
            dims = self.dims(dims_of[name])
            variables[self.variable(name)] = ((*leading, *dims), values)
            coordinates.update({shown: self.coordinates[dim] for shown, dim in zip(dims, dims_of[name], strict=True)})
            coordinates.update({dim: np.arange(values.shape[axis]) for axis, dim in enumerate(leading)})
        return xr.Dataset(variables, coordinates)


# --- what the graph says ------------------------------------------------------------------------------


def touches(term: Term) -> frozenset[str]:
    """Names that a term's distribution reads."""
    return frozenset(name for e in distribution_expressions(term.distribution) for name in reads(e))


# --- the container -----------------------------------------------------------------------------------


def to_arviz(groups: Groups, attrs: Mapping[str, Any]) -> Any:
    """`arviz.InferenceData` under ArviZ 0.x, `xarray.DataTree` under 1.x."""
    ordered = {name: groups[name] for name in (*GROUPS, *groups) if name in groups}
    if arviz_line() == 0:
        import arviz

        make: Any = arviz.InferenceData
        return make(attrs=dict(attrs), **ordered)
    tree = xr.DataTree.from_dict({f"/{name}": group for name, group in ordered.items()})
    tree.attrs.update(attrs)
    return tree


def from_arviz(container: Any) -> tuple[Groups, dict[str, Any]]:
    """The groups and attributes of either container.

    Raises:
        TypeError: it is neither, or has no draws.
    """
    names = getattr(container, "children", None) or getattr(container, "groups", tuple)()
    if not any(name in names for name in (*OF_A_FIT, *OF_A_PRIOR)):
        raise TypeError(
            f"expected what `model.sample` returns, with a group `posterior`, not a {type(container).__name__}"
        )
    attrs = {str(key): value for key, value in container.attrs.items()}
    if isinstance(container, xr.DataTree):
        return {name: child.to_dataset() for name, child in container.children.items()}, attrs
    return {name: container[name] for name in container.groups()}, attrs


def arviz_line() -> int:
    """0 or 1: the major version of the installed ArviZ."""
    from importlib.metadata import version

    return int(version("arviz").split(".")[0])
