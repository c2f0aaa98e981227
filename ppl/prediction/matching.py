"""Which elements of new data are elements of the fit.

Dims with labels: those with the same label. Without: the same position, where positions mean something, which is on
ordered dims, on dims of a size that the model fixes, and on dims that index data speak of (`county_of[obs] : county`).
The elements of any other dim without labels, such as the rows of a table, are those of the fit if all covariates over
it are unchanged, and else all new.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ppl.compiler.forward.statements import Group
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, PplError
from ppl.graph import ModelGraph, Prediction
from ppl.prediction.fitted import Fitted
from ppl.types import IndexOf

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Match:
    """old: of each element of the new data its position in the fit, or -1; size: of the dim in the fit."""

    old: Positions
    size: int

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Which elements of the new data are elements of the fit."""
        return self.old >= 0

    @property
    def dropped(self) -> Positions:
        """The elements of the fit that the new data do not have."""
        return np.setdiff1d(np.arange(self.size), self.old)

    @property
    def identity(self) -> bool:
        """Whether the elements are those of the fit, in their order."""
        return bool(np.array_equal(self.old, np.arange(self.size)))


def match_dims(graph: ModelGraph, fitted: Fitted, new: Dataset, outcomes: Collection[str]) -> dict[str, Match]:
    """For every dim of the model.

    Raises:
        PplError: a dim whose positions mean something has labels in the fit alone, or in the new data alone (E507).
    """
    named = {i.element.dim for i in graph.inputs if isinstance(i.element, IndexOf)}
    found: dict[str, Match] = {}
    rows = []
    for name, dim in graph.dims.items():
        size, old = new.sizes[name], fitted.sizes.get(name, 0)
        own, theirs = new.labels.get(name), fitted.labels.get(name)
        counted = dim.ordered or dim.size is not None or name in named
        if name not in fitted.sizes:
            found[name] = Match(np.full(size, -1), 0)
        elif own is not None and theirs is not None:
            position = {label: i for i, label in enumerate(theirs)}
            found[name] = Match(np.array([position.get(label, -1) for label in own], np.int64), old)
        elif own is None and theirs is None and counted:
            found[name] = Match(np.where(np.arange(size) < old, np.arange(size), -1), old)
        elif own is None and theirs is None:
            rows.append(name)
        elif counted:
            raise _one_sided(graph, name, own is None)
        else:
            found[name] = Match(np.full(size, -1), old)
    for name in rows:
        same = new.sizes[name] == fitted.sizes[name] and _unchanged(graph, fitted, new, outcomes, name, found)
        size = new.sizes[name]
        found[name] = Match(np.arange(size) if same else np.full(size, -1), fitted.sizes[name])
    return {name: found[name] for name in graph.dims}


def _unchanged(
    graph: ModelGraph,
    fitted: Fitted,
    new: Dataset,
    outcomes: Collection[str],
    dim: str,
    known: Mapping[str, Match],
) -> bool:
    """Whether every covariate over a dim is what it was."""
    for declared in graph.inputs:
        if dim not in declared.dims or declared.name in outcomes:
            continue
        array, before = new.arrays[declared.name], fitted.arrays.get(declared.name)
        if before is None or array.shape != before.shape:
            return False
        if isinstance(declared.element, IndexOf) and declared.element.dim in known:
            array = known[declared.element.dim].old[np.asarray(array)]
        if not np.array_equal(array, before):
            return False
    return True


def _one_sided(graph: ModelGraph, dim: str, new_lacks: bool) -> PplError:
    title = f"the elements of `{dim}` cannot be told"
    words = "the fit has labels for them, and the new data have none"
    hint = f'label them in the new data, with an entry "{dim}": [...] or by text in the index data'
    if not new_lacks:
        words = "the new data have labels for them, and the fit has none"
        hint = f"sample again with labels for `{dim}`, or leave them out here and keep the positions"
    return PplError([Diagnostic("E507", title, graph.dims[dim].span, words, (hint,))], graph.source)


def series_dims(graph: ModelGraph, groups: Iterable[Group]) -> tuple[str, ...]:
    """The dims along which elements of latents and outcomes depend on earlier ones."""
    own = (g for g in groups if not all(isinstance(graph[name], Prediction) for name in g.names))
    return tuple(dict.fromkeys(dim for g in own for dim in g.dims))


def check_series(graph: ModelGraph, dims: Iterable[str], matches: Mapping[str, Match], new: Dataset) -> None:
    """Whether series that positions tell apart are as long as in the fit: whoever gives less means the future.

    Raises:
        PplError: the new data have fewer elements than the fit, and no labels (E507).
    """
    for dim in dims:
        count, size = new.sizes[dim], matches[dim].size
        if dim in new.labels or count >= size:
            continue
        title = f"`{dim}` has {count} element{'' if count == 1 else 's'} here, and {size} in the fit"
        words = "without labels these are the first of the fit, and a series goes on after its last"
        over = [i.name for i in graph.inputs if dim in i.dims and i.name in new.arrays]
        given = " and ".join(f"`{name}`" for name in over)
        total = size + count
        hint = f"to predict {count} more, give {given} for {total}: first those of the fit, then the new ones"
        if not over:
            hint = f"to predict {count} more: --size {dim}={total}, in Python sizes={{'{dim}': {total}}}"
        other = f"with labels for `{dim}`, here and in the data of the fit, the new elements are enough"
        raise PplError([Diagnostic("E507", title, graph.dims[dim].span, words, (hint, other))], graph.source)


def in_words(
    graph: ModelGraph, matches: Mapping[str, Match], labels: Mapping[str, tuple[str, ...]], series: Iterable[str]
) -> list[str]:
    """What became of the elements of each dim that latents or series run over, where any are new or dropped."""
    said = []
    for dim in dict.fromkeys((*(d for latent in graph.latents for d in latent.dims), *series)):
        m = matches[dim]
        if m.identity:
            continue
        fresh = np.flatnonzero(~m.kept)
        own = labels.get(dim)
        names = ""
        if own is not None and len(fresh):
            names = f" ({', '.join(own[i] for i in fresh[:4])}{', ...' if len(fresh) > 4 else ''})"
        parts = [f"{int(m.kept.sum())} of {m.size} kept"]
        parts += [f"{len(fresh)} new{names}"] if len(fresh) else []
        said.append(f"{dim}: {', '.join(parts)}")
    return said
