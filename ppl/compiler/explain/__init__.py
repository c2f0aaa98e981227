"""A checked model in words, in mathematics and as a drawing: `ppl explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ppl.compiler.explain import quantities
from ppl.compiler.explain.domains import domain
from ppl.compiler.explain.drawing import drawing
from ppl.compiler.explain.joint import joint
from ppl.compiler.explain.latex import joint_latex
from ppl.compiler.explain.reports import REPORTS
from ppl.compiler.explain.sections import Section
from ppl.compiler.explain.text import domain_text, joint_text
from ppl.graph import ModelGraph

if TYPE_CHECKING:  # it imports NumPy
    from ppl.dataset import Dataset


def sections(graph: ModelGraph, dataset: Dataset | None = None) -> tuple[Section, ...]:
    """The joint density, tables of what the model holds, and what each pass did."""
    found = [Section("joint density", tuple(joint_text(joint(graph))))]
    found += quantities.sections(graph, None if dataset is None else dataset.sizes)
    reports = (report(graph, dataset) for report in REPORTS)
    return (*found, *(section for section in reports if section is not None))


def explain(graph: ModelGraph, dataset: Dataset | None = None) -> str:
    """The model as text. dataset: when data are bound, for the sizes of dims and what depends on the data."""
    title = f"model {graph.title}\n\n" if graph.title else ""
    return title + "\n\n".join(str(section) for section in sections(graph, dataset)) + "\n"


def latex(graph: ModelGraph) -> str:
    r"""The joint density as an `align*` of amsmath."""
    return joint_latex(joint(graph))


def as_data(graph: ModelGraph, dataset: Dataset | None = None) -> dict[str, Any]:
    """All of it for programs: `title`, `explanation`, `latex`, `sections`, and the `graph` of the drawing."""
    sizes = None if dataset is None else dataset.sizes
    drawn = drawing(graph, sizes)
    supports = {node.name: domain_text(domain(graph, node, sizes)) for node in graph.latents}
    nodes = [
        {
            "name": n.name,
            "kind": n.kind,
            "dims": list(n.plate),
            "distribution": n.law or None,
            "support": supports.get(n.name),
            "line": n.line,
        }
        for n in drawn.nodes
    ]
    return {
        "title": graph.title,
        "explanation": explain(graph, dataset),
        "latex": latex(graph),
        "sections": [{"title": s.title, "lines": list(s.lines)} for s in sections(graph, dataset)],
        "graph": {"sizes": dict(drawn.sizes), "nodes": nodes, "edges": [list(edge) for edge in drawn.edges]},
    }
