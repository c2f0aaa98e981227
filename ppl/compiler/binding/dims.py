"""Sizes and labels of a model's dims, from everything the data and the text say of them."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ppl.dataset import RawArray
from ppl.errors import Diagnostic
from ppl.graph import Input, ModelGraph
from ppl.types import IndexOf

_SHOWN = 6
# A dim with more elements than this, most of which no data name, is more likely a misunderstanding.
_PLAUSIBLE = 1_000
# Files of results cannot hold these.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass
class Work:
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
    # Dims whose size nothing says: it stands as 0.
    unsized: set[str] = field(default_factory=set)


# --- labels ------------------------------------------------------------------------------------------


def find_labels(work: Work) -> None:
    """Labels of a dim, from the first that has them: the text, an entry named like the dim, an axis of an array,
    text values of index data."""
    listed = _listed_labels(work)
    for name, dim in work.graph.dims.items():
        if dim.labels is not None:
            work.labels[name] = dim.labels
            continue
        if name in listed:
            work.labels[name] = listed[name]
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
    for name, labels in work.labels.items():
        strange = next(filter(_UNSTORABLE.search, labels), None)
        if strange is not None:
            title, words = f"a label of `{name}` cannot be stored", f"{strange!a} has a character that is no text"
            work.errors.append(Diagnostic("E306", title, work.graph.dims[name].span, words, ("remove it",)))


def _listed_labels(work: Work) -> dict[str, tuple[str, ...]]:
    """Labels that entries list under the name of a dim. An entry that says something else than labels or a size, or
    other labels than the model, is an error."""
    found: dict[str, tuple[str, ...]] = {}
    for name, dim in work.graph.dims.items():
        entry = work.spare.get(name)
        if entry is None or (entry.values.ndim == 0 and entry.values.dtype.kind in "iu" and entry.problem is None):
            continue
        work.used.add(name)
        labels = tuple(str(x) for x in entry.values.ravel().tolist())
        repeated = _repeated(labels)
        if entry.values.ndim != 1 or (labels and entry.values.dtype.kind not in "Uiu") or entry.problem is not None:
            problem = "it is neither a list of labels nor a size"
            hint = f"if it is something else, call it otherwise: `{name}` is a dim of the model"
        elif repeated is not None:
            problem = f"`{repeated}` labels more than one element"
            hint = f"if it says to which `{name}` something belongs, declare it as data: `data {name}_of[...] : {name}`"
        elif dim.labels is not None and labels != dim.labels:
            problem = f"it lists {_some(labels)}, but the model {_some(dim.labels)}"
            hint = "leave the entry out, or give the same labels in the same order"
        else:
            found[name] = labels
            continue
        work.errors.append(
            Diagnostic(
                "E306", f"`{name}` in {entry.origin} does not label the dim `{name}`", dim.span, problem, (hint,)
            )
        )
    return found


def _some(labels: tuple[str, ...]) -> str:
    return ", ".join(labels[:_SHOWN]) + (", ..." if len(labels) > _SHOWN else "")


def _axis_labels(work: Work, declared: Input, dim: str) -> tuple[str, ...] | None:
    entry = work.entries.get(declared.name)
    if entry is None:
        return None
    for axis, d in enumerate(declared.dims):
        labels = entry.axis_labels(axis)
        if d == dim and labels is not None and labels != _count(len(labels)):
            return labels
    return None


def _count(size: int) -> tuple[str, ...]:
    """What a default index calls its elements: no more than positions."""
    return tuple(map(str, range(size)))


def _repeated(labels: tuple[str, ...]) -> str | None:
    return next((label for label, count in Counter(labels).items() if count > 1), None)


def _check_unique(work: Work, declared: Input, dim: str, labels: tuple[str, ...]) -> bool:
    repeated = _repeated(labels)
    if repeated is not None:
        title, words = f"two elements of `{dim}` have the same label", f"`{repeated}` labels more than one element"
        hint = "they are the index of pandas or xarray: take it off with `reset_index()` or `drop_vars(...)`"
        work.errors.append(Diagnostic("E306", title, declared.span, words, (hint,)))
    return repeated is None


def _labels_from_values(work: Work, dim: str) -> None:
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


def find_sizes(work: Work) -> None:
    """The size of every dim: declared, from labels, or from data. Reports labels that do not fit a declared size."""
    for name, dim in work.graph.dims.items():
        votes = work.votes.setdefault(name, [])
        if dim.size is not None:
            votes.append((f"the model says `dim {name} = {dim.size}`", dim.size))
        if dim.labels is not None:
            votes.append((f"the model names the {len(dim.labels)} elements of `{name}`", len(dim.labels)))
        entry = work.spare.get(name)
        if entry is not None and name in work.used:
            if entry.values.ndim == 1 and dim.labels is None:
                votes.append((f"`{name}` in {entry.origin} lists {len(entry.values)} labels", len(entry.values)))
        elif entry is not None and entry.values.ndim == 0 and entry.values.dtype.kind in "iu" and not entry.problem:
            votes.append((f"`{name}` in {entry.origin} is {int(entry.values)}", int(entry.values)))
            work.used.add(name)
        if dim.size is not None and votes[-1][1] != dim.size:
            title, words = f"labels of `{name}` do not fit its size", f"{votes[0][0]}, but {votes[-1][0]}"
            work.errors.append(Diagnostic("E303", title, dim.span, words))
        fixed = bool(votes)
        for declared in work.graph.inputs:
            given = work.entries.get(declared.name)
            for axis, d in enumerate(declared.dims):
                if d == name and given is not None:
                    size = given.values.shape[axis]
                    votes.append((f"`{declared.name}` in {given.origin} has {elements(size)}", size))
        if votes:
            work.sizes[name] = votes[0][1] if fixed else _majority([size for _, size in votes])
        elif name in work.labels:
            work.sizes[name] = len(work.labels[name])
        else:
            _size_from_positions(work, name)


def _majority(sizes: list[int]) -> int:
    return max(dict.fromkeys(sizes), key=sizes.count)


def elements(size: int) -> str:
    """`1 element`, `3 elements`."""
    return f"{size} element{'' if size == 1 else 's'}"


def _size_from_positions(work: Work, dim: str) -> None:
    """A dim that no array runs over is as large as its index data reach."""
    top = -1
    count = 0
    low = None
    indexed: Input | None = None
    numbers: list[int] = []
    for declared in work.graph.inputs:
        entry = work.entries.get(declared.name)
        if entry is None or not isinstance(declared.element, IndexOf) or declared.element.dim != dim:
            continue
        values = entry.values
        whole = values.dtype.kind in "iu" or (values.dtype.kind == "f" and bool(np.all(_is_whole(values))))
        count += values.size
        if values.size and whole:
            top = max(top, int(values.max()) - declared.element.first)
            lowest = int(values.min()) - declared.element.first
            numbers = sorted({*numbers, *map(int, np.unique(values))}) if lowest >= 1 else numbers
            low = lowest if low is None else min(low, lowest)
            indexed = declared
    if indexed is None:
        _report_unsized(work, dim)
        work.unsized.add(dim)
        work.sizes[dim] = 0
    elif low is not None and low >= 1:
        work.errors.append(_not_from_zero(indexed, numbers, dim))
        work.sizes[dim] = top + 1
    else:
        work.sizes[dim] = max(top + 1, 0)
        if top >= max(_PLAUSIBLE, 10 * count):
            title = f"the size of `{dim}` cannot be told from `{indexed.name}`"
            words = f"its positions ask for {top + 1} elements, but there are only {count} of them"
            hints = (
                f'if `{dim}` is that large, give its size: "{dim}": {top + 1}',
                f'if its numbers are names of elements, list them in the data: "{dim}": [...], or give them as text',
            )
            work.errors.append(Diagnostic("E311", title, indexed.span, words, hints))


def _is_whole(values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    numbers = values.astype(np.float64)
    return np.asarray((numbers == np.floor(numbers)) & np.isfinite(numbers))


def _report_unsized(work: Work, dim: str) -> None:
    """Says that the size of a dim is not known, unless what is wrong with the data that would tell it is said."""
    about = [d for d in work.graph.inputs if isinstance(d.element, IndexOf) and d.element.dim == dim]
    if any(d.name not in work.entries and (dim in d.dims or d in about) for d in work.graph.inputs):
        return
    if any(work.entries[d.name].values.size for d in about):
        return  # its values are no positions
    if about:
        entry = work.entries[about[0].name]
        words = f"`{about[0].name}` in {entry.origin}, which would tell it, has no elements"
    else:
        words = "no data run over this dim"
    title = f"the size of `{dim}` is not known"
    hint = f'write `dim {dim} = 3` in the model, or give an entry "{dim}": 3 in the data'
    work.errors.append(Diagnostic("E311", title, work.graph.dims[dim].span, words, (hint,)))


def _not_from_zero(declared: Input, numbers: list[int], dim: str) -> Diagnostic:
    """Positions that begin above the first: counted from 1, or names of elements, or of some elements only."""
    first = declared.element.first if isinstance(declared.element, IndexOf) else 0
    hints = []
    if first == 0 and numbers[0] == 1:
        title = f"`{declared.name}` seems to count `{dim}` from 1"
        hints.append(f"if its positions count from 1, declare `{declared.name}{_brackets(declared)} : {dim} from 1`")
    else:
        title = f"`{declared.name}` does not count `{dim}` from {first}"
        shown = f"{_some(tuple(map(str, numbers)))}"
        hints.append(f'if its numbers are names of elements, list them in the data: "{dim}": [{shown}]')
    missing = f"an element {first}" if numbers[0] == first + 1 else f"elements {first} to {numbers[0] - 1}"
    hints.append(f'if `{dim}` does have {missing} without data, give its size: "{dim}": {numbers[-1] - first + 1}')
    return Diagnostic(
        "E308",
        title,
        declared.span,
        f"positions count from {first} here, and its values run from {numbers[0]} to {numbers[-1]}",
        tuple(hints),
    )


def _brackets(declared: Input) -> str:
    return "[" + ", ".join(declared.dims) + "]" if declared.dims else ""


# --- order ------------------------------------------------------------------------------------------


def order_by_labels(work: Work) -> None:
    """Arrays with labels are put into the order of their dims' labels."""
    for declared in work.graph.inputs:
        entry = work.entries.get(declared.name)
        if entry is None:
            continue
        values, missing = entry.values, entry.missing
        for axis, dim in enumerate(declared.dims):
            own, wanted = entry.axis_labels(axis), work.labels.get(dim)
            if own is None or wanted is None or own == wanted:
                continue
            if set(own) != set(wanted) and own == _count(len(own)):
                continue
            if not _check_unique(work, declared, dim, own):
                work.entries.pop(declared.name)
                break
            if set(own) != set(wanted):
                work.errors.append(_label_mismatch(declared, entry, dim, own, wanted))
                # The mismatch is reported; the shape would only repeat it.
                work.entries.pop(declared.name, None)
                break
            position = {label: i for i, label in enumerate(own)}
            order = [position[label] for label in wanted]
            values = np.take(values, order, axis=axis)
            missing = None if missing is None else np.take(missing, order, axis=axis)
        else:
            work.entries[declared.name] = replace(entry, values=values, labels=(), missing=missing)


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
