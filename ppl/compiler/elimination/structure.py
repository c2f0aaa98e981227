"""What a plan says, as hashable values: the static half of an elimination program.

Log-potentials live in *stacks*: one for each tuple of variables (its type), holding one table for each distinct scope.
An operation reads rows of stacks, sums variables out, and adds what is left to rows of another stack. Index arrays are
not here but in the plan's `arrays`; these values refer to them by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Rows:
    """Rows of a stack in an order.

    shape: of the result, in rows. array: which index array, or None where the rows are the run that begins at `start`,
    in C order or, if `transposed`, with the first two axes of the shape the other way round. gaps: some indices are −1,
    where there is no row.
    """

    shape: tuple[int, ...]
    start: int = 0
    transposed: bool = False
    array: int | None = None
    gaps: bool = False


@dataclass(frozen=True)
class Placement:
    """Rows of a stack to which a batch of tables is added.

    rows: one target for each table. repeats: c > 1 where the batch is every target row c times, `major` says
    whether the c tables of a row follow each other (else all rows follow each other, c times). unique: no row twice.
    """

    rows: Rows
    unique: bool = True
    repeats: int = 1
    major: bool = True


@dataclass(frozen=True)
class Part:
    """Factors of an input scope that go into one stack: rows of table number `table`, whose axes carry `labels`
    (positions within the stack's type; one label twice means the diagonal)."""

    table: int
    rows: Rows
    labels: tuple[int, ...]
    placement: Placement


@dataclass(frozen=True)
class Stack:
    """type: the variables (by number) of every row; states: of each; initial rows come from `parts`; `rows` counts
    those too that operations fill."""

    type: tuple[int, ...]
    states: tuple[int, ...]
    initial: int
    rows: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Factor:
    """Tables that enter an operation: rows of a stack, whose axes carry `labels`. dead: where there is a gap, the table
    allows the first state alone (a variable that is not there); else it allows everything."""

    stack: int
    rows: Rows
    labels: tuple[int, ...]
    dead: bool = False


@dataclass(frozen=True)
class Result:
    """Where what is left goes: into a stack, or, when nothing is left, it is the normaliser of components.

    members: the ground variables that are left, one selection for each."""

    stack: int | None
    placement: Placement
    members: tuple[Rows, ...]


@dataclass(frozen=True)
class Bucket:
    """`size` alike sets of variables, summed out at once.

    Labels are positions within the set, whose states are `states`; `summed` go, the others are left in `result`.
    members: the ground variables behind the summed labels.
    """

    size: int
    states: tuple[int, ...]
    factors: tuple[Factor, ...]
    summed: tuple[int, ...]
    members: tuple[Rows, ...]
    result: Result


@dataclass(frozen=True)
class Chain:
    """`batch` alike chains of `length` slices, summed out by a scan.

    A slice has S slots. Labels: i is slot i of the slice before, S + i slot i of this one, 2 S + j the j-th variable
    of the boundary, which the whole chain touches and which is left. carried: slots that the next slice touches.
    within: tables of a slice (rows (length, batch)); across: tables between a slice and the one before (rows
    (length − 1, batch)). first, step, last: the labels to sum out at the first slice, at every other, and at the end,
    in order. members: ground variables of each slot (rows (length, batch)).
    """

    length: int
    batch: int
    states: tuple[int, ...]
    boundary: tuple[int, ...]
    carried: tuple[int, ...]
    within: tuple[Factor, ...]
    across: tuple[Factor, ...]
    first: tuple[int, ...]
    step: tuple[int, ...]
    last: tuple[int, ...]
    members: tuple[Rows, ...]
    result: Result

    def states_of(self, label: int) -> int:
        return (*self.states, *self.states, *self.boundary)[label]


Operation = Bucket | Chain


@dataclass(frozen=True)
class Structure:
    """A program: fill the stacks, do the operations in order.

    unary: for each variable the stack of its own tables, one row an element. components: how many independent parts.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    states: tuple[int, ...]
    stacks: tuple[Stack, ...]
    unary: tuple[int, ...]
    operations: tuple[Operation, ...]
    components: int


@dataclass(frozen=True, eq=False)
class Plan:
    """structure: hashable, for compiled programs as a static value; arrays: their index arguments.

    components: for each variable the component (0 … structure.components − 1) of every element: the entries of
    `log_normalisers`, numbered by their least ground variable. lines: what is summed out how, in words. width: one less
    than the most elements in one table; cells: entries of all tables that are summed."""

    structure: Structure
    arrays: tuple[npt.NDArray[np.int32], ...]
    components: Mapping[str, npt.NDArray[np.int64]]
    lines: tuple[str, ...]
    width: int
    cells: int
