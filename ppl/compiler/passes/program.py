"""What is static in a compiled model: its graph, the sizes of its dims, where each latent lies in the flat vector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ppl.compiler.passes.recurrences import Disorder, Recurrence, cycles, recurrence
from ppl.compiler.passes.roles import is_discrete, names_in
from ppl.compiler.passes.sites import CENTRED, Choice, dependencies, in_order
from ppl.dataset import Dataset
from ppl.errors import CompilerBug
from ppl.graph import (
    Axis,
    Expr,
    Gather,
    Input,
    Labelled,
    Latent,
    Local,
    ModelGraph,
    Node,
    Position,
    Prediction,
    Read,
    Select,
    Value,
    Whole,
    children,
    each_read,
    node_expressions,
    reads,
)


@dataclass(frozen=True, eq=False)
class Program:
    """A graph with the sizes of its dims. Equal if they are equal, for it is part of the key under which JAX keeps
    compiled functions; the graph is compared by identity.

    labels: of the dims, if the model's text names any of them; choices: how latents with a location and a scale are
    sampled, those left out as they are.
    """

    graph: ModelGraph
    sizes: Mapping[str, int]
    labels: Mapping[str, tuple[str, ...]]
    choices: Mapping[str, Choice] = field(default_factory=dict)

    @cached_property
    def key(self) -> tuple[object, ...]:
        """What makes two programs equal."""
        forms = tuple(choice.key for choice in self.choices.values())
        return (id(self.graph), tuple(sorted(self.sizes.items())), tuple(sorted(self.labels.items())), forms)

    def choice(self, name: str) -> Choice | None:
        """How a latent is sampled, unless it is sampled as it is."""
        choice = self.choices.get(name)
        return None if choice is None or choice.form == CENTRED else choice

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """The order in which latents are given their values: each after all that its value is made with."""
        return {name: i for i, name in enumerate(in_order(dependencies(self.graph, self.choices.values())))}

    @cached_property
    def _hash(self) -> int:
        return hash(self.key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Program) and self.key == other.key)

    # --- sizes ---------------------------------------------------------------------------------------

    def span(self, range_: Axis | Whole) -> tuple[int, int]:
        """First position and one past the last."""
        start, stop, _ = slice(range_.start, range_.stop).indices(self.sizes[range_.dim])
        return start, max(start, stop)

    def size(self, range_: Axis | Whole) -> int:
        """How many positions a bound index or whole dim runs over."""
        start, stop = self.span(range_)
        return stop - start

    def shape(self, dims: tuple[str, ...]) -> tuple[int, ...]:
        """The sizes of dims."""
        return tuple(self.sizes[dim] for dim in dims)

    def dims(self, name: str) -> tuple[str, ...]:
        """The declared dims of a quantity."""
        return self.graph[name].dims

    def position(self, dim: str, label: str) -> int:
        """Of the element with this label, counted from 0."""
        labels = self.labels.get(dim) or self.graph.dims[dim].labels or ()
        if label not in labels:
            raise CompilerBug(f"the label `{label}` of `{dim}` was not checked")
        return labels.index(label)

    # --- what depends on what --------------------------------------------------------------------------

    @cached_property
    def _fixed(self) -> dict[str, bool]:
        """Of each quantity, whether data alone determine it."""
        fixed: dict[str, bool] = {}
        for node in self.graph.nodes:
            if isinstance(node, Input):
                fixed[node.name] = True
            elif isinstance(node, Latent | Prediction):
                fixed[node.name] = False
        values = {v.name: set(names_in(v)) for v in self.graph.values}
        fixed.update(dict.fromkeys(values, True))  # a value may read its own earlier elements
        changed = True
        while changed:
            live = [name for name, read in values.items() if fixed[name] and not all(fixed[r] for r in read)]
            fixed.update(dict.fromkeys(live, False))
            changed = bool(live)
        return fixed

    @cached_property
    def _recurrences(self) -> dict[str, Recurrence]:
        found: dict[str, Recurrence] = {}
        for group in cycles(self.graph.values):
            together = recurrence(group, self.sizes.get)
            if isinstance(together, Disorder):
                raise CompilerBug(f"`{together.value.name}` is computed from itself in no order")
            found.update(dict.fromkeys((v.name for v in group), together))
        return found

    def recurrence(self, name: str) -> Recurrence | None:
        """What a value is computed with, element by element; None if its elements do not depend on each other."""
        return self._recurrences.get(name)

    @cached_property
    def _undetermined(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for node in self.graph.nodes:
            if isinstance(node, Latent):
                found[node.name] = frozenset({node.name} if is_discrete(node) else ())
            elif isinstance(node, Prediction):
                found[node.name] = frozenset(() if node.recorded else {node.name})
            elif isinstance(node, Value):
                names = {name for expr in node_expressions(node) for name in reads(expr)}
                found[node.name] = frozenset().union(*(found.get(name, frozenset()) for name in names))
        return found

    def undetermined(self, name: str) -> frozenset[str]:
        """The discrete latents and the draws of missing elements that a quantity is computed from, itself included: it
        has no value before these do."""
        return self._undetermined.get(name, frozenset())

    def is_data(self, name: str) -> bool:
        """Whether data alone determine a quantity."""
        return self._fixed[name]

    @cached_property
    def _gathers(self) -> Counter[tuple[Axis, ...]]:
        """How many reads of latents gather by data, by the axes of their positions."""
        found: Counter[tuple[Axis, ...]] = Counter()
        roots = (expr for node in self.graph.nodes if not _of_missing(node) for expr in node_expressions(node))
        for read in each_read(*roots):
            if not self.is_data(read.name):
                found.update(s.index.meta.axes for s in read.subscripts if isinstance(s, Gather))
        return found

    def gathers_alone(self, expr: Read) -> bool:
        """Whether no other read gathers along the axes of this one."""
        axes = [s.index.meta.axes for s in expr.subscripts if isinstance(s, Gather)]
        return all(self._gathers[group] <= 1 for group in axes)

    @cached_property
    def _kinds(self) -> dict[int, str]:
        return {}

    def kind(self, expr: Expr) -> str:
        """`number`: of literals only, without dims; `data`: of data too, or of positions; `live`: of latents."""
        known = self._kinds.get(id(expr))
        if known is None:
            if isinstance(expr, Read):
                below = "data" if self.is_data(expr.name) else "live"
            elif isinstance(expr, Position):
                below = "data"
            elif isinstance(expr, Local):
                below = "live"
            else:
                below = "number"
            order = ("number", "data", "live")
            known = max((below, *(self.kind(child) for child in children(expr))), key=order.index)
            if known == "number" and (expr.meta.axes or expr.meta.event):
                known = "live"  # `fill(1, k)`: cheaper made where it is used
            self._kinds[id(expr)] = known
        return known

    @cached_property
    def names(self) -> Mapping[int, str]:
        """The name of each term, by its identity."""
        return {id(term): term.name for term in self.graph.factors}


def _of_missing(node: Node) -> bool:
    """Whether a node stands for missing elements that are drawn after sampling, which no term reads."""
    return isinstance(node, Prediction) and not node.recorded


def names_labels(graph: ModelGraph) -> bool:
    """Whether the model's text names any label."""
    return any(_has_label(expr) for node in graph.nodes for expr in node_expressions(node)) or any(
        isinstance(s, Labelled)
        for node in graph.nodes
        if isinstance(node, Value | Prediction)
        for part in (node.pieces if isinstance(node, Value) else (node,))
        for s in part.subscripts
    )


def _has_label(expr: Expr) -> bool:
    if isinstance(expr, Read | Select) and any(isinstance(s, Labelled) for s in expr.subscripts):
        return True
    return any(_has_label(child) for child in children(expr))


def make_program(graph: ModelGraph, dataset: Dataset, choices: Mapping[str, Choice] | None = None) -> Program:
    """The static part of a model bound to data."""
    labels = {dim: tuple(names) for dim, names in dataset.labels.items()} if names_labels(graph) else {}
    return Program(graph, dict(dataset.sizes), labels, choices or {})
