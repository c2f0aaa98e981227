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
class Truth:
    """1 if a condition holds, else 0: Iverson's bracket."""

    condition: Formula


@dataclass(frozen=True)
class Tuple:
    """Items in a row, each perhaps with a label."""

    items: tuple[Formula, ...]
    labels: tuple[str, ...] | None = None


Formula = Number | Symbol | Whole | Quoted | Indexed | Big | Operation | Prefix | Call | Cases | Truth | Tuple

# How tightly a formula holds together; an operand that holds less than its place asks for gets brackets.
LOOSEST, OR, AND, COMPARISON, REMAINDER, SUM, BIG, PRODUCT, MATRICES, SIGN, POWER, ATOM = range(12)

_OPERATORS = {
    "or": OR, "and": AND, "%": REMAINDER, "//": REMAINDER, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT,
    "@": MATRICES, "^": POWER,
}  # fmt: skip


def strength(formula: Formula) -> int:
    """Where a formula stands in that order."""
    match formula:
        case Operation(operator=operator):
            return _OPERATORS.get(operator, COMPARISON)
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


def begins_with_sign(formula: Formula) -> bool:
    """Whether a minus is the first thing to read."""
    match formula:
        case Prefix(operator="-"):
            return True
        case Number(value=value):
            return value < 0
        case Operation(operator="*" | "/" | "@", left=left):
            return begins_with_sign(left)
        case _:
            return False


def sides(operation: Operation) -> tuple[int, int]:
    """What the places left and right of an operator ask for. No two signs stand side by side."""
    own = strength(operation)
    signed = own in (SUM, PRODUCT, MATRICES) and begins_with_sign(operation.right)
    match operation.operator:
        case "^":
            return ATOM, LOOSEST
        case "+" | "*" | "@" | "and" | "or":
            return own, POWER if signed else own
        case "-":
            return own, POWER if signed else own + 1
        case "/":
            return own, POWER if signed else SIGN
        case "%" | "//":
            return PRODUCT, POWER
        case _:
            return own + 1, own + 1


def body_strength(big: Big) -> int:
    """What a big operator asks of its body: the reach of a sum and a product is known, that of `mean` is not."""
    return PRODUCT if big.operator in ("sum", "prod") else ATOM
