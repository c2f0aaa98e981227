"""The first stacks of a plan: factors sorted by type, those of equal scope merged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppl.compiler.elimination.ground import Ground, Integers, Scope, numbered
from ppl.compiler.elimination.grouping import distinct_rows
from ppl.compiler.elimination.structure import Part
from ppl.compiler.elimination.working import Scopes, Working


def fill(grounds: Ground, scopes: Sequence[Scope]) -> Working:
    """The stacks that the scopes' tables fill. Every element of every variable has a row for itself alone."""
    own = [np.arange(a, b)[:, None] for a, b in zip(grounds.offsets, grounds.offsets[1:], strict=False)]
    stacks = [Scopes((k,), rows, np.ones(len(rows), np.bool_), len(rows)) for k, rows in enumerate(own)]
    work = Working(grounds, stacks, np.ones(grounds.size, np.bool_), np.arange(grounds.size))
    pieces = [piece for number, scope in enumerate(scopes) for piece in _pieces(number, numbered(grounds, scope))]
    into = [work.stack(tuple(int(k) for k in grounds.kind[ascending[0]])) for _, _, _, ascending in pieces]
    for number, stack in enumerate(work.stacks):
        mine = [piece for to, piece in zip(into, pieces, strict=True) if to == number]
        if len(stack.type) == 1:
            targets = [ascending[:, 0] - stack.numbers[0, 0] for _, _, _, ascending in mine]
        else:
            stack.numbers, which = distinct_rows(np.concatenate([ascending for _, _, _, ascending in mine]))
            stack.initial = len(stack.numbers)
            stack.alive = np.ones(stack.initial, np.bool_)
            targets = np.split(which, np.cumsum([len(ascending) for _, _, _, ascending in mine])[:-1])
        for (table, rows, labels, _), target in zip(mine, targets, strict=True):
            stack.parts.append(Part(table, work.rows(rows), labels, work.placement(target, stack.initial)))
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
    patterns, which = distinct_rows(place)
    pieces = []
    for i, labels in enumerate(patterns):
        rows = np.flatnonzero(which == i)
        first = np.flatnonzero(~again[rows[0]])
        pieces.append((table, rows, tuple(int(label) for label in labels), ascending[rows][:, first]))
    return pieces
