"""The syntax tree: plain frozen data, every node with its span."""

from __future__ import annotations

from dataclasses import dataclass

from ppl.source import Source, Span

# --- expressions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """text: as it was written."""

    value: float | int
    text: str
    span: Span


@dataclass(frozen=True)
class Boolean:
    """`true` or `false`."""

    value: bool
    span: Span


@dataclass(frozen=True)
class Text:
    """A quoted label, legal only as an index: `theta["Choate"]`."""

    value: str
    span: Span


@dataclass(frozen=True)
class Name:
    """id: in normal form (NFKC), as names are compared."""

    id: str
    span: Span


@dataclass(frozen=True)
class Slice:
    """`1:`, `:-1`, `2:5` or `:` inside brackets."""

    start: Expr | None
    stop: Expr | None
    span: Span


@dataclass(frozen=True)
class Index:
    """`base[i, j]`."""

    base: Expr
    indices: tuple[Expr | Slice, ...]
    span: Span


@dataclass(frozen=True)
class Attribute:
    """`z.predator`."""

    base: Expr
    name: Name
    span: Span


@dataclass(frozen=True)
class Unary:
    """op: `-`, `+`, `not`."""

    op: str
    operand: Expr
    span: Span


@dataclass(frozen=True)
class Binary:
    """op: `+ - * / // % ^ @ < <= > >= == != and or`."""

    op: str
    left: Expr
    right: Expr
    span: Span


@dataclass(frozen=True)
class Conditional:
    """`then if test else otherwise`."""

    then: Expr
    test: Expr
    otherwise: Expr
    span: Span


@dataclass(frozen=True)
class Argument:
    """`a`, or `key=a` with a name."""

    name: Name | None
    value: Expr
    span: Span


@dataclass(frozen=True)
class Call:
    """`f(a, key=b)`, or a reduction `sum(body for k in feature)` when `loop` is set."""

    function: Name
    arguments: tuple[Argument, ...]
    loop: Loop | None
    span: Span


Expr = Number | Boolean | Text | Name | Index | Attribute | Unary | Binary | Conditional | Call

# --- loops -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Binding:
    """`t in time[1:]`."""

    name: Name
    dim: Name
    range: Slice | None
    span: Span


@dataclass(frozen=True)
class Loop:
    """`for i in obs, j in obs if cond`."""

    bindings: tuple[Binding, ...]
    condition: Expr | None
    span: Span


# --- statements --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ModelTitle:
    """`model eight_schools`."""

    name: Name
    span: Span


@dataclass(frozen=True)
class Use:
    """`use gates`."""

    library: Name
    span: Span


@dataclass(frozen=True)
class DimItem:
    """`obs`, `comp = 3`, `species = {prey, predator}` or `time ordered`."""

    name: Name
    size: int | None
    labels: tuple[Name, ...] | None
    ordered: bool
    span: Span


@dataclass(frozen=True)
class DimDeclaration:
    """`dim obs, comp = 3`."""

    items: tuple[DimItem, ...]
    span: Span


@dataclass(frozen=True)
class Bounds:
    """`> 0` is lower=0, strict; `in [a, b]` has both."""

    lower: Expr | None
    upper: Expr | None
    strict: bool
    span: Span


@dataclass(frozen=True)
class TypeName:
    """`: bool`, `: county from 1`."""

    name: Name
    first: int
    span: Span


@dataclass(frozen=True)
class Declared:
    """One quantity of a `data` or `var` statement."""

    name: Name
    axes: tuple[Name, ...]
    missing: bool
    type: TypeName | None
    bounds: Bounds | None
    span: Span


@dataclass(frozen=True)
class DataDeclaration:
    """`data y[obs], sigma[obs] > 0`."""

    items: tuple[Declared, ...]
    span: Span


@dataclass(frozen=True)
class VarDeclaration:
    """`var b > 0`."""

    items: tuple[Declared, ...]
    span: Span


@dataclass(frozen=True)
class Target:
    """The left side of `~` and `=`: a name, with its indices if it has any."""

    name: Name
    indices: tuple[Expr | Slice, ...]
    span: Span


@dataclass(frozen=True)
class Sample:
    """`x, y[i] ~ Dist(...) for i in dim`."""

    targets: tuple[Target, ...]
    distribution: Expr
    loop: Loop | None
    span: Span


@dataclass(frozen=True)
class Assign:
    """`x[i] = expr for i in dim`."""

    targets: tuple[Target, ...]
    value: Expr
    loop: Loop | None
    span: Span


@dataclass(frozen=True)
class Energy:
    """`energy name: expr for i in dim`, or `energy name unnormalised: expr`."""

    name: Name
    unnormalised: bool
    value: Expr
    loop: Loop | None
    span: Span


@dataclass(frozen=True)
class Predict:
    """`predict y_new[obs] ~ Dist(...)`."""

    targets: tuple[Target, ...]
    distribution: Expr
    loop: Loop | None
    span: Span


@dataclass(frozen=True)
class Observe:
    """`observe c = +1`."""

    target: Target
    value: Expr
    span: Span


@dataclass(frozen=True)
class Local:
    """`a = ...` inside a function's block."""

    name: Name
    value: Expr
    span: Span


@dataclass(frozen=True)
class FunctionDefinition:
    """`def f(x, y) = expr`, or with a block: locals, then the returned expression."""

    name: Name
    parameters: tuple[Name, ...]
    locals: tuple[Local, ...]
    value: Expr
    span: Span


@dataclass(frozen=True)
class ForBlock:
    """`for i in obs { ... }`."""

    loop: Loop
    body: tuple[Statement, ...]
    span: Span


Statement = (
    ModelTitle
    | Use
    | DimDeclaration
    | DataDeclaration
    | VarDeclaration
    | Sample
    | Assign
    | Energy
    | Predict
    | Observe
    | FunctionDefinition
    | ForBlock
)


@dataclass(frozen=True)
class Comment:
    """`# ...` to the end of its line; `text` includes the `#`."""

    text: str
    span: Span


@dataclass(frozen=True)
class Program:
    """A whole text: its statements and comments, each in their order."""

    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...]
    source: Source
