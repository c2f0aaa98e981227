"""What a planner holds while it plans: scopes that are still there, index arrays, operations so far."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ppl.compiler.elimination.ground import Ground, Integers
from ppl.compiler.elimination.grouping import distinct_rows
from ppl.compiler.elimination.structure import Operation, Part, Placement, Rows

Flags = npt.NDArray[np.bool_]


@dataclass(eq=False)
class Scopes:
    """The rows of one stack. numbers: (M, r) ground variables, ascending; alive: not yet used up."""

    type: tuple[int, ...]
    numbers: Integers
    alive: Flags
    initial: int
    parts: list[Part] = field(default_factory=list)

    def place(self, wanted: Integers) -> Integers:
        """The rows with these scopes, after new ones were added for those that no living row has."""
        if len(self.type) == 1:  # every element has its row
            return np.asarray(wanted[:, 0] - self.numbers[0, 0])
        living = np.flatnonzero(self.alive)
        both = np.concatenate([self.numbers[living], wanted])
        scopes, which = distinct_rows(both)
        first = np.empty(len(scopes), np.int64)
        first[which[::-1]] = np.arange(len(both))[::-1]  # of equal rows the first is written last
        rows = np.full(len(scopes), -1)
        old = first < len(living)
        rows[old] = living[first[old]]
        new = np.flatnonzero(~old)
        new = new[np.argsort(first[new])]
        rows[new] = len(self.numbers) + np.arange(len(new))
        self.numbers = np.concatenate([self.numbers, both[first[new]]])
        self.alive = np.concatenate([self.alive, np.ones(len(new), np.bool_)])
        return np.asarray(rows[which[len(living) :]])


@dataclass(frozen=True)
class Done:
    """An operation; the variables (by number) that it sums out elements of; the elements in its widest table less one;
    the entries of all its tables."""

    operation: Operation
    variables: frozenset[int]
    width: int
    cells: int


@dataclass(eq=False)
class Working:
    """alive: ground variables not yet summed out; component: of each ground variable, for ever."""

    ground: Ground
    stacks: list[Scopes]
    alive: Flags
    component: Integers
    operations: list[Done] = field(default_factory=list)
    arrays: list[npt.NDArray[np.int32]] = field(default_factory=list)
    numbers: dict[bytes, int] = field(default_factory=dict)

    @property
    def width(self) -> int:
        return max((done.width for done in self.operations), default=0)

    @property
    def cells(self) -> int:
        return sum(done.cells for done in self.operations)

    def stack(self, type_: tuple[int, ...]) -> int:
        """The number of the stack of a type, made if there is none."""
        for i, scopes in enumerate(self.stacks):
            if scopes.type == type_:
                return i
        self.stacks.append(Scopes(type_, np.zeros((0, len(type_)), np.int64), np.zeros(0, np.bool_), 0))
        return len(self.stacks) - 1

    def living(self) -> list[Integers]:
        """The scopes of all factors that are left."""
        return [s.numbers[s.alive] for s in self.stacks if len(s.type) > 1 and s.alive.any()]

    def rows(self, index: Integers) -> Rows:
        """A selection by an index of any shape; −1 is a gap."""
        shape = tuple(index.shape)
        if not index.size:
            return Rows(shape)
        if _is_run(index.ravel()):
            return Rows(shape, int(index.flat[0]))
        if index.ndim == 2 and _is_run(index.T.ravel()):
            return Rows(shape, int(index.flat[0]), transposed=True)
        return Rows(shape, array=self._recorded(index), gaps=bool((index < 0).any()))

    def placement(self, target: Integers, size: int) -> Placement:
        """Adding a table each to rows `target` of a stack that has (so far) `size` rows."""
        counts = np.bincount(target, minlength=size)
        repeats = len(target) // size if size else 0
        if repeats > 1 and len(target) == repeats * size and (counts == repeats).all():
            for major, order in (
                (True, np.repeat(np.arange(size), repeats)),
                (False, np.tile(np.arange(size), repeats)),
            ):
                if np.array_equal(target, order):
                    return Placement(Rows((size,)), True, repeats, major)
        return Placement(self.rows(target), bool((counts <= 1).all()))

    def add(self, operation: Operation, gone: Integers, width: int, cells: int) -> None:
        variables = frozenset(int(k) for k in np.unique(self.ground.kind[gone]))
        self.operations.append(Done(operation, variables, width, cells))

    def _recorded(self, index: Integers) -> int:
        small = np.ascontiguousarray(index, np.int32)
        key = str(small.shape).encode() + small.tobytes()
        if key not in self.numbers:
            self.numbers[key] = len(self.arrays)
            self.arrays.append(small)
        return self.numbers[key]


def _is_run(flat: Integers) -> bool:
    return bool(flat[0] >= 0 and flat[-1] - flat[0] == len(flat) - 1 and (np.diff(flat) == 1).all())
