"""The way from a model to a netlist: its factor graph, evidence folded in, units, words, an order of updates."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from ppl.circuits.computed import computed
from ppl.circuits.factors import discrete_density, factor_graph
from ppl.compiler.passes.preparation import prepared
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, Exit, PplError
from ppl.graph import ModelGraph
from ppl.hardware.factors import FactorGraph
from ppl.hardware.fidelity import Fidelity, fidelity
from ppl.hardware.lowering.colours import coloured
from ppl.hardware.lowering.copies import LEAST_DEGREE, with_degree
from ppl.hardware.lowering.encoding import encoded
from ppl.hardware.lowering.evidence import folded
from ppl.hardware.lowering.gadgets import with_gadgets
from ppl.hardware.lowering.rosenberg import reduced
from ppl.hardware.lowering.strength import best
from ppl.hardware.lowering.words import in_words
from ppl.hardware.netlist.netlist import ENCODINGS, Claim, Encoding, Netlist
from ppl.results.container import Layout

Fabric = Literal["any", "pairwise"]
FABRICS: tuple[Fabric, ...] = ("any", "pairwise")
Reduction = Literal["thermal", "rosenberg"]
REDUCTIONS: tuple[Reduction, ...] = ("thermal", "rosenberg")


@dataclass(frozen=True)
class Options:
    """kl: the budget, in nats, of all that is not exact; None: weights stay floating-point numbers. encoding: of
    quantities of more than two values; fabric: `any`, or `pairwise`, of p-bits that are joined two by two; reduction:
    what stands for larger products there, `thermal` or `rosenberg`; degree: the most neighbours of a unit of it."""

    kl: float | None = None
    encoding: Encoding = "direct"
    fabric: Fabric = "any"
    reduction: Reduction = "thermal"
    degree: int | None = None

    def __post_init__(self) -> None:
        for name, known in {"encoding": ENCODINGS, "fabric": FABRICS, "reduction": REDUCTIONS}.items():
            if getattr(self, name) not in known:
                title = f"`{name}` is {getattr(self, name)!r}, but it takes {', '.join(known)}"
                raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)
        if self.degree is not None and not (isinstance(self.degree, int) and self.degree >= LEAST_DEGREE):
            title = f"`degree` is {self.degree!r}, but it takes a whole number, at least {LEAST_DEGREE}"
            hint = "a copy in the middle of a chain has two neighbours in it, and one outside"
            raise PplError([Diagnostic("E608", title, hints=(hint,))], exit_code=Exit.USAGE)
        if self.kl is not None and not (isinstance(self.kl, int | float) and 0 < self.kl < float("inf")):
            title = f"`kl` is {self.kl!r}, but it takes a number of nats above 0"
            raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)


def make_options(**given: Any) -> Options:
    """Options from what a user gave.

    Raises:
        PplError: there is no such option, or it has another kind of value (E608).
    """
    unknown = sorted(set(given) - {one.name for one in fields(Options)})
    if unknown:
        title = f"`{unknown[0]}` is no option of a netlist; there are {', '.join(o.name for o in fields(Options))}"
        raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)
    return Options(**given)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A netlist, the factor graph that it stands for, and how well."""

    netlist: Netlist
    graph: FactorGraph
    fidelity: Fidelity


def compile_circuit(graph: ModelGraph, dataset: Dataset, name: str, options: Options) -> Compiled:
    """name: of the netlist.

    Raises:
        PplError: the model has what units cannot stand for (E701, E402, E501) or what cannot be (E723), the budget
            cannot be met (E705), or the fabric cannot hold it (E720 to E722).
    """
    own_graph, own_data = prepared(graph, dataset)
    density = discrete_density(own_graph, own_data)
    factors = folded(factor_graph(density, own_data, name))
    readout, left_out = computed(density)
    netlist = replace(lowered(factors, options), computed=readout)
    for quantity, why in left_out.items():
        claim = Claim("computed", f"`{quantity}` is left out, for no law of a netlist gives it: {why}")
        netlist = replace(netlist, provenance=(*netlist.provenance, claim))
    coordinates = {dim: np.asarray(own).tolist() for dim, own in Layout.of(graph, dataset).coordinates.items()}
    source = {
        "model": graph.source.text,
        "coordinates": {d: coordinates[d] for q in factors.quantities for d in q.dims},
    }
    return Compiled(replace(netlist, source=source), factors, fidelity(netlist, factors))


def lowered(graph: FactorGraph, options: Options) -> Netlist:
    """A factor graph, with its evidence folded in, as a netlist that is ready to run."""

    def at(strength: float) -> Netlist:
        made = encoded(graph, options.encoding, strength, tables=options.fabric == "any")
        if options.fabric == "pairwise" and options.reduction == "thermal":
            made = with_gadgets(reduced(made, 4, strength))
        elif options.fabric == "pairwise":
            made = reduced(made, 2, strength)
        return made if options.degree is None else with_degree(made, options.degree, strength)

    netlist = best(at)
    if options.kl is not None:
        netlist = in_words(netlist, options.kl)
    return coloured(netlist)


# Of targets that have words, where no budget is asked for.
_USUAL_KL = 1e-3


def ready(netlist: Netlist, kl: float | None, words: bool) -> Netlist:
    """A netlist with its weights in words, where that is asked for or needed, and an order of updates.

    Raises:
        PplError: the budget cannot be met (E705).
    """
    if kl is None and words and netlist.precision is None:
        kl = _USUAL_KL
    netlist = netlist if kl is None else in_words(netlist, kl)
    return netlist if netlist.schedule is not None else coloured(netlist)
