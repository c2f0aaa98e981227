"""Pictures of models: nothing overlaps, everything stands in its plate, arrows point down and end at their nodes."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ppl.compiler.check import check
from ppl.compiler.explain.drawing import Drawing, drawing, graphviz
from ppl.compiler.explain.layout import Box, layout
from ppl.compiler.explain.svg import svg
from ppl.grammar.parser import parse
from ppl.source import Source
from tests.explain.test_explain import PROGRAMS, graph_of

SCHOOLS = """
dim school
data y[school], sigma[school] > 0
mu ~ Normal(0, 5)
tau ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau)
y[school] ~ Normal(theta[school], sigma[school])
"""


def drawn(text: str, sizes: dict[str, int] | None = None) -> Drawing:
    return drawing(check(parse(Source("m", text))).graph, sizes)


def test_nodes_and_edges() -> None:
    found = drawn(SCHOOLS)
    assert {n.name: (n.kind, n.plate, n.law, n.line) for n in found.nodes} == {
        "y": ("observed", ("school",), "Normal", 3),
        "sigma": ("given", ("school",), "", 3),
        "mu": ("latent", (), "Normal", 4),
        "tau": ("latent", (), "HalfCauchy", 5),
        "theta": ("latent", ("school",), "Normal", 6),
    }
    assert set(found.edges) == {("mu", "theta"), ("tau", "theta"), ("theta", "y"), ("sigma", "y")}


def test_sizes_label_the_plates() -> None:
    assert 'label="school (8)"' in graphviz(drawn(SCHOOLS, {"school": 8}))
    assert ">school (8)</text>" in svg(drawn(SCHOOLS, {"school": 8}))


def overlap(a: Box, b: Box) -> bool:
    return 2 * abs(a.x - b.x) < a.width + b.width and 2 * abs(a.y - b.y) < a.height + b.height


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_layout(path: Path) -> None:
    found = drawing(graph_of(path))
    placed = layout(found)
    for a, b in combinations(placed.boxes.values(), 2):
        assert not overlap(a, b)
    for node in found.nodes:
        box = placed.boxes[node.name]
        assert box.x - box.width / 2 > 0
        assert box.x + box.width / 2 < placed.width
        assert box.y - box.height / 2 > 0
        assert box.y + box.height / 2 < placed.height
        for dims, (left, top, right, bottom) in placed.plates.items():
            plate = Box((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
            inside = left < box.x - box.width / 2 and box.x + box.width / 2 < right and top < box.y < bottom
            assert inside if dims == node.plate else not overlap(box, plate)


def test_causes_stand_above_their_effects() -> None:
    placed = layout(drawn(SCHOOLS))
    assert placed.boxes["mu"].y < placed.boxes["theta"].y < placed.boxes["y"].y
    assert placed.boxes["sigma"].y == placed.boxes["theta"].y


def test_circles_and_lone_nodes_have_a_place() -> None:
    text = "dim t = 4\na ~ Normal(0, 1)\nx[0] ~ Normal(0, 1)\nx[i] ~ Normal(x[i-1], 1) for i in t[1:]\n"
    found = drawn(text)
    assert ("x", "x") in found.edges
    assert set(layout(found).boxes) == {"a", "x"}
    both = Drawing(found.nodes, (("a", "x"), ("x", "a")), {})
    assert set(layout(both).boxes) == {"a", "x"}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_svg_is_a_document_with_every_node(path: Path) -> None:
    found = drawing(graph_of(path))
    root = ElementTree.fromstring(svg(found))
    shown = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {n.name for n in found.nodes} <= shown
    arrows = [e for e in root.iter("{http://www.w3.org/2000/svg}path") if e.get("fill") == "none"]
    assert len(arrows) == len(found.edges)


def test_graphviz_quotes_what_it_would_obey() -> None:
    text = graphviz(drawn('dim k = {"a\\b"}\nμ[k] ~ Normal(0, 1)\n'))
    assert '"μ" [label="μ\\nNormal"' in text
    assert len(re.findall(r'(?<!\\)"', text)) % 2 == 0
