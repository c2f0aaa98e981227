"""Equal rows and owned items of integer arrays, vectorised."""

from __future__ import annotations

import numpy as np

from ppl.compiler.elimination.ground import Integers


def expand(counts: Integers) -> tuple[Integers, Integers]:
    """For each of Σ counts items, whose it is and which of them: counts (2, 1) give (0, 0, 1) and (0, 1, 0)."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def ranks(*columns: Integers) -> Integers:
    """The place of every item among those equal in all columns, in order."""
    order = np.lexsort(columns[::-1])
    new = np.zeros(len(order), np.bool_)
    for column in columns:
        in_order = column[order]
        new[1:] |= in_order[1:] != in_order[:-1]
    first = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - first
    return rank


def distinct(values: Integers) -> Integers:
    """The distinct values, ascending. (np.unique hashes first, which takes ten times as long.)"""
    ordered = np.sort(values)
    new = np.concatenate([np.ones(min(len(ordered), 1), np.bool_), ordered[1:] != ordered[:-1]])
    return np.asarray(ordered[new])


def distinct_rows(rows: Integers) -> tuple[Integers, Integers]:
    """The distinct rows, ascending, and which of them each row is."""
    if len(rows) and (rows == rows[0]).all():
        return rows[:1], np.zeros(len(rows), np.int64)
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    new = np.concatenate([np.ones(min(len(rows), 1), np.bool_), (ordered[1:] != ordered[:-1]).any(axis=1)])
    which = np.empty(len(rows), np.int64)
    which[order] = np.cumsum(new) - 1
    return ordered[new], which


def by_first(labels: Integers) -> Integers:
    """Labels renamed 0, 1, … in order of first appearance."""
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    place = np.empty(len(first), np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    return place[which]
