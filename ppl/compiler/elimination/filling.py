"""The first stacks of a plan: factors sorted by type, those of equal scope merged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppl.compiler.elimination.ground import Ground, Integers, Scope, numbered
from ppl.compiler.elimination.structure import Part
from ppl.compiler.elimination.working import Scopes, Working


def fill(grounds: Ground, scopes: Sequence[Scope]) -> Working:
    """The stacks that the scopes' tables fill. Every element of every variable has a row for itself alone."""
    own = [np.arange(a, b)[:, None] for a, b in zip(grounds.offsets, grounds.offsets[1:], strict=False)]
    stacks = [Scopes((k,), rows, np.ones(len(rows), np.bool_), len(rows)) for k, rows in enumerate(own)]
    work = Working(grounds, stacks, np.ones(grounds.size, np.bool_), np.arange(grounds.size))
    pieces = [piece for number, scope in enumerate(scopes) for piece in _pieces(number, numbered(grounds, scope))]
    # all scopes first, so that the initial rows of a stack are in order
    into = [work.stack(tuple(int(k) for k in grounds.kind[distinct[0]])) for _, _, _, distinct in pieces]
    for number, stack in enumerate(work.stacks):
        if len(stack.type) > 1:
            mine = [distinct for to, (_, _, _, distinct) in zip(into, pieces, strict=True) if to == number]
            stack.numbers = _distinct(np.concatenate(mine))
            stack.initial = len(stack.numbers)
            stack.alive = np.ones(stack.initial, np.bool_)
    for to, (table, rows, labels, distinct) in zip(into, pieces, strict=True):
        stack = work.stacks[to]
        placement = work.placement(stack.place(distinct), stack.initial)
        stack.parts.append(Part(table, work.rows(rows), labels, placement))
    return work


Piece = tuple[int, Integers, tuple[int, ...], Integers]


def _pieces(table: int, numbers: Integers) -> list[Piece]:
    """Factors of one input table by how their variables must be put in ascending order: the table, its rows, the label
    of each axis and the ascending scope."""
    if not len(numbers):
        return []
    order = np.argsort(numbers, axis=1, kind="stable")
    ascending = np.take_along_axis(numbers, order, axis=1)
    place = np.zeros_like(numbers)  # of each column among the distinct variables of its row
    again = np.concatenate([np.zeros((len(numbers), 1), np.bool_), ascending[:, 1:] == ascending[:, :-1]], axis=1)
    np.put_along_axis(place, order, np.cumsum(~again, axis=1) - 1, axis=1)
    if (place == place[0]).all():
        patterns, which = place[:1], np.zeros(len(place), np.int64)
    else:
        patterns, inverse = np.unique(place, axis=0, return_inverse=True)
        which = inverse.ravel()
    pieces = []
    for i, labels in enumerate(patterns):
        rows = np.flatnonzero(which == i)
        first = np.flatnonzero(~again[rows[0]])
        pieces.append((table, rows, tuple(int(label) for label in labels), ascending[rows][:, first]))
    return pieces


def _distinct(numbers: Integers) -> Integers:
    """Distinct rows in lexicographic order."""
    order = np.lexsort(numbers.T[::-1])
    ordered = numbers[order]
    new = np.concatenate([np.ones(1, np.bool_), (ordered[1:] != ordered[:-1]).any(axis=1)])
    return np.asarray(ordered[new])
