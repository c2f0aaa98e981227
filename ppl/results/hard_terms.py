"""The statements that make a density hard to sample: groups whose scale is a latent itself, in unlucky coordinates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ppl.compiler.passes.sites import CENTRED, NONCENTRED
from ppl.graph import Latent, ModelGraph, Read, Term, reads
from ppl.results.container import touches
from ppl.results.wording import Say


def centred_terms(graph: ModelGraph, scales: set[str]) -> list[Term]:
    """Terms that define a latent array whose scale is itself a latent (one of `scales`, where any are named)."""
    latents = {latent.name for latent in graph.latents}
    terms = []
    for term in graph.terms:
        scale = term.distribution.parameter("scale")
        if term.role != "latent" or scale is None or not isinstance(term.target, Read) or not _dims(graph, term):
            continue
        reached = _closure(graph, set(reads(scale))) & latents
        if reached and (not scales or reached & scales or scales & touches(term)):
            terms.append(term)
    return terms


def _dims(graph: ModelGraph, term: Term) -> tuple[str, ...]:
    node = graph[term.target.name] if isinstance(term.target, Read) else None
    return node.dims if isinstance(node, Latent) else ()


def line_of(graph: ModelGraph, term: Term) -> str:
    """Its line of the text, with the number."""
    number, _ = graph.source.position(term.span.start)
    return f"line {number}: {graph.source.line(number).split('#')[0].strip()}"


def _closure(graph: ModelGraph, names: set[str]) -> set[str]:
    """Names, and everything that the values among them are computed from."""
    by_name = {value.name: value for value in graph.values}
    todo, seen = list(names), set(names)
    while todo:
        value = by_name.get(todo.pop())
        for piece in value.pieces if value is not None else ():
            for name in reads(piece.value):
                if name not in seen:
                    seen.add(name)
                    todo.append(name)
    return seen


def other_coordinates(attrs: Mapping[str, Any], terms: Iterable[Term], say: Say) -> list[str]:
    """The other coordinates of each latent that terms define, if it has any and was not sampled between them."""
    remedies = []
    for name in dict.fromkeys(term.target.name for term in terms if isinstance(term.target, Read)):
        form = attrs.get("centring", {}).get(name)
        if form == CENTRED:
            remedies.append(f"sample {name} with its location and scale taken out: {say(noncentre=name)}")
        elif form == NONCENTRED:
            remedies.append(f"sample {name} as it is: {say(centre=name)}")
    return remedies
