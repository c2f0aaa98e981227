"""The way from a model to a netlist: its factor graph, evidence folded in, units, words, an order of updates."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ppl.circuits.factors import factor_graph
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, Exit, PplError
from ppl.graph import ModelGraph
from ppl.hardware.factors import FactorGraph
from ppl.hardware.fidelity import Fidelity, fidelity
from ppl.hardware.lowering.colours import coloured
from ppl.hardware.lowering.direct import direct
from ppl.hardware.lowering.evidence import folded
from ppl.hardware.lowering.words import in_words
from ppl.hardware.netlist.netlist import Netlist


@dataclass(frozen=True)
class Options:
    """kl: the budget, in nats, of all that is not exact; None: weights stay floating-point numbers."""

    kl: float | None = None

    def __post_init__(self) -> None:
        if self.kl is not None and not 0 < self.kl < float("inf"):
            title = f"`kl` is {self.kl!r}, but it takes a number of nats above 0"
            raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A netlist, the factor graph that it stands for, and how well."""

    netlist: Netlist
    graph: FactorGraph
    fidelity: Fidelity


def compile_circuit(graph: ModelGraph, dataset: Dataset, name: str, options: Options) -> Compiled:
    """name: of the netlist.

    Raises:
        PplError: the model has what units cannot stand for (E701, E402, E501), or the budget cannot be met (E705).
    """
    factors = folded(factor_graph(graph, dataset, name))
    netlist = lowered(factors, options)
    return Compiled(replace(netlist, source={"model": graph.source.text}), factors, fidelity(netlist, factors))


def lowered(graph: FactorGraph, options: Options) -> Netlist:
    """A factor graph, with its evidence folded in, as a netlist that is ready to run."""
    netlist = direct(graph)
    if options.kl is not None:
        netlist = in_words(netlist, options.kl)
    return coloured(netlist)
