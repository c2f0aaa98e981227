"""The model as it is being put together: its names, and its nodes in order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ppl.compiler.check.expressions import elaborate
from ppl.compiler.check.report import Report
from ppl.compiler.check.scope import Names, Quantity, Scope
from ppl.grammar import nodes as syntax
from ppl.graph import Expr, Input, Node, Piece, Subscript, each_read
from ppl.source import Source, Span
from ppl.types import Scalar


@dataclass(frozen=True)
class Part:
    """One statement's share of a quantity: one subscript for each dim, and where it was said."""

    subscripts: tuple[Subscript, ...]
    span: Span


@dataclass
class Build:
    """The state of one check.

    parts: of each latent that has any; assigned: of values; observed: of data, those that statements observe;
    clamped: of latents, those that are given.
    left_dims: the dims that the statements' left sides name, None where an index does not say. draws_left,
    assignments_left: how many more statements `name ~` and `name =` follow. failed: names with a statement that is
    wrong.
    """

    source: Source
    report: Report
    names: Names
    title: str | None = None
    nodes: list[Node] = field(default_factory=list)
    parts: dict[str, list[Part]] = field(default_factory=dict)
    assigned: dict[str, list[Part]] = field(default_factory=dict)
    observed: dict[str, list[Part]] = field(default_factory=dict)
    clamped: dict[str, list[Part]] = field(default_factory=dict)
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    left_dims: dict[str, list[str | None]] = field(default_factory=dict)
    draws_left: dict[str, int] = field(default_factory=dict)
    term_names: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    assignments_left: dict[str, int] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """Outside any loop or function."""
        return Scope(self.names, elaborate)

    def fail(self, name: syntax.Name, role: str) -> None:
        """Remember that a statement on a name is wrong: that its definition is, if it has no other."""
        self.failed.add(name.id)
        self.broken(name, role)

    def define(self, quantity: Quantity) -> None:
        """Makes a quantity known under its name."""
        self.names.quantities[quantity.name] = quantity

    def broken(self, name: syntax.Name, role: str) -> None:
        """Remember a name whose definition is wrong, so that uses of it are not reported as well."""
        if name.id not in self.names.quantities:
            from_left = self.left_dims.get(name.id, [])
            dims = tuple(d for d in from_left if d is not None)
            self.define(Quantity(name.id, role, dims, Scalar.REAL, name.span, broken=True))

    def data_only(self, expr: Expr) -> bool:
        """Whether an expression is computed from data alone."""
        return all(self.names.quantities[read.name].data_only for read in each_read(expr))

    def term_name(self, written: str) -> str:
        """A name for a term that no other has."""
        unique, n = written, 1
        while unique in self.term_names:
            n += 1
            unique = f"{written} ({n})"
        self.term_names.add(unique)
        return unique

    def finished_nodes(self) -> tuple[Node, ...]:
        """Nodes with what was found out after they were made: the inferred types of data."""
        finished: list[Node] = []
        for node in self.nodes:
            if isinstance(node, Input):
                finished.append(replace(node, element=self.names.quantities[node.name].element))
            else:
                finished.append(node)
        return tuple(finished)
