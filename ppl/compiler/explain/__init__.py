"""A checked model in words, in mathematics and as a drawing: `ppl explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppl.compiler.explain import quantities
from ppl.compiler.explain.latex import joint_latex
from ppl.compiler.explain.mathematics import joint
from ppl.compiler.explain.reports import REPORTS
from ppl.compiler.explain.sections import Section
from ppl.compiler.explain.text import joint_text
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
