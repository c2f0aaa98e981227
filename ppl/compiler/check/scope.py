"""What names mean: the model's quantities, and the indices and parameters visible at one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ppl.catalogue.combinators import COMBINATORS
from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.functions import BUILDERS, CALLED
from ppl.compiler.check.intervals import UNKNOWN, Range
from ppl.compiler.check.libraries import LibraryFunction
from ppl.compiler.check.names import quantity_hint
from ppl.compiler.check.report import Abandon, Report
from ppl.grammar import nodes as syntax
from ppl.graph import Axis, Expr, Support, children
from ppl.source import Span
from ppl.types import Dim, Element, IndexOf, Scalar

TreeExpr: TypeAlias = syntax.Expr


# Limits of expressions once functions are expanded: of operations inside one another (every pass recurses over them,
# with a few Python calls for each), of one expression, of a model.
DEPTH = 130
SIZE = 50_000
TOTAL = 300_000


@dataclass
class Quantity:
    """A name of the model that holds numbers, as far as it is known.

    role: `data`, `latent`, `var`, `value` or `prediction`. broken: its definition is wrong and has been reported, so
    that uses of it say nothing more. typed: its type was written down. data_only: computed from data alone.
    complete: every piece of it has been seen.
    """

    name: str
    role: str
    dims: tuple[str, ...]
    element: Element
    span: Span
    range: Range = UNKNOWN
    broken: bool = False
    typed: bool = True
    data_only: bool = False
    complete: bool = True
    event_rank: int = 0
    support: Support | None = None


@dataclass(frozen=True)
class Binding:
    """An index in sight: its axis, and whether a `for` named it (a dim's own name otherwise)."""

    axis: Axis
    named: bool


@dataclass
class Names:
    """The names of one model, and what is remembered of the statement at hand.

    libraries: of the functions, those that `use` brings. later: where each name that some statement defines is first
    defined. called: functions of the model that something calls. made: operations so far, of expanded functions too;
    full: they are too many. Of the statement:
    axis_names: taken; level: expressions being elaborated inside one another; exhausted: it is too large to go on;
    defining: what it defines; predicting: whether it is a prediction; sizes_of, ranges: depth and
    size, and values, of its expressions, by identity.
    """

    report: Report
    dims: dict[str, Dim] = field(default_factory=dict)
    quantities: dict[str, Quantity] = field(default_factory=dict)
    functions: dict[str, syntax.FunctionDefinition] = field(default_factory=dict)
    libraries: dict[str, LibraryFunction] = field(default_factory=dict)
    later: dict[str, Span] = field(default_factory=dict)
    axis_names: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    made: int = 0
    level: int = 0
    full: bool = False
    exhausted: bool = False
    guarded: int = 0
    defining: str = ""
    predicting: bool = False
    ranges: dict[int, Range] = field(default_factory=dict)
    sizes_of: dict[int, tuple[Expr, int, int]] = field(default_factory=dict)

    def measure(self, expr: Expr) -> str:
        """What is too large about an expression just made, if anything. Functions and locals share their parts, so
        an expression can be far larger than its text."""
        depth, size = 0, 1
        for part in children(expr):
            known = self.sizes_of.get(id(part))
            part_depth, part_size = (known[1], known[2]) if known is not None else _measure(part)
            depth, size = max(depth, part_depth), size + part_size
        self.sizes_of[id(expr)] = (expr, depth + 1, size)
        if depth >= DEPTH:
            return f"more than {DEPTH} operations inside one another"
        return f"more than {SIZE} operations" if size > SIZE else ""

    def axis(self, name: str, dim: str, start: int = 0, stop: int | None = None) -> Axis:
        """A new axis; its name is made unique within the statement (`new_statement`)."""
        unique, n = name, 1
        while unique in self.axis_names:
            n += 1
            unique = f"{name}#{n}"
        self.axis_names.add(unique)
        return Axis(unique, dim, start, stop)

    def new_statement(self) -> None:
        """Forget what counts within one statement: names of axes, measured sizes, ranges."""
        self.made += max((size for _, _, size in self.sizes_of.values()), default=0)
        self.axis_names.clear()
        self.sizes_of.clear()
        self.ranges.clear()
        self.exhausted = self.full

    def positional(self, dim: str) -> bool:
        """Whether positions of a dim mean something: it is ordered, or has a fixed size and no labels."""
        d = self.dims[dim]
        return d.ordered or (d.size is not None and d.labels is None)

    def function(self, name: str, call: Span) -> syntax.FunctionDefinition:
        """A function, for a call of it."""
        return self.libraries[name].at(call) if name in self.libraries else self.functions[name]

    def size(self, dim: str) -> int | None:
        """The size of a dim as far as the text says it."""
        d = self.dims[dim]
        return d.size if d.labels is None else len(d.labels)

    def index_data(self, source: str, target: str) -> list[Quantity]:
        """Data that map elements of one dim to elements of another."""
        return [
            q
            for q in self.quantities.values()
            if q.dims == (source,) and isinstance(q.element, IndexOf) and q.element.dim == target
        ]

    def kind(self, name: str) -> str:
        """What a name is, in words; empty if nothing."""
        if name in self.dims:
            return "a dim"
        if name in self.functions or name in CALLED or name in BUILDERS:
            return "a function"
        if name in DISTRIBUTIONS or name in COMBINATORS:
            return "a distribution"
        return ""


def _measure(expr: Expr) -> tuple[int, int]:
    """Depth and size of the few nodes that the checker itself puts between two measured ones."""
    parts = [_measure(part) for part in children(expr)]
    return 1 + max((d for d, _ in parts), default=0), 1 + sum(s for _, s in parts)


@dataclass(frozen=True)
class Scope:
    """What is visible at one place of a statement.

    indices: bound indices by name. parameters: a function's parameters and locals (None: of a wrong argument).
    calls: functions being expanded, outermost first. elaborate: tree -> expression, in a scope.
    """

    names: Names
    elaborate: Callable[[TreeExpr, Scope], Expr]
    indices: Mapping[str, Binding] = field(default_factory=dict)
    parameters: Mapping[str, Expr | None] = field(default_factory=dict)
    calls: tuple[str, ...] = ()

    @property
    def report(self) -> Report:
        """Where errors go."""
        return self.names.report

    def expr(self, node: TreeExpr) -> Expr:
        """The expression of a tree, here. Reports its errors, then abandons."""
        return self.elaborate(node, self)

    def exprs(self, nodes: Iterable[TreeExpr]) -> list[Expr]:
        """Several expressions: the errors of every one are reported before the whole is abandoned."""
        found: list[Expr] = []
        failed = False
        for node in nodes:
            try:
                found.append(self.expr(node))
            except Abandon:
                failed = True
        if failed:
            raise Abandon
        return found

    def bind(self, indices: Mapping[str, Binding]) -> Scope:
        """With these indices too."""
        return replace(self, indices={**self.indices, **indices})

    def inside(self, function: str, parameters: Mapping[str, Expr | None]) -> Scope:
        """The scope of a function's body: its parameters, and of the indices those that are a dim's own name."""
        kept = {name: b for name, b in self.indices.items() if not b.named}
        return replace(self, indices=kept, parameters=dict(parameters), calls=(*self.calls, function))

    @property
    def in_library(self) -> bool:
        """Whether this is the body of a library's function, which knows nothing of the model's names."""
        return bool(self.calls) and self.calls[-1] in self.names.libraries

    def with_local(self, name: str, value: Expr | None) -> Scope:
        """With a function's local; None: of a wrong one."""
        return replace(self, parameters={**self.parameters, name: value})

    def visible(self) -> Iterator[str]:
        """Every name of a quantity or dim, for suggestions; nearest first."""
        yield from self.parameters
        yield from self.indices
        yield from self.names.quantities
        yield from self.names.later
        yield from self.names.dims

    def quantity(self, name: syntax.Name) -> Quantity:
        """The quantity of that name. Reports and abandons if there is none, or it comes later, or is broken."""
        found = self.names.quantities.get(name.id)
        if found is not None:
            if found.broken:
                raise Abandon
            return found
        later = self.names.later.get(name.id)
        if later is not None:
            line = self.report.line(later)
            if later.start <= name.span.start and name.id != self.names.defining:
                raise self.report.fail(
                    "E103",
                    name.span,
                    f"`{name.id}` is not complete here: a statement further down defines more of it",
                    "move this statement below the last of those",
                )
            if later.start <= name.span.start:
                raise self.report.fail(
                    "E116",
                    name.span,
                    f"`{name.id}` is what this statement defines",
                    "a quantity may depend only on those defined above it",
                )
            raise self.report.fail(
                "E103",
                name.span,
                f"`{name.id}` is defined on line {line}",
                f"move this statement below line {line}: a statement uses what stands above it",
            )
        kind = self.names.kind(name.id)
        if kind:
            raise self.report.fail(
                "E119", name.span, f"`{name.id}` is {kind}, not a quantity", _kind_hint(name.id, kind)
            )
        raise self.report.fail("E101", name.span, f"`{name.id}` is not defined", quantity_hint(name.id, self.visible()))


def _kind_hint(name: str, kind: str) -> str:
    match kind:
        case "a function":
            return f"call it: `{name}(...)`"
        case "a distribution":
            return f"draw from it: `x ~ {name}(...)`"
        case _:
            return ""


SCALARS: Mapping[str, Scalar] = {s.value: s for s in Scalar}
