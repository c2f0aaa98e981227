"""A drawing as SVG, laid out by `ppl.compiler.explain.layout`."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import pairwise
from math import hypot

from ppl.compiler.explain.drawing import Drawing, DrawnNode
from ppl.compiler.explain.layout import Box, Layout, layout

_FILLS = {
    "latent": 'fill="#ffffff" stroke="#222222"',
    "observed": 'fill="#d9d9d9" stroke="#222222"',
    "given": 'fill="#f2f2f2" stroke="#aaaaaa"',
    "computed": 'fill="#ffffff" stroke="#222222"',
    "predicted": 'fill="#ffffff" stroke="#222222" stroke-dasharray="5 3"',
    "energy": 'fill="#333333" stroke="#333333"',
}
_ROUND = ("latent", "observed", "predicted")
_HEAD = (
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 1 L10 5 L0 9 z" fill="#555555"/></marker></defs>'
)


def svg(drawn: Drawing) -> str:
    """The drawing as an SVG document."""
    return "\n".join(_lines(drawn, layout(drawn))) + "\n"


def _lines(drawn: Drawing, placed: Layout) -> Iterator[str]:
    width, height = round(placed.width), round(placed.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="14" text-anchor="middle">'
    )
    yield _HEAD
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    for dims, (left, top, right, bottom) in placed.plates.items():
        yield (
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" rx="10" '
            'fill="none" stroke="#888888"/>'
        )
        label = escape(drawn.plate_label(dims))
        yield (
            f'<text x="{right - 10:.1f}" y="{bottom - 8:.1f}" font-size="12" text-anchor="end" fill="#555555">'
            f"{label}</text>"
        )
    kinds = {n.name: n.kind for n in drawn.nodes}
    for source, target in drawn.edges:
        head = "" if kinds[target] == "energy" else ' marker-end="url(#arrow)"'
        path = _loop(placed.boxes[source]) if source == target else _way(placed, source, target, kinds)
        yield f'<path d="{path}" fill="none" stroke="#555555"{head}/>'
    for node in drawn.nodes:
        yield from _node(node, placed.boxes[node.name])
    yield "</svg>"


def _way(placed: Layout, source: str, target: str, kinds: dict[str, str]) -> str:
    """A curve through the points of an edge, from border to border."""
    points = list(placed.ways[source, target])
    points[0] = _border(placed.boxes[source], points[1], kinds[source] in _ROUND)
    points[-1] = _border(placed.boxes[target], points[-2], kinds[target] in _ROUND)
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    if len(points) == 2:
        return f"{path} L{points[1][0]:.1f} {points[1][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        path += f" C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    return path


def _border(box: Box, towards: tuple[float, float], is_round: bool) -> tuple[float, float]:
    """Where the line from the middle of a node leaves it."""
    dx, dy = towards[0] - box.x, towards[1] - box.y
    across, along = dx / (box.width / 2), dy / (box.height / 2)
    reach = hypot(across, along) if is_round else max(abs(across), abs(along))
    return (box.x + dx / reach, box.y + dy / reach) if reach else (box.x, box.y)


def _loop(box: Box) -> str:
    """From a node back to itself, at its right."""
    right, far = box.x + box.width / 2 - 4, box.x + box.width / 2 + 18
    start, end = f"{right:.1f} {box.y - 8:.1f}", f"{right:.1f} {box.y + 8:.1f}"
    return f"M{start} C{far:.1f} {box.y - 24:.1f} {far:.1f} {box.y + 24:.1f} {end}"


def _node(node: DrawnNode, box: Box) -> Iterator[str]:
    if node.kind in _ROUND:
        size = f'cx="{box.x:.1f}" cy="{box.y:.1f}" rx="{box.width / 2:.1f}" ry="{box.height / 2:.1f}"'
        yield f"<ellipse {size} {_FILLS[node.kind]}/>"
    else:
        corner = 10 if node.kind == "computed" else 2
        size = f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{corner}"'
        yield f'<rect x="{box.x - box.width / 2:.1f}" y="{box.y - box.height / 2:.1f}" {size} {_FILLS[node.kind]}/>'
    colour = "#ffffff" if node.kind == "energy" else "#000000"
    lift = -1 if node.law else 5
    yield f'<text x="{box.x:.1f}" y="{box.y + lift:.1f}" fill="{colour}">{escape(node.name)}</text>'
    if node.law:
        yield f'<text x="{box.x:.1f}" y="{box.y + 13:.1f}" font-size="11" fill="#555555">{escape(node.law)}</text>'
