"""Terms over discrete latents directly: computed quantities that depend on one give way to their expressions.

A discrete latent is summed out term by term, where each of its elements takes all of its values at once. An array that
was computed from it has no place in that, but the expression that it was computed by has.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace

from ppl.compiler.passes.plates import with_plates
from ppl.compiler.passes.roles import is_discrete
from ppl.compiler.passes.substitution import CannotSubstitute, rebuilt, substituted
from ppl.errors import Diagnostic
from ppl.graph import (
    Aligned,
    Axis,
    Distribution,
    Energy,
    Expr,
    Lift,
    ModelGraph,
    Node,
    Read,
    Subscript,
    Term,
    Value,
    Whole,
    node_expressions,
    reads,
)


def inlined(graph: ModelGraph) -> ModelGraph:
    """The same model, in which no term reads a computed quantity that depends on a discrete latent, or many elements of
    one where each concerns an element of the term alone. Terms that cannot do without the quantity stay as they are."""
    discrete = {latent.name for latent in graph.latents if is_discrete(latent)}
    if not discrete:
        return graph
    inlining = _Inlining(_dependent(graph, discrete))
    return replace(graph, nodes=tuple(_apart(inlining.if_possible(node), discrete) for node in graph.nodes))


def inlining_problems(graph: ModelGraph, discrete: Set[str]) -> Iterator[Diagnostic]:
    """Where terms of an inlined graph still read a quantity that is computed from these discrete latents: it has
    several pieces, or is read in a way that no expression stands for (E402)."""
    inlining = _Inlining(_dependent(graph, discrete))
    for node in graph.nodes:
        try:
            inlining.node(node)
        except _Refused as refused:
            title = f"`{refused.read.name}` depends on a discrete latent that is to be summed out, but {refused.why}"
            yield Diagnostic("E402", title, refused.read.meta.span, hints=(refused.hint,))


def _dependent(graph: ModelGraph, discrete: Set[str]) -> dict[str, Value]:
    """The values computed from discrete latents."""
    found: dict[str, Value] = {}
    for node in graph.nodes:
        if isinstance(node, Value):
            names = {name for expr in node_expressions(node) for name in reads(expr)}
            if names & (discrete | found.keys()):
                found[node.name] = node
    return found


def _apart(node: Node, discrete: Set[str]) -> Node:
    """Each element of the target a term of its own, if the term reads a discrete latent."""
    if not isinstance(node, Term) or any(whole.start < 0 for whole in node.target.meta.event):
        return node
    touches = any(name in discrete for expr in node_expressions(node) for name in reads(expr))
    return with_plates(node, lambda whole: (whole.start, whole.stop)) if touches else node


class _Refused(Exception):
    """No expression stands for a read of a computed quantity."""

    def __init__(self, read: Read, why: str, hint: str = "write the expression here instead of the name") -> None:
        self.read = read
        self.why = why
        self.hint = hint


class _Inlining:
    def __init__(self, dependent: dict[str, Value]) -> None:
        self.dependent = dependent
        self.count = 0

    def if_possible(self, node: Node) -> Node:
        try:
            return self.node(node)
        except _Refused:
            return node

    def node(self, node: Node) -> Node:
        match node:
            case Term():
                where = None if node.where is None else self.expr(node.where)
                return replace(
                    node, target=self.expr(node.target), distribution=self.distribution(node.distribution), where=where
                )
            case Energy():
                return replace(node, value=self.expr(node.value))
            case _:
                return node

    def distribution(self, d: Distribution) -> Distribution:
        parameters = tuple((name, self.expr(expr)) for name, expr in d.parameters)
        parts = tuple(self.distribution(part) for part in d.parts)
        return replace(d, parameters=parameters, base=parts[0] if parts else None, others=parts[1:])

    def expr(self, expr: Expr) -> Expr:
        return rebuilt(expr, self._read)

    def _read(self, read: Read) -> Expr | None:
        value = self.dependent.get(read.name)
        if value is None:
            return None
        piece = value.pieces[0]
        if len(value.pieces) != 1 or piece.where is not None:
            if any(name == value.name for expr in node_expressions(value) for name in reads(expr)):
                why = "it is a recurrence, each of whose values depends on all earlier elements of that latent"
                raise _Refused(read, why, "let each term depend on few elements of the latent, or give it as data")
            raise _Refused(read, "it is defined in several pieces")
        self.count += 1
        suffix = f"'{self.count}"
        by: dict[Axis, Subscript] = {}
        lifted: list[Axis] = []
        for mine, theirs in zip(piece.subscripts, read.subscripts, strict=True):
            if isinstance(mine, Aligned) and isinstance(theirs, Whole):
                axis = Axis(mine.axis.name + suffix, theirs.dim, theirs.start, theirs.stop)
                lifted.append(axis)
                by[mine.axis] = Aligned(axis)
            elif isinstance(mine, Aligned):
                by[mine.axis] = theirs
            elif mine != theirs:
                raise _Refused(read, "a part of it is read")
        try:
            found = self.expr(substituted(piece.value, by, suffix))
        except CannotSubstitute:
            raise _Refused(read, "its indices are sums here") from None
        if not lifted:
            return found
        event = tuple(Whole(a.dim, a.start, a.stop) for a in lifted)
        axes = tuple(axis for axis in found.meta.axes if axis not in lifted)
        return Lift(found, tuple(lifted), replace(found.meta, axes=axes, event=(*event, *found.meta.event)))
