"""Where the nodes of a drawing stand: in layers from causes down to effects, in one column of space a plate.

The layers are those of Sugiyama, Tagawa & Toda (1981): a node stands below everything that it depends on; an arrow that
passes layers has a way through each of them; and within a layer nodes are ordered by where their neighbours stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, permutations

from ppl.compiler.explain.drawing import Drawing

NODE_HEIGHT, LAYER_HEIGHT, GAP, MARGIN, WAY = 44.0, 96.0, 22.0, 20.0, 12.0
_SWEEPS = 8
_MOST_PLATES_PERMUTED = 6


@dataclass(frozen=True)
class Box:
    """A node's place: its middle and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """boxes: by the nodes' names; plates: left, top, right and bottom; ways: the points that an edge passes."""

    boxes: dict[str, Box]
    plates: dict[tuple[str, ...], tuple[float, float, float, float]]
    ways: dict[tuple[str, str], list[tuple[float, float]]]
    width: float
    height: float


def layout(drawn: Drawing) -> Layout:
    """Places for all nodes, plates and edges of a drawing."""
    depth = _layers(drawn)
    plate = {n.name: n.plate for n in drawn.nodes}
    width = {n.name: 26.0 + 8.2 * max(len(n.name), 0.85 * len(n.law)) for n in drawn.nodes}
    chains: dict[tuple[str, str], list[str]] = {}
    for source, target in drawn.edges:
        if source == target:
            continue
        first, last = depth[source], depth[target]
        step = 1 if last >= first else -1
        between = [f"{source}\0{target}\0{layer}" for layer in range(first + step, last, step)]
        for layer, way in zip(range(first + step, last, step), between, strict=True):
            depth[way], plate[way], width[way] = layer, plate[target], WAY
        chains[source, target] = [source, *between, target]
    links = [link for chain in chains.values() for link in pairwise(chain)]
    x, extent = _columns(plate, depth, width, links)
    left = min(low for low, _ in extent.values())
    top = MARGIN + NODE_HEIGHT / 2 + 14
    boxes = {
        name: Box(x[name] - left + MARGIN, top + LAYER_HEIGHT * depth[name], width[name], NODE_HEIGHT) for name in depth
    }
    plates = {}
    for dims in dict.fromkeys(n.plate for n in drawn.nodes if n.plate):
        inside = [boxes[n.name] for n in drawn.nodes if n.plate == dims]
        low, high = extent[dims]
        plates[dims] = (
            low - left + MARGIN + 4,
            min(b.y for b in inside) - NODE_HEIGHT / 2 - 10,
            high - left + MARGIN - 4,
            max(b.y for b in inside) + NODE_HEIGHT / 2 + 24,
        )
    ways = {edge: [(boxes[n].x, boxes[n].y) for n in chain] for edge, chain in chains.items()}
    real = {n.name: boxes[n.name] for n in drawn.nodes}
    wide = max(high for _, high in extent.values()) - left + 2 * MARGIN
    high_ = max((b.y for b in real.values()), default=0.0) + NODE_HEIGHT / 2 + 24 + MARGIN
    return Layout(real, plates, ways, wide, high_)


def _layers(drawn: Drawing) -> dict[str, int]:
    """The layer of each node, from 0: one below its lowest cause; one without causes just above its highest effect."""
    causes: dict[str, list[str]] = {n.name: [] for n in drawn.nodes}
    effects: dict[str, list[str]] = {n.name: [] for n in drawn.nodes}
    order: list[str] = []
    for source, target in drawn.edges:
        causes[target].append(source)
    open_: set[str] = set()
    done: set[str] = set()
    for start in causes:
        stack = [(start, iter(causes[start]))]
        while stack:  # depth first; an arrow back to a node that is still open closes a circle and is passed over
            name, rest = stack[-1]
            open_.add(name)
            following = next((c for c in rest if c not in done and c not in open_), None)
            if name in done or following is None:
                stack.pop()
                open_.discard(name)
                if name not in done:
                    done.add(name)
                    order.append(name)
            else:
                stack.append((following, iter(causes[following])))
    place = {name: n for n, name in enumerate(order)}
    depth: dict[str, int] = {}
    for name in order:
        before = [c for c in causes[name] if place[c] < place[name]]
        depth[name] = 1 + max((depth[c] for c in before), default=-1)
        for cause in before:
            effects[cause].append(name)
    for name in reversed(order):
        if not causes[name] and effects[name]:
            depth[name] = min(depth[e] for e in effects[name]) - 1
    return depth


def _columns(
    plate: dict[str, tuple[str, ...]],
    depth: dict[str, int],
    width: dict[str, float],
    links: list[tuple[str, str]],
) -> tuple[dict[str, float], dict[tuple[str, ...], tuple[float, float]]]:
    """The middle of each node, and from where to where each plate's column goes."""
    columns = list(dict.fromkeys(plate.values())) or [()]
    rows: dict[tuple[tuple[str, ...], int], list[str]] = {}
    for name, dims in plate.items():
        rows.setdefault((dims, depth[name]), []).append(name)
    wide = {
        dims: max(
            (sum(width[n] + GAP for n in row) for (p, _), row in rows.items() if p == dims),
            default=0.0,
        )
        + GAP
        for dims in columns
    }
    for dims in columns:  # room for the name of the plate
        wide[dims] = max(wide[dims], 11.0 * len(" × ".join(dims)) + 2 * GAP)
    between: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    for a, b in links:
        if plate[a] != plate[b]:
            between[plate[a], plate[b]] = between.get((plate[a], plate[b]), 0) + 1

    def places(order: tuple[tuple[str, ...], ...]) -> dict[tuple[str, ...], float]:
        found, at = {}, 0.0
        for dims in order:
            found[dims] = at + wide[dims] / 2
            at += wide[dims]
        return found

    def stretch(order: tuple[tuple[str, ...], ...]) -> float:
        middle = places(order)
        return sum(count * abs(middle[a] - middle[b]) for (a, b), count in between.items())

    orders = permutations(columns) if len(columns) <= _MOST_PLATES_PERMUTED else iter([tuple(columns)])
    middle = places(min(orders, key=stretch))
    neighbours: dict[str, list[str]] = {name: [] for name in plate}
    for a, b in links:
        neighbours[a].append(b)
        neighbours[b].append(a)
    x = {name: middle[dims] for name, dims in plate.items()}
    for sweep in range(_SWEEPS):
        for _, row in sorted(rows.items(), key=lambda item: item[0][1], reverse=bool(sweep % 2)):
            pull = {n: sum(x[m] for m in neighbours[n]) / len(neighbours[n]) if neighbours[n] else x[n] for n in row}
            row.sort(key=lambda n: pull[n])
            at = middle[plate[row[0]]] - sum(width[n] + GAP for n in row) / 2
            for name in row:
                x[name] = at + (width[name] + GAP) / 2
                at += width[name] + GAP
    return x, {dims: (middle[dims] - wide[dims] / 2, middle[dims] + wide[dims] / 2) for dims in columns}
