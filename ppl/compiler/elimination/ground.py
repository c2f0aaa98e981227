"""Discrete variables and the factors over them, as a caller states them: numbers and positions, no model.

Every element of every variable is a *ground variable* with a number: variables one after another in the order given,
the elements of each in C order. A *ground factor* is a table of log-potentials over a few ground variables; its scope
is that set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Variable:
    """An array of discrete variables, each with the states 0 … states − 1."""

    name: str
    shape: tuple[int, ...]
    states: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class Scope:
    """m ground factors of one form, each over an element of every variable of `variables` (which may repeat).

    positions: (m, r) flat positions, in C order, within each of the r variables.
    """

    name: str
    variables: tuple[str, ...]
    positions: npt.NDArray[np.integer]


@dataclass(frozen=True)
class Budget:
    """cells: entries of all tables that are summed, in all; operations: steps of the unrolled program."""

    cells: int = 10**8
    operations: int = 1000


class TooWide(Exception):
    """Summing the variables out exactly costs more than the budget allows.

    variables: the names of the variables that are coupled; width: one less than the number of elements of the widest
    table; cells: entries of that table (or of all tables, if their sum is what is too much); operations: steps of the
    program when it was given up.
    """

    def __init__(self, variables: tuple[str, ...], width: int, cells: int, operations: int) -> None:
        super().__init__(f"{', '.join(variables)}: width {width}, {cells:,} table entries, {operations:,} operations")
        self.variables = variables
        self.width = width
        self.cells = cells
        self.operations = operations

    @property
    def cost(self) -> int:
        """The entries that would have to be added up."""
        return self.cells


@dataclass(frozen=True)
class Ground:
    """The numbering of ground variables.

    offsets: (V + 1,) first number of each variable; kind: (n,) which variable; states: (V,).
    """

    variables: tuple[Variable, ...]
    offsets: Integers
    kind: Integers
    states: Integers

    @property
    def size(self) -> int:
        return int(self.offsets[-1])

    def names(self, numbers: Integers) -> tuple[str, ...]:
        """The variables these ground variables belong to, in order."""
        return tuple(self.variables[k].name for k in np.unique(self.kind[numbers]))


def ground(variables: Sequence[Variable]) -> Ground:
    sizes = np.array([v.size for v in variables], np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    kind = np.repeat(np.arange(len(variables), dtype=np.int64), sizes)
    if len({v.name for v in variables}) != len(variables) or any(v.states < 1 for v in variables):
        raise ValueError("variables need names of their own and at least one state")
    return Ground(tuple(variables), offsets, kind, np.array([v.states for v in variables], np.int64))


def numbered(grounds: Ground, scope: Scope) -> Integers:
    """The ground variables of every factor of a scope: (m, r)."""
    numbers = {v.name: i for i, v in enumerate(grounds.variables)}
    unknown = [name for name in scope.variables if name not in numbers]
    positions = np.asarray(scope.positions, np.int64)
    if unknown or not scope.variables or positions.ndim != 2 or positions.shape[1] != len(scope.variables):
        raise ValueError(f"{scope.name}: positions {positions.shape} for variables {scope.variables}")
    which = np.array([numbers[name] for name in scope.variables], np.int64)
    sizes = np.array([grounds.variables[k].size for k in which], np.int64)
    if ((positions < 0) | (positions >= sizes)).any():
        raise ValueError(f"{scope.name}: a position lies outside its variable")
    return positions + grounds.offsets[which]
