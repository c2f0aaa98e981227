"""Mathematical notation as data: what the graph says, before it is written as text or LaTeX."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """A number or truth value."""

    value: float | int | bool


@dataclass(frozen=True)
class Symbol:
    """A quantity, an index or a dim, by its name in the text."""

    name: str


@dataclass(frozen=True)
class Whole:
    """All of a dim, or `start:stop` of it, in the place of an index."""

    start: int = 0
    stop: int | None = None


@dataclass(frozen=True)
class Quoted:
    """A label."""

    text: str


@dataclass(frozen=True)
class Indexed:
    """`base` at these indices; at least one."""

    base: Formula
    indices: tuple[Formula, ...]


@dataclass(frozen=True)
class Index:
    """What a big operator runs over: `name` in `dim`, or in part of it."""

    name: str
    dim: str
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True)
class Big:
    """`sum`, `prod`, `mean`, ... of the body over indices, where a condition holds; `array`: the body as an array."""

    operator: str
    indices: tuple[Index, ...]
    condition: Formula | None
    body: Formula


@dataclass(frozen=True)
class Operation:
    """Two operands around `+ - * / // % @ = < <= > >= == != and or ^`."""

    operator: str
    left: Formula
    right: Formula


@dataclass(frozen=True)
class Prefix:
    """`-` or `not` before an operand."""

    operator: str
    operand: Formula


@dataclass(frozen=True)
class Call:
    """A function or distribution of arguments, those of `named` by name; `target`: before a bar, as of a density."""

    function: str
    arguments: tuple[Formula, ...]
    named: tuple[tuple[str, Formula], ...] = ()
    target: Formula | None = None


@dataclass(frozen=True)
class Cases:
    """One value if a condition holds, else another."""

    condition: Formula
    yes: Formula
    no: Formula


@dataclass(frozen=True)
class Tuple:
    """Items in a row, each perhaps with a label."""

    items: tuple[Formula, ...]
    labels: tuple[str, ...] | None = None


Formula = Number | Symbol | Whole | Quoted | Indexed | Big | Operation | Prefix | Call | Cases | Tuple

# How tightly a formula holds together; an operand that holds less than its place asks for gets brackets.
LOOSEST, COMPARISON, SUM, BIG, PRODUCT, SIGN, POWER, ATOM = range(8)

_OPERATORS = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "@": PRODUCT, "^": POWER}


def strength(formula: Formula) -> int:
    """Where a formula stands in that order."""
    match formula:
        case Operation(operator=operator):
            return _OPERATORS.get(operator, LOOSEST if operator in ("and", "or") else COMPARISON)
        case Prefix(operator=operator):
            return LOOSEST if operator == "not" else SIGN
        case Big():
            return BIG
        case Cases():
            return LOOSEST
        case Number(value=value):
            return SIGN if not isinstance(value, bool) and value < 0 else ATOM
        case _:
            return ATOM


def sides(operation: Operation) -> tuple[int, int]:
    """What the places left and right of an operator ask for."""
    own = strength(operation)
    match operation.operator:
        case "^":
            return ATOM, LOOSEST
        case "+" | "*" | "@" | "and" | "or":
            return own, own
        case _:
            return own, own + 1
