"""A model as a drawing: a node for each quantity, an arrow from what it depends on, boxes for what repeats it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ppl.compiler.explain.quantities import line_of, observed
from ppl.graph import (
    Energy,
    Expr,
    Input,
    Latent,
    ModelGraph,
    Prediction,
    Term,
    Value,
    distribution_expressions,
    node_expressions,
    reads,
)


@dataclass(frozen=True)
class DrawnNode:
    """kind: `latent`, `observed`, `given`, `computed`, `predicted` or `energy`; plate: the dims that repeat it."""

    name: str
    kind: str
    plate: tuple[str, ...]
    law: str
    line: int


@dataclass(frozen=True)
class Drawing:
    """edges: from and to, by name, each once, in the order of the text; sizes: of the dims that are known."""

    nodes: tuple[DrawnNode, ...]
    edges: tuple[tuple[str, str], ...]
    sizes: Mapping[str, int]

    def plate_label(self, plate: tuple[str, ...]) -> str:
        """`obs` or `obs × k`, with sizes that are known."""
        return " × ".join(f"{d} ({self.sizes[d]})" if d in self.sizes else d for d in plate)


def drawing(graph: ModelGraph, sizes: Mapping[str, int] | None = None) -> Drawing:
    """What to draw of a model. Data that nothing uses are left out."""
    edges = dict.fromkeys(edge for node in graph.nodes for edge in _edges(node) if edge[0] in graph)
    touched = {name for edge in edges for name in edge}
    nodes = tuple(
        _node(graph, n)
        for n in graph.nodes
        if isinstance(n, Latent | Value | Prediction | Energy) or (isinstance(n, Input) and n.name in touched)
    )
    known = {d.name: d.size or len(d.labels or ()) for d in graph.dims.values() if d.size or d.labels}
    return Drawing(nodes, tuple(edges), {**known, **(sizes or {})})


def _node(graph: ModelGraph, node: Input | Latent | Value | Prediction | Energy) -> DrawnNode:
    match node:
        case Input():
            kind = "observed" if observed(graph, node.name) else "given"
        case Latent():
            kind = "latent"
        case Value():
            kind = "observed" if observed(graph, node.name) else "computed"
        case Prediction():
            kind = "predicted"
        case Energy():
            kind = "energy"
    plate = tuple(dict.fromkeys(a.dim for a in node.axes)) if isinstance(node, Energy) else node.dims
    laws = dict.fromkeys(t.distribution.name for t in graph.terms if node.name in list(reads(t.target))[:1])
    law = node.distribution.name if isinstance(node, Prediction) else ", ".join(laws)
    return DrawnNode(node.name, kind, plate, law, line_of(graph, node.span.start))


def _edges(node: object) -> Iterator[tuple[str, str]]:
    match node:
        case Term():
            target, *inside = reads(node.target)
            sources = [*inside, *_reads(distribution_expressions(node.distribution))]
            yield from ((name, target) for name in [*sources, *_reads(() if node.where is None else (node.where,))])
        case Latent() | Value() | Prediction() | Energy():
            yield from ((name, node.name) for name in _reads(node_expressions(node)))


def _reads(expressions: Iterable[Expr]) -> Iterator[str]:
    return (name for expr in expressions for name in reads(expr))


# --- Graphviz ----------------------------------------------------------------------------------------

_STYLES = {
    "latent": "shape=ellipse",
    "observed": 'shape=ellipse, style=filled, fillcolor="#d9d9d9"',
    "given": 'shape=box, style=filled, fillcolor="#f2f2f2", color="#999999"',
    "computed": "shape=box, style=rounded",
    "predicted": "shape=ellipse, style=dashed",
    "energy": 'shape=box, style=filled, fillcolor="#333333", fontcolor=white',
}


def graphviz(drawn: Drawing) -> str:
    """The drawing in Graphviz's language."""
    lines = ["digraph model {", '  node [fontname="sans-serif"];']
    plates = dict.fromkeys(node.plate for node in drawn.nodes)
    for number, plate in enumerate(plates):
        inside = [n for n in drawn.nodes if n.plate == plate]
        indent = "    " if plate else "  "
        if plate:
            lines.append(f"  subgraph cluster_{number} {{")
            lines.append(f"    label={_quoted(drawn.plate_label(plate))}; labeljust=r; labelloc=b; style=rounded;")
        for node in inside:
            label = node.name + (f"\n{node.law}" if node.law else "")
            lines.append(f"{indent}{_quoted(node.name)} [label={_quoted(label)}, {_STYLES[node.kind]}];")
        if plate:
            lines.append("  }")
    energies = {n.name for n in drawn.nodes if n.kind == "energy"}
    for source, target in drawn.edges:
        plain = " [dir=none]" if target in energies else ""
        lines.append(f"  {_quoted(source)} -> {_quoted(target)}{plain};")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
