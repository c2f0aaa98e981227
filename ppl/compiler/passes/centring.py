"""Which coordinates a latent with a location and a scale is sampled in: centred, non-centred, or between.

The rule weighs what data say of each element against what its prior says. Let p be the precision of the data and s
the scale of the prior: p s² observations' worth of prior. Given normal data the coordinates between (see
`ppl.compiler.density.centring`) make the elements independent of their hyperparameters for every s, so that they are
the choice wherever data inform some elements but do not swamp the prior. Where no data inform an element it is not
centred; where data swamp the prior, for every s that they leave plausible, centring is the same and costs less.

Of a walk and a vector whole directions count. Along direction k of the prior data have ratio r_k = (data precision) /
(prior precision). When the scale changes by a factor, the spread of a centred direction changes by its power
1 / (1 + r_k), that of a non-centred one by r_k / (1 + r_k). The smaller sum of squares over all k wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ppl.compiler.passes.directions import ratios
from ppl.compiler.passes.hierarchy import evidence_of, moment, of_elements, scale_is_live, together
from ppl.compiler.passes.plausible import FAILURES, Point, plausible
from ppl.compiler.passes.program import make_program
from ppl.compiler.passes.sites import (
    BETWEEN,
    CENTRED,
    NONCENTRED,
    Ancestry,
    Choice,
    Part,
    Site,
    dependencies,
    depends_on,
    sites,
)
from ppl.dataset import Dataset
from ppl.errors import CompilerBug, Diagnostic, PplError
from ppl.graph import ModelGraph

Array = npt.NDArray[np.float64]

UNKNOWN = "what data say of it is not known"

GIVEN = "its location and scale are given"

SWAMPED = 25.0
"""p s² from which an element counts as determined by its data: its posterior spread is then that of the data to 2 %."""


LARGEST = 300
"""Length of a vector up to which a second Cholesky factor is worth its time."""


@dataclass(frozen=True)
class Request:
    """Latents that the user wants centred or not."""

    centre: tuple[str, ...] = ()
    noncentre: tuple[str, ...] = ()


def choose(graph: ModelGraph, dataset: Dataset, request: Request | None = None) -> dict[str, Choice]:
    """The form of every latent that has a location and a scale, by name.

    Raises:
        PplError: E508, the request names what cannot be chosen.
    """
    request = request or Request()
    found = sites(graph)
    _check(graph, found, request)
    asked = {**dict.fromkeys(request.centre, CENTRED), **dict.fromkeys(request.noncentre, NONCENTRED)}
    choices = {name: Choice(found[name], form, "as asked") for name, form in asked.items()}
    ancestry = Ancestry(graph)
    open_ = {name: site for name, site in found.items() if name not in asked}
    for name in [name for name, site in open_.items() if not site.parents]:
        choices[name] = Choice(open_.pop(name), CENTRED, GIVEN)
    if open_:
        try:
            with np.errstate(all="ignore"):
                choices |= _chosen(graph, dataset, ancestry, found, open_)
        except (
            PplError,
            CompilerBug,
            ArithmeticError,
            LookupError,
            ValueError,
        ):  # told, if need be, when it is lowered
            choices |= {name: Choice(site, NONCENTRED, UNKNOWN) for name, site in open_.items()}
    return {name: choices[name] for name in found}


def _check(graph: ModelGraph, found: Mapping[str, Site], request: Request) -> None:
    problems = []
    for name in dict.fromkeys((*request.centre, *request.noncentre)):
        node = next((latent for latent in graph.latents if latent.name == name), None)
        some = f"those that can: {', '.join(f'`{n}`' for n in found)}" if found else "no latent of this model can"
        if node is None:
            problems.append(Diagnostic("E508", f"the model has no latent `{name}` to centre", hints=(some,)))
        elif name not in found:
            label = "it has no location and scale that could be taken out"
            title = f"the centring of `{name}` cannot be chosen"
            problems.append(Diagnostic("E508", title, node.span, label, (some,)))
        elif name in request.centre and name in request.noncentre:
            problems.append(Diagnostic("E508", f"`{name}` is to be both centred and not"))
    if problems:
        raise PplError(problems, graph.source)


# --- the rule ----------------------------------------------------------------------------------------


def _chosen(
    graph: ModelGraph, dataset: Dataset, ancestry: Ancestry, every: Mapping[str, Site], open_: Mapping[str, Site]
) -> dict[str, Choice]:
    point = plausible(make_program(graph, dataset), dataset)
    known, unknown = evidence_of(point, ancestry, every)
    needed = dependencies(graph, [Choice(site, NONCENTRED, "") for site in every.values()])
    choices = {}
    for name, site in open_.items():
        about = tuple(_usable(part, needed, ancestry, name) for part in known.get(name, ()))
        choices[name] = _choice(point, site, about, name in unknown)
        scales = ancestry.of(part.scale for part in choices[name].evidence if part.scale is not None)
        needed[name] = needed[name] | scales
    return choices


def _usable(part: Part, needed: Mapping[str, frozenset[str]], ancestry: Ancestry, name: str) -> Part:
    """With its live scale if the latent can wait for that, else with a plausible one."""
    if part.scale is None or not depends_on(needed, ancestry.of([part.scale]), name):
        return part
    weight = part.noise**-2
    return Part(part.precision * weight, part.pull * weight)


def _choice(point: Point, site: Site, about: tuple[Part, ...], unknown: bool) -> Choice:
    if not about:
        reason = UNKNOWN if unknown else "no data inform it but through its children"
        return Choice(site, NONCENTRED, reason)
    if site.kind != "elements":
        return _along_directions(point, site, about)
    return _by_element(point, site, about)


def _by_element(point: Point, site: Site, about: tuple[Part, ...]) -> Choice:
    p, h = together(about)
    informed = p > 0
    scale = np.broadcast_to(of_elements(point, site, "scale"), p.shape)
    given = not scale_is_live(point, site)
    spread, doubt = (scale**2, np.zeros(())) if given else moment(p, h)
    ratio = p * spread
    if informed.all() and np.min(p * (spread - doubt)) >= SWAMPED:
        return Choice(site, CENTRED, f"data outweigh its prior at least {np.min(ratio):.0f} to 1")
    some = ratio[informed]
    low, high = np.min(some) / (1 + np.min(some)), np.max(some) / (1 + np.max(some))
    weights = f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} to {high:.2f}"
    reason = f"weight of data against prior about {weights}, by element and scale"
    if not informed.all():
        reason += f"; {int((~informed).sum())} of {p.size} without data"
    return Choice(site, BETWEEN, reason, about)


def _along_directions(point: Point, site: Site, about: tuple[Part, ...]) -> Choice:
    try:
        found = ratios(point, site, about)
    except FAILURES:  # there is a rule for what is not known
        return Choice(site, NONCENTRED, UNKNOWN)
    centred, non = float(np.sum((1 / (1 + found)) ** 2)), float(np.sum((found / (1 + found)) ** 2))
    led = int(np.sum(found > 1))
    reason = f"data outweigh the prior in {led} of {found.size} directions"
    if np.min(found) < SWAMPED and _has_between(site, found.size):
        return Choice(site, BETWEEN, reason, about)
    return Choice(site, CENTRED if centred < non else NONCENTRED, reason)


def _has_between(site: Site, size: int) -> bool:
    """Whether there are coordinates between, at a cost that they are worth."""
    if site.kind == "walk":
        return site.lags == 1
    return "precision" not in dict(site.terms[0].distribution.parameters) and size <= LARGEST
