"""Latents with a location and a scale: single elements, walks along a dim, vectors with a covariance.

Such a latent can be sampled as it is, or as what is left of it after its location and scale are taken away. Which of
them can be is a matter of the graph alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppl.graph import (
    Aligned,
    Apply,
    Expr,
    Fixed,
    Latent,
    ModelGraph,
    Read,
    Term,
    Value,
    Whole,
    children,
    distribution_expressions,
    node_expressions,
    reads,
)
from ppl.types import Scalar

if TYPE_CHECKING:  # it is only named here
    import numpy as np
    import numpy.typing as npt

CENTRED, NONCENTRED, BETWEEN = "centred", "non-centred", "between"

LOCATION: Mapping[str, str] = {
    "Normal": "mean",
    "StudentT": "location",
    "Cauchy": "location",
    "Laplace": "location",
    "Logistic": "location",
    "Gumbel": "location",
    "LogNormal": "location",
}
"""The families x = location + scale z with a z of fixed law, and what each calls its location; of LogNormal, log x."""


@dataclass(frozen=True, eq=False)
class Site:
    """A latent of such a family.

    kind: `elements` (each has its own location and scale), `walk` (the location of an element is affine in those
    before it along dim number `along`) or `vector` (MvNormal); terms: what defines it, the starts of a walk first;
    parents: the latents that locations and scales depend on; lags: how many elements back a walk reads; summed: its
    steps add to the element before, with coefficient 1.
    """

    latent: Latent
    kind: str
    terms: tuple[Term, ...]
    parents: frozenset[str]
    along: int = 0
    lags: int = 0
    summed: bool = False

    @property
    def name(self) -> str:
        return self.latent.name

    @property
    def log(self) -> bool:
        """Whether location and scale are those of its logarithm."""
        return self.terms[0].distribution.name == "LogNormal"


@dataclass(frozen=True, eq=False)
class Part:
    """What data say of each element of a latent, of its shape: precision p and pull h; both to be divided by the square
    of `scale` where there is one, which latents determine, and which is about `noise`. Of vectors whose elements are
    observed together p is one matrix for each."""

    precision: npt.NDArray[np.float64]
    pull: npt.NDArray[np.float64]
    scale: Expr | None = None
    noise: float = 1.0


@dataclass(frozen=True, eq=False)
class Choice:
    """How a site is sampled. evidence: what data say of its elements, if the form is between; reason: in words."""

    site: Site
    form: str
    reason: str
    evidence: tuple[Part, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """What two compiled programs must share."""
        return (self.site.name, self.form, tuple(id(part.scale) for part in self.evidence))


def sites(graph: ModelGraph) -> dict[str, Site]:
    """Every such latent, by name; those whose locations and scales depend on each other in a circle are left out."""
    defining: dict[str, list[Term]] = {}
    further: set[str] = set()
    for term in graph.terms:
        if isinstance(term.target, Read):
            if term.role == "latent":
                defining.setdefault(term.target.name, []).append(term)
            elif term.role == "density":
                further.add(term.target.name)
    ancestry = Ancestry(graph)
    found: dict[str, Site] = {}
    for latent in graph.latents:
        if latent.name in further or latent.element is not Scalar.REAL:
            continue
        site = _site(graph, ancestry, latent, tuple(defining.get(latent.name, ())))
        if site is not None and not _in_circle(ancestry, found, site):
            found[latent.name] = site
    return found


class Ancestry:
    """Which latents an expression depends on, through the values it reads."""

    def __init__(self, graph: ModelGraph) -> None:
        self._graph = graph
        self._known: dict[str, frozenset[str]] = {}

    def of(self, exprs: Iterable[Expr]) -> frozenset[str]:
        """The latents that some expressions read, directly or through values."""
        return frozenset().union(*(self.of_name(name) for expr in exprs for name in reads(expr)))

    def of_name(self, name: str) -> frozenset[str]:
        """The latents that a quantity is, or is computed from."""
        if name not in self._known:
            self._known[name] = frozenset()  # a value may read its own earlier pieces
            node = self._graph[name]
            if isinstance(node, Latent):
                self._known[name] = frozenset({name})
            elif isinstance(node, Value):
                self._known[name] = self.of(node_expressions(node))
        return self._known[name]


def dependencies(graph: ModelGraph, choices: Iterable[Choice]) -> dict[str, frozenset[str]]:
    """Of each latent, those that must have their values first: for bounds, and for what is taken out and put back."""
    ancestry = Ancestry(graph)
    needed = {latent.name: ancestry.of(node_expressions(latent)) - {latent.name} for latent in graph.latents}
    for choice in choices:
        if choice.form != CENTRED:
            noise = ancestry.of(part.scale for part in choice.evidence if part.scale is not None)
            needed[choice.site.name] |= choice.site.parents | noise
    return needed


def in_order(needed: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The names, each after all those it needs, otherwise as they come. Nothing needs itself by way of others."""
    order: dict[str, None] = {}
    waiting: list[str] = list(needed)[::-1]
    entered: set[str] = set()
    while waiting:
        name = waiting[-1]
        before = [n for n in needed.get(name, ()) if n not in order and n not in entered]
        if name in order or (name in entered and not before):
            order[name] = None
            waiting.pop()
            continue
        entered.add(name)
        waiting += sorted(before, reverse=True)
    return tuple(order)


def depends_on(needed: Mapping[str, frozenset[str]], names: Iterable[str], on: str) -> bool:
    """Whether any of the names needs `on`, directly or by way of others."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name == on:
            return True
        if name not in seen:
            seen.add(name)
            waiting += needed.get(name, ())
    return False


def _in_circle(ancestry: Ancestry, found: Mapping[str, Site], site: Site) -> bool:
    needed = {name: other.parents for name, other in found.items()}
    return depends_on(needed, site.parents, site.name)


# --- what kind a latent is ---------------------------------------------------------------------------


def _site(graph: ModelGraph, ancestry: Ancestry, latent: Latent, terms: tuple[Term, ...]) -> Site | None:
    if not terms or latent.flat or any(t.distribution.base is not None or t.where is not None for t in terms):
        return None
    below = ancestry.of(e for t in terms for e in distribution_expressions(t.distribution))
    if any(_is_discrete(graph, name) for name in below):
        return None
    parents = below - {latent.name}
    names = {t.distribution.name for t in terms}
    if names == {"MvNormal"}:
        whole = len(terms) == 1 and latent.support.kind == "real_vector" and latent.name not in below
        return Site(latent, "vector", terms, parents) if whole and _plain(terms[0]) else None
    if not names <= set(LOCATION) or latent.support.kind not in ("real", "positive"):
        return None
    if ("LogNormal" in names) != (latent.support.kind == "positive") or not all(_plain(t) for t in terms):
        return None
    if latent.name not in below:
        return Site(latent, "elements", terms, parents)
    return _walk(ancestry, latent, terms, parents)


def _is_discrete(graph: ModelGraph, name: str) -> bool:
    node = graph[name]
    return isinstance(node, Latent) and node.element is not Scalar.REAL


def _plain(term: Term) -> bool:
    """Whether a term defines a region of its latent: positions, and whole dims or ranges of them."""
    if not isinstance(term.target, Read):
        return False
    bound = [s.axis for s in term.target.subscripts if isinstance(s, Aligned)]
    regular = all(
        isinstance(s, Whole | Fixed) or (isinstance(s, Aligned) and s.shift == 0) for s in term.target.subscripts
    )
    return regular and len(set(bound)) == len(bound) and set(term.axes) == set(bound)


# --- walks -------------------------------------------------------------------------------------------


def _walk(ancestry: Ancestry, latent: Latent, terms: tuple[Term, ...], parents: frozenset[str]) -> Site | None:
    """A latent whose elements read earlier ones, if only their locations do, and are affine in them."""
    if latent.support.kind != "real":
        return None
    steps = [t for t in terms if any(latent.name in reads(e) for e in distribution_expressions(t.distribution))]
    starts = [t for t in terms if t not in steps]
    others_read = {n for t in terms for e in distribution_expressions(t.distribution) for n in reads(e)} - {latent.name}
    if len(steps) != 1 or not isinstance(steps[0].target, Read):
        return None
    if any(latent.name in ancestry.of_name(name) for name in others_read):
        return None
    step, target = steps[0], steps[0].target
    location = step.distribution.parameter(LOCATION[step.distribution.name])
    others = [e for n, e in step.distribution.parameters if n != LOCATION[step.distribution.name]]
    if location is None or any(latent.name in reads(e) for e in others):
        return None
    back = [_back(target, read) for read in _own_reads(location, latent.name)]
    if not back or any(b is None for b in back) or len({b[0] for b in back if b is not None}) != 1:
        return None
    along = next(b[0] for b in back if b is not None)
    lags = max(b[1] for b in back if b is not None)
    own = target.subscripts[along]
    affine, unit = _affine(location, latent.name)
    if not affine or not isinstance(own, Aligned) or own.axis.stop is not None or own.axis.start < lags:
        return None
    positions = [s.target.subscripts[along] for s in starts if isinstance(s.target, Read)]
    fixed = {s.position for s in positions if isinstance(s, Fixed)}
    if len(fixed) != len(starts) or fixed != set(range(own.axis.start)):
        return None
    summed = unit and len(back) == lags == own.axis.start == 1
    return Site(latent, "walk", (*starts, step), parents, along, lags, summed)


def _own_reads(expr: Expr, name: str) -> Iterable[Read]:
    if isinstance(expr, Read) and expr.name == name:
        yield expr
    for child in children(expr):
        yield from _own_reads(child, name)


def _back(target: Read, read: Read) -> tuple[int, int] | None:
    """Along which dim a read looks back, and how far; None if it is not the same element but for that."""
    found = None
    for i, (mine, theirs) in enumerate(zip(target.subscripts, read.subscripts, strict=True)):
        if mine == theirs:
            continue
        same = isinstance(mine, Aligned) and isinstance(theirs, Aligned) and mine.axis == theirs.axis
        if not same or found is not None or not isinstance(theirs, Aligned) or theirs.shift >= 0:
            return None
        found = (i, -theirs.shift)
    return found


def _affine(expr: Expr, name: str) -> tuple[bool, bool]:
    """Whether an expression is affine in what it reads of `name`; and, if it reads it once, with coefficient 1."""
    if name not in reads(expr):
        return True, False
    if isinstance(expr, Read):
        return expr.name == name, True
    if not isinstance(expr, Apply):
        return False, False
    reading = [a for a in expr.arguments if name in reads(a)]
    inside = [_affine(a, name) for a in reading]
    affine = all(a for a, _ in inside)
    match expr.function:
        case "add":
            return affine, len(inside) == 1 and inside[0][1]
        case "subtract":
            return affine, len(inside) == 1 and inside[0][1] and reading[0] is expr.arguments[0]
        case "negative":
            return affine, False
        case "multiply":
            return affine and len(reading) == 1, False
        case "divide":
            return affine and len(reading) == 1 and reading[0] is expr.arguments[0], False
    return False, False
