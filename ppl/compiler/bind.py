"""Data onto a model: names, then sizes and labels of dims, then elements. Every error of the data in one run."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ppl.compiler.check.sizes import check_sizes
from ppl.compiler.entries import convert, within_bounds
from ppl.compiler.observed import outside_supports
from ppl.dataset import Dataset, RawArray
from ppl.errors import Diagnostic, PplError, Severity
from ppl.graph import Input, ModelGraph
from ppl.types import IndexOf

# With one of these, sizes or labels are not what the author means, and what follows from them is no news.
_SIZES_IN_DOUBT = frozenset({"E301", "E303", "E306", "E308", "E311", "E312", "E315"})


@dataclass(frozen=True)
class Bound:
    """A data set that fits its model. `warnings`: what the data have and the model does not use;
    `notes`: what was tolerated silently (size entries in Stan's manner)."""

    dataset: Dataset
    warnings: tuple[Diagnostic, ...]
    notes: tuple[str, ...]


def bind(graph: ModelGraph, raw: Mapping[str, RawArray]) -> Dataset:
    """Checks raw data against the declarations of a model.

    Raises:
        PplError: with every error of the data.
    """
    return bind_with_notes(graph, raw).dataset


def bind_with_notes(graph: ModelGraph, raw: Mapping[str, RawArray]) -> Bound:
    """`bind`, with what was noticed besides."""
    work = _Work(graph, dict(raw))
    _match_names(work)
    _align_axes(work)
    _find_labels(work)
    _find_sizes(work)
    _order_by_labels(work)
    _check_shapes(work)
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for declared in graph.inputs:
        entry = work.entries.get(declared.name)
        if entry is not None:
            array, errors = convert(declared, entry, work.sizes, work.labels)
            work.errors += errors
            if array is not None:
                arrays[declared.name] = array
    for declared in graph.inputs:
        if declared.name in arrays:
            work.errors += within_bounds(graph, declared, arrays, work.sizes, work.labels)
    warnings, notes = _unused(work)
    dataset = Dataset(work.sizes, work.labels, arrays)
    if not {error.code for error in work.errors} & _SIZES_IN_DOUBT:
        work.errors += check_sizes(graph, work.sizes, work.labels)
    if not work.errors:
        work.errors += outside_supports(graph, dataset)
    if work.errors:
        raise PplError([*work.errors, *warnings], graph.source)
    return Bound(dataset, warnings, notes)


@dataclass
class _Work:
    """What is known so far. `entries`: usable data by input; `spare`: data that no input takes."""

    graph: ModelGraph
    raw: dict[str, RawArray]
    entries: dict[str, RawArray] = field(default_factory=dict)
    spare: dict[str, RawArray] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    errors: list[Diagnostic] = field(default_factory=list)
    # For each dim, who says what its size is: (words, size); and entries named like a dim.
    votes: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


# --- names and axes ----------------------------------------------------------------------------------


def _match_names(work: _Work) -> None:
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
            elif work.raw:
                given = ", ".join(f"`{name}`" for name in list(work.raw)[:12])
                hints.append(f"the data have {given}{' and more' if len(work.raw) > 12 else ''}")
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
            work.entries[declared.name] = entry


def _align_axes(work: _Work) -> None:
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
            entry = RawArray(
                np.transpose(entry.values, order),
                entry.origin,
                tuple(entry.axis_labels(i) for i in order),
                declared.dims,
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


# --- labels ------------------------------------------------------------------------------------------


def _find_labels(work: _Work) -> None:
    """Labels of a dim, from the first that has them: the text, an entry named like the dim, an axis of an array,
    text values of index data."""
    for name, dim in work.graph.dims.items():
        if dim.labels is not None:
            work.labels[name] = dim.labels
            continue
        entry = work.spare.get(name)
        if entry is not None and entry.values.ndim == 1 and entry.values.dtype.kind in "Ui" and entry.problem is None:
            labels = tuple(str(x) for x in entry.values.tolist())
            if len(set(labels)) == len(labels):
                work.labels[name] = labels
                work.used.add(name)
                continue
        for declared in work.graph.inputs:
            found = _axis_labels(work, declared, name)
            if found is not None:
                _check_unique(work, declared, name, found)
                work.labels[name] = found
                break
    for name in work.graph.dims:
        if name not in work.labels:
            _labels_from_values(work, name)


def _axis_labels(work: _Work, declared: Input, dim: str) -> tuple[str, ...] | None:
    entry = work.entries.get(declared.name)
    if entry is None:
        return None
    for axis, d in enumerate(declared.dims):
        labels = entry.axis_labels(axis)
        if d == dim and labels is not None:
            return labels
    return None


def _check_unique(work: _Work, declared: Input, dim: str, labels: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for label in labels:
        if label in seen:
            work.errors.append(
                Diagnostic(
                    "E306",
                    f"two elements of `{dim}` have the same label",
                    declared.span,
                    f"`{label}` labels more than one element",
                )
            )
            return
        seen.add(label)


def _labels_from_values(work: _Work, dim: str) -> None:
    """Text in index data: distinct values, in the order in which they appear."""
    found: dict[str, None] = {}
    by: list[Input] = []
    for declared in work.graph.inputs:
        entry = work.entries.get(declared.name)
        if entry is None or not isinstance(declared.element, IndexOf) or declared.element.dim != dim:
            continue
        if entry.values.dtype.kind == "U":
            by.append(declared)
            found.update(dict.fromkeys(entry.values.ravel().tolist()))
    if not found:
        return
    unlabelled = [i.name for i in work.graph.inputs if dim in i.dims and i.name in work.entries]
    if unlabelled:
        others = " and ".join(f"`{name}`" for name in unlabelled)
        example = ", ".join(f'"{label}"' for label in list(found)[:2])
        work.errors.append(
            Diagnostic(
                "E315",
                f"the order of `{dim}` is not known",
                by[0].span,
                f"`{by[0].name}` gives labels, but {others} is given by position",
                (f'say the order with an entry "{dim}": [{example}, ...], or give {others} by label',),
            )
        )
        for declared in by:
            work.entries.pop(declared.name)
        return
    work.labels[dim] = tuple(found)


# --- sizes -------------------------------------------------------------------------------------------


def _find_sizes(work: _Work) -> None:
    for name, dim in work.graph.dims.items():
        votes = work.votes.setdefault(name, [])
        if dim.size is not None:
            votes.append((f"the model says `dim {name} = {dim.size}`", dim.size))
        if dim.labels is not None:
            votes.append((f"the model names the {len(dim.labels)} elements of `{name}`", len(dim.labels)))
        entry = work.spare.get(name)
        if entry is not None and name in work.used:
            votes.append((f"`{name}` in {entry.origin} lists {len(entry.values)} labels", len(entry.values)))
        elif entry is not None and entry.values.ndim == 0 and entry.values.dtype.kind in "iu" and not entry.problem:
            votes.append((f"`{name}` in {entry.origin} is {int(entry.values)}", int(entry.values)))
            work.used.add(name)
        fixed = bool(votes)
        for declared in work.graph.inputs:
            given = work.entries.get(declared.name)
            for axis, d in enumerate(declared.dims):
                if d == name and given is not None:
                    size = given.values.shape[axis]
                    votes.append((f"`{declared.name}` in {given.origin} has {_elements(size)}", size))
        if votes:
            work.sizes[name] = votes[0][1] if fixed else _majority([size for _, size in votes])
        elif name in work.labels:
            work.sizes[name] = len(work.labels[name])
        else:
            _size_from_positions(work, name)


def _majority(sizes: list[int]) -> int:
    return max(dict.fromkeys(sizes), key=sizes.count)


def _elements(size: int) -> str:
    return f"{size} element{'' if size == 1 else 's'}"


def _size_from_positions(work: _Work, dim: str) -> None:
    """A dim that no array runs over is as large as its index data reach."""
    top = -1
    low = None
    indexed: Input | None = None
    for declared in work.graph.inputs:
        entry = work.entries.get(declared.name)
        if entry is None or not isinstance(declared.element, IndexOf) or declared.element.dim != dim:
            continue
        values = entry.values
        whole = values.dtype.kind in "iu" or (values.dtype.kind == "f" and bool(np.all(values == np.floor(values))))
        if values.size and whole:
            top = max(top, int(values.max()) - declared.element.first)
            lowest = int(values.min()) - declared.element.first
            low = lowest if low is None else min(low, lowest)
            indexed = declared
    if indexed is None:
        awaited = any(
            d.name not in work.entries and (dim in d.dims or (isinstance(d.element, IndexOf) and d.element.dim == dim))
            for d in work.graph.inputs
        )
        if not awaited:
            work.errors.append(
                Diagnostic(
                    "E311",
                    f"the size of `{dim}` is not known",
                    work.graph.dims[dim].span,
                    "no data run over this dim",
                    (f'write `dim {dim} = 3` in the model, or give an entry "{dim}": 3 in the data',),
                )
            )
        work.sizes[dim] = 0
    elif low is not None and low >= 1:
        work.errors.append(_counts_from_one(indexed, dim, low, top, unknown=True))
        work.sizes[dim] = top + 1
    else:
        work.sizes[dim] = max(top + 1, 0)


def _counts_from_one(declared: Input, dim: str, low: int, top: int, unknown: bool) -> Diagnostic:
    hints = [f"if its positions count from 1, declare `{declared.name}{_brackets(declared)} : {dim} from 1`"]
    if unknown:
        hints.append(f'if `{dim}` does have an element 0 without data, give its size: "{dim}": {top + 1}')
    return Diagnostic(
        "E308",
        f"`{declared.name}` seems to count `{dim}` from 1",
        declared.span,
        f"positions count from 0 here, and its values run from {low} to {top}",
        tuple(hints),
    )


def _brackets(declared: Input) -> str:
    return "[" + ", ".join(declared.dims) + "]" if declared.dims else ""


# --- order and shape ---------------------------------------------------------------------------------


def _order_by_labels(work: _Work) -> None:
    """Arrays with labels are put into the order of their dims' labels."""
    for declared in work.graph.inputs:
        entry = work.entries.get(declared.name)
        if entry is None:
            continue
        values = entry.values
        for axis, dim in enumerate(declared.dims):
            own, wanted = entry.axis_labels(axis), work.labels.get(dim)
            if own is None or wanted is None or own == wanted:
                continue
            if set(own) != set(wanted):
                work.errors.append(_label_mismatch(declared, entry, dim, own, wanted))
                # The mismatch is reported; the shape would only repeat it.
                work.entries.pop(declared.name, None)
                break
            position = {label: i for i, label in enumerate(own)}
            values = np.take(values, [position[label] for label in wanted], axis=axis)
        else:
            work.entries[declared.name] = RawArray(values, entry.origin, (), entry.dims)


def _label_mismatch(
    declared: Input, entry: RawArray, dim: str, own: tuple[str, ...], wanted: tuple[str, ...]
) -> Diagnostic:
    stray = [label for label in own if label not in set(wanted)]
    absent = [label for label in wanted if label not in set(own)]
    label = f"in {entry.origin}: "
    hints: list[str] = []
    if stray:
        label += f"`{stray[0]}` is not an element of `{dim}`"
        close = difflib.get_close_matches(stray[0], wanted, n=1)
        hints += [f"did you mean `{close[0]}`?"] if close else []
    else:
        label += f"`{absent[0]}` is missing"
    if len(stray) + len(absent) > 1:
        parts = [f"not in `{dim}`: {', '.join(stray[:6])}"] if stray else []
        parts += [f"missing: {', '.join(absent[:6])}"] if absent else []
        hints.append("; ".join(parts))
    return Diagnostic("E306", f"labels of `{declared.name}` do not fit `{dim}`", declared.span, label, tuple(hints))


def _check_shapes(work: _Work) -> None:
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
                    f"{where}, but `{dim}` has {_elements(wanted)}",
                    (f"{why}",) if why else (),
                )
            )
            work.entries.pop(declared.name, None)


# --- what is left over -------------------------------------------------------------------------------


def _unused(work: _Work) -> tuple[tuple[Diagnostic, ...], tuple[str, ...]]:
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
