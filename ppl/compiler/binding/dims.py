"""Sizes and labels of a model's dims, from everything the data and the text say of them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

import numpy as np

from ppl.dataset import RawArray
from ppl.errors import Diagnostic
from ppl.graph import Input, ModelGraph
from ppl.types import IndexOf


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


# --- labels ------------------------------------------------------------------------------------------


def find_labels(work: Work) -> None:
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


def _axis_labels(work: Work, declared: Input, dim: str) -> tuple[str, ...] | None:
    entry = work.entries.get(declared.name)
    if entry is None:
        return None
    for axis, d in enumerate(declared.dims):
        labels = entry.axis_labels(axis)
        if d == dim and labels is not None:
            return labels
    return None


def _check_unique(work: Work, declared: Input, dim: str, labels: tuple[str, ...]) -> None:
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
    return f"{size} element{'' if size == 1 else 's'}"


def _size_from_positions(work: Work, dim: str) -> None:
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


# --- order ------------------------------------------------------------------------------------------


def order_by_labels(work: Work) -> None:
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
