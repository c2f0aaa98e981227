"""Data onto a model: names, then sizes and labels of dims, then elements. Every error of the data in one run."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ppl.compiler.binding.dims import Work, elements, find_labels, find_sizes, order_by_labels
from ppl.compiler.binding.entries import convert, within_bounds
from ppl.compiler.binding.gaps import set_aside, with_gaps
from ppl.compiler.binding.observed import outside_supports
from ppl.compiler.check.sizes import check_sizes
from ppl.compiler.passes.missing.fates import fates
from ppl.dataset import FIT, SIZES, Dataset, RawArray
from ppl.errors import Diagnostic, PplError, Severity
from ppl.graph import Input, ModelGraph

# With one of these, sizes or labels are not what the author means, and what follows from them is no news.
_SIZES_IN_DOUBT = frozenset({"E301", "E303", "E306", "E308", "E311", "E312", "E315"})


@dataclass(frozen=True)
class Bound:
    """A data set that fits its model. `warnings`: what the data have and the model does not use;
    `notes`: what was tolerated silently (size entries in Stan's manner)."""

    graph: ModelGraph
    dataset: Dataset
    warnings: tuple[Diagnostic, ...]
    notes: tuple[str, ...]


def bind(graph: ModelGraph, raw: Mapping[str, RawArray]) -> Dataset:
    """Checks raw data against the declarations of a model.

    Raises:
        PplError: with every error of the data.
    """
    return bind_with_notes(graph, raw).dataset


def bind_with_notes(graph: ModelGraph, raw: Mapping[str, RawArray], *, statements: bool = True) -> Bound:
    """`bind`, with what was noticed besides. statements: False looks at the declarations alone, and leaves what
    statements ask of the data to `check_statements`."""
    work = Work(graph, dict(raw))
    _match_names(work)
    _align_axes(work)
    find_labels(work)
    find_sizes(work)
    order_by_labels(work)
    _check_shapes(work)
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for declared in graph.inputs:
        entry = work.entries.get(declared.name)
        if entry is not None:
            array, errors = convert(declared, entry, work.sizes, work.labels)
            work.errors += errors
            if array is not None:
                arrays[declared.name] = array
    missing = {name: e.missing for name, e in work.entries.items() if name in arrays and e.missing is not None}
    known = with_gaps(arrays, missing)
    for declared in graph.inputs:
        if declared.name in arrays:
            work.errors += within_bounds(graph, declared, known, work.sizes, work.labels)
    warnings, notes = _unused(work)
    dataset = Dataset(work.sizes, work.labels, arrays, missing)
    if statements and not work.unsized and not {error.code for error in work.errors} & _SIZES_IN_DOUBT:
        problems = check_sizes(graph, work.sizes, work.labels)
        work.errors += (_empty(work) or problems) if problems else []
    if statements and not work.errors:
        work.errors += outside_supports(graph, dataset) or fates(graph, dataset)[1]
    if work.errors:
        raise PplError([*work.errors, *warnings], graph.source)
    return Bound(graph, dataset, warnings, notes)


def check_statements(graph: ModelGraph, dataset: Dataset) -> list[Diagnostic]:
    """What the statements of a model cannot do with data that fit its declarations, where nothing is to be inferred."""
    return check_sizes(graph, dataset.sizes, dataset.labels) or outside_supports(graph, dataset)


# --- names and axes ----------------------------------------------------------------------------------


def _match_names(work: Work) -> None:
    names = {declared.name for declared in work.graph.inputs}
    work.spare = {name: entry for name, entry in work.raw.items() if name not in names}
    for declared in work.graph.inputs:
        entry = work.raw.get(declared.name)
        if entry is None:
            hints = []
            close = difflib.get_close_matches(declared.name, work.spare, n=1)
            if not close:
                close = [s for s in work.spare if s.lower() == declared.name.lower()]
            if close:
                hints.append(f"the data have `{close[0]}`: did you mean that? Rename it in the model or in the data")
            elif given := [name for name, other in work.raw.items() if other.origin not in (SIZES, FIT)]:
                shown = ", ".join(f"`{name}`" for name in given[:12])
                hints.append(f"the data have {shown}{' and more' if len(given) > 12 else ''}")
            else:
                hints.append("no data were given")
            work.errors.append(
                Diagnostic("E301", f"the data have no `{declared.name}`", declared.span, "declared here", tuple(hints))
            )
        elif entry.problem is not None:
            work.errors.append(
                Diagnostic(
                    "E312",
                    f"`{declared.name}` in {entry.origin} is no array",
                    declared.span,
                    entry.problem,
                    ("all rows of an array have the same length",) if "but" in entry.problem else (),
                )
            )
        else:
            work.entries[declared.name] = set_aside(declared, entry)


def _align_axes(work: Work) -> None:
    """Checks ranks; puts axes that come with names into the declared order."""
    for declared in work.graph.inputs:
        entry = work.entries.get(declared.name)
        if entry is None:
            continue
        if entry.dims is not None and entry.dims != declared.dims and set(entry.dims) & set(work.graph.dims):
            if sorted(entry.dims) != sorted(declared.dims):
                work.errors.append(
                    Diagnostic(
                        "E303",
                        f"`{declared.name}` has the wrong dims",
                        declared.span,
                        f"declared over {_dims(declared.dims)}, but in {entry.origin} it is over {_dims(entry.dims)}",
                    )
                )
                del work.entries[declared.name]
                continue
            order = [entry.dims.index(d) for d in declared.dims]
            entry = replace(
                entry,
                values=np.transpose(entry.values, order),
                labels=tuple(entry.axis_labels(i) for i in order),
                dims=declared.dims,
                missing=None if entry.missing is None else np.transpose(entry.missing, order),
            )
            work.entries[declared.name] = entry
        if entry.values.ndim != len(declared.dims):
            work.errors.append(_wrong_rank(declared, entry))
            del work.entries[declared.name]


def _wrong_rank(declared: Input, entry: RawArray) -> Diagnostic:
    given = entry.values.shape
    hints: tuple[str, ...] = ()
    if not declared.dims:
        hints = (f"declare it with a dim, `data {declared.name}[obs]`, or give a single number",)
    elif not given:
        hints = (f"give a list, one value for each element of {_dims(declared.dims)}",)
    return Diagnostic(
        "E303",
        f"`{declared.name}` has the wrong shape",
        declared.span,
        f"{_declared(declared.dims)}, but in {entry.origin} it is {_given(given)}",
        hints,
    )


def _dims(dims: tuple[str, ...]) -> str:
    return "[" + ", ".join(dims) + "]" if dims else "no dim"


def _declared(dims: tuple[str, ...]) -> str:
    if not dims:
        return "declared as a single value"
    return f"declared over {len(dims)} dim{'s' if len(dims) > 1 else ''}, {_dims(dims)}"


def _given(shape: tuple[int, ...]) -> str:
    if not shape:
        return "a single value"
    if len(shape) == 1:
        return f"a list of {shape[0]}"
    return f"an array of {len(shape)} dims, {' × '.join(map(str, shape))}"


# --- shape ---------------------------------------------------------------------------------


def _check_shapes(work: Work) -> None:
    for declared in work.graph.inputs:
        entry = work.entries.get(declared.name)
        if entry is None:
            continue
        for axis, dim in enumerate(declared.dims):
            given, wanted = entry.values.shape[axis], work.sizes[dim]
            if given == wanted:
                continue
            why = next((w for w, size in work.votes[dim] if size == wanted and f"`{declared.name}`" not in w), "")
            where = f"axis {axis + 1} (`{dim}`) has {given}" if len(declared.dims) > 1 else f"it has {given}"
            work.errors.append(
                Diagnostic(
                    "E303",
                    f"`{declared.name}` has the wrong shape",
                    declared.span,
                    f"{where}, but `{dim}` has {elements(wanted)}",
                    (f"{why}",) if why else (),
                )
            )
            work.entries.pop(declared.name, None)


def _empty(work: Work) -> list[Diagnostic]:
    """Data without elements, where the model needs some."""
    return [
        Diagnostic("E303", f"`{declared.name}` in {entry.origin} is empty", declared.span, "it has no elements")
        for declared in work.graph.inputs
        if (entry := work.raw.get(declared.name)) is not None and entry.values.size == 0 and not entry.problem
    ]


# --- what is left over -------------------------------------------------------------------------------


def _unused(work: Work) -> tuple[tuple[Diagnostic, ...], tuple[str, ...]]:
    warnings: list[Diagnostic] = []
    notes: list[str] = []
    names = [d.name for d in work.graph.inputs] + list(work.graph.dims)
    table = {entry.origin for entry in work.raw.values() if entry.origin.endswith((".csv", ".tsv"))}
    table |= {"the data frame", "the data set"}
    for name, entry in work.spare.items():
        if name in work.used:
            continue
        if entry.problem is None and entry.values.ndim == 0 and entry.values.dtype.kind in "iu":
            equal = [d for d, size in work.sizes.items() if size == int(entry.values)]
            what = f"equals the size of `{equal[0]}`" if equal else "is not used"
            notes.append(f"`{name}` = {int(entry.values)} {what}")
            continue
        close = difflib.get_close_matches(name, [n for n in names if n not in work.raw], n=1)
        if entry.origin in table and not close:
            notes.append(f"the column `{name}` of {entry.origin} is not used")
            continue
        hints = (f"did you mean `{close[0]}`?",) if close else ()
        warnings.append(
            Diagnostic(
                "W130", f"the model does not use `{name}` of {entry.origin}", hints=hints, severity=Severity.WARNING
            )
        )
    return tuple(warnings), tuple(notes)
